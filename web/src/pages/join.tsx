import { Alert, Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { type Patient, idOf, nameOf, post } from "../api";
import { PatientSearch } from "../finder";
import { go } from "../route";
import { type Word, useWords } from "../words";

type Done = { moved: number; left: string[] };

/** Makes everything of one registration part of another. */
export function JoinButton({ patient }: { patient: Patient }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [isOpen, open] = useState(false);
  const [other, setOther] = useState<Patient>();
  const [reason, setReason] = useState("");
  const join = useMutation({
    mutationFn: () => post<Done>(`/api/patients/${patient.id}/join`, { into: other?.id, reason }),
    onSuccess: async () => {
      open(false);
      go(`/patient/${other?.id}`);
      await queries.invalidateQueries();
    },
  });
  return (
    <>
      <Button variant="default" size="xs" onClick={() => open(true)}>{say("join")}</Button>
      <Modal opened={isOpen} onClose={() => open(false)} title={say("joinWith")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); join.mutate(); }}>
          <p className="quiet" style={{ margin: 0 }}>{say("joinHint")}</p>
          {other ? (
            <div className="row" data-testid="kept">
              <span className="quiet">{say("chosen")}</span><b>{nameOf(other)}</b><span className="quiet">{[other.birthDate, other.gender && say(other.gender as Word), other.identifier?.[0]?.value].filter(Boolean).join(" · ")}</span>
              <span className="grow" /><Button variant="default" size="xs" onClick={() => setOther(undefined)}>{say("another")}</Button>
            </div>
          ) : <PatientSearch chosen={setOther} without={patient.id} />}
          <TextInput label={say("joinReason")} value={reason} maxLength={500} required onChange={(e) => setReason(e.currentTarget.value)} />
          {join.error && <Alert color="red" role="alert">{join.error.message}</Alert>}
          <Button type="submit" disabled={!other || !reason.trim()} loading={join.isPending}>{say("join")}</Button>
        </form>
      </Modal>
    </>
  );
}

/** Says where the records of a registration went, and takes it back. */
export function Joined({ id, into, parts }: { id: string; into: string; parts: boolean }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const part = useMutation({
    mutationFn: () => post<Done>(`/api/patients/${id}/part`, { reason }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <div className="stack alert-line">
      <span>{say("joinedWith")} <a href={`#/patient/${idOf(into)}`}>{say("openOther")}</a></span>
      {parts && (
        <form className="row" onSubmit={(event) => { event.preventDefault(); part.mutate(); }}>
          <TextInput aria-label={say("partReason")} placeholder={say("partReason")} value={reason} maxLength={500} onChange={(e) => setReason(e.currentTarget.value)} />
          <Button type="submit" variant="default" disabled={!reason.trim()} loading={part.isPending}>{say("part")}</Button>
        </form>
      )}
      {part.error && <Alert color="red" role="alert">{part.error.message}</Alert>}
      {part.data && part.data.left.length > 0 && <Alert color="orange" role="status">{say("partLeft")} {part.data.left.join(", ")}</Alert>}
    </div>
  );
}
