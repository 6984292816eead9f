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

/** What waits for a person, the oldest first; of billing, what payers leave to one. */
export function Tasks({ me }: { me: Me }) {
  const { say, word, time } = useWords();
  const queries = useQueryClient();
  const [open, setOpen] = useState<string>();
  const [note, setNote] = useState("");
  const isBilling = me.role === "billing";
  // Billing is not told of Tasks one by one: it may not read those that are none of its own.
  const found = useQuery({ queryKey: ["tasks"], queryFn: () => get<{ tasks: Task[] }>("/api/tasks"), refetchInterval: isBilling ? 10_000 : whenDeaf(10_000) });
  const tasks = found.data?.tasks ?? [];
  const people = usePatients(tasks.flatMap((it) => [it.patient ?? "", ...it.alike]));
  const act = useMutation({
    mutationFn: ({ path, body }: { path: string; body: unknown }) => post(path, body),
    onSuccess: () => { setOpen(undefined); setNote(""); },
    onSettled: () => queries.invalidateQueries({ queryKey: ["tasks"] }),
  });
  const works = ["registrar", "nurse", "physician", "integration", "billing"].includes(me.role);
  const who = (id?: string) => (id ? <a key={id} href={`#/patient/${id}`}>{people.has(id) ? nameOf(people.get(id)) : say("patient")}</a> : "—");
  const titleOf = (task: Task) => { const known = word("task", task.code); return known === task.code ? task.title : known; };
  const decide = (task: Task, decision: "granted" | "denied") =>
    act.mutate({ path: `/api/admissions/${task.admission}/authorization`, body: { decision, reference: note.trim() || null } });
  return (
    <div className="stack">
      <h1>{say("tasks")}</h1>
      {act.error && <Alert color="red" role="alert" withCloseButton closeButtonLabel={say("shut")} onClose={() => act.reset()}>{act.error.message}</Alert>}
      <List error={found.error} isPending={found.isPending} isEmpty={tasks.length === 0} empty={say("noTasks")} head={[say("what"), say("patient"), say("since"), " "]}>
        {tasks.map((task) => {
          const asksPayer = isBilling && task.code === "authorize-stay" && task.admission;
          return (
            <Table.Tr key={task.id} data-task={task.code}>
              <Table.Td><b>{titleOf(task)}</b>{task.why && <div className="quiet">{task.why}</div>}</Table.Td>
              <Table.Td>{who(task.patient)}{task.alike.length > 0 && <div className="quiet">{say("alikeTo")} {task.alike.map((id, n) => <span key={id}>{n > 0 && ", "}{who(id)}</span>)}</div>}</Table.Td>
              <Table.Td className="no-wrap">{time(task.since)}</Table.Td>
              <Table.Td>
                <div className="row tight">
                  {task.admission && !isBilling && <Button component="a" variant="default" size="xs" href={`#/admission/${task.admission}`}>{say("open")}</Button>}
                  {works && (task.closedByHand || asksPayer) && open !== task.id && (
                    <Button variant="default" size="xs" onClick={() => { setOpen(task.id); setNote(""); }}>{say(asksPayer ? "enterDecision" : "finish")}</Button>
                  )}
                </div>
                {open === task.id && (asksPayer ? (
                  <div className="row tight">
                    <TextInput aria-label={say("reference")} placeholder={say("reference")} data-autofocus value={note} maxLength={100} onChange={(e) => setNote(e.currentTarget.value)} />
                    <Button size="xs" loading={act.isPending} onClick={() => decide(task, "granted")}>{say("granted")}</Button>
                    <Button size="xs" variant="default" disabled={act.isPending} onClick={() => decide(task, "denied")}>{say("denied")}</Button>
                  </div>
                ) : (
                  <form className="row tight" onSubmit={(event) => { event.preventDefault(); act.mutate({ path: `/api/tasks/${task.id}/done`, body: { note } }); }}>
                    <TextInput aria-label={say("foundOut")} placeholder={say("foundOut")} data-autofocus value={note} maxLength={500} onChange={(e) => setNote(e.currentTarget.value)} />
                    <Button type="submit" size="xs" disabled={!note.trim()} loading={act.isPending}>{say("finish")}</Button>
                  </form>
                ))}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </List>
    </div>
  );
}
