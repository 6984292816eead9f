import { Alert, Badge, Button, Table, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Concept, type Patient, type Reference, type Resource, age, get, nameOf, search, searchAll, words } from "../api";
import type { Me } from "../app";
import { type Word, useWords } from "../words";
import { Joined, JoinButton } from "./join";
import { Trend, type Point } from "./trend";

type Allergy = Resource & { code?: Concept; criticality?: string; clinicalStatus?: Concept; reaction?: { manifestation?: Concept[] }[] };
type Condition = Resource & { code?: Concept; clinicalStatus?: Concept; recordedDate?: string; onsetDateTime?: string };
type Quantity = { value?: number; unit?: string };
type Observation = Resource & {
  code?: Concept; effectiveDateTime?: string; issued?: string; valueQuantity?: Quantity; valueString?: string; valueCodeableConcept?: Concept;
  interpretation?: Concept[]; referenceRange?: { low?: Quantity; high?: Quantity; text?: string }[]; component?: { code?: Concept; valueQuantity?: Quantity }[];
};
type Encounter = Resource & {
  status?: string; class?: { code?: string; display?: string }; period?: { start?: string; end?: string }; reasonCode?: Concept[];
  location?: { location?: Reference; status?: string }[]; type?: Concept[];
};
type Drug = Resource & { status?: string; medicationCodeableConcept?: Concept; authoredOn?: string; dosageInstruction?: { text?: string }[] };

