// What several pages are made of.
import { Alert, Skeleton, Table } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";

import { type Resource, search } from "../api";
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
  if (error) return <Alert color="red">{error.message}</Alert>;
  if (isPending) return <Waiting />;
  if (isEmpty) return <div className="card empty">{empty ?? say("nothing")}</div>;
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label={head[0]}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead><Table.Tr>{head.map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  );
}

/** What is there while something is read. */
export function Waiting({ lines = 4 }: { lines?: number }) {
  const { say } = useWords();
  return (
    <div className="card stack" role="status" aria-label={say("loading")}>
      {Array.from({ length: lines }, (_, n) => <Skeleton key={n} height={16} width={`${90 - n * 12}%`} />)}
    </div>
  );
}

/** A part of a page under its name, with what can be done to it. */
export function Section({ title, children, action }: { title: string; children: React.ReactNode; action?: React.ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <div className="row section-head"><h2>{title}</h2><span className="grow" />{action}</div>
      {children}
    </section>
  );
}
