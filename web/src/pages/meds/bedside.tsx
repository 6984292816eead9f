// At the bedside: wristband, drug, and what stands in the way; what was recorded, and putting it right.
import { Alert, Button, NumberInput, Select, Tabs, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, post } from "../../api";
import { type Word, useWords } from "../../words";
import { SecondPerson, nobody, second } from "./found";
import { Ask, Wrong, useOnce } from "./head";
import { Scan } from "./scan";
import { type Dose, type DoseKept, type Finding, type Order, isInfusion } from "./types";

const BYPASS = ["no-wristband", "isolation", "bad-label", "unknown-code", "scanner-broken", "emergency", "not-in-package", "patient-asleep"];
/** - Source: the Leapfrog Group's standard on bar code medication administration. */
const ELEMENTS = ["patient", "medication", "dose", "time", "vital-signs", "allergy", "second-nurse"];

/** Yellow on its own light ground is not read. */
const ASKS = { title: { color: "var(--mantine-color-text)" } };

/** A dose that is due, or given as needed: given, or not given and why. */
export function Give({ order, dose, done }: { order: Order; dose: Dose; done: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const withhold = useMutation({
    mutationFn: ({ what, why }: { what: string; why: string }) => once(`/api/meds/orders/${order.id}/withhold`, { due: dose.due, what, reason: why }),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["sheet"] }),
  });
  if (!dose.due) return <Giving order={order} dose={dose} done={done} />;
  return (
    <Tabs defaultValue="give">
      <Tabs.List><Tabs.Tab value="give">{say("give")}</Tabs.Tab><Tabs.Tab value="not">{say("notGivenTab")}</Tabs.Tab></Tabs.List>
      <Tabs.Panel value="give" pt="md"><Giving order={order} dose={dose} done={done} /></Tabs.Panel>
      <Tabs.Panel value="not" pt="md">
        <div className="stack">
          <Wrong error={withhold.error} />
          {(["hold", "refuse", "miss"] as const).map((what) => (
            <Ask key={what} label={say(`${what}Dose` as Word)} why={say("whyNotGiven")} done={(why) => withhold.mutate({ what, why })} />
          ))}
        </div>
      </Tabs.Panel>
    </Tabs>
  );
}

