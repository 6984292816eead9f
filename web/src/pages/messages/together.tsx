import { Alert, Button, Group, Modal, Progress, Table, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { get, post } from "../../api";
import { useWords } from "../../words";
import { List } from "../parts";
import { COLOR, type Line, type Preview, type Replayed, inWords, isOpen as needsLook, isRepeatable } from "./types";

/** Most messages worked on together. */
const MOST = 10_000;
const STEP = 1_000;
/** Most lines of a report on the screen: what did not go well comes first. */
const SHOWN = 200;

type Row = { id: number; line?: Line; preview?: Preview; replayed?: Replayed; dismissed?: boolean; error?: string };
type Props = { chosen: ReadonlySet<number>; choose: (ids: ReadonlySet<number>) => void; query: URLSearchParams; lines: Line[] };

/** Several messages: first what would change, then the work, one after the other, and a report of each. */
export function Together({ chosen, choose, query, lines }: Props) {
  const { say } = useWords();
  const [opened, open] = useState<"work" | "dismiss">();
  const [known, know] = useState<ReadonlyMap<number, Line>>(new Map());
  const all = useMutation({
    mutationFn: () => matching(query),
    onSuccess: (found) => {
      know(new Map(found.map((it) => [it.id, it])));
      choose(new Set(found.map((it) => it.id)));
    },
  });
  if (lines.length === 0 && chosen.size === 0 && !opened) return null;
  const isOpen = (line?: Line) => Boolean(line && needsLook(line));
  const of = (id: number) => lines.find((it) => it.id === id) ?? known.get(id);
  return (
    <div className="row" data-testid="together">
      {chosen.size > 0 && <b role="status">{chosen.size} {say("chosenMessages")}</b>}
      {chosen.size > 0 && <Button size="xs" onClick={() => open("work")}>{say("together")}</Button>}
      {chosen.size > 0 && [...chosen].some((id) => isOpen(of(id))) && <Button size="xs" variant="default" onClick={() => open("dismiss")}>{say("dismiss")}</Button>}
      <Button size="xs" variant="default" loading={all.isPending} onClick={() => all.mutate()}>{say("chooseAll")}</Button>
      {chosen.size > 0 && <Button size="xs" variant="default" onClick={() => choose(new Set())}>{say("chooseNone")}</Button>}
      {all.error && <span className="bad" role="alert">{all.error.message}</span>}
      {chosen.size >= MOST && <span className="quiet">{say("tooMany")}</span>}
      <Modal opened={Boolean(opened)} onClose={() => open(undefined)} size="xl" title={say(opened === "dismiss" ? "dismiss" : "together")} closeOnClickOutside={false} closeButtonProps={{ "aria-label": say("shut") }}>
        {/* In the order in which they came. */}
        {opened && <Work isDismissing={opened === "dismiss"} rows={[...chosen].sort((a, b) => a - b).map((id) => ({ id, line: of(id) }))} done={() => choose(new Set())} />}
      </Modal>
    </div>
  );
}

/** Every message that matches and may be worked on again, newest first. */
async function matching(query: URLSearchParams): Promise<Line[]> {
  const found: Line[] = [];
  const asked = new URLSearchParams(query);
  asked.delete("after");
  asked.delete("before");
  asked.set("limit", String(STEP));
  for (;;) {
    const { messages } = await get<{ messages: Line[] }>(`/api/messages?${asked}`);
    found.push(...messages.filter(isRepeatable));
    const last = messages[messages.length - 1];
    if (messages.length < STEP || !last || found.length >= MOST) return found.slice(0, MOST);
    asked.set("before", String(last.id));
  }
}

function Work({ rows: given, done, isDismissing }: { rows: Row[]; done: () => void; isDismissing: boolean }) {
  const { say, word, time } = useWords();
  const queries = useQueryClient();
  const [rows, setRows] = useState(given);
  const [at, setAt] = useState<number>();
  const [phase, setPhase] = useState<"start" | "tried" | "worked">("start");
  const [sure, setSure] = useState(false);
  const [finding, setFinding] = useState("");
  const halted = useRef(false);
  const each = async (work: (row: Row) => Promise<Partial<Row>>) => {
    halted.current = false;
    for (const [n, row] of given.entries()) {
      if (halted.current) break;
      setAt(n);
      const said = await work(row).catch((error: Error) => ({ error: error.message }));
      setRows((old) => old.map((it) => (it.id === row.id ? { ...it, error: undefined, ...said } : it)));
    }
    setAt(undefined);
  };
  const dryRun = async () => {
    await each(async (row) => ({ preview: await get<Preview>(`/api/messages/${row.id}/preview`) }));
    setPhase("tried");
  };
  const work = async () => {
    setSure(false);
    await each(async (row) => {
      if (isDismissing) return { dismissed: true, line: (await post<{ message: Line }>(`/api/messages/${row.id}/dismiss`, { found: finding.trim() })).message };
      const replayed = await post<Replayed>(`/api/messages/${row.id}/replay`);
      return { replayed, line: replayed.message };
    });
    setPhase("worked");
    done();
    await queries.invalidateQueries({ queryKey: ["messages"] });
  };
  const isBad = (row: Row) => Boolean(row.error) || (phase === "worked" ? row.replayed?.applied === false : (row.preview?.problems ?? []).some((it) => /^[EF] /.test(it)));
  const bad = rows.filter(isBad);
  const shown = [...bad, ...rows.filter((row) => !isBad(row))].slice(0, SHOWN);
  const isOver = phase === "worked" && at === undefined;
  const n = rows.filter((row) => (phase === "worked" ? row.replayed ?? row.dismissed ?? row.error : row.preview ?? row.error)).length;
  return (
    <div className="stack">
      <p className="quiet no-margin">{say("inOrder")}</p>
      {at !== undefined && (
        <div className="row">
          <Progress className="grow" value={(100 * at) / rows.length} aria-label={say("together")} />
          <span className="value">{at + 1} {say("doneOf")} {rows.length}</span>
          <Button size="xs" variant="default" onClick={() => { halted.current = true; }}>{say("halt")}</Button>
        </div>
      )}
      {at === undefined && phase !== "start" && (
        <Alert color={bad.length > 0 ? "red" : "teal"} role="status">
          {n} {say("doneOf")} {rows.length} · {phase === "worked" ? <>{n - bad.length} {say(isDismissing ? "dismissed" : "isApplied")}, {bad.length} {say("notDone")}</> : <>{bad.length} {say("cannotWork")}. {say("noWorse")}</>}
        </Alert>
      )}
      {at === undefined && !isOver && isDismissing && (
        <Group align="end">
          <TextInput className="grow" label={say("foundOut")} description={say("dismissHint")} value={finding} maxLength={500} onChange={(e) => setFinding(e.currentTarget.value)} />
          <Button color="red.9" disabled={!finding.trim()} onClick={work}>{say("confirm")}</Button>
        </Group>
      )}
      {at === undefined && !isOver && !isDismissing && (
        <Group>
          <Button variant={phase === "start" ? "filled" : "default"} onClick={dryRun}>{say("dryRun")}</Button>
          {phase === "tried" && !sure && <Button onClick={() => setSure(true)}>{say("together")}</Button>}
          {phase === "tried" && sure && <Button color="red.9" onClick={work}>{say("confirm")}</Button>}
          {phase === "tried" && sure && <Button variant="default" onClick={() => setSure(false)}>{say("stop")}</Button>}
        </Group>
      )}
      <List head={[say("message"), say("type"), say("interface"), say("state"), say("reportOf")]} isEmpty={false}>
        {shown.map((row) => (
          <Table.Tr key={row.id} data-report={row.id}>
            <Table.Td><a className="link" href={`#/messages?id=${row.id}`} target="_blank" rel="noreferrer">{row.line ? time(row.line.time) : row.id}</a></Table.Td>
            <Table.Td><div>{row.line?.kind} <span className="quiet">{row.line?.controlId}</span></div></Table.Td>
            <Table.Td>{row.line?.interface}</Table.Td>
            <Table.Td className="no-wrap">{row.line && <><span className={COLOR[row.line.state]}>●</span>&nbsp;{word("message", row.line.state)}</>}</Table.Td>
            <Table.Td><Said row={row} /></Table.Td>
          </Table.Tr>
        ))}
      </List>
      {rows.length > SHOWN && <p className="quiet no-margin">{SHOWN} {say("doneOf")} {rows.length}</p>}
    </div>
  );
}

/** What became of one message, or would. */
function Said({ row }: { row: Row }) {
  const { say, word } = useWords();
  if (row.error) return <span className="bad">{row.error}</span>;
  if (row.dismissed) return <span className="good">{say("dismissed")}</span>;
  if (row.replayed?.waiting) return <span className="good">{say("isWaiting")}</span>;
  if (row.replayed) {
    const why = [row.replayed.message.why, ...row.replayed.message.problems.map((it) => inWords(it, word))].filter(Boolean).join("; ");
    return row.replayed.applied ? <span className="good">{say("isApplied")}</span> : <span className="bad">{say("isDead")}{why && `: ${why}`}</span>;
  }
  return row.preview ? <Would preview={row.preview} /> : null;
}

function Would({ preview }: { preview: Preview }) {
  const { say, word } = useWords();
  const { goesTo } = preview;
  if (goesTo) return goesTo.kind ? <>{say("wouldGo")} <span className="address">{goesTo.address}</span></> : <span className="bad">{say("noWay")}</span>;
  const bad = preview.problems.filter((it) => /^[EF] /.test(it));
  if (bad.length > 0) return <span className="bad">{say("cannotWork")}: {bad.map((it) => inWords(it, word)).join("; ")}</span>;
  const made = preview.changes.filter((it) => it.isNew).length;
  const changed = preview.changes.filter((it) => !it.isNew && it.elements.length > 0).length;
  if (made + changed === 0) return <>{say("noChanges")}</>;
  return <>{[made > 0 && `${made} ${say("wouldMake")}`, changed > 0 && `${changed} ${say("wouldChange")}`].filter(Boolean).join(", ")}</>;
}
