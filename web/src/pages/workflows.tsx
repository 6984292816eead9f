import { Badge, SegmentedControl, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, idOf, nameOf } from "../api";
import { whenDeaf } from "../feed";
import { type Word, useWords } from "../words";
import { usePatients } from "./board";
import { List } from "./parts";

type Step = { name: string; title: string; state: string; why?: string };
type Admission = { id: string; state: string; why?: string; patient: string; bedName?: string; started: string; steps: Step[] };

/** Every admission, and where each stands. */
export function Workflows() {
  const { say, time } = useWords();
  const [state, setState] = useState("open");
  const found = useQuery({
    queryKey: ["admissions", state], queryFn: () => get<{ admissions: Admission[] }>(`/api/admissions?state=${state}`), refetchInterval: whenDeaf(10_000),
    placeholderData: (before) => before,
  });
  const all = found.data?.admissions ?? [];
  const people = usePatients(all.map((it) => idOf(it.patient)));
  const where = (it: Admission) => it.steps.find((step) => step.state === "waiting" || step.state === "failed") ?? it.steps.find((step) => step.state === "pending");
  return (
    <div className="stack">
      <div className="row">
        <h1>{say("workflows")}</h1><span className="grow" />
        <SegmentedControl aria-label={say("state")} value={state} onChange={setState} data={[["open", "openOnes"], ["over", "overOnes"], ["all", "allOnes"]].map(([value, word]) => ({ value: value ?? "", label: say(word as Word) }))} />
      </div>
      <List error={found.error} isPending={found.isPending} isEmpty={all.length === 0} empty={say("noWorkflows")} head={[say("patient"), say("state"), say("step"), say("bed"), say("started")]}>
        {all.map((it) => {
          const step = where(it);
          return (
            <Table.Tr key={it.id} data-admission={it.id}>
              <Table.Td><a href={`#/admission/${it.id}`}>{people.has(idOf(it.patient)) ? nameOf(people.get(idOf(it.patient))) : say("patient")}</a></Table.Td>
              <Table.Td><Badge variant="default" tt="none">{say(it.state as Word)}</Badge></Table.Td>
              <Table.Td>{step && it.state !== "completed" ? say(`step-${step.name}` as Word) ?? step.title : "—"}<div className="quiet">{it.why ?? (it.state === "running" ? step?.why : undefined)}</div></Table.Td>
              <Table.Td>{it.bedName ?? "—"}</Table.Td>
              <Table.Td>{time(it.started)}</Table.Td>
            </Table.Tr>
          );
        })}
      </List>
    </div>
  );
}
