// What happens, as the server tells it: what has changed is read anew, and nothing else.
import { type QueryClient, type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

type Happened = { type: string; priority: string; record: string; version?: number; patient?: string | null };

/** Milliseconds for which what happens is collected before anything is read anew. */
const COLLECT_MS = 150;
/** Milliseconds after which a connection that the browser gave up is tried again. */
const AGAIN_MS = 5_000;

let hears = false;

/** How often a page asks while nothing is told to it; not at all while it is. */
export const whenDeaf = (ms: number) => () => (hears ? false : ms) as number | false;

/** Listens for as long as somebody is signed in. */
export function useFeed() {
  const queries = useQueryClient();
  useEffect(() => listen(queries), [queries]);
}

function listen(queries: QueryClient): () => void {
  const stale = new Map<string, QueryKey>();
  let source: EventSource | undefined;
  let collecting: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  const refresh = () => {
    collecting = undefined;
    const keys = [...stale.values()];
    stale.clear();
    performance.mark("ward-feed");
    for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
  };
  const everything = () => {
    queries.removeQueries({ queryKey: ["people"] });
    void queries.invalidateQueries({ predicate: (it) => it.queryKey[0] !== "me" });
  };
  const turn = (now: boolean) => {
    if (hears === now) return;
    hears = now;
    // What happened while nobody listened was not heard.
    everything();
  };
  const open = () => {
    source = new EventSource("/api/events");
    source.addEventListener("hello", () => turn(true));
    source.addEventListener("reset", everything);
    source.onmessage = (message) => {
      const happened = JSON.parse(message.data) as Happened;
      if (happened.record.startsWith("Patient/")) forgetName(queries, happened.record.slice("Patient/".length));
      for (const key of keysOf(happened)) stale.set(JSON.stringify(key), key);
      collecting ??= setTimeout(refresh, COLLECT_MS);
    };
    source.onerror = () => {
      turn(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      clearTimeout(again);
      again = setTimeout(open, AGAIN_MS);
    };
  };
  open();
  return () => {
    source?.close();
    clearTimeout(collecting);
    clearTimeout(again);
    hears = false;
  };
}

/** A name that was changed is read again, and no other. */
function forgetName(queries: QueryClient, id: string) {
  queries.setQueryData<Record<string, unknown>>(["people"], (known) => {
    const { [id]: _, ...rest } = known ?? {};
    return rest;
  });
}

/** What was read that a record is part of. A key stands for all that begin with it. */
function keysOf({ record, patient }: Happened): QueryKey[] {
  const [type = "", id = ""] = record.split("/");
  const keys: QueryKey[] = patient ? [["of", patient]] : [];
  if (type === "Bed") keys.push(["beds"]);
  if (type === "Admission") keys.push(["admission", id], ["waiting"]);
  if (type === "Encounter") keys.push(["away"]);
  if (type === "Admission") keys.push(["admissions"]);
  if (type === "Task") keys.push(["tasks"], ["waiting-meds"]);
  if (type.startsWith("Medication") && patient) keys.push(["sheet", patient], ["waiting-meds"]);
  if (type === "Patient") keys.push(["patient", id], ["names"]);
  return keys;
}
