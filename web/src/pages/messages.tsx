import { Alert, Badge, Button, Drawer, Group, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { get, post } from "../api";
import { useWords } from "../words";
import { Failed, List, Waiting } from "./parts";

type Line = {
  id: number; time: string; direction: string; state: string; interface: string; kind: string; controlId: string; sender: string;
  why?: string; attempts: number; problems: string[]; records: string[];
};
type Whole = { message: Line; raw: string; answer: string };
type Preview = { changes: { record: string; isNew: boolean; elements: { element: string; now: unknown; then: unknown }[] }[]; problems: string[] };

const STATES = ["received", "applied", "refused", "dead", "ignored", "quarantined", "waiting", "sent"];
const COLOR: Record<string, string> = { applied: "good", sent: "good", refused: "high", dead: "bad", quarantined: "bad", waiting: "low", received: "low" };

/** Messages of interfaces: found, shown whole, and worked on again. */
export function Messages() {
  const { say, word, time } = useWords();
  const [state, setState] = useState<string | null>(null);
  const [type, setType] = useState("");
  const [control, setControl] = useState("");
  const [before, setBefore] = useState<number>();
  const [shown, show] = useState<number>();
  const asked = new URLSearchParams({ limit: "50" });
  if (state) asked.set("state", state);
  if (type) asked.set("type", type);
  if (control) asked.set("control-id", control);
  if (before) asked.set("before", String(before));
  const found = useQuery({ queryKey: ["messages", asked.toString()], queryFn: () => get<{ messages: Line[] }>(`/api/messages?${asked}`), refetchInterval: before ? false : 3_000, placeholderData: (old) => old });
  const lines = found.data?.messages ?? [];
  return (
    <div className="stack">
      <h1>{say("messages")}</h1>
      <Group align="end">
        <Select label={say("state")} data={STATES.map((value) => ({ value, label: word("message", value) }))} value={state} onChange={setState} clearable w={160} />
        <TextInput label={say("type")} placeholder="ADT^A01" value={type} onChange={(e) => setType(e.currentTarget.value)} w={140} />
        <TextInput label={say("control")} value={control} onChange={(e) => setControl(e.currentTarget.value)} w={200} />
      </Group>
      <List error={found.error} isPending={found.isPending} isEmpty={lines.length === 0} empty={say("noMessages")} head={[say("when"), say("type"), say("state"), say("interface"), say("sender"), say("control")]}>
        {lines.map((line) => (
          <Table.Tr key={line.id}>
            <Table.Td><button type="button" className="link" onClick={() => show(line.id)}>{time(line.time)}</button></Table.Td>
            <Table.Td>{line.direction === "out" ? "→ " : ""}{line.kind}</Table.Td>
            <Table.Td><Badge variant="default" tt="none" leftSection={<span className={COLOR[line.state]}>●</span>}>{word("message", line.state)}</Badge></Table.Td>
            <Table.Td>{line.interface}</Table.Td>
            <Table.Td>{line.sender}</Table.Td>
            <Table.Td>{line.controlId}</Table.Td>
          </Table.Tr>
        ))}
      </List>
      {lines.length === 50 && <Button variant="default" onClick={() => setBefore(lines[lines.length - 1]?.id)}>{say("more")}</Button>}
      <Drawer opened={shown !== undefined} onClose={() => show(undefined)} position="right" size="xl" title={say("messages")} closeButtonProps={{ "aria-label": say("shut") }}>
        {shown !== undefined && <Detail id={shown} />}
      </Drawer>
    </div>
  );
}

function Detail({ id }: { id: number }) {
  const { say, word, time } = useWords();
  const queries = useQueryClient();
  const [sure, setSure] = useState(false);
  const whole = useQuery({ queryKey: ["message", id], queryFn: () => get<Whole>(`/api/messages/${id}`) });
  const preview = useMutation({ mutationFn: () => get<Preview>(`/api/messages/${id}/preview`) });
  const replay = useMutation({
    mutationFn: () => post(`/api/messages/${id}/replay`),
    onSettled: () => { setSure(false); return queries.invalidateQueries(); },
  });
  if (whole.error) return <Failed error={whole.error} />;
  if (!whole.data) return <Waiting />;
  const { message, raw, answer } = whole.data;
  return (
    <div className="stack">
      <div><b>{message.kind}</b> · {word("message", message.state)} · {time(message.time)} · {message.interface}</div>
      {message.why && <p className="alert-line">{message.why}</p>}
      {message.problems.length > 0 && <section aria-label={say("problemsOf")}><b>{say("problemsOf")}</b>{message.problems.map((it) => <div key={it}>{it}</div>)}</section>}
      <section aria-label={say("raw")}><b>{say("raw")}</b><pre className="raw" tabIndex={0}>{lines(raw)}</pre></section>
      {answer && <section aria-label={say("answer")}><b>{say("answer")}</b><pre className="raw" tabIndex={0}>{lines(answer)}</pre></section>}
      {message.direction === "in" && (
        <div className="row">
          <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>{say("preview")}</Button>
          {sure
            ? <><Button color="red.9" loading={replay.isPending} onClick={() => replay.mutate()}>{say("confirm")}</Button><Button variant="default" onClick={() => setSure(false)}>{say("stop")}</Button></>
            : <Button variant="default" onClick={() => setSure(true)}>{say("replay")}</Button>}
        </div>
      )}
      {replay.isSuccess && <Alert color="teal" role="status">{say("workedOn")}</Alert>}
      {replay.error && <Alert color="red" role="alert">{replay.error.message}</Alert>}
      {preview.data && (
        <section aria-label={say("changes")}>
          <b>{say("changes")}</b>
          {preview.data.problems.map((it) => <div key={it} className="alert-line">{it}</div>)}
          {preview.data.changes.every((change) => !change.isNew && change.elements.length === 0) && <p className="quiet">{say("noChanges")}</p>}
          {preview.data.changes.filter((change) => change.isNew || change.elements.length > 0).map((change) => (
            <div key={change.record}>
              <b>{change.isNew ? "+ " : ""}{change.record}</b>
              {change.elements.map((it) => <pre className="raw" tabIndex={0} key={it.element}>{`${it.element}\n- ${JSON.stringify(it.now)}\n+ ${JSON.stringify(it.then)}`}</pre>)}
            </div>
          ))}
        </section>
      )}
    </div>
  );
}

/** Bytes as text, a segment a line. */
function lines(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n").trimEnd();
}
