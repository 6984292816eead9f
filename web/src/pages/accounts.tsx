import { Alert, Badge, Button, PasswordInput, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call, get, post } from "../api";
import { useWords } from "../words";
import { List } from "./chart";

type Account = { id: string; name: string; role: string; active: boolean; lastSignIn?: string };

const ROLES = ["physician", "nurse", "pharmacist", "registrar", "radiographer", "billing", "integration", "auditor", "administrator"];

/** Who may sign in, and as what. */
export function Accounts() {
  const { say } = useWords();
  const queries = useQueryClient();
  const found = useQuery({ queryKey: ["accounts"], queryFn: () => get<{ accounts: Account[] }>("/api/accounts") });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<string | null>("nurse");
  const settled = () => queries.invalidateQueries({ queryKey: ["accounts"] });
  const add = useMutation({
    mutationFn: () => post("/api/accounts", { name, password, role }),
    onSuccess: () => { setName(""); setPassword(""); return settled(); },
  });
  const set = useMutation({
    mutationFn: ({ id, active }: { id: string; active: boolean }) => call("PUT", `/api/accounts/${id}/active`, { active }),
    onSettled: settled,
  });
  const accounts = found.data?.accounts ?? [];
  return (
    <div className="stack">
      <h1 style={{ margin: 0, fontSize: 22 }}>{say("accounts")}</h1>
      {(add.error || set.error) && <Alert color="red" role="alert">{(add.error ?? set.error)?.message}</Alert>}
      <List error={found.error} isEmpty={found.isSuccess && accounts.length === 0} head={[say("name"), say("role"), say("status"), " "]}>
        {accounts.map((account) => (
          <Table.Tr key={account.id}>
            <Table.Td>{account.name}</Table.Td>
            <Table.Td>{account.role}</Table.Td>
            <Table.Td><Badge variant="default" tt="none" leftSection={<span className={account.active ? "good" : undefined}>●</span>}>{say(account.active ? "active" : "closed")}</Badge></Table.Td>
            <Table.Td><Button size="compact-sm" variant="default" onClick={() => set.mutate({ id: account.id, active: !account.active })}>{say(account.active ? "deactivate" : "activate")}</Button></Table.Td>
          </Table.Tr>
        ))}
      </List>
      <form className="card stack" style={{ maxWidth: 420 }} onSubmit={(event) => { event.preventDefault(); add.mutate(); }}>
        <b>{say("addAccount")}</b>
        <TextInput label={say("name")} value={name} required onChange={(e) => setName(e.currentTarget.value)} autoComplete="off" />
        <PasswordInput label={say("password")} description={say("passwordHint")} value={password} required onChange={(e) => setPassword(e.currentTarget.value)} autoComplete="new-password" />
        <Select label={say("role")} data={ROLES} value={role} onChange={setRole} />
        <Button type="submit" loading={add.isPending}>{say("create")}</Button>
      </form>
    </div>
  );
}
