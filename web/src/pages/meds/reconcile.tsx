// What a patient took before is decided, one drug after the other.
import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, post } from "../../api";
import type { Me } from "../../app";
import { type Dosage, readOut } from "../../dosage";
import { type Word, useWords } from "../../words";
import { Waiting } from "../parts";
import { Nothing, PatientHead, Wrong } from "./head";
import { type Order, isActive, sig } from "./types";

type Listed = { of: string; text: string; dosage: Dosage[]; isHome: boolean };
type Decision = { choice?: string; order?: string; reason?: string };

const CHOICES: [string, Word][] = [["continue", "continue"], ["modify", "modify"], ["stop", "stopIt"], ["substitute", "substitute"]];

export function Reconcile({ id, me }: { id: string; me: Me }) {
  const { say } = useWords();
  const [occasion, setOccasion] = useState("admission");
  const [decided, setDecided] = useState<Record<string, Decision>>({});
  const list = useQuery({ queryKey: ["reconciliation", id, occasion], gcTime: 0, queryFn: () => get<{ list: Listed[] }>(`/api/meds/patients/${id}/reconciliation?occasion=${occasion}`) });
  const sheet = useQuery({ queryKey: ["sheet", id, "all"], queryFn: () => get<{ orders: Order[] }>(`/api/meds/patients/${id}/sheet`) });
  const rows = list.data?.list ?? [];
  const set = (of: string, more: Decision) => { save.reset(); setDecided((before) => ({ ...before, [of]: { ...before[of], ...more } })); };
  const isDone = (it: Listed) => {
    const one = decided[it.of];
    if (one?.choice === "stop") return Boolean(one.reason?.trim());
    if (one?.choice === "modify" || one?.choice === "substitute") return Boolean(one.order);
    return one?.choice === "continue";
  };
  const left = rows.filter((it) => !isDone(it)).length;
  const save = useMutation({ mutationFn: () => post("/api/meds/reconciliations", { patient: `Patient/${id}`, occasion, decisions: rows.map((it) => ({ of: it.of, ...decided[it.of] })) }) });
  const orders = (sheet.data?.orders ?? []).filter((it) => isActive(it) || it.state === "checked").map((it) => ({ value: it.id, label: `${it.request.medication.text}, ${sig(it.request)}` }));
  return (
    <div className="stack">
      <PatientHead id={id} me={me} title={say("reconcile")}>
        <Button component="a" href={`#/order/${id}`}>{say("orderNew")}</Button>
        <Button component="a" variant="default" href={`#/meds/${id}`}>{say("openSheet")}</Button>
      </PatientHead>
      <div className="row">
        <SegmentedControl aria-label={say("reconcile")} value={occasion} onChange={(it) => { setOccasion(it); setDecided({}); save.reset(); }} data={(["admission", "transfer", "discharge"] as const).map((value) => ({ value, label: say(`${value}Of` as Word) }))} />
        {rows.length > 0 && !save.isSuccess && <span className="quiet" aria-live="polite">{left > 0 ? `${left} ${say("leftToDecide")}` : `✓ ${say("allDecided")}`}</span>}
      </div>
      <Wrong error={list.error} />
      {list.isPending && <Waiting lines={5} />}
      {save.isSuccess && <div className="card" role="status"><span className="good" aria-hidden>✓</span> {say("decided")}</div>}
      {list.isSuccess && rows.length === 0 && <Nothing says={say("nothingToDecide")} />}
      {!save.isSuccess && rows.map((it) => {
        const one = decided[it.of] ?? {};
        const swaps = one.choice === "modify" || one.choice === "substitute";
        return (
          <section className="card stack" key={it.of} aria-label={it.text} style={{ gap: 10 }}>
            <div className="row"><h2>{it.text}</h2><span className="quiet">{readOut(it.dosage)}</span><span className="grow" /><span className="quiet">{say(it.isHome ? "takenAtHome" : "orderedHere")}</span></div>
            <div className="row" style={{ alignItems: "flex-end" }}>
              <SegmentedControl aria-label={it.text} value={one.choice ?? ""} onChange={(choice) => set(it.of, { choice })} data={CHOICES.map(([value, word]) => ({ value, label: say(word) }))} />
              {one.choice === "stop" && <TextInput label={`${it.text}: ${say("whyReason")}`} required value={one.reason ?? ""} onChange={(event) => set(it.of, { reason: event.currentTarget.value })} style={{ flex: 1, minWidth: 220 }} />}
              {swaps && (
                <Select label={`${it.text}: ${say("newOrderId")}`} required placeholder={orders.length === 0 ? say("orderFirst") : undefined} value={one.order?.replace("MedicationRequest/", "") ?? null} style={{ flex: 1, minWidth: 220 }}
                  onChange={(order) => set(it.of, { order: order ? `MedicationRequest/${order}` : undefined })} data={orders} />
              )}
              {isDone(it) && <span className="good" aria-hidden>✓</span>}
            </div>
          </section>
        );
      })}
      <Wrong error={save.error} />
      {rows.length > 0 && !save.isSuccess && <div className="row"><Button disabled={left > 0} loading={save.isPending} onClick={() => save.mutate()}>{say("decideAll")}</Button></div>}
    </div>
  );
}
