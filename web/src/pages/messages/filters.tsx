import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Patient, get, nameOf } from "../../api";
import { PatientSearch } from "../../finder";
import { useWords } from "../../words";
import type { Interfaces } from "../interfaces";
import { STATES } from "./types";

export const FILTERS = ["state", "direction", "interface", "type", "control-id", "patient", "since", "until"];
/** Typing asks once, and not with every letter. */
const PAUSE_MS = 350;

type Ask = (more: Record<string, string | undefined>) => void;

export function Filters({ asked, ask }: { asked: URLSearchParams; ask: Ask }) {
  const { say, word } = useWords();
  const one = (name: string) => asked.get(name);
  const known = useQuery({ queryKey: ["interfaces", "names"], queryFn: () => get<Interfaces>("/api/interfaces"), staleTime: 60_000 });
  const names = (known.data?.interfaces ?? []).flatMap((it) => [...(it.source.kind === "interface" ? [] : [it.name]), ...it.destinations.map((to) => to.name)]);
  const gone = (known.data?.gone ?? []).map((it) => it.name);
  const interfaces = [...new Set([...names, ...gone, ...(one("interface") ? [one("interface") as string] : [])])].filter(Boolean);
  const isAny = FILTERS.some((name) => asked.has(name));
  return (
    <div className="filters" role="search" aria-label={say("messages")}>
      <Select label={say("state")} data={STATES.map((value) => ({ value, label: word("message", value) }))} value={one("state")} onChange={(value) => ask({ state: value ?? undefined })} clearable clearButtonProps={{ "aria-label": say("noFilters") }} />
      <Select label={say("direction")} data={[{ value: "in", label: say("incoming") }, { value: "out", label: say("outgoing") }]} value={one("direction")} onChange={(value) => ask({ direction: value ?? undefined })} clearable clearButtonProps={{ "aria-label": say("noFilters") }} />
      <Select label={say("interface")} data={interfaces} value={one("interface")} onChange={(value) => ask({ interface: value ?? undefined })} clearable searchable clearButtonProps={{ "aria-label": say("noFilters") }} />
      <Typed label={say("type")} placeholder="ADT^A01" value={one("type")} said={(value) => ask({ type: value })} />
      <Typed label={say("control")} value={one("control-id")} said={(value) => ask({ "control-id": value })} />
      <Who id={one("patient")} ask={ask} />
      <When label={say("fromTime")} value={one("since")} said={(value) => ask({ since: value })} />
      <When label={say("untilTime")} value={one("until")} said={(value) => ask({ until: value })} />
      {isAny && <Button variant="subtle" onClick={() => ask(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}>{say("noFilters")}</Button>}
    </div>
  );
}

function Typed({ label, placeholder, value, said }: { label: string; placeholder?: string; value: string | null; said: (value: string | undefined) => void }) {
  const [text, setText] = useState(value ?? "");
  const later = useDebouncedCallback((it: string) => said(it.trim() || undefined), PAUSE_MS);
  // Cleared, or come to by a link.
  useEffect(() => setText((old) => (old.trim() === (value ?? "") ? old : value ?? "")), [value]);
  return <TextInput label={label} placeholder={placeholder} value={text} onChange={(e) => { setText(e.currentTarget.value); later(e.currentTarget.value); }} />;
}

/** A time of this place, asked for as one of the world. */
function When({ label, value, said }: { label: string; value: string | null; said: (value: string | undefined) => void }) {
  const at = value ? new Date(value) : undefined;
  const local = at && !Number.isNaN(at.getTime()) ? new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";
  return <TextInput type="datetime-local" label={label} value={local} onChange={(e) => said(e.currentTarget.value ? new Date(e.currentTarget.value).toISOString() : undefined)} />;
}

function Who({ id, ask }: { id: string | null; ask: Ask }) {
  const { say } = useWords();
  const [opened, open] = useState(false);
  const patient = useQuery({ queryKey: ["patient", id, "name"], queryFn: () => get<Patient>(`/fhir/Patient/${id}`), enabled: Boolean(id), retry: false, staleTime: 60_000 });
  const name = id ? (patient.data ? nameOf(patient.data) : id) : say("anyPatient");
  return (
    <div className="who-filter">
      <span className="label">{say("filterPatient")}</span>
      <div className="row tight nowrap">
        <Button variant="default" fullWidth px="xs" onClick={() => open(true)} aria-label={`${say("filterPatient")}: ${name}`}><span className="clip" data-said={id ? true : undefined}>{name}</span></Button>
        {id && <Button variant="default" px="xs" className="fixed" onClick={() => ask({ patient: undefined })} aria-label={say("anyPatient")}>×</Button>}
      </div>
      <Modal opened={opened} onClose={() => open(false)} title={say("palette")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
        <PatientSearch chosen={(it) => { open(false); ask({ patient: it.id }); }} />
      </Modal>
    </div>
  );
}