function Giving({ order, dose, done }: { order: Order; dose: Dose; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const runs = isInfusion(order.request);
  const [patient, setPatient] = useState<string>();
  const [drug, setDrug] = useState<string>();
  const [noPatient, setNoPatient] = useState<string | null>(null);
  const [noDrug, setNoDrug] = useState<string | null>(null);
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [rest, setRest] = useState<number | string>("");
  const [rate, setRate] = useState<number | string>(order.request.titration?.start ?? order.request.dosage[0]?.doseAndRate?.[0]?.rateQuantity?.value ?? "");
  const [reason, setReason] = useState("");
  const [neededFor, setNeededFor] = useState("");
  const [urgent, setUrgent] = useState("");
  // The pharmacist has not looked at it: it is given only where it cannot wait.
  const isUnverified = order.state === "signed";
  const [other, setOther] = useState(nobody);
  const said = {
    due: dose.due, patientScan: patient, patientBypass: patient ? undefined : (noPatient ?? undefined), drugScan: drug, drugBypass: drug ? undefined : (noDrug ?? undefined),
    quantity: Number(quantity), waste: Number(rest) > 0 ? Number(rest) : undefined, neededFor: neededFor.trim() || undefined, rate: runs && Number(rate) > 0 ? Number(rate) : undefined,
  };
  const scanned = Boolean((patient ?? noPatient) && (drug ?? noDrug) && Number(quantity) > 0);
  // What the server sees in it, before anything is given; who checks it besides comes with the act.
  const look = useQuery({
    queryKey: ["look", order.id, said], enabled: scanned, gcTime: 0, retry: false,
    queryFn: () => post<{ findings: Finding[] }>(`/api/meds/orders/${order.id}/look`, said),
  });
  const give = useMutation({
    mutationFn: () => once(`/api/meds/orders/${order.id}/give`, { ...said, reason: reason.trim() || undefined, urgent: isUnverified ? urgent.trim() : undefined, second: second(other) }),
    onSuccess: done,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["sheet"] });
      void queries.invalidateQueries({ queryKey: ["waiting-meds"] });
      setOther(nobody);
    },
  });
  const wantsSecond = order.isHighAlert;
  const refused = give.error instanceof ApiError ? (give.error.body as { findings?: Finding[] } | undefined)?.findings : undefined;
  const seen = refused ?? look.data?.findings;
  const findings = (seen ?? []).filter((it) => !(it.code === "no-second-check" && second(other)));
  const blocks = findings.filter((it) => !it.isOverridable && it.code !== "no-second-check");
  const asksWhy = findings.some((it) => it.isOverridable);
  const says = (it: Finding) => say(`finding-${it.code}` as Word) ?? it.says;
  const ready = scanned && look.isSuccess && blocks.length === 0 && (!asksWhy || reason.trim()) && (!wantsSecond || second(other)) && (!order.isAsNeeded || neededFor.trim()) && (!isUnverified || urgent.trim());
  const anew = <T,>(set: (it: T) => void) => (it: T) => { give.reset(); set(it); };
  return (
    <div className="stack">
      <p className="calm-line">
        <b>{order.chosen?.name ?? order.request.medication.text}</b>: {order.chosen?.perDose ?? "?"} {order.chosen?.unit}
        {dose.due ? <>, {say("dueAt")} <b>{time(dose.due)}</b></> : order.isAsNeeded ? <>, {say("whenNeeded")}</> : null}
        <span className="quiet"> · {order.onWard} {order.chosen?.unit} {say("onWard")}</span>
      </p>
      <div className="pair">
        <div className="stack" style={{ gap: 8, alignContent: "start" }}>
          <Scan label={say("scanWristband")} scanned={anew(setPatient)} value={patient} focus={!patient} />
          {!patient && <Select aria-label={`${say("scanWristband")}: ${say("noScan")}`} placeholder={say("noScan")} size="xs" clearable value={noPatient} onChange={anew(setNoPatient)} data={BYPASS.map((value) => ({ value, label: say(`bypass-${value}` as Word) }))} />}
        </div>
        <div className="stack" style={{ gap: 8, alignContent: "start" }}>
          <Scan label={say("scanDrug")} scanned={anew(setDrug)} value={drug} focus={Boolean(patient) && !drug} />
          {!drug && <Select aria-label={`${say("scanDrug")}: ${say("noScan")}`} placeholder={say("noScan")} size="xs" clearable value={noDrug} onChange={anew(setNoDrug)} data={BYPASS.map((value) => ({ value, label: say(`bypass-${value}` as Word) }))} />}
        </div>
      </div>
      <div className="three">
        <NumberInput label={`${say("quantity")} (${order.chosen?.unit ?? ""})`} min={0} decimalScale={3} hideControls value={quantity} onChange={anew(setQuantity)} />
        <NumberInput label={say("wasteRest")} placeholder="0" min={0} decimalScale={3} hideControls value={rest} onChange={anew(setRest)} />
        {runs && <NumberInput label={`${say("rate")} (${order.request.titration?.unit ?? order.request.dosage[0]?.doseAndRate?.[0]?.rateQuantity?.unit ?? ""})`} min={0} decimalScale={3} hideControls value={rate} onChange={anew(setRate)} />}
        {order.isAsNeeded && <TextInput label={say("neededFor")} required value={neededFor} onChange={(event) => { give.reset(); setNeededFor(event.currentTarget.value); }} />}
      </div>
      {scanned && <Elements findings={seen ? findings : undefined} says={says} isPending={look.isFetching} wantsSecond={wantsSecond} />}
      {blocks.length > 0 && (
        <Alert color="red" role="alert" title={say("blocked")}>
          <ul className="answers">{blocks.map((it) => <li key={it.code} data-finding={it.code}><b>{says(it)}</b></li>)}</ul>
        </Alert>
      )}
      <Wrong error={refused ? null : (give.error ?? look.error)} title={say("blocked")} />
      {asksWhy && blocks.length === 0 && (
        <Alert color="yellow" role="alert" styles={ASKS} title={say("needsReason")}>
          <ul className="answers">{findings.filter((it) => it.isOverridable).map((it) => <li key={it.code} data-finding={it.code}>{says(it)}</li>)}</ul>
          <TextInput label={say("whyReason")} required value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        </Alert>
      )}
      {isUnverified && (
        <Alert color="yellow" role="alert" styles={ASKS} title={say("notVerified")}>
          <TextInput label={say("whyUrgent")} required value={urgent} onChange={(event) => setUrgent(event.currentTarget.value)} />
        </Alert>
      )}
      {wantsSecond && <SecondPerson value={other} change={setOther} why={say("secondNurse")} />}
      <div className="row end"><Button size="md" disabled={!ready} loading={give.isPending} onClick={() => give.mutate()}>{say(runs ? "startInfusion" : "give")}</Button></div>
    </div>
  );
}

