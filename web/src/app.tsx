import { Loader } from "@mantine/core";
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { get, onSessionEnd } from "./api";
import { Door } from "./pages/door";
import { Shell } from "./shell";

export type Me = { actor: string; role: string; purpose: string; name?: string | null; practitioner?: string | null };

export function App() {
  const queries = useQueryClient();
  const me = useQuery({ queryKey: ["me"], queryFn: () => get<Me>("/api/me"), retry: false });
  useEffect(() => onSessionEnd(() => {
    // Nothing of a patient stays behind on the screen of who has gone.
    if (queries.getQueryData(["me"])) void forget(queries);
  }), [queries]);
  if (me.isPending) return <div className="door"><Loader aria-label="Ward" /></div>;
  if (!me.data) return <Door entered={() => queries.invalidateQueries({ queryKey: ["me"] })} />;
  return <Shell me={me.data} />;
}

/** Forgets everything that was read, and asks again who is there. */
export async function forget(queries: QueryClient) {
  queries.removeQueries({ predicate: (it) => it.queryKey[0] !== "me" });
  queries.getMutationCache().clear();
  await queries.resetQueries({ queryKey: ["me"] });
}
