import { Alert, Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { type Patient, get, nameOf, post } from "../../api";
import { useWords } from "../../words";
import { Failed, Waiting } from "../parts";
import { Parsed } from "./tree";
import { type Line, type Preview, type Replayed, type Whole, inWords, isOpen, isRepeatable, lines } from "./types";

export function Detail({ id }: { id: number }) {
  const { say, word, time } = useWords();
  const [look, setLook] = useState("read");
  const [empty, setEmpty] = useState(false);
  const whole = useQuery({ queryKey: ["message", id, empty], queryFn: () => get<Whole>(`/api/messages/${id}${empty ? "?parts=all" : ""}`), placeholderData: (old) => old });
  if (whole.error) return <Failed error={whole.error} />;
  if (!whole.data) return <Waiting />;
  const { message, raw, answer, read, readAnswer } = whole.data;
  return (
    <div className="stack">
      <div><b>{message.kind}</b> · {word("message", message.state)} · {time(message.time)} · {message.interface}</div>
      <div className="quiet">
        {[message.sender, message.controlId, message.peer && `${say("peer")} ${message.peer}`, message.attempts > 0 && `${say("attempts")} ${message.attempts}`, read?.version && `HL7 ${read.version}`, read?.charset].filter(Boolean).join(" · ")}
      </div>
      {message.why && <p className="alert-line">{message.why}</p>}
      <Records message={message} />
      <div className="row">
        <SegmentedControl aria-label={say("message")} value={look} onChange={setLook} data={[{ value: "read", label: say("readable") }, { value: "raw", label: say("asItCame") }]} />
        {look === "read" && <Button variant="default" size="xs" aria-pressed={empty} onClick={() => setEmpty(!empty)}>{empty ? "✓ " : ""}{say("showEmpty")}</Button>}
      </div>
      <section aria-label={say("message")}>
        {look === "read" ? <Parsed tree={read} fallback={raw} /> : <pre className="raw" tabIndex={0}>{lines(raw)}</pre>}
      </section>
      {answer && (
        <section aria-label={say("answer")}>
          <b>{say("answer")}</b>
          {look === "read" ? <Parsed tree={readAnswer} fallback={answer} /> : <pre className="raw" tabIndex={0}>{lines(answer)}</pre>}
        </section>
      )}
      <Again message={message} />
      {isOpen(message) && <Dismiss message={message} />}
    </div>
  );
}

/** The chart that it is about, and what it made there, for who may see charts. */
function Records({ message }: { message: Line }) {
  const { say } = useWords();
  const id = message.patient;
  const patient = useQuery({ queryKey: ["patient", id, "name"], queryFn: () => get<Patient>(`/fhir/Patient/${id}`), enabled: Boolean(id), retry: false, staleTime: 60_000 });
  if (!id && message.records.length === 0) return null;
  return (
    <section aria-label={say("madeRecords")} className="row tight">
      {patient.data && <a href={`#/patient/${id}`} data-said>{nameOf(patient.data)}</a>}
      {message.records.map((it) => {
        const name = it.startsWith("Patient/") && patient.data ? `#/patient/${it.slice(8)}` : patient.data ? `#/patient/${id}/timeline` : undefined;
        const kind = it.split("/")[0];
        return name ? <a className="tag" key={it} href={name} title={it}>{kind}</a> : <span className="tag" key={it} title={it}>{kind}</span>;
      })}
    </section>
  );
}

/** Somebody looked, and nothing is to be done. */
function Dismiss({ message }: { message: Line }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [asked, ask] = useState(false);
  const [found, setFound] = useState("");
  const dismiss = useMutation({ mutationFn: () => post(`/api/messages/${message.id}/dismiss`, { found: found.trim() }), onSuccess: () => queries.invalidateQueries() });
  if (!asked) return <div><Button variant="default" onClick={() => ask(true)}>{say("dismiss")}</Button></div>;
  return (
    <div className="stack tight">
      <TextInput label={say("foundOut")} description={say("dismissHint")} value={found} maxLength={500} error={dismiss.error?.message} onChange={(e) => setFound(e.currentTarget.value)} />
      <div className="row">
        <Button color="red.9" disabled={!found.trim()} loading={dismiss.isPending} onClick={() => dismiss.mutate()}>{say("confirm")}</Button>
        <Button variant="default" onClick={() => ask(false)}>{say("stop")}</Button>
      </div>
    </div>
  );
}

function Again({ message }: { message: Line }) {
  const { say, word } = useWords();
  const queries = useQueryClient();
  const [sure, setSure] = useState(false);
  const isOut = message.direction === "out";
  const preview = useMutation({ mutationFn: () => get<Preview>(`/api/messages/${message.id}/preview`) });
  const replay = useMutation({
    mutationFn: () => post<Replayed>(`/api/messages/${message.id}/replay`),
    onSettled: () => { setSure(false); return queries.invalidateQueries(); },
  });
  return (
    <>
      {/* What was done is said for as long as the message is shown, whatever became of it. */}
      {isRepeatable(message) && <div className="row">
        {!isOut && <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>{say("preview")}</Button>}
        {sure
          ? <><Button color="red.9" loading={replay.isPending} onClick={() => replay.mutate()}>{say("confirm")}</Button><Button variant="default" onClick={() => setSure(false)}>{say("stop")}</Button></>
          : <Button variant="default" onClick={() => setSure(true)}>{say(isOut ? "sendAgain" : "replay")}</Button>}
      </div>}
      {replay.data && (replay.data.applied === false
        ? <Alert color="red" role="status">{say("isDead")}: {[replay.data.message.why, ...replay.data.message.problems.map((it) => inWords(it, word))].filter(Boolean).join("; ")}</Alert>
        : <Alert color="teal" role="status">{say(isOut ? "waitsAgain" : "workedOn")}</Alert>)}
      {(replay.error ?? preview.error) && <Alert color="red" role="alert">{(replay.error ?? preview.error)?.message}</Alert>}
      {preview.data && (
        <section aria-label={say("changes")}>
          <b>{say("changes")}</b>
          {preview.data.problems.map((it) => <div key={it} className="alert-line">{inWords(it, word)}</div>)}
          {preview.data.changes.every((change) => !change.isNew && change.elements.length === 0) && <p className="quiet">{say("noChanges")}</p>}
          {preview.data.changes.filter((change) => change.isNew || change.elements.length > 0).map((change) => (
            <div key={change.record}>
              <b>{change.isNew ? "+ " : ""}{change.record}</b>
              {change.elements.map((it) => <pre className="raw" tabIndex={0} key={it.element}>{`${it.element}\n- ${JSON.stringify(it.now)}\n+ ${JSON.stringify(it.then)}`}</pre>)}
            </div>
          ))}
        </section>
      )}
    </>
  );
}
