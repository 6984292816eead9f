// Who the patient is, who pays, and whom to call.
import { Alert, Button, Modal, Table } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { type Patient, type Resource, call } from "../../api";
import type { Me } from "../../app";
import { useWords } from "../../words";
import { List, Section, useAgain, useOf } from "../parts";
import { type Coverage, EMPTY as NO_COVER, type Fields as Cover, costOf, coverageOf, fieldsOf as coverFieldsOf, groupOf, kindOf } from "./coverage";
import { CoverageFields } from "./coverageform";
import { ETHNICITIES, type Fields, LANGUAGES, RACES, ROLES, fieldsOf, patientOf } from "./person";
import { PersonFields } from "./personform";

const version = (it: Resource) => (it.meta as { versionId?: string } | undefined)?.versionId;

/** Writes the next version, unless somebody else has. */
export function put(resource: Resource): Promise<Resource> {
  const seen = version(resource);
  return call<Resource>("PUT", `/fhir/${resource.resourceType}/${resource.id}`, resource, seen ? { "if-match": `W/"${seen}"` } : {});
}

export function PersonPanel({ patient, me }: { patient: Patient; me: Me }) {
  const { say, language } = useWords();
  const [open, setOpen] = useState(false);
  const isDesk = ["registrar", "integration"].includes(me.role);
  const it = fieldsOf(patient);
  const label = (all: [string, string, string][], code: string) => {
    const found = all.find(([known]) => known === code);
    return found ? found[language === "zh" ? 2 : 1] : code;
  };
  const rows: [string, string][] = [
    [say("fullName"), [it.given, it.middle, it.family].filter(Boolean).join(" ")],
    [say("birthDate"), it.birthDate],
    [say("race"), it.races.map((code) => label(RACES, code)).join(", ")],
    [say("ethnicity"), label(ETHNICITIES, it.ethnicity)],
    [say("languageOf"), LANGUAGES.find(([code]) => code === it.language)?.[1] ?? it.language],
    [say("phone"), it.phone], [say("mobile"), it.mobile], [say("email"), it.email],
    [say("address"), [it.street, it.city, [it.region, it.postalCode].filter(Boolean).join(" ")].filter(Boolean).join(", ")],
    [say("contact"), [it.contact, label(ROLES, it.contactRole)].filter(Boolean).join(", ")],
    [say("contactPhone"), it.contactPhone],
  ];
  return (
    <div className="stack">
      <Section title={say("person")} action={isDesk && <Button variant="default" size="xs" onClick={() => setOpen(true)}>{say("edit")}</Button>}>
        <dl className="facts">
          {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value || <span className="quiet">{say("unsaid")}</span>}</dd></div>)}
        </dl>
      </Section>
      <Coverages id={patient.id} writes={isDesk || me.role === "billing"} />
      {open && <EditPerson patient={patient} close={() => setOpen(false)} />}
    </div>
  );
}

function EditPerson({ patient, close }: { patient: Patient; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(patient.id);
  const [fields, change] = useState<Fields>(() => fieldsOf(patient));
  const save = useMutation({ mutationFn: () => put(patientOf(fields, patient)), onSuccess: async () => { await again(); close(); } });
  return (
    <Modal opened onClose={close} title={say("editPerson")} size="xl" closeButtonProps={{ "aria-label": say("shut") }}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <PersonFields fields={fields} change={change} />
        {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button type="submit" disabled={!fields.family.trim()} loading={save.isPending}>{say("save")}</Button></div>
      </form>
    </Modal>
  );
}

function Coverages({ id, writes }: { id: string; writes: boolean }) {
  const { say } = useWords();
  const found = useOf<Coverage>(id, "Coverage?_count=50");
  const [open, setOpen] = useState<Coverage | "new">();
  const covers = [...(found.data ?? [])].filter((it) => it.status === "active").sort((a, b) => (a.order ?? 9) - (b.order ?? 9));
  const money = (it: Coverage, what: "copay" | "deductible") => {
    const cost = costOf(it, what);
    return cost ? `${cost.currency === "USD" ? "$" : `${cost.currency} `}${cost.value}` : "—";
  };
  return (
    <Section title={say("insurance")} action={writes && <Button variant="default" size="xs" onClick={() => setOpen("new")}>{say("add")}</Button>}>
      <List error={found.error} isPending={found.isPending} isEmpty={covers.length === 0} empty={say("noCoverage")}
        head={[say("payerName"), say("coverageKind"), say("policy"), say("validity"), say("copay"), say("deductible"), ""]}>
        {covers.map((it) => (
          <Table.Tr key={it.id}>
            <Table.Td><b>{it.payor?.[0]?.display ?? it.payor?.[0]?.reference ?? "—"}</b></Table.Td>
            <Table.Td>{say(kindOf(it))}</Table.Td>
            <Table.Td>{it.subscriberId ?? "—"}{groupOf(it) && <div className="quiet">{say("groupNumber")} {groupOf(it)}</div>}</Table.Td>
            <Table.Td>{[it.period?.start?.slice(0, 10), it.period?.end?.slice(0, 10)].map((day) => day ?? "…").join(" – ")}</Table.Td>
            <Table.Td>{money(it, "copay")}</Table.Td>
            <Table.Td>{money(it, "deductible")}</Table.Td>
            <Table.Td>{writes && <button type="button" className="link" onClick={() => setOpen(it)}>{say("edit")}</button>}</Table.Td>
          </Table.Tr>
        ))}
      </List>
      {open && <EditCoverage id={id} base={open === "new" ? undefined : open} close={() => setOpen(undefined)} />}
    </Section>
  );
}

function EditCoverage({ id, base, close }: { id: string; base?: Coverage; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(id);
  const [fields, change] = useState<Cover>(() => (base ? coverFieldsOf(base) : NO_COVER));
  const save = useMutation({
    mutationFn: (ends: boolean) => {
      const resource = coverageOf(fields, id, base);
      return base ? put({ ...resource, status: ends ? "cancelled" : "active" }) : call<Resource>("POST", "/fhir/Coverage", resource);
    },
    onSuccess: async () => { await again(); close(); },
  });
  return (
    <Modal opened onClose={close} title={say("insurance")} size="xl" closeButtonProps={{ "aria-label": say("shut") }}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(false); }}>
        <CoverageFields fields={fields} change={change} />
        {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
        <div className="row end">
          {base && <Button variant="default" onClick={() => save.mutate(true)}>{say("endCoverage")}</Button>}
          <span className="grow" />
          <Button variant="default" onClick={close}>{say("stop")}</Button>
          <Button type="submit" disabled={!fields.payer.trim() || !fields.policy.trim()} loading={save.isPending}>{say("save")}</Button>
        </div>
      </form>
    </Modal>
  );
}
