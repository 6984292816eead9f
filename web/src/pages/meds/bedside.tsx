import { Alert, Button, NumberInput, Select, Tabs, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, post } from "../../api";
import { type Word, useWords } from "../../words";
import { SecondPerson, nobody, second } from "./found";
import { Scan } from "./scan";
import type { Dose, DoseKept, Finding, Order } from "./types";
import { Ask } from "./verify";

const BYPASS = ["no-wristband", "isolation", "bad-label", "unknown-code", "scanner-broken", "emergency", "not-in-package", "patient-asleep"];

/** Wristband, drug, and what stands in the way. */
export function Give({ order, dose, done }: { order: Order; dose: Dose; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const [patient, setPatient] = useState<string>();
  const [drug, setDrug] = useState<string>();
  const [noPatient, setNoPatient] = useState<string | null>(null);
  const [noDrug, setNoDrug] = useState<string | null>(null);
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [rest, setRest] = useState<number | string>(0);
  const [reason, setReason] = useState("");
  const [neededFor, setNeededFor] = useState("");
  const [other, setOther] = useState(nobody);
  const refresh = () => queries.invalidateQueries({ queryKey: ["sheet"] });
  const give = useMutation({
    mutationFn: () => post(`/api/meds/orders/${order.id}/give`, {
      due: dose.due, patientScan: patient, patientBypass: patient ? undefined : (noPatient ?? undefined), drugScan: drug, drugBypass: drug ? undefined : (noDrug ?? undefined),
      quantity: Number(quantity), waste: Number(rest) > 0 ? Number(rest) : undefined, reason: reason.trim() || undefined, neededFor: neededFor.trim() || undefined, second: second(other),
    }),
    onSuccess: done,
    onSettled: () => { void refresh(); setOther(nobody); },
  });
  const withhold = useMutation({
    mutationFn: ({ what, why }: { what: string; why: string }) => post(`/api/meds/orders/${order.id}/withhold`, { due: dose.due, what, reason: why }),
    onSuccess: done,
    onSettled: refresh,
  });
  const findings = give.error instanceof ApiError ? ((give.error.body as { findings?: Finding[] })?.findings ?? []) : [];
  const ready = (patient || noPatient) && (drug || noDrug) && Number(quantity) > 0;
  return (
    <Tabs defaultValue="give">
      <Tabs.List><Tabs.Tab value="give">{say("give")}</Tabs.Tab>{dose.due && <Tabs.Tab value="not">{say("holdDose")} / {say("refuseDose")}</Tabs.Tab>}</Tabs.List>
      <Tabs.Panel value="give" pt="md">
        <div className="stack">
          <span className="quiet">{dose.due ? `${say("due-now")} ${time(dose.due)}` : say("whenNeeded")} · {order.chosen?.perDose ?? "?"} {order.chosen?.unit} · {order.onWard} {say("onWard")}</span>
          <Scan label={say("scanWristband")} scanned={(it) => { setPatient(it); give.reset(); }} value={patient} focus={!patient} />
          <Scan label={say("scanDrug")} scanned={(it) => { setDrug(it); give.reset(); }} value={drug} focus={Boolean(patient) && !drug} />
          <div className="row">
            {!patient && <Select aria-label={`${say("scanWristband")}: ${say("noScan")}`} placeholder={`${say("scanWristband")}: ${say("noScan")}`} clearable value={noPatient} onChange={setNoPatient} data={BYPASS} style={{ flex: 1, minWidth: 220 }} />}
            {!drug && <Select aria-label={`${say("scanDrug")}: ${say("noScan")}`} placeholder={`${say("scanDrug")}: ${say("noScan")}`} clearable value={noDrug} onChange={setNoDrug} data={BYPASS} style={{ flex: 1, minWidth: 220 }} />}
          </div>
          <div className="row">
            <NumberInput label={`${say("quantity")} (${order.chosen?.unit ?? ""})`} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} style={{ width: 130 }} />
            <NumberInput label={say("waste")} min={0} decimalScale={3} hideControls value={rest} onChange={setRest} style={{ width: 110 }} />
            {order.isAsNeeded && <TextInput label={say("neededFor")} required value={neededFor} onChange={(event) => setNeededFor(event.currentTarget.value)} style={{ flex: 1 }} />}
          </div>
          {give.error && (
            <Alert color="red" role="alert" title={say("blocked")}>
              {findings.length > 0 ? <ul style={{ margin: 0, paddingLeft: 18 }}>{findings.map((it) => <li key={it.code} data-finding={it.code}>{it.says}</li>)}</ul> : give.error.message}
            </Alert>
          )}
          {findings.some((it) => it.isOverridable) && <TextInput label={say("reasonIfAsked")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
          {(order.isHighAlert || order.chosen?.schedule) && <SecondPerson value={other} change={setOther} />}
          <Button disabled={!ready} loading={give.isPending} onClick={() => give.mutate()}>{say("give")}</Button>
        </div>
      </Tabs.Panel>
      <Tabs.Panel value="not" pt="md">
        <div className="stack">
          {withhold.error && <Alert color="red" role="alert">{withhold.error.message}</Alert>}
          <div className="row">
            {(["hold", "refuse", "miss"] as const).map((what) => (
              <Ask key={what} label={say(`${what}Dose` as Word)} why={say("whyNotGiven")} done={(why) => withhold.mutate({ what, why })} />
            ))}
          </div>
        </div>
      </Tabs.Panel>
    </Tabs>
  );
}

/** A dose that is recorded: what was written, and what may be put right. */
export function Recorded({ order, dose, writes, done }: { order: Order; dose: DoseKept; writes: boolean; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: unknown }) => post(`/api/meds/orders/${order.id}/doses/${dose.id}/${what}`, body),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["sheet"] }),
  });
  const lines: [string, string | undefined][] = [
    [say(`dose-${dose.state}` as Word), time(dose.at)], [say("quantity"), dose.quantity ? `${dose.quantity} ${order.chosen?.unit ?? ""}` : undefined],
    [say("lot"), dose.lot], [say("reason"), dose.reason], [say("neededFor"), dose.neededFor], [say("helped"), dose.effect],
    ...Object.entries(dose.bypassed ?? {}).map(([what, why]): [string, string] => [`${what}: ${say("noScan")}`, why]),
  ];
  return (
    <div className="stack">
      {lines.filter(([, value]) => value).map(([name, value]) => <div key={name}><span className="quiet">{name}</span> {value}</div>)}
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      {writes && (
        <div className="row">
          {dose.neededFor && !dose.effect && dose.state === "given" && <Ask label={say("helped")} why={say("helped")} done={(effect) => act.mutate({ what: "follow-up", body: { effect } })} />}
          {dose.state !== "in-error" && <Ask label={say("correct")} why={say("whyWrong")} done={(reason) => act.mutate({ what: "correct", body: { reason } })} />}
        </div>
      )}
    </div>
  );
}
