import { Badge, Button, Checkbox, Drawer, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { get } from "../../api";
import { useAsked } from "../../route";
import { useWords } from "../../words";
import { List } from "../parts";
import { Detail } from "./detail";
import { FILTERS, Filters } from "./filters";
import { Together } from "./together";
import { COLOR, type Line, isRepeatable } from "./types";

const PAGE = 50;
/** Every look at the list is an entry of the audit log. */
const REFRESH_MS = 10_000;

/** Messages of interfaces: found, read, and worked on or sent again. What is shown is in the address. */
export function Messages() {
  const { say, word, time } = useWords();
  const [asked, ask] = useAsked();
  const [chosen, choose] = useState<ReadonlySet<number>>(new Set());
  const query = new URLSearchParams({ limit: String(PAGE) });
  for (const name of [...FILTERS, "before", "after"]) {
    const value = asked.get(name);
    if (value) query.set(name, value);
  }
  const isNewest = !asked.has("before") && !asked.has("after");
  const found = useQuery({
    queryKey: ["messages", query.toString()],
    queryFn: () => get<{ messages: Line[] }>(`/api/messages?${query}`),
    refetchInterval: isNewest ? REFRESH_MS : false,
    placeholderData: (old) => old,
  });
  const lines = found.data?.messages ?? [];
  const filters = FILTERS.map((name) => asked.get(name) ?? "").join("\n");
  useEffect(() => choose(new Set()), [filters]);
  // Fewer than a page came after what was shown: the newest page has them all, and more.
  const isTop = asked.has("after") && found.isSuccess && !found.isPlaceholderData && lines.length < PAGE;
  useEffect(() => { if (isTop) ask({ after: undefined, before: undefined }); });
  const isFull = lines.length === PAGE;
  const shown = Number(asked.get("id")) || undefined;
  const toggle = (id: number) => choose((old) => new Set(old.has(id) ? [...old].filter((it) => it !== id) : [...old, id]));
  return (
    <div className="stack">
      <h1>{say("messages")}</h1>
      <Filters asked={asked} ask={(more) => ask({ ...more, before: undefined, after: undefined })} />
      <Together chosen={chosen} choose={choose} query={query} lines={lines} />
      <List error={found.error} isPending={found.isPending} isEmpty={lines.length === 0} empty={say("noMessages")} head={[say("when"), say("type"), say("state"), say("interface"), say("sender"), say("control")]}>
        {lines.map((line) => (
          <Table.Tr key={line.id} data-message={line.id}>
            <Table.Td>
              <div className="row tight nowrap">
                <Checkbox size="xs" aria-label={`${say("chooseOne")} ${line.id}`} disabled={!isRepeatable(line)} checked={chosen.has(line.id)} onChange={() => toggle(line.id)} />
                <button type="button" className="link" onClick={() => ask({ id: String(line.id) })}>{time(line.time)}</button>
              </div>
            </Table.Td>
            <Table.Td>{line.direction === "out" ? "→ " : ""}{line.kind}</Table.Td>
            <Table.Td><Badge variant="default" tt="none" leftSection={<span className={COLOR[line.state]}>●</span>}>{word("message", line.state)}</Badge></Table.Td>
            <Table.Td>{line.interface}</Table.Td>
            <Table.Td>{line.sender}</Table.Td>
            <Table.Td>{line.controlId}</Table.Td>
          </Table.Tr>
        ))}
      </List>
      {(isFull || !isNewest) && (
        <div className="row">
          <Button variant="default" disabled={isNewest} onClick={() => ask({ before: undefined, after: undefined })}>{say("newest")}</Button>
          <Button variant="default" disabled={isNewest || lines.length === 0} onClick={() => ask({ after: String(lines[0]?.id), before: undefined })}>{say("newerOnes")}</Button>
          <Button variant="default" disabled={lines.length === 0 || (!isFull && !asked.has("after"))} onClick={() => ask({ before: String(lines[lines.length - 1]?.id), after: undefined })}>{say("olderOnes")}</Button>
        </div>
      )}
      <Drawer opened={shown !== undefined} onClose={() => ask({ id: undefined })} position="right" size="xl" title={say("message")} closeButtonProps={{ "aria-label": say("shut") }}>
        {shown !== undefined && <Detail id={shown} key={shown} />}
      </Drawer>
    </div>
  );
}
