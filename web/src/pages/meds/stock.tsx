import { Alert, Badge, Button, Checkbox, Modal, NumberInput, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call, get, post } from "../../api";
import { type Word, useWords } from "../../words";
import { SecondPerson, nobody, second } from "./found";
import { Scan } from "./scan";
import type { Lot, Product } from "./types";
import { useProducts } from "./verify";

type Movement = { at: string; what: string; lot?: string; location?: string; to?: string; quantity: number; balance?: number; witness?: string; reason?: string };

/** Products, lots and shelves. */
export function Stock() {
  const { say } = useWords();
  const products = useProducts();
  const [find, setFind] = useState("");
  const [picked, pick] = useState<{ product: Product; lot?: Lot; ledger?: boolean }>();
  const [adds, setAdds] = useState(false);
  const shown = products.filter((it) => it.name.toLowerCase().includes(find.toLowerCase()));
  return (
    <div className="stack">
      <div className="row">
        <h1 style={{ margin: 0, fontSize: 22 }}>{say("stock")}</h1><span className="grow" />
        <TextInput aria-label={say("product")} placeholder={say("product")} value={find} onChange={(event) => setFind(event.currentTarget.value)} />
        <Button onClick={() => setAdds(true)}>{say("newProduct")}</Button>
      </div>
      {shown.map((product) => (
        <section className="card stack" key={product.id} aria-label={product.name} data-product={product.id}>
          <div className="row">
            <b>{product.name}</b>
            {product.schedule && <Badge variant="default" tt="none">{product.schedule} {say("controlled")}</Badge>}
            {product.isHighAlert && <Badge variant="default" tt="none">{say("highAlert")}</Badge>}
            <span className="quiet">{[...product.gtin, ...product.ndc].join(", ")}</span><span className="grow" />
            <Button size="xs" variant="default" onClick={() => pick({ product })}>{say("receive")}</Button>
            <Button size="xs" variant="default" onClick={() => pick({ product, ledger: true })}>{say("ledger")}</Button>
          </div>
          {product.lots.length > 0 && (
            <div className="scroll"><Table>
              <Table.Thead><Table.Tr>{[say("lot"), say("expires"), say("status"), say("shelves"), ""].map((it, n) => <Table.Th key={n}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>{product.lots.map((lot) => (
                <Table.Tr key={lot.lot} data-lot={lot.lot}>
                  <Table.Td>{lot.lot}</Table.Td><Table.Td>{lot.expires}</Table.Td>
                  <Table.Td><span className={lot.word === "available" ? "good" : "bad"}>{say(lot.word as Word)}</span></Table.Td>
                  <Table.Td>{Object.entries(lot.shelves).map(([where, n]) => `${where} ${n}`).join(", ") || "0"}</Table.Td>
                  <Table.Td><Button size="compact-xs" variant="subtle" aria-label={`${lot.lot}: ${say("more")}`} onClick={() => pick({ product, lot })}>{say("more")}</Button></Table.Td>
                </Table.Tr>
              ))}</Table.Tbody>
            </Table></div>
          )}
        </section>
      ))}
      <Modal opened={Boolean(picked)} onClose={() => pick(undefined)} size="lg" title={picked?.product.name} closeButtonProps={{ "aria-label": say("shut") }}>
        {picked?.ledger && <Ledger product={picked.product} />}
        {picked && !picked.ledger && <Move product={picked.product} lot={picked.lot} done={() => pick(undefined)} />}
      </Modal>
      <Modal opened={adds} onClose={() => setAdds(false)} title={say("newProduct")} closeButtonProps={{ "aria-label": say("shut") }}><NewProduct done={() => setAdds(false)} /></Modal>
    </div>
  );
}

function Move({ product, lot, done }: { product: Product; lot?: Lot; done: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [act, setAct] = useState(lot ? "transfer" : "receive");
  const [name, setName] = useState(lot?.lot ?? "");
  const [expires, setExpires] = useState(lot?.expires ?? "");
  const [location, setLocation] = useState(lot ? (Object.keys(lot.shelves)[0] ?? "pharmacy") : "pharmacy");
  const [to, setTo] = useState("");
  const [n, setN] = useState<number | string>(1);
  const [reason, setReason] = useState("");
  const [other, setOther] = useState(nobody);
  const move = useMutation({
    mutationFn: () => post(`/api/meds/products/${product.id}/move`, body()),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["products"] }),
  });
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
  const isStatus = ["quarantined", "recalled", "available"].includes(act);
  const acts = lot
    ? [["transfer", "transferStock"], ["count", "count"], ["discard", "discard"], ["quarantined", "quarantine"], ["recalled", "recallLot"], ["available", "release"]]
    : [["receive", "receive"]];
  const scanned = (text: string) => void post<{ scan: { lot?: string; expires?: string } }>("/api/meds/scan", { text }).then((it) => { setName(it.scan.lot ?? ""); setExpires(it.scan.expires ?? ""); }).catch(() => undefined);
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); move.mutate(); }}>
      {lot && <Select aria-label={say("what")} allowDeselect={false} value={act} onChange={(it) => setAct(it ?? act)} data={acts.map(([value, word]) => ({ value: value ?? "", label: say(word as Word) }))} data-autofocus />}
      {!lot && <Scan label={say("scanPackage")} scanned={scanned} focus />}
      {!lot && <div className="row"><TextInput label={say("lot")} required value={name} onChange={(event) => setName(event.currentTarget.value)} /><TextInput type="date" label={say("expires")} required value={expires} onChange={(event) => setExpires(event.currentTarget.value)} /></div>}
      {!isStatus && (
        <div className="row">
          <TextInput label={say("location")} required value={location} onChange={(event) => setLocation(event.currentTarget.value)} />
          {act === "transfer" && <TextInput label={say("toShelf")} required value={to} onChange={(event) => setTo(event.currentTarget.value)} />}
          <NumberInput label={`${say(act === "count" ? "counted" : "quantity")} (${product.unit})`} min={0} decimalScale={3} hideControls value={n} onChange={setN} style={{ width: 130 }} />
        </div>
      )}
      {(isStatus || ["discard", "count"].includes(act)) && <TextInput label={say("reason")} required={act !== "count"} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
      {product.schedule && ["discard", "count"].includes(act) && <SecondPerson value={other} change={setOther} />}
      {move.error && <Alert color="red" role="alert">{move.error.message}</Alert>}
      <Button type="submit" loading={move.isPending}>{say((acts.find(([value]) => value === act)?.[1] ?? "confirm") as Word)}</Button>
    </form>
  );
}

