import { Button, Kbd, Modal, TextInput } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Patient, age, nameOf, search } from "./api";
import { go } from "./route";
import { type Word, useWords } from "./words";

/** Opens with `/` or Ctrl+K; arrows choose, Enter opens. */
export function Finder() {
  const { say } = useWords();
  const [opened, open] = useState(false);
  useHotkeys([["/", () => open(true)], ["mod+K", () => open(true)]]);
  return (
    <>
      <Button variant="default" size="sm" onClick={() => open(true)} rightSection={<Kbd size="xs" className="wide">/</Kbd>}>{say("find")}</Button>
      <Modal opened={opened} onClose={() => open(false)} title={say("find")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
        <PatientSearch chosen={(patient) => { open(false); go(`/patient/${patient.id}`); }} />
      </Modal>
    </>
  );
}

export function PatientSearch({ chosen, without }: { chosen: (patient: Patient) => void; without?: string }) {
  const { say } = useWords();
  const [text, setText] = useState("");
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const [at, setAt] = useState(0);
  const found = useQuery({
    queryKey: ["find", wanted],
    enabled: wanted.length > 1,
    queryFn: () => search<Patient>(`Patient?${asked(wanted)}&_count=20`),
  });
  // Who was joined with another is found as the other.
  const patients = wanted.length > 1 ? (found.data ?? []).filter((it) => it.id !== without && !it.link?.some((link) => link.type === "replaced-by")) : [];
  useEffect(() => setAt(0), [wanted]);
  return (
    <div role="search">
      <TextInput
        data-autofocus
        aria-label={say("find")}
        placeholder={say("findHint")}
        value={text}
        error={found.error?.message}
        role="combobox"
        aria-expanded={patients.length > 0}
        aria-controls="found"
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          const patient = patients[at];
          if (event.key === "ArrowDown") setAt(Math.min(at + 1, patients.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
          else if (event.key === "Enter" && patient) chosen(patient);
          else return;
          event.preventDefault();
        }}
      />
      <div className="found" id="found" role="listbox" aria-label={say("find")}>
        {patients.map((patient, n) => (
          <div key={patient.id} role="option" aria-selected={n === at} onMouseEnter={() => setAt(n)} onClick={() => chosen(patient)}>
            <b>{nameOf(patient)}</b>{" "}
            <span className="quiet">
              {patient.birthDate} · {age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)} ·{" "}
              {patient.identifier?.[0]?.value}
            </span>
          </div>
        ))}
      </div>
      {found.isSuccess && patients.length === 0 && <p className="quiet">{say("nobody")}</p>}
    </div>
  );
}

function asked(text: string): string {
  if (/^\d{4}(-\d{2}){1,2}$/.test(text)) return `birthdate=${text}`;
  if (/\d/.test(text)) return `identifier=${encodeURIComponent(text)}`;
  return text.split(/[\s,]+/).filter(Boolean).map((part) => `name=${encodeURIComponent(part)}`).join("&");
}
