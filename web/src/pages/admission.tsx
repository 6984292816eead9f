import { Alert, Badge, Button, Checkbox, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Patient, age, call, get, idOf, nameOf, post, search } from "../api";
import { whenDeaf } from "../feed";
import { PatientSearch } from "../finder";
import { go } from "../route";
import { type Word, useWords } from "../words";
import { type Bed, usePatients } from "./board";
import { Failed, Waiting } from "./parts";

type Step = { name: string; title: string; state: string; at?: string; why?: string };
type Admission = {
  id: string; state: string; why?: string; patient: string; encounter?: string; bed?: string; bedName?: string;
  authorization?: string; authorizationOrigin?: string; authorizationReference?: string; started: string; steps: Step[];
};

const CLASSES = ["IMP", "ACUTE", "EMER", "OBSENC", "SS", "NONAC"] as const;
const MARK: Record<string, string> = { done: "✓", skipped: "–", failed: "✗", waiting: "…", undone: "↶", pending: "○" };

/** Who is admitted, why, and what the bed has to have. */
export function AdmitPage({ patient: said, bed: wanted }: { patient?: string; bed?: string }) {
  const given = said === "-" ? undefined : said;
  const { say } = useWords();
  const [patient, setPatient] = useState<Patient>();
  const [reason, setReason] = useState("");
  const [code, setCode] = useState("");
  const [kind, setKind] = useState("IMP");
  const [attending, setAttending] = useState<string | null>(null);
  const [ward, setWard] = useState<string | null>(null);
  const [bed, setBed] = useState<string | null>(wanted ?? null);
  const [isolation, setIsolation] = useState(false);
  const [monitoring, setMonitoring] = useState(false);
  const [single, setSingle] = useState(false);
  const [ifNoBed, setIfNoBed] = useState("wait");
  const [key] = useState(() => crypto.randomUUID());
  const beds = useQuery({ queryKey: ["beds"], queryFn: () => get<{ beds: Bed[] }>("/api/beds") });
  const doctors = useQuery({ queryKey: ["practitioners"], queryFn: () => search<Patient>("Practitioner?active:not=false&_count=200"), staleTime: 60_000 });
  const wards = [...new Set((beds.data?.beds ?? []).map((it) => it.ward).filter(Boolean))].sort();
  const free = (beds.data?.beds ?? []).filter((it) => (it.state === "free" || (it.state === "held" && it.claims.some((claim) => claim.patient === patient?.id))) && (!ward || it.ward === ward));
  const known = useQuery({ queryKey: ["patient", given], enabled: Boolean(given), queryFn: () => get<Patient>(`/fhir/Patient/${given}`) });
  useEffect(() => { if (known.data) setPatient(known.data); }, [known.data]);
  const admit = useMutation({
    mutationFn: () => {
      const body = {
        patient: `Patient/${patient?.id}`,
        class: kind,
        ...(attending && { attending: `Practitioner/${attending}` }),
        reasons: reason.trim() || code.trim() ? [{ text: reason.trim() || code.trim(), ...(code.trim() && { system: "http://hl7.org/fhir/sid/icd-10-cm", code: code.trim().toUpperCase() }) }] : [],
        needs: { bed, ward, isolation, monitoring, preferSingle: single },
        ifNoBed,
      };
      return call<Admission>("POST", "/api/admissions", body, { "idempotency-key": key });
    },
    onSuccess: (admission) => go(`/admission/${admission.id}`),
  });
  return (
    <div className="stack" style={{ maxWidth: 760 }}>
      <h1>{say("admission")}</h1>
      <section className="card" aria-label={say("patient")}>
        {patient ? (
          <div className="row">
            <b>{nameOf(patient)}</b>
            <span className="quiet">{patient.birthDate} · {age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)}</span>
            <span className="grow" />
            <Button variant="default" size="xs" onClick={() => setPatient(undefined)}>{say("another")}</Button>
          </div>
        ) : (
          <PatientSearch chosen={setPatient} />
        )}
      </section>
      <form className="card stack" onSubmit={(event) => { event.preventDefault(); admit.mutate(); }}>
        <div className="two">
          <TextInput label={say("reason")} value={reason} maxLength={500} onChange={(e) => setReason(e.currentTarget.value)} />
          <TextInput label={say("reasonCode")} placeholder="J18.9" value={code} maxLength={10} onChange={(e) => setCode(e.currentTarget.value)} />
          <Select label={say("class")} value={kind} allowDeselect={false} onChange={(it) => setKind(it ?? "IMP")} data={CLASSES.map((value) => ({ value, label: say(value) }))} />
          <Select label={say("attending")} placeholder="—" clearable searchable value={attending} onChange={setAttending}
            data={(doctors.data ?? []).map((it) => ({ value: it.id, label: nameOf(it) }))} />
          <Select label={say("ward")} placeholder={say("anyWard")} clearable value={ward} onChange={(it) => { setWard(it); setBed(null); }} data={wards} />
          <Select label={say("bed")} placeholder={say("anyBed")} clearable searchable value={bed} onChange={setBed} data={free.map((it) => ({ value: it.id, label: it.name }))} />
        </div>
        <div className="row">
          <Checkbox label={say("isolation")} checked={isolation} onChange={(e) => setIsolation(e.currentTarget.checked)} />
          <Checkbox label={say("monitoring")} checked={monitoring} onChange={(e) => setMonitoring(e.currentTarget.checked)} />
          <Checkbox label={say("single")} checked={single} onChange={(e) => setSingle(e.currentTarget.checked)} />
        </div>
        <div>
          <div className="quiet" id="if-no-bed">{say("ifNoBed")}</div>
          <SegmentedControl aria-labelledby="if-no-bed" value={ifNoBed} onChange={setIfNoBed} data={[{ value: "wait", label: say("wait") }, { value: "refuse", label: say("refuse") }]} />
        </div>
        {admit.error && <Alert color="red" role="alert">{admit.error.message}</Alert>}
        <Button type="submit" disabled={!patient} loading={admit.isPending}>{say("admit")}</Button>
      </form>
    </div>
  );
}

