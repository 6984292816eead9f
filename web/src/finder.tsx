import { Button, Kbd, Modal, TextInput } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { type Patient, age, nameOf, search } from "./api";
import { go } from "./route";
import { type Word, useWords } from "./words";

type Page = { path: string; word: Word };

/** Patients and pages, from everywhere: opens with `/` or Ctrl+K; arrows choose, Enter opens. */
export function Finder({ pages, finds }: { pages: Page[]; finds: boolean }) {
  const { say } = useWords();
  const [opened, open] = useState(false);
  useHotkeys([["/", () => open(true)], ["mod+K", () => open(true)]]);
  return (
    <>
      <Button variant="default" size="sm" onClick={() => open(true)} rightSection={<Kbd size="xs" className="wide">/</Kbd>}>{say(finds ? "find" : "pages")}</Button>
      <Modal opened={opened} onClose={() => open(false)} title={say(finds ? "palette" : "pages")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
        <PatientSearch pages={pages} finds={finds} chosen={(patient) => { open(false); go(`/patient/${patient.id}`); }} turned={(page) => { open(false); go(`/${page.path}`); }} />
      </Modal>
    </>
  );
}

export function PatientSearch({ chosen, without, pages = [], turned, finds = true }: {
  chosen: (patient: Patient) => void; without?: string; pages?: Page[]; turned?: (page: Page) => void; finds?: boolean;
}) {
  const { say } = useWords();
  const [text, setText] = useState("");
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const [at, setAt] = useState(0);
  const found = useQuery({
    queryKey: ["find", wanted],
    enabled: finds && wanted.length > 1,
    queryFn: () => search<Patient>(`Patient?${asked(wanted)}&_count=20`),
  });
  // Who was joined with another is found as the other.
  const patients = wanted.length > 1 ? (found.data ?? []).filter((it) => it.id !== without && !it.link?.some((link) => link.type === "replaced-by")) : [];
  const small = text.trim().toLowerCase();
  const places = pages.filter((it) => !small || say(it.word).toLowerCase().includes(small) || it.path.includes(small));
  const n = patients.length + places.length;
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
        aria-expanded={n > 0}
        aria-controls="found"
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          const [patient, place] = [patients[at], places[at - patients.length]];
          if (event.key === "ArrowDown") setAt(Math.min(at + 1, n - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
          else if (event.key === "Enter" && patient) chosen(patient);
          else if (event.key === "Enter" && place && turned && (small || at > 0 || !finds)) turned(place);
          else return;
          event.preventDefault();
        }}
      />
      <div className="found" id="found" role="listbox" aria-label={say("find")}>
        {patients.map((patient, n) => (
          <div key={patient.id} role="option" data-kind="patient" aria-selected={n === at} onMouseEnter={() => setAt(n)} onClick={() => chosen(patient)}>
            <b>{nameOf(patient)}</b>{" "}
            <span className="quiet">
              {patient.birthDate} · {age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)} ·{" "}
              {patient.identifier?.[0]?.value}
            </span>
          </div>
        ))}
        {places.map((page, m) => (
          <div key={page.path} role="option" data-kind="page" aria-selected={patients.length + m === at} onMouseEnter={() => setAt(patients.length + m)} onClick={() => turned?.(page)}>
            {say(page.word)} <span className="quiet">{say("pages")}</span>
          </div>
        ))}
      </div>
      {finds && found.isSuccess && wanted.length > 1 && patients.length === 0 && <p className="quiet">{say("nobody")}</p>}
    </div>
  );
}

function asked(text: string): string {
  if (/^\d{4}(-\d{2}){1,2}$/.test(text)) return `birthdate=${text}`;
  if (/\d/.test(text)) return `identifier=${encodeURIComponent(text)}`;
  return text.split(/[\s,]+/).filter(Boolean).map((part) => `name=${encodeURIComponent(part)}`).join("&");
}
