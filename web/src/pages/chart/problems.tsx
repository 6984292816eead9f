// Diagnoses and medical history.
import { Alert, Badge, Button, Modal, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { type Concept, type Resource, call, searchAll, words } from "../../api";
import type { Me } from "../../app";
import { useWords } from "../../words";
import { Section, Unseen, useAgain, useOf } from "../parts";
import { put } from "./personpanel";

export type Condition = Resource & {
  code?: Concept; clinicalStatus?: Concept; verificationStatus?: Concept; category?: Concept[]; recordedDate?: string; onsetDateTime?: string; abatementDateTime?: string;
};

const CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category";

const isWrong = (it: Condition) => ["entered-in-error", "refuted"].includes(it.verificationStatus?.coding?.[0]?.code ?? "");
export const isActive = (it: Condition) => !["resolved", "inactive", "remission"].includes(it.clinicalStatus?.coding?.[0]?.code ?? "active") && !isWrong(it);

export function Problems({ id, me, encounter }: { id: string; me: Me; encounter?: string }) {
  const { say, time } = useWords();
  const again = useAgain(id);
  const found = useOf<Condition>(id, "Condition?_count=100", searchAll<Condition>);
  const [open, setOpen] = useState(false);
  const all = (found.data ?? []).filter((it) => !isWrong(it));
  const [now, past] = [all.filter(isActive), all.filter((it) => !isActive(it))];
  const writes = ["physician", "integration"].includes(me.role);
  const end = useMutation({
    mutationFn: (it: Condition) => put({ ...it, clinicalStatus: { coding: [{ system: CLINICAL, code: "resolved" }] }, ...(it.onsetDateTime || !it.abatementDateTime ? { abatementDateTime: new Date().toISOString().slice(0, 10) } : {}) }),
    onSuccess: again,
  });
  const line = (it: Condition) => (
    <div className="line" key={it.id}>
      <span className="grow">{words(it.code)} {it.code?.coding?.[0]?.code && it.code.text && <span className="quiet">{it.code.coding[0].code}</span>}
        {it.category?.some((of) => of.coding?.[0]?.code === "encounter-diagnosis") && <Badge size="xs" variant="default" tt="none" ml={6}>{say("ofStay")}</Badge>}</span>
      <span className="quiet">{time(it.onsetDateTime ?? it.recordedDate)}{it.abatementDateTime && ` – ${time(it.abatementDateTime)}`}</span>
      {writes && isActive(it) && <Button size="compact-xs" variant="subtle" aria-label={`${say("resolve")}: ${words(it.code)}`} onClick={() => end.mutate(it)}>{say("resolve")}</Button>}
    </div>
  );
  return (
    <Section title={say("problems")} action={writes && <Button variant="default" size="xs" onClick={() => setOpen(true)}>{say("add")}</Button>}>
      <Unseen error={found.error} />
      {end.error && <Alert color="red" role="alert">{end.error.message}</Alert>}
      {found.isPending && <p className="quiet">{say("loading")}</p>}
      {found.isSuccess && all.length === 0 && <p className="quiet">{say("none")}</p>}
      {now.map(line)}
      {past.length > 0 && <details><summary>{say("history")} ({past.length})</summary>{past.map(line)}</details>}
      {open && <Add id={id} encounter={encounter} close={() => setOpen(false)} />}
    </Section>
  );
}

function Add({ id, encounter, close }: { id: string; encounter?: string; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(id);
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const [onset, setOnset] = useState("");
  const [kind, setKind] = useState(encounter ? "encounter-diagnosis" : "problem-list-item");
  const [isPast, setPast] = useState("active");
  const save = useMutation({
    mutationFn: () => call("POST", "/fhir/Condition", {
      resourceType: "Condition", subject: { reference: `Patient/${id}` },
      ...(kind === "encounter-diagnosis" && encounter && { encounter: { reference: `Encounter/${encounter}` } }),
      clinicalStatus: { coding: [{ system: CLINICAL, code: isPast }] }, verificationStatus: { coding: [{ system: VERIFIED, code: "confirmed" }] },
      category: [{ coding: [{ system: CATEGORY, code: kind }] }],
      code: { text: name.trim(), ...(code.trim() && { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: code.trim().toUpperCase(), display: name.trim() }] }) },
      ...(onset && { onsetDateTime: onset }), recordedDate: new Date().toISOString(),
    }),
    onSuccess: async () => { await again(); close(); },
  });
  const isCode = code.trim() === "" || /^[A-Za-z]\d[0-9A-Za-z](\.[0-9A-Za-z]{1,4})?$/.test(code.trim());
  return (
    <Modal opened onClose={close} title={say("addProblem")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <div className="two">
          <TextInput label={say("diagnosis")} required data-autofocus value={name} maxLength={300} onChange={(e) => setName(e.currentTarget.value)} />
          <TextInput label={say("icd")} placeholder="J18.9" value={code} maxLength={10} error={isCode ? undefined : say("icdWrong")} onChange={(e) => setCode(e.currentTarget.value)} />
          <Select label={say("type")} value={kind} allowDeselect={false} onChange={(it) => setKind(it ?? kind)}
            data={[...(encounter ? [{ value: "encounter-diagnosis", label: say("ofStay") }] : []), { value: "problem-list-item", label: say("problemList") }]} />
          <Select label={say("status")} value={isPast} allowDeselect={false} onChange={(it) => setPast(it ?? isPast)} data={[{ value: "active", label: say("active") }, { value: "resolved", label: say("history") }]} />
          <TextInput label={say("onset")} type="date" value={onset} onChange={(e) => setOnset(e.currentTarget.value)} />
        </div>
        {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button type="submit" disabled={!name.trim() || !isCode} loading={save.isPending}>{say("save")}</Button></div>
      </form>
    </Modal>
  );
}
