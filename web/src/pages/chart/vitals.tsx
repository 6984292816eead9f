// Vital signs as they are measured at the bedside.
import { Alert, Button, Checkbox, Modal, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, call } from "../../api";
import { type Word, useWords } from "../../words";
import { useAgain } from "../parts";

type Asked = { name: string; word: Word; units: string[] };
/** The first unit is the one that it is kept in. */
const ASKED: Asked[] = [
  { name: "systolic", word: "systolic", units: ["mmHg"] },
  { name: "diastolic", word: "diastolic", units: ["mmHg"] },
  { name: "heartRate", word: "heartRate", units: ["/min"] },
  { name: "respiratoryRate", word: "respiratoryRate", units: ["/min"] },
  { name: "temperature", word: "temperature", units: ["°C", "°F"] },
  { name: "oxygenSaturation", word: "oxygenSaturation", units: ["%"] },
  { name: "inhaledOxygen", word: "inhaledOxygen", units: ["L/min"] },
  { name: "weight", word: "weight", units: ["kg", "lb"] },
  { name: "height", word: "height", units: ["cm", "in"] },
  { name: "pain", word: "pain", units: [""] },
];

type Issue = { code?: string; diagnostics?: string; expression?: string[] };

export function EnterVitals({ id, encounter }: { id: string; encounter?: string }) {
  const { say } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" size="xs" onClick={() => setOpen(true)}>{say("enter")}</Button>
      {open && <Form id={id} encounter={encounter} close={() => setOpen(false)} />}
    </>
  );
}

function Form({ id, encounter, close }: { id: string; encounter?: string; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(id);
  const [values, setValues] = useState<Record<string, string | number>>({});
  const [units, setUnits] = useState<Record<string, string>>({});
  const [confirmed, setConfirmed] = useState<string[]>([]);
  const [at, setAt] = useState("");
  const filled = Object.entries(values).filter(([, value]) => value !== "");
  const save = useMutation({
    mutationFn: () => call("POST", `/api/patients/${id}/vital-signs`, {
      ...(encounter && { encounter: `Encounter/${encounter}` }),
      ...(at && { at: new Date(at).toISOString() }),
      values: Object.fromEntries(filled.map(([name, value]) => {
        const unit = units[name] ?? ASKED.find((it) => it.name === name)?.units[0];
        return [name, unit ? { value: Number(value), unit } : Number(value)];
      })),
      confirmed,
    }),
    onSuccess: async () => { await again(); close(); },
  });
  const issues: Issue[] = save.error instanceof ApiError ? ((save.error.body as { issue?: Issue[] })?.issue ?? []) : [];
  const of = (name: string) => issues.find((it) => it.expression?.[0] === name);
  const others = save.error && (issues.length === 0 || issues.some((it) => !ASKED.some((asked) => asked.name === it.expression?.[0])));
  return (
    <Modal opened onClose={close} title={say("enterVitals")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <div className="two">
          {ASKED.map((it, n) => {
            const issue = of(it.name);
            return (
              <div key={it.name} data-vital={it.name}>
                <div className="with-unit">
                  <NumberInput label={say(it.word)} value={values[it.name] ?? ""} hideControls decimalScale={1} data-autofocus={n === 0 || undefined}
                    error={issue?.diagnostics} onChange={(value) => { setValues({ ...values, [it.name]: value }); setConfirmed(confirmed.filter((name) => name !== it.name)); }} />
                  {it.units.length > 1
                    ? <Select aria-label={`${say(it.word)}: ${say("unit")}`} value={units[it.name] ?? it.units[0]} data={it.units} allowDeselect={false} onChange={(unit) => setUnits({ ...units, [it.name]: unit ?? "" })} />
                    : <span className="quiet unit">{it.units[0]}</span>}
                </div>
                {issue?.code === "business-rule" && (
                  <Checkbox mt={6} label={say("looked")} checked={confirmed.includes(it.name)}
                    onChange={(e) => setConfirmed(e.currentTarget.checked ? [...confirmed, it.name] : confirmed.filter((name) => name !== it.name))} />
                )}
              </div>
            );
          })}
          <TextInput type="datetime-local" label={say("measuredAt")} description={say("nowIfEmpty")} value={at} onChange={(e) => setAt(e.currentTarget.value)} />
        </div>
        {others && <Alert color="red" role="alert">{save.error.message}</Alert>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button type="submit" disabled={filled.length === 0} loading={save.isPending}>{say("save")}</Button></div>
      </form>
    </Modal>
  );
}