/** What was looked at, one by one: what is right is said too. */
function Elements({ findings, says, isPending, wantsSecond }: { findings?: Finding[]; says: (it: Finding) => string; isPending: boolean; wantsSecond: boolean }) {
  const { say } = useWords();
  return (
    <ul className="elements" aria-label={say("lookedAt")} aria-busy={isPending}>
      {ELEMENTS.map((element) => {
        const wrong = findings?.filter((it) => it.element === element) ?? [];
        const isOpen = !findings || (element === "second-nurse" && !wantsSecond);
        const look = isOpen ? "open" : wrong.length === 0 ? "right" : wrong.every((it) => it.isOverridable) ? "asks" : "wrong";
        const sign = { open: "–", right: "✓", asks: "▲", wrong: "✗" }[look];
        return <li key={element} data-look={look} title={wrong.map(says).join("; ") || undefined}><span aria-hidden>{sign}</span> {say(`element-${element}` as Word)}</li>;
      })}
    </ul>
  );
}

/** A dose that is recorded: what was written, and what may be put right. */
export function Recorded({ order, dose, writes, done }: { order: Order; dose: DoseKept; writes: boolean; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const [rate, setRate] = useState<number | string>(dose.rate?.[0] ?? "");
  const [other, setOther] = useState(nobody);
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: object }) => once(`/api/meds/orders/${order.id}/doses/${dose.id}/${what}`, body),
    onSuccess: done,
    onSettled: () => { setOther(nobody); return queries.invalidateQueries({ queryKey: ["sheet"] }); },
  });
  const titration = order.request.titration;
  const lines: [string, string | undefined][] = [
    [say("status"), say(`dose-${dose.state}` as Word)], [say("when"), time(dose.at)], [say("dueAt"), dose.due ? time(dose.due) : undefined],
    [say("quantity"), dose.quantity ? `${dose.quantity} ${order.chosen?.unit ?? ""}` : undefined], [say("rate"), dose.rate ? `${dose.rate[0]} ${titration?.unit ?? ""}` : undefined],
    [say("lot"), dose.lot], [say("secondPerson"), dose.second ? say("secondChecked") : undefined], [say("whyReason"), dose.reason], [say("neededFor"), dose.neededFor], [say("helped"), dose.effect],
    ...Object.entries(dose.bypassed ?? {}).map(([what, why]): [string, string] => [`${say(`element-${what === "drug" ? "medication" : what}` as Word)}: ${say("noScan")}`, say(`bypass-${why}` as Word) ?? why]),
  ];
  const goes = dose.state === "running" || dose.state === "paused";
  return (
    <div className="stack">
      <dl className="facts">{lines.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <Wrong error={act.error} />
      {writes && goes && (
        <fieldset className="plain stack" style={{ gap: 12 }}>
          <legend>{say("infusion")}</legend>
          {titration && <p className="quiet" style={{ margin: 0 }}>{titration.lowest}–{titration.highest} {titration.unit}, ±{titration.step} / {titration.everyMin} min · {titration.target}</p>}
          <div className="row" style={{ alignItems: "flex-end" }}>
            {titration && <NumberInput label={`${say("rate")} (${titration.unit})`} min={0} decimalScale={3} hideControls value={rate} onChange={setRate} style={{ width: 150 }} />}
            {titration && <Button disabled={!(Number(rate) > 0) || (order.isHighAlert && !second(other))} onClick={() => act.mutate({ what: "infusion", body: { act: "rate", rate: Number(rate), second: second(other) } })}>{say("changeRate")}</Button>}
            {dose.state === "running" && <Ask label={say("pause")} why={say("whyReason")} done={(reason) => act.mutate({ what: "infusion", body: { act: "pause", reason } })} />}
            <Button variant="default" onClick={() => act.mutate({ what: "infusion", body: { act: "finish" } })}>{say("finishInfusion")}</Button>
          </div>
          {titration && order.isHighAlert && <SecondPerson value={other} change={setOther} why={say("secondNurse")} />}
        </fieldset>
      )}
      {writes && (
        <div className="row">
          {dose.neededFor && !dose.effect && dose.state === "given" && <Ask label={say("helped")} why={say("helpedHow")} done={(effect) => act.mutate({ what: "follow-up", body: { effect } })} />}
          {dose.state !== "in-error" && <Ask label={say("correct")} why={say("whyWrong")} done={(reason) => act.mutate({ what: "correct", body: { reason } })} />}
        </div>
      )}
    </div>
  );
}
