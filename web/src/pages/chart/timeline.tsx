// Everything that happened to one patient, the latest first.
import { Button, Chip, Group } from "@mantine/core";
import { useState } from "react";

import { type Concept, type Resource, words } from "../../api";
import { type Word, useWords } from "../../words";
import { Waiting, useOf } from "../parts";
import { useNames } from "./named";
import { type Observation, valueOf } from "./values";

type Any = Resource & Record<string, unknown>;
type Kind = { kind: string; word: Word; query: string; at: (it: Any) => string | undefined; title: (it: Any) => string; more?: (it: Any) => string | undefined; status?: boolean };

const concept = (it: Any, name = "code") => words(it[name] as Concept | undefined);
const period = (it: Any, name = "period") => (it[name] as { start?: string } | undefined)?.start;
const text = (it: Any, name: string) => it[name] as string | undefined;

const KINDS: Kind[] = [
  { kind: "Encounter", word: "encounters", query: "Encounter?_sort=-date&_count=50", at: (it) => period(it), title: () => "", more: (it) => (it.reasonCode as Concept[] | undefined)?.map(words).join("; "), status: true },
  { kind: "Condition", word: "problems", query: "Condition?_sort=-recorded-date&_count=50", at: (it) => text(it, "recordedDate") ?? text(it, "onsetDateTime"), title: (it) => concept(it) },
  { kind: "Procedure", word: "procedures", query: "Procedure?_sort=-date&_count=50", at: (it) => text(it, "performedDateTime") ?? period(it, "performedPeriod"), title: (it) => concept(it), status: true },
  { kind: "MedicationRequest", word: "orders", query: "MedicationRequest?_sort=-authoredon&_count=50", at: (it) => text(it, "authoredOn"), title: (it) => concept(it, "medicationCodeableConcept"), more: (it) => (it.dosageInstruction as { text?: string }[] | undefined)?.[0]?.text },
  { kind: "MedicationAdministration", word: "given", query: "MedicationAdministration?_sort=-effective-time&_count=50", at: (it) => text(it, "effectiveDateTime") ?? period(it, "effectivePeriod"), title: (it) => concept(it, "medicationCodeableConcept"), status: true },
  { kind: "Observation", word: "results", query: "Observation?_sort=-date&_count=100", at: (it) => text(it, "effectiveDateTime") ?? text(it, "issued"), title: (it) => concept(it), more: (it) => valueOf(it as unknown as Observation) },
  { kind: "DiagnosticReport", word: "report", query: "DiagnosticReport?_sort=-date&_count=50", at: (it) => text(it, "effectiveDateTime") ?? text(it, "issued"), title: (it) => concept(it), more: (it) => text(it, "conclusion") },
  { kind: "ImagingStudy", word: "imaging", query: "ImagingStudy?_sort=-started&_count=50", at: (it) => text(it, "started"), title: (it) => text(it, "description") ?? "" },
  { kind: "DocumentReference", word: "note", query: "DocumentReference?_sort=-date&_count=50", at: (it) => text(it, "date"), title: (it) => concept(it, "type"), more: (it) => text(it, "description") },
  { kind: "CarePlan", word: "carePlans", query: "CarePlan?_sort=-date&_count=50", at: (it) => text(it, "created") ?? period(it), title: (it) => text(it, "title") ?? "", status: true },
];

const STEP = 60;

export function Timeline({ id }: { id: string }) {
  const { say, word, time } = useWords();
  const nameOf = useNames();
  const [off, setOff] = useState<string[]>([]);
  const [most, setMost] = useState(STEP);
  // The list of kinds never changes: the hooks are called in one order.
  const found = KINDS.map((kind) => useOf<Any>(id, kind.query));
  const isPending = found.every((it) => it.isPending);
  const rows = KINDS.flatMap((kind, n) => (found[n]?.data ?? []).map((it) => ({ kind, it, at: kind.at(it) ?? "" })))
    .filter((row) => row.at && row.it.status !== "entered-in-error" && !off.includes(row.kind.kind))
    .sort((a, b) => (Date.parse(b.at) || 0) - (Date.parse(a.at) || 0));
  const days = new Map<string, typeof rows>();
  for (const row of rows.slice(0, most)) {
    const day = row.at.slice(0, 10);
    days.set(day, [...(days.get(day) ?? []), row]);
  }
  const has = KINDS.filter((_, n) => (found[n]?.data?.length ?? 0) > 0);
  if (isPending) return <Waiting lines={6} />;
  return (
    <div className="stack">
      <Group gap={6}>
        {has.map((kind) => <Chip key={kind.kind} size="xs" checked={!off.includes(kind.kind)} onChange={(on) => setOff(on ? off.filter((it) => it !== kind.kind) : [...off, kind.kind])}>{say(kind.word)}</Chip>)}
      </Group>
      {rows.length === 0 && <div className="card empty">{say("nothing")}</div>}
      {[...days].map(([day, all]) => (
        <section key={day} className="card day" aria-label={day}>
          <h2>{time(day)}</h2>
          <ol>
            {all.map(({ kind, it, at }) => (
              <li key={`${it.resourceType}/${it.id}`}>
                <span className="quiet clock">{at.length > 10 ? time(at, "clock") : ""}</span>
                <span className="kind">{say(kind.word)}</span>
                <span><b>{kind.kind === "Encounter" ? word("class", (it.class as { code?: string; display?: string })?.code) : kind.kind === "Observation" ? nameOf(it as unknown as Observation).name : kind.title(it)}</b> <span className="quiet">{[kind.more?.(it), kind.status && word("status", text(it, "status"))].filter(Boolean).join(" · ")}</span></span>
              </li>
            ))}
          </ol>
        </section>
      ))}
      {rows.length > most && <Button variant="default" onClick={() => setMost(most + STEP)}>{say("older")}</Button>}
    </div>
  );
}
