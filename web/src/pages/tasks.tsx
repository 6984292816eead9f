import { Alert, Button, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { get, nameOf, post } from "../api";
import type { Me } from "../app";
import { whenDeaf } from "../feed";
import { useWords } from "../words";
import { usePatients } from "./board";
import { List } from "./parts";

type Task = {
  id: string; code: string; title: string; why?: string; patient?: string; admission?: string; alike: string[]; since: string; closedByHand: boolean;
};

/** What waits for a person, the oldest first. */
export function Tasks({ me }: { me: Me }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const [open, setOpen] = useState<string>();
  const [note, setNote] = useState("");
  const found = useQuery({ queryKey: ["tasks"], queryFn: () => get<{ tasks: Task[] }>("/api/tasks"), refetchInterval: whenDeaf(10_000) });
  const tasks = found.data?.tasks ?? [];
  const people = usePatients(tasks.flatMap((it) => [it.patient ?? "", ...it.alike]));
  const done = useMutation({
    mutationFn: (id: string) => post(`/api/tasks/${id}/done`, { note }),
    onSuccess: () => { setOpen(undefined); setNote(""); },
    onSettled: () => queries.invalidateQueries({ queryKey: ["tasks"] }),
  });
  const manages = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const who = (id?: string) => (id ? <a key={id} href={`#/patient/${id}`}>{people.has(id) ? nameOf(people.get(id)) : say("patient")}</a> : "—");
  return (
    <div className="stack">
      <h1>{say("tasks")}</h1>
      {done.error && <Alert color="red" role="alert">{done.error.message}</Alert>}
      <List error={found.error} isEmpty={found.isSuccess && tasks.length === 0} head={[say("what"), say("patient"), say("since"), ""]}>
        {tasks.map((task) => (
          <Table.Tr key={task.id} data-task={task.code}>
            <Table.Td>{task.title}{task.why && <div className="quiet">{task.why}</div>}</Table.Td>
            <Table.Td>{who(task.patient)}{task.alike.length > 0 && <div className="quiet">{say("alikeTo")} {task.alike.map((id, n) => <span key={id}>{n > 0 && ", "}{who(id)}</span>)}</div>}</Table.Td>
            <Table.Td>{time(task.since)}</Table.Td>
            <Table.Td>
              {task.admission && <a href={`#/admission/${task.admission}`}>{say("open")}</a>}
              {manages && task.closedByHand && (open === task.id ? (
                <form className="row" onSubmit={(event) => { event.preventDefault(); done.mutate(task.id); }}>
                  <TextInput aria-label={say("foundOut")} placeholder={say("foundOut")} data-autofocus value={note} maxLength={500} onChange={(e) => setNote(e.currentTarget.value)} />
                  <Button type="submit" size="xs" disabled={!note.trim()} loading={done.isPending}>{say("finish")}</Button>
                </form>
              ) : <Button variant="default" size="xs" onClick={() => { setOpen(task.id); setNote(""); }}>{say("finish")}</Button>)}
            </Table.Td>
          </Table.Tr>
        ))}
      </List>
    </div>
  );
}