function Ledger({ product }: { product: Product }) {
  const { say, time } = useWords();
  const found = useQuery({ queryKey: ["ledger", product.id], gcTime: 0, queryFn: () => get<{ movements: Movement[] }>(`/api/meds/products/${product.id}/ledger`) });
  if (found.error) return <Alert color="red" role="alert">{found.error.message}</Alert>;
  return (
    <div className="scroll"><Table>
      <Table.Thead><Table.Tr>{[say("when"), say("what"), say("lot"), say("location"), say("quantity"), say("balance"), say("reason")].map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
      <Table.Tbody>{(found.data?.movements ?? []).map((it, n) => (
        <Table.Tr key={n}>{[time(it.at), it.what, it.lot, [it.location, it.to].filter(Boolean).join(" → "), it.quantity, it.balance, it.reason].map((value, m) => <Table.Td key={m}>{value ?? ""}</Table.Td>)}</Table.Tr>
      ))}</Table.Tbody>
    </Table></div>
  );
}

function NewProduct({ done }: { done: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [form, setForm] = useState({ name: "", unit: "tablet", gtin: "", ndc: "", rxcui: "", strength: "" as number | string, strengthUnit: "mg", schedule: null as string | null, isCompounded: false });
  const set = (more: Partial<typeof form>) => setForm((before) => ({ ...before, ...more }));
  const id = form.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 64);
  const save = useMutation({
    mutationFn: () => call("PUT", `/api/meds/products/${id}`, {
      name: form.name, unit: form.unit, gtin: form.gtin ? [form.gtin.padStart(14, "0")] : [], ndc: form.ndc ? [form.ndc.replaceAll("-", "")] : [], schedule: form.schedule, isCompounded: form.isCompounded,
      codes: form.rxcui ? [{ system: "http://www.nlm.nih.gov/research/umls/rxnorm", code: form.rxcui }] : [], strength: Number(form.strength) > 0 ? { value: Number(form.strength), unit: form.strengthUnit } : undefined,
    }),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["products"] }),
  });
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <TextInput label={say("name")} required data-autofocus value={form.name} onChange={(event) => set({ name: event.currentTarget.value })} />
      <div className="row">
        <NumberInput label={say("strength")} min={0} hideControls value={form.strength} onChange={(strength) => set({ strength })} style={{ width: 100 }} />
        <TextInput label={say("unit")} value={form.strengthUnit} onChange={(event) => set({ strengthUnit: event.currentTarget.value })} style={{ width: 80 }} />
        <TextInput label={`${say("quantity")}: ${say("unit")}`} required value={form.unit} onChange={(event) => set({ unit: event.currentTarget.value })} style={{ width: 130 }} />
      </div>
      <div className="row"><TextInput label="GTIN" value={form.gtin} onChange={(event) => set({ gtin: event.currentTarget.value })} /><TextInput label="NDC" value={form.ndc} onChange={(event) => set({ ndc: event.currentTarget.value })} /><TextInput label="RxNorm" value={form.rxcui} onChange={(event) => set({ rxcui: event.currentTarget.value })} /></div>
      <Select label={say("controlled")} clearable value={form.schedule} onChange={(schedule) => set({ schedule })} data={["CII", "CIII", "CIV", "CV"]} />
      <Checkbox label={say("prepare")} checked={form.isCompounded} onChange={(event) => set({ isCompounded: event.currentTarget.checked })} />
      {save.error && <Alert color="red" role="alert">{save.error.message}</Alert>}
      <Button type="submit" disabled={!id} loading={save.isPending}>{say("create")}</Button>
    </form>
  );
}