/** One admission, step by step, as it goes on. */
export function AdmissionPage({ id }: { id: string }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const admission = useQuery({
    queryKey: ["admission", id],
    queryFn: () => get<Admission>(`/api/admissions/${id}`),
    refetchInterval: whenDeaf(1_500),
  });
  const people = usePatients([idOf(admission.data?.patient)]);
  const [why, setWhy] = useState("");
  const [reference, setReference] = useState("");
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: unknown }) => post<Admission>(`/api/admissions/${id}/${what}`, body),
    onSuccess: (now) => queries.setQueryData(["admission", id], now),
  });
  const now = admission.data;
  if (admission.error) return <Failed error={admission.error} />;
  if (!now) return <Waiting lines={6} />;
  const patient = people.get(idOf(now.patient));
  const isOver = ["completed", "cancelled"].includes(now.state);
  return (
    <div className="stack" style={{ maxWidth: 720 }}>
      <div className="row">
        <h1>{say("admission")}: <a href={`#/patient/${idOf(now.patient)}`}>{patient ? nameOf(patient) : say("patient")}</a></h1>
      </div>
      <section className="card" aria-label={say("steps")} aria-live="polite">
        <div className="row">
          <Badge variant="default" size="lg" tt="none" data-testid="state">{say(now.state as Word)}</Badge>
          {now.bedName && <span>{say("bed")} {now.bedName}</span>}
          <span className="grow" />
          <span className="quiet">{time(now.started)}</span>
        </div>
        {now.why && <p className="alert-line">{now.why}</p>}
        {now.steps.map((step) => (
          <div className="step" key={step.name} data-step={step.name} data-state={step.state}>
            <span aria-hidden="true">{MARK[step.state]}</span>
            <span>
              {say(`step-${step.name}` as Word) ?? step.title}{step.why && <><br /><span className="quiet">{step.why}</span></>}
              {step.name === "authorize-stay" && step.state === "done" && now.authorizationOrigin && (
                <><br /><span className="quiet" data-testid="authorized-by">{say("granted")}: {now.authorizationOrigin}{now.authorizationReference && `, ${now.authorizationReference}`}</span></>
              )}
            </span>
            <span className="quiet">{say((step.state === "waiting" ? "waiting-step" : step.state) as Word)}</span>
          </div>
        ))}
      </section>
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      {now.steps.some((step) => step.name === "assign-room" && step.state === "waiting") && now.state === "running" && (
        <section className="card stack" aria-label={say("waiting")}><span>{say("waitsForBed")}</span><div><Button component="a" href="#/board" variant="default">{say("toBoard")}</Button></div></section>
      )}
      {now.steps.some((step) => step.name === "authorize-stay" && step.state === "waiting") && now.state === "running" && (
        <section className="card stack" aria-label={say("payer")}>
          <b>{say("payer")}</b>
          <TextInput label={say("reference")} value={reference} onChange={(e) => setReference(e.currentTarget.value)} />
          <div className="row">
            <Button onClick={() => act.mutate({ what: "authorization", body: { decision: "granted", reference: reference || null } })}>{say("granted")}</Button>
            <Button variant="default" onClick={() => act.mutate({ what: "authorization", body: { decision: "denied", reference: reference || null } })}>{say("denied")}</Button>
          </div>
        </section>
      )}
      {!(isOver && now.state === "cancelled") && (
        <details className="card">
          <summary>{say("cancelAdmission")}</summary>
          <form className="stack" onSubmit={(event) => { event.preventDefault(); act.mutate({ what: "cancel", body: { reason: why } }); }}>
            <p className="no-margin quiet">{say("cancelHint")}</p>
            <TextInput label={say("whyCancel")} value={why} required maxLength={500} onChange={(e) => setWhy(e.currentTarget.value)} />
            <div><Button type="submit" color="red.9" variant="filled" disabled={!why.trim()} loading={act.isPending}>{say("cancelAdmission")}</Button></div>
          </form>
        </details>
      )}
    </div>
  );
}
