// Results as a table, and one of them over time.
import { Badge, Button, SegmentedControl, Table } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { useWords } from "../../words";
import { List, useOf } from "../parts";
import { Named, testOf, useNames } from "./named";
import { Trend, type Point } from "../trend";
import { type Observation, isRight, limitsOf, rangeOf, unitOf, valueOf } from "./values";

const isVital = (it: Observation) => it.category?.some((of) => of.coding?.some((c) => c.code === "vital-signs")) ?? false;

/** Earlier values that are shown beside the latest. */
const EARLIER = 4;

/** Every test with its latest value and those before, or every result by time; one of them as a curve. */
export function Results({ id }: { id: string }) {
  const { say } = useWords();
  const [chosen, choose] = useState<string>();
  const [view, setView] = useState("tests");
  const [of, setOf] = useState("laboratory");
  const found = useOf<Observation>(id, "Observation?_sort=-date&_count=200");
  const all = (found.data ?? []).filter((it) => of === "all" || isVital(it) === (of === "vital-signs"));
  const right = all.filter(isRight);
  // Newest first: numbers in another unit are another curve.
  const nameOf = useNames();
  const first = right.find((it) => testOf(it) === chosen);
  const title = first ? nameOf(first).name : "";
  const unit = unitOf(right.find((it) => testOf(it) === chosen && it.valueQuantity?.value !== undefined)?.valueQuantity?.unit);
  const points: Point[] = right
    .filter((it) => testOf(it) === chosen && unitOf(it.valueQuantity?.unit) === unit && it.valueQuantity?.value !== undefined && it.effectiveDateTime)
    .map((it) => ({ at: it.effectiveDateTime ?? "", value: it.valueQuantity?.value ?? 0, ...limitsOf(it), unit: unitOf(it.valueQuantity?.unit) }))
    .reverse();
  const curve = useRef<HTMLElement>(null);
  // It may be asked for at the end of a long list.
  useEffect(() => { if (chosen) curve.current?.scrollIntoView({ block: "center" }); }, [chosen]);
  return (
    <div className="stack">
      <div className="row">
        <SegmentedControl size="xs" aria-label={say("type")} value={of} onChange={setOf} data={[{ value: "laboratory", label: say("tests") }, { value: "vital-signs", label: say("vitalSigns") }, { value: "all", label: say("allOnes") }]} />
        <SegmentedControl size="xs" aria-label={say("order")} value={view} onChange={setView} data={[{ value: "tests", label: say("byTest") }, { value: "time", label: say("byTime") }]} />
        {!chosen && all.length > 0 && <span className="quiet">{say("chooseTest")}</span>}
      </div>
      {chosen && points.length > 0 && (
        <section ref={curve} className="card" aria-label={`${say("trendOf")} ${title}`}>
          <div className="row"><b className="grow">{say("trendOf")} {title}{unit && <span className="quiet"> {unit}</span>}</b><Button size="compact-sm" variant="subtle" onClick={() => choose(undefined)}>{say("shut")}</Button></div>
          <Trend points={points} />
        </section>
      )}
      {view === "tests"
        ? <ByTest found={found} all={right} choose={choose} />
        : <ByTime found={found} all={all} choose={choose} />}
    </div>
  );
}

type Shown = { found: { error: Error | null; isPending: boolean }; all: Observation[]; choose: (test: string) => void };

function ByTest({ found, all, choose }: Shown) {
  const { say, time } = useWords();
  const tests = new Map<string, Observation[]>();
  for (const it of all) {
    const known = tests.get(testOf(it));
    if (known) known.push(it);
    else tests.set(testOf(it), [it]);
  }
  const nameOf = useNames();
  const rows = [...tests].sort(([, [a]], [, [b]]) => (a && b ? nameOf(a).name.localeCompare(nameOf(b).name) : 0));
  return (
    <List error={found.error} isPending={found.isPending} isEmpty={rows.length === 0} empty={say("noResults")} head={[say("test"), say("latest"), say("range"), say("when"), say("earlier")]}>
      {rows.map(([test, [latest, ...earlier]]) => latest && (
        <Table.Tr key={test}>
          <Table.Td><button type="button" className="link" data-said onClick={() => choose(test)}><Named it={latest} /></button></Table.Td>
          <Table.Td><b className="value">{valueOf(latest)}</b> <Flag of={latest} /><Standing of={latest} /></Table.Td>
          <Table.Td className="no-wrap">{rangeOf(latest)}</Table.Td>
          <Table.Td className="no-wrap">{time(latest.effectiveDateTime ?? latest.issued)}</Table.Td>
          <Table.Td>
            {earlier.slice(0, EARLIER).map((it) => <span className="earlier" key={it.id} title={time(it.effectiveDateTime ?? it.issued)}>{valueOf(it)}<Mark of={it} /></span>)}
          </Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

function ByTime({ found, all, choose }: Shown) {
  const { say, time } = useWords();
  return (
    <List error={found.error} isPending={found.isPending} isEmpty={all.length === 0} empty={say("noResults")} head={[say("test"), say("value"), say("range"), say("when")]}>
      {all.map((it) => (
        <Table.Tr key={it.id}>
          <Table.Td><button type="button" className="link" data-said onClick={() => choose(testOf(it))}><Named it={it} /></button></Table.Td>
          <Table.Td>{isRight(it) ? <><b className="value">{valueOf(it)}</b> <Flag of={it} /></> : <s>{valueOf(it)}</s>}<Standing of={it} /></Table.Td>
          <Table.Td className="no-wrap">{rangeOf(it)}</Table.Td>
          <Table.Td className="no-wrap">{time(it.effectiveDateTime ?? it.issued)}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

/** What is not final is said. */
function Standing({ of }: { of: Observation }) {
  const { word } = useWords();
  if (!of.status || of.status === "final") return null;
  return <div className="quiet">{word("status", of.status)}</div>;
}

/** High and low of an earlier value, in one character. */
function Mark({ of }: { of: Observation }) {
  const { say } = useWords();
  const where = flagOf(of);
  if (!where) return null;
  return <span className={where === "low" ? "low" : "high"} role="img" aria-label={say(where)}> {where === "low" ? "▼" : where === "abnormal" ? "◆" : "▲"}</span>;
}

type Where = "critical" | "high" | "low" | "abnormal";

function flagOf(of: Observation): Where | undefined {
  const code = of.interpretation?.[0]?.coding?.[0]?.code;
  const { low, high } = limitsOf(of);
  const value = of.valueQuantity?.value;
  if (code === "HH" || code === "LL" || code === "AA") return "critical";
  if (code?.startsWith("H") || (!code && value !== undefined && high !== undefined && value > high)) return "high";
  if (code?.startsWith("L") || (!code && value !== undefined && low !== undefined && value < low)) return "low";
  return code === "A" ? "abnormal" : undefined;
}

/** By shape and word, and not by color alone. */
function Flag({ of }: { of: Observation }) {
  const { say } = useWords();
  const where = flagOf(of);
  const isLow = of.interpretation?.[0]?.coding?.[0]?.code === "LL";
  if (where === "critical") return <Badge color="red.9" tt="none">{isLow ? "▼▼" : "▲▲"} {say("critical")}</Badge>;
  if (where === "high") return <Badge variant="default" tt="none" leftSection={<span className="high">▲</span>}>{say("high")}</Badge>;
  if (where === "low") return <Badge variant="default" tt="none" leftSection={<span className="low">▼</span>}>{say("low")}</Badge>;
  if (where === "abnormal") return <Badge variant="default" tt="none" leftSection={<span className="high">◆</span>}>{say("abnormal")}</Badge>;
  return null;
}
