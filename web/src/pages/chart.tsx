import { Alert, Badge, Button, Table, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Concept, type Patient, type Reference, type Resource, age, get, nameOf, searchAll, words } from "../api";
import type { Me } from "../app";
import { type Word, useWords } from "../words";
import { Allergies } from "./chart/allergies";
import { CarePlans } from "./chart/careplans";
import { Documents } from "./chart/documents";
import { PersonPanel } from "./chart/personpanel";
import { Problems } from "./chart/problems";
import { Timeline } from "./chart/timeline";
import { type Observation, limitsOf, rangeOf, unitOf, valueOf } from "./chart/values";
import { EnterVitals } from "./chart/vitals";
import { Joined, JoinButton } from "./join";
import { List, Section, Waiting, useOf } from "./parts";
import { Trend, type Point } from "./trend";

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
  const stays = useOf<Encounter>(id, "Encounter?status=arrived,in-progress,onleave&_sort=-date&_count=5");
  const admits = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const joins = ["registrar", "integration"].includes(me.role);
  if (patient.error) return <Alert color="red">{patient.error.message}</Alert>;
  if (!patient.data) return <Waiting lines={6} />;
  const who = patient.data;
  const replaced = who.link?.find((it) => it.type === "replaced-by")?.other?.reference;
  const isDead = Boolean(who.deceasedBoolean || who.deceasedDateTime);
  const stay = stays.data?.[0];
  const isClinical = me.role !== "registrar";
  return (
    <div className="stack">
      <section className="card stack" aria-label={say("patient")}>
        <div className="banner">
          <h1>{nameOf(who)}</h1>
          <span>{who.birthDate} · {age(who.birthDate) ?? "?"} {say("years")} · {say((who.gender ?? "unknown") as Word)}</span>
          {isDead && <Badge color="dark" size="lg">{say("deceased")} {who.deceasedDateTime ? time(who.deceasedDateTime) : ""}</Badge>}
          {who.identifier?.slice(0, 3).map((it) => <span className="quiet" key={`${it.system}${it.value}`}>{it.type?.coding?.[0]?.code ?? ""} {it.value}</span>)}
          {stay && <Badge variant="default" tt="none" size="lg">{say(stay.status === "onleave" ? "onLeave" : "inHouse")} {say("since")} {time(stay.period?.start?.slice(0, 10))}</Badge>}
          <span className="grow" />
          {joins && !replaced && <JoinButton patient={who} />}
          {admits && !isDead && !replaced && !stay && <Button component="a" href={`#/admit/${id}`} size="xs">{say("admit")}</Button>}
        </div>
        {replaced ? <Joined id={id} into={replaced} parts={joins} /> : <Allergies id={id} me={me} />}
      </section>
      {!replaced && <Tabs defaultValue={isClinical ? "summary" : "person"} keepMounted={false}>
        <Tabs.List className="tabs">
          {isClinical && <Tabs.Tab value="summary">{say("summary")}</Tabs.Tab>}
          <Tabs.Tab value="person">{say("person")}</Tabs.Tab>
          <Tabs.Tab value="encounters">{say("encounters")}</Tabs.Tab>
          {isClinical && <>
            <Tabs.Tab value="results">{say("results")}</Tabs.Tab>
            <Tabs.Tab value="medications">{say("medications")}</Tabs.Tab>
            <Tabs.Tab value="plans">{say("carePlans")}</Tabs.Tab>
            <Tabs.Tab value="documents">{say("documents")}</Tabs.Tab>
            <Tabs.Tab value="timeline">{say("timeline")}</Tabs.Tab>
          </>}
        </Tabs.List>
        <Tabs.Panel value="summary" pt="md"><Summary id={id} me={me} encounter={stay?.id} /></Tabs.Panel>
        <Tabs.Panel value="person" pt="md"><PersonPanel patient={who} me={me} /></Tabs.Panel>
        <Tabs.Panel value="encounters" pt="md"><Encounters id={id} /></Tabs.Panel>
        <Tabs.Panel value="results" pt="md"><Results id={id} /></Tabs.Panel>
        <Tabs.Panel value="medications" pt="md"><Medications id={id} /></Tabs.Panel>
        <Tabs.Panel value="plans" pt="md"><CarePlans id={id} me={me} encounter={stay?.id} /></Tabs.Panel>
        <Tabs.Panel value="documents" pt="md"><Documents id={id} me={me} encounter={stay?.id} /></Tabs.Panel>
        <Tabs.Panel value="timeline" pt="md"><Timeline id={id} /></Tabs.Panel>
      </Tabs>}
    </div>
  );
}

