import { Badge, Button, Table, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get } from "../api";
import { useWords } from "../words";
import { List } from "./parts";

type Entry = { n: number; time: string; actor?: string; role?: string; name?: string; purpose?: string; action: string; outcome?: string; target?: string; detail?: string; source?: string };

/** - Source: FHIR R4, audit-event-outcome. */
const OUTCOME: Record<string, string> = { "0": "✓", "4": "✗ 4", "8": "✗ 8", "12": "✗ 12" };

/** What was done, newest first. */
export function Audit() {
  const { say, word, time } = useWords();
  const [patient, setPatient] = useState("");
  const [before, setBefore] = useState<number[]>([]);
  const of = /^[A-Za-z0-9.-]{1,64}$/.test(patient) ? `&patient=${patient}` : "";
  const at = before[before.length - 1];
  const found = useQuery({
    queryKey: ["audit", of, at], queryFn: () => get<{ entries: Entry[]; next?: number | null }>(`/api/audit?limit=100${of}${at === undefined ? "" : `&before=${at}`}`),
    placeholderData: (last) => last,
  });
  const entries = found.data?.entries ?? [];
  const next = found.data?.next;
  return (
    <div className="stack">
      <h1>{say("audit")}</h1>
      <TextInput label={`${say("access")} (${say("patient")} id)`} description={say("whoHint")} value={patient} onChange={(e) => { setPatient(e.currentTarget.value.trim()); setBefore([]); }} maw={420} />
      <List error={found.error} isPending={found.isPending} isEmpty={found.isSuccess && entries.length === 0} head={[say("when"), say("who"), say("what"), say("outcome")]}>
        {entries.map((entry) => (
          <Table.Tr key={entry.n}>
            <Table.Td className="no-wrap">{time(entry.time)}</Table.Td>
            <Table.Td><b>{entry.name ?? "—"}</b> <Badge variant="default" size="sm" tt="none">{word("role", entry.role)}</Badge><div className="quiet mono">{entry.actor}</div></Table.Td>
            <Table.Td>{word("audit", entry.action)} <span className="quiet mono">{entry.target}</span><div className="quiet">{[word("purpose", entry.purpose), entry.detail].filter((it) => it && it !== "—").join(" · ")}</div></Table.Td>
            <Table.Td>{OUTCOME[entry.outcome ?? ""] ?? entry.outcome}</Table.Td>
          </Table.Tr>
        ))}
      </List>
      <div className="row end">
        {before.length > 0 && <Button variant="default" onClick={() => setBefore(before.slice(0, -1))}>{say("back")}</Button>}
        {next !== undefined && next !== null && <Button variant="default" onClick={() => setBefore([...before, next])}>{say("before")}</Button>}
      </div>
    </div>
  );
}