/** Everything of one patient that the caller may see. */
export function Chart({ id, me }: { id: string; me: Me }) {
  const { say, time } = useWords();
  const patient = useQuery({ queryKey: ["patient", id], queryFn: () => get<Patient>(`/fhir/Patient/${id}`) });
  useEffect(() => {
    if (patient.data) document.title = `${nameOf(patient.data)} – Ward`;
    return () => { document.title = "Ward"; };
  }, [patient.data]);
  const admits = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const joins = ["registrar", "integration"].includes(me.role);
  if (patient.error) return <Alert color="red">{patient.error.message}</Alert>;
  const who = patient.data;
  const replaced = who?.link?.find((it) => it.type === "replaced-by")?.other?.reference;
  const isDead = Boolean(who?.deceasedBoolean || who?.deceasedDateTime);
  return (
    <div className="stack">
      <section className="card stack" aria-label={say("patient")}>
        <div className="banner">
          <h1>{nameOf(who)}</h1>
          <span>{who?.birthDate} · {age(who?.birthDate) ?? "?"} {say("years")} · {say((who?.gender ?? "unknown") as Word)}</span>
          {isDead && <Badge color="dark" size="lg">{say("deceased")} {who?.deceasedDateTime ? time(who.deceasedDateTime) : ""}</Badge>}
          {who?.identifier?.slice(0, 3).map((it) => <span className="quiet" key={`${it.system}${it.value}`}>{it.type?.coding?.[0]?.code ?? ""} {it.value}</span>)}
          <span className="grow" />
          {joins && who && !replaced && <JoinButton patient={who} />}
          {admits && !isDead && !replaced && <Button component="a" href={`#/admit/${id}`} size="xs">{say("admit")}</Button>}
        </div>
        {replaced ? <Joined id={id} into={replaced} parts={joins} /> : <Allergies id={id} />}
      </section>
      {!replaced && <Tabs defaultValue="summary" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="summary">{say("summary")}</Tabs.Tab>
          <Tabs.Tab value="encounters">{say("encounters")}</Tabs.Tab>
          <Tabs.Tab value="results">{say("results")}</Tabs.Tab>
          <Tabs.Tab value="medications">{say("medications")}</Tabs.Tab>
          <Tabs.Tab value="documents">{say("documents")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="summary" pt="md"><Summary id={id} /></Tabs.Panel>
        <Tabs.Panel value="encounters" pt="md"><Encounters id={id} /></Tabs.Panel>
        <Tabs.Panel value="results" pt="md"><Results id={id} /></Tabs.Panel>
        <Tabs.Panel value="medications" pt="md"><Medications id={id} /></Tabs.Panel>
        <Tabs.Panel value="documents" pt="md"><Documents id={id} /></Tabs.Panel>
      </Tabs>}
    </div>
  );
}

/** One page; what is kept is shared by every look at it, and never changed in place. */
function useOf<R extends Resource>(id: string, query: string, find: (query: string) => Promise<R[]> = search<R>) {
  return useQuery({ queryKey: ["of", id, query], queryFn: () => find(query.replace("?", `?patient=${id}&`)) });
}

/** Always in sight. What nobody recorded is not what was ruled out. */
function Allergies({ id }: { id: string }) {
  const { say } = useWords();
  // All of them: one that is on another page is one that nobody sees.
  const found = useOf<Allergy>(id, "AllergyIntolerance?_count=100", searchAll<Allergy>);
  if (found.error) return <p className="calm-line">{say("allergies")}: {say("notAllowed")}</p>;
  if (!found.data) return <p className="calm-line">{say("allergies")}: {say("loading")}</p>;
  const active = found.data.filter((it) => !["inactive", "resolved"].includes(it.clinicalStatus?.coding?.[0]?.code ?? "active"));
  // SPEC: SNOMED CT 716186003 "No known allergy" and its kinds are how FHIR says that there are none.
  const isNone = (it: Allergy) => it.code?.coding?.some((c) => ["716186003", "409137002", "428607008", "429625007"].includes(c.code ?? ""));
  const real = active.filter((it) => !isNone(it));
  if (real.length > 0) {
    return (
      <p className="alert-line" data-testid="allergies">
        {say("allergies")}: {real.map((it) => `${words(it.code)}${it.criticality === "high" ? " (!)" : ""}${it.reaction?.[0]?.manifestation?.[0] ? ` – ${words(it.reaction[0].manifestation[0])}` : ""}`).join("; ")}
      </p>
    );
  }
  return <p className="calm-line" data-testid="allergies">{active.some(isNone) ? say("noAllergies") : say("noneRecorded")}</p>;
}

function Summary({ id }: { id: string }) {
  const { say, time } = useWords();
  const problems = useOf<Condition>(id, "Condition?_count=100", searchAll<Condition>);
  const vitals = useOf<Observation>(id, "Observation?category=vital-signs&_sort=-date&_count=60");
  const drugs = useOf<Drug>(id, "MedicationRequest?status=active&_count=100", searchAll<Drug>);
  const active = (problems.data ?? []).filter((it) => !["resolved", "inactive", "remission"].includes(it.clinicalStatus?.coding?.[0]?.code ?? "active"));
  const latest = [...new Map([...(vitals.data ?? [])].reverse().map((it) => [words(it.code), it])).values()];
  return (
    <div className="two">
      <section className="card"><h2 style={{ fontSize: 16, marginTop: 0 }}>{say("problems")}</h2>
        {problems.error && <p className="quiet">{say("notAllowed")}</p>}
        {active.length === 0 && !problems.error && <p className="quiet">{say("none")}</p>}
        {active.map((it) => <div key={it.id}>{words(it.code)} <span className="quiet">{time(it.onsetDateTime ?? it.recordedDate)}</span></div>)}
      </section>
      <section className="card"><h2 style={{ fontSize: 16, marginTop: 0 }}>{say("vitals")}</h2>
        {vitals.error && <p className="quiet">{say("notAllowed")}</p>}
        {latest.length === 0 && !vitals.error && <p className="quiet">{say("none")}</p>}
        {latest.map((it) => <div className="row" key={it.id}><span className="grow">{words(it.code)}</span><b>{valueOf(it)}</b><span className="quiet">{time(it.effectiveDateTime)}</span></div>)}
      </section>
      <section className="card"><h2 style={{ fontSize: 16, marginTop: 0 }}>{say("medications")}</h2>
        {drugs.error && <p className="quiet">{say("notAllowed")}</p>}
        {drugs.data?.length === 0 && <p className="quiet">{say("none")}</p>}
        {drugs.data?.map((it) => <div key={it.id}>{words(it.medicationCodeableConcept)} <span className="quiet">{it.dosageInstruction?.[0]?.text}</span></div>)}
      </section>
    </div>
  );
}

function Encounters({ id }: { id: string }) {
  const { say, time } = useWords();
  const found = useOf<Encounter>(id, "Encounter?_sort=-date&_count=100");
  return (
    <List error={found.error} isEmpty={found.data?.length === 0} head={[say("when"), say("type"), say("status"), say("reason")]}>
      {found.data?.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td>{time(it.period?.start)}{it.period?.end ? ` – ${time(it.period.end)}` : ""}</Table.Td>
          <Table.Td>{it.class?.display ?? it.class?.code} {it.type?.[0] ? words(it.type[0]) : ""}</Table.Td>
          <Table.Td>{it.status}</Table.Td>
          <Table.Td>{it.reasonCode?.map(words).join("; ")}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

function Results({ id }: { id: string }) {
  const { say, time } = useWords();
  const [chosen, choose] = useState<string>();
  const found = useOf<Observation>(id, "Observation?_sort=-date&_count=200");
  // Newest first: numbers in another unit are another curve.
  const unit = unitOf(found.data?.find((it) => words(it.code) === chosen && it.valueQuantity?.value !== undefined)?.valueQuantity?.unit);
  const points: Point[] = (found.data ?? [])
    .filter((it) => words(it.code) === chosen && unitOf(it.valueQuantity?.unit) === unit && it.valueQuantity?.value !== undefined && it.effectiveDateTime)
    .map((it) => ({ at: it.effectiveDateTime ?? "", value: it.valueQuantity?.value ?? 0, ...limitsOf(it), unit: unitOf(it.valueQuantity?.unit) }))
    .reverse();
  return (
    <div className="stack">
      {chosen && points.length > 0 ? <section className="card" aria-label={`${say("trendOf")} ${chosen}`}><b>{say("trendOf")} {chosen}</b><Trend points={points} /></section> : <p className="quiet">{say("chooseTest")}</p>}
      <List error={found.error} isEmpty={found.data?.length === 0} head={[say("test"), say("value"), say("range"), say("when")]}>
        {found.data?.map((it) => (
          <Table.Tr key={it.id}>
            <Table.Td><Button variant="subtle" size="compact-sm" onClick={() => choose(words(it.code))}>{words(it.code)}</Button></Table.Td>
            <Table.Td><b>{valueOf(it)}</b> <Flag of={it} /></Table.Td>
            <Table.Td>{rangeOf(it)}</Table.Td>
            <Table.Td>{time(it.effectiveDateTime ?? it.issued)}</Table.Td>
          </Table.Tr>
        ))}
      </List>
    </div>
  );
}

/** By shape and word, and not by color alone. */
function Flag({ of }: { of: Observation }) {
  const { say } = useWords();
  const code = of.interpretation?.[0]?.coding?.[0]?.code;
  const limits = limitsOf(of);
  const value = of.valueQuantity?.value;
  const high = code?.startsWith("H") || (!code && value !== undefined && limits.high !== undefined && value > limits.high);
  const low = code?.startsWith("L") || (!code && value !== undefined && limits.low !== undefined && value < limits.low);
  if (code === "HH" || code === "LL" || code === "AA") return <Badge color="red.9" tt="none">{code === "LL" ? "▼▼" : "▲▲"} {say("critical")}</Badge>;
  if (high) return <Badge variant="default" tt="none" leftSection={<span className="high">▲</span>}>{say("high")}</Badge>;
  if (low) return <Badge variant="default" tt="none" leftSection={<span className="low">▼</span>}>{say("low")}</Badge>;
  if (code === "A") return <Badge variant="default" tt="none" leftSection={<span className="high">◆</span>}>{say("abnormal")}</Badge>;
  return null;
}

function Medications({ id }: { id: string }) {
  const { say, time } = useWords();
  const found = useOf<Drug>(id, "MedicationRequest?_sort=-authoredon&_count=100");
  return (
    <List error={found.error} isEmpty={found.data?.length === 0} head={[say("medications"), say("status"), say("when")]}>
      {found.data?.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td>{words(it.medicationCodeableConcept)}<br /><span className="quiet">{it.dosageInstruction?.[0]?.text}</span></Table.Td>
          <Table.Td>{it.status}</Table.Td>
          <Table.Td>{time(it.authoredOn)}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

function Documents({ id }: { id: string }) {
  const { say, time } = useWords();
  const reports = useOf<Resource & { code?: Concept; status?: string; effectiveDateTime?: string; issued?: string; conclusion?: string }>(id, "DiagnosticReport?_sort=-date&_count=100");
  return (
    <List error={reports.error} isEmpty={reports.data?.length === 0} head={[say("documents"), say("status"), say("when")]}>
      {reports.data?.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td>{words(it.code)}{it.conclusion && <><br /><span className="quiet">{it.conclusion}</span></>}</Table.Td>
          <Table.Td>{it.status}</Table.Td>
          <Table.Td>{time(it.effectiveDateTime ?? it.issued)}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

export function List({ head, children, error, isEmpty }: { head: string[]; children: React.ReactNode; error?: Error | null; isEmpty: boolean }) {
  const { say } = useWords();
  if (error) return <Alert color="red">{error.message}</Alert>;
  if (isEmpty) return <p className="quiet">{say("nothing")}</p>;
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label={head[0]}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead><Table.Tr>{head.map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  );
}

function valueOf(it: Observation): string {
  const quantity = (of?: Quantity) => (of?.value === undefined ? undefined : `${of.value} ${unitOf(of.unit)}`.trim());
  const units = new Set(it.component?.map((part) => part.valueQuantity?.unit));
  const parts = units.size === 1
    ? [`${it.component?.map((part) => part.valueQuantity?.value ?? "—").join(" / ")} ${unitOf([...units][0])}`]
    : it.component?.map((part) => quantity(part.valueQuantity)).filter(Boolean);
  return quantity(it.valueQuantity) ?? it.valueString ?? (it.valueCodeableConcept ? words(it.valueCodeableConcept) : undefined) ?? (parts?.length ? parts.join(" / ") : "—");
}

/** UCUM as it is read at the bedside. */
export function unitOf(unit = ""): string {
  return { "mm[Hg]": "mmHg", Cel: "°C", "{score}": "", "1": "" }[unit] ?? unit;
}

/** Low and high, where they are numbers or text such as `90-140`. */
function limitsOf(it: Observation): { low?: number; high?: number } {
  const range = it.referenceRange?.[0];
  if (range?.low?.value !== undefined || range?.high?.value !== undefined) return { low: range.low?.value, high: range.high?.value };
  const text = /^\s*(-?\d+(?:\.\d+)?)\s*[-–]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(range?.text ?? "");
  return text ? { low: Number(text[1]), high: Number(text[2]) } : {};
}

function rangeOf(it: Observation): string {
  const range = it.referenceRange?.[0];
  if (!range) return "";
  return range.text ?? [range.low?.value, range.high?.value].map((n) => n ?? "").join(" – ");
}
