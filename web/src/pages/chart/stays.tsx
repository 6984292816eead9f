// The stays of a patient, and what can be done to the latest.
import { Alert, Badge, Button, Modal, Table } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { type Concept, type Reference, type Resource, get, idOf, post, words } from "../../api";
import type { Me } from "../../app";
import { type Word, useWords } from "../../words";
import type { Bed } from "../bed";
import { List, useAgain, useOf } from "../parts";

export type Encounter = Resource & {
  status?: string; class?: { code?: string; display?: string }; period?: { start?: string; end?: string }; reasonCode?: Concept[];
  location?: { location?: Reference; status?: string }[]; type?: Concept[]; serviceType?: Concept;
};

type Act = { stay: Encounter; what: "leave" | "return" | "discharge" | "cancel-discharge" | "claim" };

const TITLE: Record<Act["what"], Word> = {
  leave: "leave", return: "return", discharge: "discharge", "cancel-discharge": "cancelDischarge", claim: "makeClaim",
};
const HINT: Record<Act["what"], Word> = {
  leave: "leaveHint", return: "returnHint", discharge: "dischargeHint", "cancel-discharge": "cancelDischargeHint", claim: "makeClaimHint",
};

export function Stays({ id, me }: { id: string; me: Me }) {
  const { say, word, time } = useWords();
  const found = useOf<Encounter>(id, "Encounter?_sort=-date&_count=100");
  const [act, setAct] = useState<Act>();
  const manages = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const beds = useQuery({ queryKey: ["beds"], enabled: manages, queryFn: () => get<{ beds: Bed[] }>("/api/beds") });
  const stays = found.data ?? [];
  const bedOf = (it: Encounter) => {
    const place = (it.location?.find((one) => one.status === "active") ?? it.location?.[it.location.length - 1])?.location;
    return place?.display ?? beds.data?.beds.find((bed) => bed.id === idOf(place?.reference))?.name;
  };
  const isIn = stays.some((it) => ["in-progress", "onleave", "arrived"].includes(it.status ?? ""));
  const last = stays.find((it) => it.status === "finished");
  const actsOf = (it: Encounter): Act["what"][] => [
    ...(manages && it.status === "in-progress" ? ["leave", "discharge"] as const : []),
    ...(manages && it.status === "onleave" ? ["return", "discharge"] as const : []),
    // Only who is not in again can be back in the stay that was the last.
    ...(manages && !isIn && it === last ? ["cancel-discharge"] as const : []),
    ...(me.role === "billing" && it.status === "finished" ? ["claim"] as const : []),
  ];
  return (
    <>
      <List error={found.error} isPending={found.isPending} isEmpty={stays.length === 0} empty={say("noStays")} head={[say("when"), say("type"), say("status"), say("bed"), say("reason"), " "]}>
        {stays.map((it) => (
          <Table.Tr key={it.id} data-stay={it.status}>
            <Table.Td>{time(it.period?.start)}{it.period?.end ? ` – ${time(it.period.end)}` : ""}</Table.Td>
            <Table.Td>{word("class", it.class?.code ?? it.class?.display)} <span className="quiet">{it.type?.[0] ? words(it.type[0]) : it.serviceType ? words(it.serviceType) : ""}</span></Table.Td>
            <Table.Td><Badge variant="default" tt="none">{say(`stay-${it.status}` as Word) ?? it.status}</Badge></Table.Td>
            <Table.Td>{bedOf(it)}</Table.Td>
            <Table.Td>{it.reasonCode?.map(words).join("; ")}</Table.Td>
            <Table.Td>
              <div className="row tight">
                {actsOf(it).map((what) => <Button key={what} size="compact-sm" variant="default" onClick={() => setAct({ stay: it, what })}>{say(TITLE[what])}</Button>)}
              </div>
            </Table.Td>
          </Table.Tr>
        ))}
      </List>
      {act && <Sure id={id} act={act} close={() => setAct(undefined)} />}
    </>
  );
}

/** Everything that moves a patient is asked once more, with what it does. */
function Sure({ id, act: { stay, what }, close }: { id: string; act: Act; close: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const again = useAgain(id);
  const act = useMutation({
    mutationFn: () => post(`/api/encounters/${stay.id}/${what}`),
    onSuccess: close,
    onSettled: () => Promise.all([again(), queries.invalidateQueries({ queryKey: ["beds"] })]),
  });
  return (
    <Modal opened onClose={close} title={say(TITLE[what])} closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        <p className="no-margin">{say(HINT[what])}</p>
        {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button data-autofocus loading={act.isPending} onClick={() => act.mutate()}>{say("confirm")}</Button></div>
      </div>
    </Modal>
  );
}
