// What several pages are made of.
import { Alert, Button, Skeleton, Table } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";

import { ApiError, type Resource, search } from "../api";
import { useWords } from "../words";

/** One page; what is kept is shared by every look at it, and never changed in place. */
export function useOf<R extends Resource>(id: string, query: string, find: (query: string) => Promise<R[]> = search<R>) {
  return useQuery({ queryKey: ["of", id, query], queryFn: () => find(query.replace("?", `?patient=${id}&`)) });
}

/** Has everything of one patient read again. */
export function useAgain(id: string) {
  const queries = useQueryClient();
  return () => Promise.all([
    queries.invalidateQueries({ queryKey: ["of", id] }),
    queries.invalidateQueries({ queryKey: ["patient", id] }),
  ]);
}

export function List({ head, children, error, isEmpty, isPending, empty }: {
  head: string[]; children: React.ReactNode; error?: Error | null; isEmpty: boolean; isPending?: boolean; empty?: string;
}) {
  const { say } = useWords();
  if (error) return <Failed error={error} />;
  if (isPending) return <Waiting />;
  if (isEmpty) return <div className="card empty">{empty ?? say("nothing")}</div>;
  // Where there is no room for columns, each value says what it is.
  const heads = Object.fromEntries(head.slice(1, 10).map((it, n) => [`--head-${n + 2}`, JSON.stringify(it.trim())])) as React.CSSProperties;
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label={head[0]} style={heads}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead><Table.Tr>{head.map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  );
}

/** What went wrong, and another try of everything that went wrong. */
export function Failed({ error }: { error: Error }) {
  const { say } = useWords();
  const queries = useQueryClient();
  return (
    <Alert color="red" role="alert">
      <div className="stack">
        <span>{error.message}</span>
        <div><Button variant="default" size="xs" onClick={() => queries.refetchQueries({ predicate: (it) => it.state.status === "error" })}>{say("lookAgain")}</Button></div>
      </div>
    </Alert>
  );
}

/** Not for this reader, or not to be had now: two things that mean something else. */
export function Unseen({ error }: { error: Error | null }) {
  const { say } = useWords();
  if (!error) return null;
  return isRefused(error) ? <p className="quiet">{say("notAllowed")}</p> : <Failed error={error} />;
}

export const isRefused = (error: Error) => error instanceof ApiError && (error.status === 403 || error.status === 404);

/** What is there while something is read. */
export function Waiting({ lines = 4 }: { lines?: number }) {
  const { say } = useWords();
  return (
    <div className="card stack" role="status" aria-label={say("loading")}>
      {Array.from({ length: lines }, (_, n) => <Skeleton key={n} height={16} width={`${90 - n * 12}%`} />)}
    </div>
  );
}

/** A part of a page under its name, with what can be done to it; `said` is a name from the chart, in its own language. */
export function Section({ title, children, action, said }: { title: string; children: React.ReactNode; action?: React.ReactNode; said?: boolean }) {
  return (
    <section className="card" aria-label={title}>
      <div className="row section-head"><h2 data-said={said || undefined}>{title}</h2><span className="grow" />{action}</div>
      {children}
    </section>
  );
}
