// Notes, discharge summaries, reports and pictures: read whole, and the first two written here.
import { Alert, Badge, Button, Modal, Select, Table, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { type Concept, type Reference, type Resource, call, words } from "../../api";
import type { Me } from "../../app";
import { useWords } from "../../words";
import { List, useAgain, useOf } from "../parts";
import { type Attachment, Form } from "./attachment";

type Document = Resource & {
  status?: string; docStatus?: string; type?: Concept; date?: string; description?: string; content?: { attachment?: Attachment }[];
  author?: (Reference & { identifier?: { value?: string } })[];
};
type Report = Resource & { code?: Concept; status?: string; effectiveDateTime?: string; issued?: string; conclusion?: string; presentedForm?: Attachment[]; result?: Reference[] };
type Study = Resource & { status?: string; started?: string; description?: string; modality?: { code?: string }[]; numberOfInstances?: number };

/** - Source: LOINC, document types. */
const TYPES: Record<string, { code: string; display: string }> = {
  progress: { code: "11506-3", display: "Progress note" },
  discharge: { code: "18842-5", display: "Discharge summary" },
};

export function Documents({ id, me, encounter }: { id: string; me: Me; encounter?: string }) {
  const { say, word, time } = useWords();
  const documents = useOf<Document>(id, "DocumentReference?_sort=-date&_count=100");
  const reports = useOf<Report>(id, "DiagnosticReport?_sort=-date&_count=100");
  const studies = useOf<Study>(id, "ImagingStudy?_sort=-started&_count=100");
  const [open, setOpen] = useState<Document | Report>();
  const [writes, setWrites] = useState(false);
  const canWrite = ["physician", "nurse", "integration"].includes(me.role);
  const rows = [
    ...(documents.data ?? []).filter((it) => it.status === "current" && it.docStatus !== "entered-in-error").map((it) => ({ it: it as Resource, title: words(it.type), kind: say("note"), status: it.docStatus ?? "", at: it.date, more: it.description, opens: () => setOpen(it) })),
    ...(reports.data ?? []).filter((it) => it.status !== "entered-in-error").map((it) => ({ it: it as Resource, title: words(it.code), kind: say("report"), status: it.status ?? "", at: it.effectiveDateTime ?? it.issued, more: it.conclusion, opens: () => setOpen(it) })),
    ...(studies.data ?? []).map((it) => ({ it: it as Resource, title: it.description ?? say("imaging"), kind: say("imaging"), status: it.status ?? "", at: it.started, more: it.modality?.map((m) => m.code).join(", "), opens: undefined })),
  ].sort((a, b) => (b.at ?? "").localeCompare(a.at ?? ""));
  const failed = [documents, reports, studies].every((it) => it.error) ? documents.error : null;
  return (
    <div className="stack">
      {canWrite && <div className="row end"><Button variant="default" size="xs" onClick={() => setWrites(true)}>{say("writeNote")}</Button></div>}
      <List error={failed} isPending={documents.isPending && reports.isPending} isEmpty={rows.length === 0} empty={say("noDocuments")} head={[say("documents"), say("type"), say("status"), say("when")]}>
        {rows.map(({ it, title, kind, status, at, more, opens }) => (
          <Table.Tr key={`${it.resourceType}/${it.id}`} data-document={it.resourceType}>
            <Table.Td>{opens ? <button type="button" className="link" data-said onClick={opens}>{title}</button> : title}{more && <div className="quiet clip">{more}</div>}</Table.Td>
            <Table.Td>{kind}</Table.Td>
            <Table.Td>{status ? <Badge variant="default" tt="none">{word("status", status)}</Badge> : "—"}</Table.Td>
            <Table.Td>{time(at)}</Table.Td>
          </Table.Tr>
        ))}
      </List>
      {open && <Whole it={open} close={() => setOpen(undefined)} />}
      {writes && <Write id={id} me={me} encounter={encounter} close={() => setWrites(false)} />}
    </div>
  );
}

/** Text in base64, as UTF-8. */
const encoded = (text: string) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

function Whole({ it, close }: { it: Document | Report; close: () => void }) {
  const { say, time } = useWords();
  const forms = it.resourceType === "DocumentReference"
    ? (it as Document).content?.flatMap((content) => content.attachment ?? []) ?? [] : (it as Report).presentedForm ?? [];
  const title = it.resourceType === "DocumentReference" ? words((it as Document).type) : words((it as Report).code);
  const conclusion = (it as Report).conclusion;
  const at = (it as Document).date ?? (it as Report).effectiveDateTime ?? (it as Report).issued;
  return (
    <Modal opened onClose={close} title={title} size="xl" closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        <span className="quiet">{time(at)} {(it as Document).author?.map((by) => by.display).filter(Boolean).join(", ")}</span>
        {conclusion && <div><b>{say("conclusion")}</b><p className="prose">{conclusion}</p></div>}
        {forms.map((form, n) => <Form key={n} form={form} />)}
        {!conclusion && forms.length === 0 && <p className="quiet">{say("noText")}</p>}
      </div>
    </Modal>
  );
}

function Write({ id, me, encounter, close }: { id: string; me: Me; encounter?: string; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(id);
  const [kind, setKind] = useState("progress");
  const [text, setText] = useState("");
  // One for each note: saving twice writes one.
  const [key] = useState(() => crypto.randomUUID());
  const save = useMutation({
    mutationFn: () => call("POST", "/fhir/DocumentReference", {
      resourceType: "DocumentReference", status: "current", docStatus: "final",
      identifier: [{ system: "urn:ward:note", value: key }],
      type: { coding: [{ system: "http://loinc.org", ...TYPES[kind] }], text: TYPES[kind]?.display },
      category: [{ coding: [{ system: "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", code: "clinical-note", display: "Clinical Note" }] }],
      subject: { reference: `Patient/${id}` }, date: new Date().toISOString(),
      author: [{ ...(me.practitioner ? { reference: `Practitioner/${me.practitioner}` } : {}), identifier: { system: "urn:ward:actor", value: me.actor }, display: me.name ?? me.role }],
      description: text.trim().split("\n")[0]?.slice(0, 120),
      content: [{ attachment: { contentType: "text/plain; charset=utf-8", language: "en", data: encoded(text.trim()), title: TYPES[kind]?.display } }],
      ...(encounter && { context: { encounter: [{ reference: `Encounter/${encounter}` }] } }),
    }, { "if-none-exist": `identifier=urn:ward:note|${key}` }),
    onSuccess: async () => { await again(); close(); },
  });
  return (
    <Modal opened onClose={close} title={say("writeNote")} size="xl" closeButtonProps={{ "aria-label": say("shut") }}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <Select label={say("type")} value={kind} allowDeselect={false} onChange={(it) => setKind(it ?? "progress")} data={[{ value: "progress", label: say("progressNote") }, { value: "discharge", label: say("dischargeSummary") }]} />
        <Textarea label={say("text")} required autosize minRows={8} maxRows={20} maxLength={50_000} data-autofocus value={text} onChange={(e) => setText(e.currentTarget.value)} />
        {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button type="submit" disabled={!text.trim()} loading={save.isPending}>{say("signNote")}</Button></div>
      </form>
    </Modal>
  );
}
