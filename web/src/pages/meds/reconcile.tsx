import { Alert, Button, SegmentedControl, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, nameOf, post } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import type { Order } from "./types";

type Listed = { of: string; text: string; dosage?: string; isHome: boolean };
type Decision = { choice?: string; order?: string; reason?: string };

/** What a patient took before is decided, one drug after the other. */
export function Reconcile({ id }: { id: string }) {
  const { say } = useWords();
  const patient = usePatients([id]).get(id);
  const [occasion, setOccasion] = useState("admission");
  const [decided, setDecided] = useState<Record<string, Decision>>({});
  const list = useQuery({ queryKey: ["reconciliation", id, occasion], gcTime: 0, queryFn: () => get<{ list: Listed[] }>(`/api/meds/patients/${id}/reconciliation?occasion=${occasion}`) });
  const sheet = useQuery({ queryKey: ["sheet", id, "all"], queryFn: () => get<{ orders: Order[] }>(`/api/meds/patients/${id}/sheet`) });
  const rows = list.data?.list ?? [];
  const set = (of: string, more: Decision) => setDecided((before) => ({ ...before, [of]: { ...before[of], ...more } }));
  const ready = rows.length > 0 && rows.every((it) => {
    const one = decided[it.of];
    if (one?.choice === "stop") return Boolean(one.reason?.trim());
    if (one?.choice === "modify" || one?.choice === "substitute") return Boolean(one.order);
    return one?.choice === "continue";
  });
  const save = useMutation({ mutationFn: () => post("/api/meds/reconciliations", { patient: `Patient/${id}`, occasion, decisions: rows.map((it) => ({ of: it.of, ...decided[it.of] })) }) });
  const choices: [string, Word][] = [["continue", "continue"], ["modify", "modify"], ["stop", "stopIt"], ["substitute", "substitute"]];
  return (
    <div className="stack">
      <div className="row"><h1 style={{ margin: 0, fontSize: 22 }}>{say("reconcile")}</h1><a href={`#/meds/${id}`}>{patient ? nameOf(patient) : say("patient")}</a><span className="grow" />
        <SegmentedControl value={occasion} onChange={setOccasion} data={(["admission", "transfer", "discharge"] as const).map((value) => ({ value, label: say(`${value}Of` as Word) }))} /></div>
      {list.error && <Alert color="red" role="alert">{list.error.message}</Alert>}
      {save.isSuccess && <div className="card" role="status">{say("decided")}</div>}
      {list.isSuccess && rows.length === 0 && <div className="card quiet">{say("nothingToDecide")}</div>}
      {rows.length > 0 && (
        <div className="card scroll"><Table>
          <Table.Tbody>{rows.map((it) => {
            const one = decided[it.of] ?? {};
            return (
              <Table.Tr key={it.of}>
                <Table.Td><b>{it.text}</b><div className="quiet">{it.dosage}</div></Table.Td>
                <Table.Td><SegmentedControl aria-label={it.text} size="xs" value={one.choice ?? ""} onChange={(choice) => set(it.of, { choice })} data={choices.map(([value, word]) => ({ value, label: say(word) }))} /></Table.Td>
                <Table.Td>
                  {one.choice === "stop" && <TextInput aria-label={`${it.text}: ${say("reason")}`} placeholder={say("reason")} value={one.reason ?? ""} onChange={(event) => set(it.of, { reason: event.currentTarget.value })} />}
                  {(one.choice === "modify" || one.choice === "substitute") && (
                    <Select aria-label={`${it.text}: ${say("newOrderId")}`} placeholder={say("newOrderId")} value={one.order?.replace("MedicationRequest/", "") ?? null} onChange={(order) => set(it.of, { order: order ? `MedicationRequest/${order}` : undefined })}
                      data={(sheet.data?.orders ?? []).map((order) => ({ value: order.id, label: order.request.medication.text }))} />
                  )}
                </Table.Td>
              </Table.Tr>
            );
          })}</Table.Tbody>
        </Table></div>
      )}
      {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
      <div className="row"><Button disabled={!ready} loading={save.isPending} onClick={() => save.mutate()}>{say("decideAll")}</Button><Button component="a" variant="default" href={`#/order/${id}`}>{say("orderNew")}</Button></div>
    </div>
  );
}
