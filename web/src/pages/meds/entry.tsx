import { Autocomplete, Button, NumberInput, SegmentedControl, Select, TextInput, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { ApiError, call, post, search } from "../../api";
import type { Me } from "../../app";
import { type Word, useWords } from "../../words";
import { Findings, SecondPerson, answersTo, isAnswered, nobody, second } from "./found";
import { PatientHead, Wrong, useProducts } from "./head";
import { type Form, HOW, type Kind, RATES, ROUTES, UNITS, blank, orderOf } from "./order";
import { type Found, type Order, type Override, sig } from "./types";

/** An order, checked as it is typed. */
export function OrderEntry({ id, me }: { id: string; me: Me }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [form, setForm] = useState(blank);
  const [answers, setAnswers] = useState<Record<string, Override>>({});
  const [other, setOther] = useState(nobody);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const products = useProducts().data?.products;
  const stay = useQuery({ queryKey: ["stay", id], queryFn: () => search(`Encounter?subject=Patient/${id}&status=in-progress,arrived&_count=1`), staleTime: 60_000 });
  const request = useMemo(() => orderOf(form, id, products ?? [], stay.data?.[0]?.id), [form, id, products, stay.data]);
  const [asked] = useDebouncedValue(request, 250);
  const check = useQuery({
    queryKey: ["meds-check", asked], enabled: asked !== undefined, gcTime: 0,
    queryFn: () => post<{ checked: { found: Found[]; knowledgeBase?: string }[] }>("/api/meds/check", { orders: [asked] }),
  });
  const checked = request === undefined ? undefined : check.data?.checked[0];
  const found = checked?.found ?? [];
  const hard = found.some((it) => it.tier === "hard-stop");
  const save = useMutation({
    mutationFn: (sign: boolean) => call<Order>("POST", "/api/meds/orders", { order: request, sign, overrides: answersTo(found, answers), second: second(other) }, { "idempotency-key": key }),
    onError: (error) => {
      // What is tried again with other answers is another request. Without an answer it may have
      // arrived: the same key finds it.
      if (error instanceof ApiError) setKey(crypto.randomUUID());
      if (error instanceof ApiError && error.status === 409) void check.refetch();
    },
    onSettled: () => { void queries.invalidateQueries({ queryKey: ["sheet"] }); setOther(nobody); },
  });
  // What was typed last is what was checked; that it is looked at once more meanwhile changes nothing.
  const isCurrent = request !== undefined && asked === request && check.isSuccess;
  const ready = isCurrent && isAnswered(found, answers) && (!hard || second(other) !== undefined);
  const set = (more: Partial<Form>) => { save.reset(); setForm((before) => ({ ...before, ...more })); };
  const again = () => { save.reset(); setForm(blank); setAnswers({}); setKey(crypto.randomUUID()); };
  return (
    <div className="stack">
      <PatientHead id={id} me={me} title={say("orderNew")}>
        <Button component="a" variant="default" href={`#/meds/${id}`}>{say("openSheet")}</Button>
      </PatientHead>
      {save.isSuccess ? (
        <div className="card stack" role="status">
          <h2><span className="good" aria-hidden>✓</span> {say(save.data.state === "checked" ? "draftKept" : "signed")}</h2>
          <p style={{ margin: 0 }}><b>{save.data.request.medication.text}</b>, {sig(save.data.request)}</p>
          <div className="row">
            <Button component="a" href={`#/meds/${id}`} data-autofocus>{say("openSheet")}</Button>
            <Button variant="default" onClick={again}>{say("anotherOrder")}</Button>
          </div>
        </div>
      ) : (
        <form className="two entry" onSubmit={(event) => { event.preventDefault(); if (ready) save.mutate(true); }}>
          <section className="card stack" aria-label={say("orderNew")}><Fields form={form} set={set} names={[...new Set((products ?? []).map((it) => it.name))]} /></section>
          <section className="card stack" aria-label={say("findings")} aria-busy={check.isFetching}>
            <div className="row"><h2>{say("findings")}</h2><span className="grow" /><span className="quiet" aria-live="polite">{isCurrent ? `✓ ${say("checkedNow")}` : check.isFetching ? say("checking") : ""}</span></div>
            {request === undefined && <p className="quiet" style={{ margin: 0 }}>{say("checkHint")}</p>}
            <Wrong error={check.error} title={say("notChecked")} />
            {checked && found.filter((it) => it.tier !== "log").length === 0 && <p className="calm-line">{say("nothingFound")}</p>}
            <Findings found={found} answers={answers} answer={(it) => setAnswers((before) => ({ ...before, [it.key]: it }))} />
            {hard && <SecondPerson value={other} change={setOther} why={say("secondHard")} />}
            <Wrong error={save.error} title={say("notKept")} />
            <div className="row">
              <Button type="submit" disabled={!ready} loading={save.isPending}>{say("sign")}</Button>
              <Button variant="default" disabled={!isCurrent} onClick={() => save.mutate(false)}>{say("saveDraft")}</Button>
              {isCurrent && !ready && <span className="quiet">{say(hard && isAnswered(found, answers) ? "needsSecond" : "needsAnswers")}</span>}
            </div>
            <p className="quiet" style={{ margin: 0 }}>{checked?.knowledgeBase ? `${say("kb")}: ${checked.knowledgeBase}. ` : ""}{say("notAKnowledgeBase")}</p>
          </section>
        </form>
      )}
    </div>
  );
}

function Fields({ form, set, names }: { form: Form; set: (more: Partial<Form>) => void; names: string[] }) {
  const { say } = useWords();
  const number = (label: Word, name: "dose" | "rate" | "minInterval" | "maxDoses" | "lowest" | "highest" | "step" | "every", required = false) => (
    <NumberInput label={say(label)} required={required} min={0} decimalScale={3} hideControls value={form[name]} onChange={(value) => set({ [name]: value })} />
  );
  return (
    <>
      <Autocomplete label={say("drug")} placeholder={say("drugHint")} data-autofocus required value={form.drug} onChange={(drug) => set({ drug })} data={names} limit={12} />
      <SegmentedControl aria-label={say("frequency")} value={form.kind} onChange={(kind) => set({ kind: kind as Kind, ...(kind === "infusion" && form.route === "26643006" ? { route: "47625008" } : {}) })}
        data={(["times", "needed", "infusion"] as const).map((value) => ({ value, label: say(`kind-${value}`) }))} />
      <div className="three">
        {form.kind === "infusion" ? number("rate", "rate", true) : number("dose", "dose", true)}
        {form.kind === "infusion"
          ? <Select label={say("unitOf")} allowDeselect={false} value={form.rateUnit} onChange={(rateUnit) => set({ rateUnit: rateUnit ?? form.rateUnit })} data={RATES} />
          : <Autocomplete label={say("unitOf")} required value={form.unit} onChange={(unit) => set({ unit })} data={UNITS} />}
        <Select label={say("route")} allowDeselect={false} value={form.route} onChange={(route) => set({ route: route ?? form.route })} data={ROUTES.map((it) => ({ value: it.code, label: say(it.word) }))} />
      </div>
      {form.kind === "times" && (
        <Select label={say("frequency")} allowDeselect={false} value={form.how} onChange={(how) => set({ how: how ?? form.how })} data={Object.entries(HOW).map(([value, it]) => ({ value, label: say(it.word) }))} />
      )}
      {form.kind === "needed" && (
        <div className="three">
          <TextInput label={say("neededFor")} required value={form.neededFor} onChange={(event) => set({ neededFor: event.currentTarget.value })} />
          {number("minInterval", "minInterval")}{number("maxDoses", "maxDoses")}
        </div>
      )}
      {form.kind === "infusion" && (
        <fieldset className="plain stack" style={{ gap: 12 }}>
          <legend>{say("titration")}</legend>
          <p className="quiet" style={{ margin: 0 }}>{say("titrationHint")}</p>
          <div className="three">{number("lowest", "lowest")}{number("highest", "highest")}{number("stepBy", "step")}</div>
          <div className="pair">{number("everyMin", "every")}<TextInput label={say("target")} placeholder="MAP ≥ 65 mmHg" value={form.target} onChange={(event) => set({ target: event.currentTarget.value })} /></div>
        </fieldset>
      )}
      <div className="pair">
        <Select label={say("priority")} allowDeselect={false} value={form.priority} onChange={(priority) => set({ priority: priority ?? "routine" })} data={["routine", "urgent", "asap", "stat"].map((value) => ({ value, label: say(value as Word) }))} />
        <TextInput type="datetime-local" label={say("untilWhen")} value={form.until} onChange={(event) => set({ until: event.currentTarget.value })} />
      </div>
      <Textarea label={say("noteToPharmacy")} value={form.note} maxLength={2000} autosize onChange={(event) => set({ note: event.currentTarget.value })} />
    </>
  );
}
