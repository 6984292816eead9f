import { Alert, Autocomplete, Button, Checkbox, NumberInput, Select, TextInput, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { ApiError, call, get, nameOf, post, search } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { Findings, SecondPerson, isAnswered, nobody, second } from "./found";
import type { Dosage, Found, Order, OrderRequest, Override, Product } from "./types";

const ROUTES: { code: string; word: Word; text: string }[] = [
  { code: "26643006", word: "oral", text: "Oral" }, { code: "47625008", word: "iv", text: "Intravenous" }, { code: "34206005", word: "sc", text: "Subcutaneous" },
  { code: "78421000", word: "im", text: "Intramuscular" }, { code: "447694001", word: "inhaled", text: "Respiratory tract" }, { code: "6064005", word: "topical", text: "Topical" },
];
type How = { word: Word; code?: string; repeat?: Record<string, unknown> };
const HOW: Record<string, How> = {
  QD: { word: "oncePerDay", code: "QD" }, BID: { word: "twice", code: "BID" }, TID: { word: "three", code: "TID" }, QID: { word: "four", code: "QID" },
  Q4H: { word: "every4", repeat: { frequency: 1, period: 4, periodUnit: "h" } }, Q6H: { word: "every6", repeat: { frequency: 1, period: 6, periodUnit: "h" } },
  Q8H: { word: "every8", repeat: { frequency: 1, period: 8, periodUnit: "h" } }, Q12H: { word: "every12", repeat: { frequency: 1, period: 12, periodUnit: "h" } },
  ONCE: { word: "once", repeat: { count: 1 } },
};
const UNITS = ["mg", "mcg", "g", "mL", "units", "mEq", "mmol", "tablet", "puff"];
const blank = { drug: "", dose: "" as number | string, unit: "mg", route: "26643006", how: "Q8H", asNeeded: false, neededFor: "", minInterval: 240 as number | string, maxDoses: 4 as number | string, priority: "routine", until: "", note: "" };

/** An order, checked as it is typed. */
export function OrderEntry({ id }: { id: string }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const patient = usePatients([id]).get(id);
  const [form, setForm] = useState(blank);
  const [answers, setAnswers] = useState<Record<string, Override>>({});
  const [other, setOther] = useState(nobody);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const set = (more: Partial<typeof blank>) => setForm((before) => ({ ...before, ...more }));
  const products = useQuery({ queryKey: ["products"], queryFn: () => get<{ products: Product[] }>("/api/meds/products"), staleTime: 60_000 });
  const stay = useQuery({ queryKey: ["stay", id], queryFn: () => search(`Encounter?subject=Patient/${id}&status=in-progress,arrived&_count=1`), staleTime: 60_000 });
  const request = useMemo(() => made(form, id, products.data?.products ?? [], stay.data?.[0]?.id), [form, id, products.data, stay.data]);
  const [asked] = useDebouncedValue(request, 250);
  const check = useQuery({
    queryKey: ["meds-check", asked], enabled: asked !== undefined, gcTime: 0,
    queryFn: () => post<{ checked: { found: Found[]; knowledgeBase?: string }[] }>("/api/meds/check", { orders: [asked] }),
  });
  const checked = check.data?.checked[0];
  const found = checked?.found ?? [];
  const hard = found.some((it) => it.tier === "hard-stop");
  const save = useMutation({
    mutationFn: (sign: boolean) => call<Order>("POST", "/api/meds/orders", {
      order: request, sign, overrides: found.map((it) => answers[it.key]).filter(Boolean), second: second(other),
    }, { "idempotency-key": key }),
    // What is tried again with other answers is another request.
    onError: () => setKey(crypto.randomUUID()),
    onSettled: () => { void queries.invalidateQueries({ queryKey: ["sheet"] }); setOther(nobody); },
  });
  const ready = request !== undefined && check.isSuccess && !check.isFetching && isAnswered(found, answers) && (!hard || second(other) !== undefined);
  if (save.isSuccess) {
    return (
      <div className="card stack" role="status">
        <b>{say(save.data.state === "checked" ? "draft" : "signed")} {save.data.request.medication.text}, {save.data.request.dosage[0]?.text}</b>
        <div className="row">
          <Button component="a" href={`#/meds/${id}`} data-autofocus>{say("openSheet")}</Button>
          <Button variant="default" onClick={() => { save.reset(); setForm(blank); setAnswers({}); setKey(crypto.randomUUID()); }}>{say("anotherOrder")}</Button>
        </div>
      </div>
    );
  }
  return (
    <div className="stack">
      <div className="row"><h1 style={{ margin: 0, fontSize: 22 }}>{say("orderNew")}</h1><a href={`#/meds/${id}`}>{patient ? nameOf(patient) : say("patient")}</a></div>
      <form className="two" onSubmit={(event) => { event.preventDefault(); if (ready) save.mutate(true); }}>
        <div className="card stack">
          <Autocomplete label={say("drug")} data-autofocus required value={form.drug} onChange={(drug) => set({ drug })}
            data={[...new Set((products.data?.products ?? []).map((it) => it.name))]} limit={12} />
          <div className="row">
            <NumberInput label={say("dose")} required min={0} decimalScale={3} hideControls value={form.dose} onChange={(dose) => set({ dose })} style={{ width: 110 }} />
            <Autocomplete label={say("unit")} required value={form.unit} onChange={(unit) => set({ unit })} data={UNITS} style={{ width: 110 }} />
            <Select label={say("route")} allowDeselect={false} value={form.route} onChange={(route) => set({ route: route ?? form.route })} data={ROUTES.map((it) => ({ value: it.code, label: say(it.word) }))} style={{ width: 160 }} />
          </div>
          <div className="row">
            {!form.asNeeded && <Select label={say("frequency")} allowDeselect={false} value={form.how} onChange={(how) => set({ how: how ?? form.how })} data={Object.entries(HOW).map(([value, it]) => ({ value, label: say(it.word) }))} style={{ width: 180 }} />}
            <Select label={say("priority")} allowDeselect={false} value={form.priority} onChange={(priority) => set({ priority: priority ?? "routine" })} data={["routine", "urgent", "asap", "stat"].map((value) => ({ value, label: say(value as Word) }))} style={{ width: 130 }} />
            <TextInput type="datetime-local" label={say("until")} value={form.until} onChange={(event) => set({ until: event.currentTarget.value })} />
          </div>
          <Checkbox label={say("asNeeded")} checked={form.asNeeded} onChange={(event) => set({ asNeeded: event.currentTarget.checked })} />
          {form.asNeeded && (
            <div className="row">
              <TextInput label={say("neededFor")} required value={form.neededFor} onChange={(event) => set({ neededFor: event.currentTarget.value })} />
              <NumberInput label={say("minInterval")} min={1} value={form.minInterval} onChange={(minInterval) => set({ minInterval })} style={{ width: 150 }} />
              <NumberInput label={say("maxDoses")} min={1} value={form.maxDoses} onChange={(maxDoses) => set({ maxDoses })} style={{ width: 150 }} />
            </div>
          )}
          <Textarea label={say("note")} value={form.note} maxLength={2000} autosize onChange={(event) => set({ note: event.currentTarget.value })} />
        </div>
        <div className="card stack" aria-live="polite">
          <b>{say("findings")}</b>
          {check.isFetching && <span className="quiet">{say("checking")}</span>}
          {check.error && <Alert color="red" role="alert">{check.error.message}</Alert>}
          {checked && found.length === 0 && <span>{say("nothingFound")}</span>}
          <Findings found={found} answers={answers} answer={(it) => setAnswers((before) => ({ ...before, [it.key]: it }))} />
          {hard && <SecondPerson value={other} change={setOther} />}
          <span className="quiet">{say("kb")}: {checked?.knowledgeBase ?? "—"}. {say("notAKnowledgeBase")}</span>
          {save.error && <Alert color="red" role="alert">{save.error.message}{save.error instanceof ApiError && save.error.status === 409 ? "" : ""}</Alert>}
          <div className="row">
            <Button type="submit" disabled={!ready} loading={save.isPending}>{say("sign")}</Button>
            <Button variant="default" disabled={request === undefined} onClick={() => save.mutate(false)}>{say("saveDraft")}</Button>
          </div>
        </div>
      </form>
    </div>
  );
}

function made(form: typeof blank, patient: string, products: Product[], stay?: string): OrderRequest | undefined {
  const dose = Number(form.dose);
  if (form.drug.trim().length < 3 || !(dose > 0) || !form.unit.trim() || (form.asNeeded && !form.neededFor.trim())) return undefined;
  const route = ROUTES.find((it) => it.code === form.route);
  const how = HOW[form.how];
  const product = products.find((it) => it.name === form.drug);
  const often = form.asNeeded ? `as needed for ${form.neededFor.trim()}` : form.how;
  const line: Dosage = {
    text: `${dose} ${form.unit.trim()} ${route?.text ?? ""} ${often}`,
    route: { text: route?.text, coding: [{ system: "http://snomed.info/sct", code: form.route, display: route?.text }] },
    doseAndRate: [{ doseQuantity: { value: dose, unit: form.unit.trim() } }],
  };
  if (form.asNeeded) {
    line.asNeededBoolean = true;
    line.timing = { repeat: { frequency: Number(form.maxDoses) || 1, period: 1, periodUnit: "d" } };
  } else if (how?.repeat) line.timing = { repeat: how.repeat };
  else if (how?.code) line.timing = { code: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", code: how.code }] } };
  return {
    patient: `Patient/${patient}`, encounter: stay ? `Encounter/${stay}` : undefined,
    medication: { text: form.drug.trim(), codes: product?.codes }, dosage: [line], priority: form.priority,
    end: form.until ? new Date(form.until).toISOString() : undefined, note: form.note.trim() || undefined,
    asNeeded: form.asNeeded ? { minIntervalMin: Number(form.minInterval) || undefined, maxDoses24h: Number(form.maxDoses) || undefined } : undefined,
  };
}
