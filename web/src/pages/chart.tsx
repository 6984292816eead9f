import { Badge, Button, Table, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { type Concept, type Patient, type Resource, age, get, nameOf, searchAll, words } from "../api";
import type { Me } from "../app";
import { type Dosage, readOut } from "../dosage";
import { go } from "../route";
import { type Word, useWords } from "../words";
import { Allergies } from "./chart/allergies";
import { CarePlans } from "./chart/careplans";
import { Documents } from "./chart/documents";
import { Named, testOf } from "./chart/named";
import { PersonPanel } from "./chart/personpanel";
import { Problems } from "./chart/problems";
import { Results } from "./chart/results";
import { type Encounter, Stays } from "./chart/stays";
import { Timeline } from "./chart/timeline";
import { type Observation, isRight, valueOf } from "./chart/values";
import { EnterVitals } from "./chart/vitals";
import { Joined, JoinButton } from "./join";
import { Failed, List, Section, Unseen, Waiting, useOf } from "./parts";

type Drug = Resource & { status?: string; medicationCodeableConcept?: Concept; authoredOn?: string; dosageInstruction?: Dosage[] };

/** Everything of one patient that the caller may see. */
export function Chart({ id, me, tab }: { id: string; me: Me; tab?: string }) {
  const { say, time } = useWords();
  const patient = useQuery({ queryKey: ["patient", id], queryFn: () => get<Patient>(`/fhir/Patient/${id}`) });
  useEffect(() => {
    if (patient.data) document.title = `${nameOf(patient.data)} – Ward`;
    return () => { document.title = "Ward"; };
  }, [patient.data]);
  useEffect(() => {
    document.querySelector(".tabs [aria-selected=true]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [tab, patient.data]);
  const stays = useOf<Encounter>(id, "Encounter?status=arrived,in-progress,onleave&_sort=-date&_count=5");
  const admits = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const joins = ["registrar", "integration"].includes(me.role);
  if (patient.error) return <Failed error={patient.error} />;
  if (!patient.data) return <Waiting lines={6} />;
  const who = patient.data;
  const replaced = who.link?.find((it) => it.type === "replaced-by")?.other?.reference;
  const isDead = Boolean(who.deceasedBoolean || who.deceasedDateTime);
  const stay = stays.data?.[0];
  const isClinical = !["registrar", "billing"].includes(me.role);
  const tabs: [string, Word][] = [
    ...(isClinical ? [["summary", "summary"]] as [string, Word][] : []),
    ["person", "person"], ["encounters", "encounters"],
    ...(isClinical ? [["results", "results"], ["medications", "medications"], ["plans", "carePlans"], ["documents", "documents"], ["timeline", "timeline"]] as [string, Word][] : []),
  ];
  const here = tabs.some(([name]) => name === tab) ? tab : tabs[0]?.[0];
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
      {!replaced && <Tabs value={here} onChange={(to) => go(`/patient/${id}/${to}`)} keepMounted={false}>
        <Tabs.List className="tabs">
          {tabs.map(([name, word]) => <Tabs.Tab key={name} value={name}>{say(word)}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="summary" pt="md"><Summary id={id} me={me} encounter={stay?.id} /></Tabs.Panel>
        <Tabs.Panel value="person" pt="md"><PersonPanel patient={who} me={me} /></Tabs.Panel>
        <Tabs.Panel value="encounters" pt="md"><Stays id={id} me={me} /></Tabs.Panel>
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
  const latest = [...new Map((vitals.data ?? []).filter(isRight).reverse().map((it) => [testOf(it), it])).values()];
  const measures = ["nurse", "physician", "integration"].includes(me.role);
  return (
    <div className="two">
      <Problems id={id} me={me} encounter={encounter} />
      <Section title={say("vitals")} action={measures && <EnterVitals id={id} encounter={encounter} />}>
        <Unseen error={vitals.error} />
        {vitals.isPending && <p className="quiet">{say("loading")}</p>}
        {vitals.isSuccess && latest.length === 0 && <p className="quiet">{say("none")}</p>}
        {latest.map((it) => <div className="line" key={it.id}><span className="grow"><Named it={it} /></span><b className="value">{valueOf(it)}</b><span className="quiet">{time(it.effectiveDateTime)}</span></div>)}
      </Section>
      <Section title={say("medications")}>
        <Unseen error={drugs.error} />
        {drugs.data?.length === 0 && <p className="quiet">{say("none")}</p>}
        {drugs.data?.map((it) => <div className="line" key={it.id}><span>{words(it.medicationCodeableConcept)} <span className="quiet">{readOut(it.dosageInstruction)}</span></span></div>)}
      </Section>
      <Section title={say("procedures")}>
        <Unseen error={procedures.error} />
        {procedures.data?.length === 0 && <p className="quiet">{say("none")}</p>}
        {procedures.data?.map((it) => <div className="line" key={it.id}><span className="grow">{words(it.code)}</span><span className="quiet">{time(it.performedDateTime)}</span></div>)}
      </Section>
    </div>
  );
}

function Medications({ id }: { id: string }) {
  const { say, word, time } = useWords();
  const found = useOf<Drug>(id, "MedicationRequest?_sort=-authoredon&_count=100");
  return (
    <List error={found.error} isPending={found.isPending} isEmpty={found.data?.length === 0} head={[say("medications"), say("status"), say("when")]}>
      {found.data?.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td>{words(it.medicationCodeableConcept)}<br /><span className="quiet">{readOut(it.dosageInstruction)}</span></Table.Td>
          <Table.Td>{word("status", it.status)}</Table.Td>
          <Table.Td>{time(it.authoredOn)}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}
