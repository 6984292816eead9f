// What is done to a shelf, and what a product is.
import { Button, Checkbox, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call, post } from "../../api";
import { type Word, useWords } from "../../words";
import { SecondPerson, nobody, second } from "./found";
import { Wrong, useOnce } from "./head";
import { Scan } from "./scan";
import type { Lot, Product } from "./types";

const OF_LOT: [string, Word][] = [["transfer", "transferStock"], ["count", "count"], ["discard", "discard"], ["quarantined", "quarantine"], ["recalled", "recallLot"], ["available", "release"]];

export function Move({ product, lot, done }: { product: Product; lot?: Lot; done: () => void }) {
  const { say } = useWords();
  const once = useOnce();
  const queries = useQueryClient();
  const [act, setAct] = useState(lot ? "transfer" : "receive");
  const [name, setName] = useState(lot?.lot ?? "");
  const [expires, setExpires] = useState(lot?.expires ?? "");
  const [location, setLocation] = useState(lot ? (Object.keys(lot.shelves)[0] ?? "pharmacy") : "pharmacy");
  const [to, setTo] = useState("");
  const [n, setN] = useState<number | string>(1);
  const [reason, setReason] = useState("");
  const [other, setOther] = useState(nobody);
  const [misread, setMisread] = useState<Error>();
  const body = () => {
    const base = { lot: name, second: second(other) };
    const quantity = Number(n);
    switch (act) {
      case "receive": return { act, ...base, expires, location, quantity };
      case "transfer": return { act, ...base, location, to, quantity };
      case "discard": return { act, ...base, location, quantity, reason };
      case "count": return { act, ...base, location, counted: quantity, reason: reason || undefined };
      default: return { act: "status", ...base, status: act, reason };
    }
  };
  const move = useMutation({
    mutationFn: () => once(`/api/meds/products/${product.id}/move`, body()),
    onSuccess: done,
    onSettled: () => { setOther(nobody); return queries.invalidateQueries({ queryKey: ["products"] }); },
  });
  const isStatus = ["quarantined", "recalled", "available"].includes(act);
  const word: Word = lot ? (OF_LOT.find(([value]) => value === act)?.[1] ?? "count") : "receive";
  const scanned = (text: string) => {
    setMisread(undefined);
    post<{ scan: { lot?: string; expires?: string }; product?: { id: string } | null }>("/api/meds/scan", { text }).then((it) => {
      if (it.product && it.product.id !== product.id) { setMisread(new Error(say("otherProduct"))); return; }
      setName(it.scan.lot ?? "");
      setExpires(it.scan.expires ?? "");
    }).catch((error: Error) => setMisread(error));
  };
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); move.mutate(); }}>
      {lot && <Select label={say("what")} allowDeselect={false} value={act} onChange={(it) => setAct(it ?? act)} data={OF_LOT.map(([value, it]) => ({ value, label: say(it) }))} data-autofocus />}
      {!lot && <Scan label={say("scanPackage")} scanned={scanned} focus />}
      <Wrong error={misread} />
      {!lot && <div className="pair"><TextInput label={say("lot")} required value={name} onChange={(event) => setName(event.currentTarget.value)} /><TextInput type="date" label={say("expires")} required value={expires} onChange={(event) => setExpires(event.currentTarget.value)} /></div>}
      {!isStatus && (
        <div className="three">
          <TextInput label={say("location")} required value={location} onChange={(event) => setLocation(event.currentTarget.value)} />
          {act === "transfer" && <TextInput label={say("toShelf")} required value={to} onChange={(event) => setTo(event.currentTarget.value)} />}
          <NumberInput label={`${say(act === "count" ? "counted" : "quantity")} (${product.unit})`} min={0} decimalScale={3} hideControls value={n} onChange={setN} />
        </div>
      )}
      {act === "recalled" && <p className="calm-line">{say("recallHint")}</p>}
      {(isStatus || ["discard", "count"].includes(act)) && <TextInput label={say("whyReason")} required={act !== "count"} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
      {product.schedule && ["discard", "count"].includes(act) && <SecondPerson value={other} change={setOther} why={say("witnessHint")} />}
      <Wrong error={move.error} />
      <div className="row end"><Button type="submit" loading={move.isPending}>{say(word)}</Button></div>
    </form>
  );
}

export function NewProduct({ done }: { done: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [form, setForm] = useState({ name: "", unit: "tablet", gtin: "", ndc: "", rxcui: "", strength: "" as number | string, strengthUnit: "mg", schedule: null as string | null, isCompounded: false, isHighAlert: false });
  const set = (more: Partial<typeof form>) => setForm((before) => ({ ...before, ...more }));
  const id = form.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 64);
  const save = useMutation({
    mutationFn: () => call("PUT", `/api/meds/products/${id}`, {
      name: form.name, unit: form.unit, gtin: form.gtin ? [form.gtin.trim().padStart(14, "0")] : [], ndc: form.ndc ? [form.ndc.replaceAll("-", "").trim()] : [], schedule: form.schedule, isCompounded: form.isCompounded, isHighAlert: form.isHighAlert,
      codes: form.rxcui ? [{ system: "http://www.nlm.nih.gov/research/umls/rxnorm", code: form.rxcui.trim() }] : [], strength: Number(form.strength) > 0 ? { value: Number(form.strength), unit: form.strengthUnit } : undefined,
    }),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["products"] }),
  });
  const text = (label: string, name: "name" | "unit" | "gtin" | "ndc" | "rxcui" | "strengthUnit", required = false) => (
    <TextInput label={label} required={required} data-autofocus={name === "name" || undefined} value={form[name]} onChange={(event) => set({ [name]: event.currentTarget.value })} />
  );
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      {text(say("productName"), "name", true)}
      <div className="three">
        <NumberInput label={say("strength")} min={0} hideControls value={form.strength} onChange={(strength) => set({ strength })} />
        {text(say("strengthUnit"), "strengthUnit")}{text(say("countedIn"), "unit", true)}
      </div>
      <div className="three">{text("GTIN", "gtin")}{text("NDC", "ndc")}{text("RxNorm", "rxcui")}</div>
      <Select label={say("controlled")} clearable value={form.schedule} onChange={(schedule) => set({ schedule })} data={["CII", "CIII", "CIV", "CV"]} />
      <Checkbox label={say("highAlert")} checked={form.isHighAlert} onChange={(event) => set({ isHighAlert: event.currentTarget.checked })} />
      <Checkbox label={say("madeHere")} checked={form.isCompounded} onChange={(event) => set({ isCompounded: event.currentTarget.checked })} />
      <Wrong error={save.error} />
      <div className="row end"><Button type="submit" disabled={!id} loading={save.isPending}>{say("create")}</Button></div>
    </form>
  );
}
