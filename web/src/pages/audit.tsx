import { Table, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get } from "../api";
import { useWords } from "../words";
import { List } from "./chart";

type Entry = { n: number; time: string; actor?: string; role?: string; action: string; outcome?: string; target?: string; detail?: string; source?: string };

/** - Source: FHIR R4, audit-event-outcome. */
const OUTCOME: Record<string, string> = { "0": "✓", "4": "✗ 4", "8": "✗ 8", "12": "✗ 12" };

/** What was done, newest first. */
export function Audit() {
  const { say, time } = useWords();
  const [patient, setPatient] = useState("");
  const of = /^[A-Za-z0-9.-]{1,64}$/.test(patient) ? `&patient=${patient}` : "";
  const found = useQuery({ queryKey: ["audit", of], queryFn: () => get<{ entries: Entry[] }>(`/api/audit?limit=100${of}`) });
  const entries = found.data?.entries ?? [];
  return (
    <div className="stack">
      <h1 style={{ margin: 0, fontSize: 22 }}>{say("audit")}</h1>
      <TextInput label={`${say("access")} (${say("patient")} id)`} value={patient} onChange={(e) => setPatient(e.currentTarget.value.trim())} w={340} />
      <List error={found.error} isEmpty={found.isSuccess && entries.length === 0} head={[say("when"), say("who"), say("what"), say("outcome")]}>
        {entries.map((entry) => (
          <Table.Tr key={entry.n}>
            <Table.Td>{time(entry.time)}</Table.Td>
            <Table.Td>{entry.role} <span className="quiet">{entry.actor}</span></Table.Td>
            <Table.Td>{entry.action} {entry.target} <span className="quiet">{entry.detail}</span></Table.Td>
            <Table.Td>{OUTCOME[entry.outcome ?? ""] ?? entry.outcome}</Table.Td>
          </Table.Tr>
        ))}
      </List>
    </div>
  );
}