function Summary({ id, me, encounter }: { id: string; me: Me; encounter?: string }) {
  const { say, time } = useWords();
  const vitals = useOf<Observation>(id, "Observation?category=vital-signs&_sort=-date&_count=60");
  const drugs = useOf<Drug>(id, "MedicationRequest?status=active&_count=100", searchAll<Drug>);
  const procedures = useOf<Resource & { code?: Concept; performedDateTime?: string; status?: string }>(id, "Procedure?_sort=-date&_count=10");
  const latest = [...new Map([...(vitals.data ?? [])].reverse().map((it) => [words(it.code), it])).values()];
  const measures = ["nurse", "physician", "integration"].includes(me.role);
  return (
    <div className="two">
      <Problems id={id} me={me} encounter={encounter} />
      <Section title={say("vitals")} action={measures && <EnterVitals id={id} encounter={encounter} />}>
        {vitals.error && <p className="quiet">{say("notAllowed")}</p>}
        {vitals.isSuccess && latest.length === 0 && <p className="quiet">{say("none")}</p>}
        {latest.map((it) => <div className="line" key={it.id}><span className="grow">{words(it.code)}</span><b>{valueOf(it)}</b><span className="quiet">{time(it.effectiveDateTime)}</span></div>)}
      </Section>
      <Section title={say("medications")}>
        {drugs.error && <p className="quiet">{say("notAllowed")}</p>}
        {drugs.data?.length === 0 && <p className="quiet">{say("none")}</p>}
        {drugs.data?.map((it) => <div className="line" key={it.id}><span>{words(it.medicationCodeableConcept)} <span className="quiet">{it.dosageInstruction?.[0]?.text}</span></span></div>)}
      </Section>
      <Section title={say("procedures")}>
        {procedures.error && <p className="quiet">{say("notAllowed")}</p>}
        {procedures.data?.length === 0 && <p className="quiet">{say("none")}</p>}
        {procedures.data?.map((it) => <div className="line" key={it.id}><span className="grow">{words(it.code)}</span><span className="quiet">{time(it.performedDateTime)}</span></div>)}
      </Section>
    </div>
  );
}

function Encounters({ id }: { id: string }) {
  const { say, time } = useWords();
  const found = useOf<Encounter>(id, "Encounter?_sort=-date&_count=100");
  return (
    <List error={found.error} isPending={found.isPending} isEmpty={found.data?.length === 0} head={[say("when"), say("type"), say("status"), say("reason")]}>
      {found.data?.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td>{time(it.period?.start)}{it.period?.end ? ` – ${time(it.period.end)}` : ""}</Table.Td>
          <Table.Td>{it.class?.display ?? it.class?.code} {it.type?.[0] ? words(it.type[0]) : ""}</Table.Td>
          <Table.Td>{say(`stay-${it.status}` as Word) ?? it.status}</Table.Td>
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
      <List error={found.error} isPending={found.isPending} isEmpty={found.data?.length === 0} head={[say("test"), say("value"), say("range"), say("when")]}>
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
    <List error={found.error} isPending={found.isPending} isEmpty={found.data?.length === 0} head={[say("medications"), say("status"), say("when")]}>
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
