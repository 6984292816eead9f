import { Alert, Badge, Button, PasswordInput, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call, get, post } from "../api";
import { useWords } from "../words";
import { List } from "./parts";

type Account = { id: string; name: string; role: string; active: boolean; lastSignIn?: string; practitioner?: string | null };

const ROLES = ["physician", "nurse", "pharmacist", "registrar", "radiographer", "billing", "integration", "auditor", "administrator"];

/** Those who care for patients of their own. */
const CLINICIANS = ["physician", "nurse"];

/** Who may sign in, and as what. */
export function Accounts() {
  const { say, word, time } = useWords();
  const queries = useQueryClient();
  const found = useQuery({ queryKey: ["accounts"], queryFn: () => get<{ accounts: Account[] }>("/api/accounts") });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<string | null>("nurse");
  const [person, setPerson] = useState("");
  const isClinician = CLINICIANS.includes(role ?? "");
  const settled = () => queries.invalidateQueries({ queryKey: ["accounts"] });
  const add = useMutation({
    mutationFn: async () => {
      // Whose patients they are is known by the Practitioner that they are.
      const practitioner = isClinician && person.trim()
        ? (await call<{ id: string }>("POST", "/fhir/Practitioner", { resourceType: "Practitioner", active: true, name: [{ text: person.trim() }] })).id : undefined;
      return post("/api/accounts", { name, password, role, ...(practitioner && { practitioner }) });
    },
    onSuccess: () => { setName(""); setPassword(""); setPerson(""); return settled(); },
  });
  const set = useMutation({
    mutationFn: ({ id, active }: { id: string; active: boolean }) => call("PUT", `/api/accounts/${id}/active`, { active }),
    onSettled: settled,
  });
  const accounts = found.data?.accounts ?? [];
  return (
    <div className="stack">
      <h1>{say("accounts")}</h1>
      {(add.error || set.error) && <Alert color="red" role="alert">{(add.error ?? set.error)?.message}</Alert>}
      <List error={found.error} isPending={found.isPending} isEmpty={found.isSuccess && accounts.length === 0} head={[say("name"), say("role"), say("status"), say("lastSignIn"), " "]}>
        {accounts.map((account) => (
          <Table.Tr key={account.id}>
            <Table.Td>{account.name}</Table.Td>
            <Table.Td>{word("role", account.role)}{account.practitioner && <div className="quiet">{say("clinician")}</div>}</Table.Td>
            <Table.Td><Badge variant="default" tt="none" leftSection={<span className={account.active ? "good" : undefined}>●</span>}>{say(account.active ? "active" : "closed")}</Badge></Table.Td>
            <Table.Td>{account.lastSignIn ? time(account.lastSignIn) : "—"}</Table.Td>
            <Table.Td><Button size="compact-sm" variant="default" onClick={() => set.mutate({ id: account.id, active: !account.active })}>{say(account.active ? "deactivate" : "activate")}</Button></Table.Td>
          </Table.Tr>
        ))}
      </List>
      <form className="card stack" style={{ maxWidth: 480 }} onSubmit={(event) => { event.preventDefault(); add.mutate(); }}>
        <b>{say("addAccount")}</b>
        <TextInput label={say("name")} value={name} required onChange={(e) => setName(e.currentTarget.value)} autoComplete="off" />
        <PasswordInput label={say("password")} description={say("passwordHint")} value={password} required onChange={(e) => setPassword(e.currentTarget.value)} autoComplete="new-password" />
        <Select label={say("role")} data={ROLES.map((value) => ({ value, label: word("role", value) }))} allowDeselect={false} value={role} onChange={setRole} />
        {isClinician && <TextInput label={say("practitionerName")} description={say("practitionerHint")} value={person} maxLength={200} onChange={(e) => setPerson(e.currentTarget.value)} autoComplete="off" />}
        <Button type="submit" loading={add.isPending}>{say("create")}</Button>
      </form>
    </div>
  );
}
