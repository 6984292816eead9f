import { Alert, Badge, Button, NumberInput, Select, Table, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { nameOf, post } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { Scan } from "./scan";
import { type Order, type Product, onShelf, sig } from "./types";
import { useProducts, useWaiting } from "./verify";

const CATEGORIES = ["repackaged", "immediate-use", "category-1", "category-2", "aqueous", "dry"];
const STORAGES = ["room", "refrigerator", "freezer"];

/** What has to be made and handed out. */
export function Dispense() {
  const { say } = useWords();
  const made = useWaiting("prepare");
  const out = useWaiting("dispense");
  const products = useProducts();
  const orders = [...(made.data?.orders ?? []), ...(out.data?.orders ?? [])];
  const people = usePatients(orders.map((it) => it.patient));
  const who = (order: Order) => (people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient"));
  return (
    <div className="stack">
      <h1 style={{ margin: 0, fontSize: 22 }}>{say("dispensing")}</h1>
      {(made.error ?? out.error) && <Alert color="red" role="alert">{(made.error ?? out.error)?.message}</Alert>}
      {out.isSuccess && orders.length === 0 && <div className="card quiet">{say("queueEmpty")}</div>}
      {(made.data?.orders ?? []).map((order) => <Make key={order.id} order={order} who={who(order)} products={products} />)}
      {(out.data?.orders ?? []).map((order) => <HandOut key={order.id} order={order} who={who(order)} product={products.find((it) => it.id === order.chosen?.product)} />)}
    </div>
  );
}

function Head({ order, who }: { order: Order; who: string }) {
  const { say } = useWords();
  return (
    <div className="row">
      <a href={`#/meds/${order.patient}`}><b>{who}</b></a>
      <span>{order.chosen?.name ?? order.request.medication.text}, {sig(order.request)}</span>
      <span className="grow" />
      <Badge variant="default" tt="none">{say(order.state as Word)}</Badge>
      {order.chosen?.schedule && <Badge variant="default" tt="none">{order.chosen.schedule}</Badge>}
      <span className="quiet">{order.onWard} {order.chosen?.unit} {say("onWard")}</span>
    </div>
  );
}

function HandOut({ order, who, product }: { order: Order; who: string; product?: Product }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const shelves = [...new Set((product?.lots ?? []).flatMap((lot) => Object.keys(lot.shelves)))].sort();
  const [shelf, setShelf] = useState<string | null>(null);
  const location = shelf ?? (shelves.includes("pharmacy") ? "pharmacy" : (shelves[0] ?? "pharmacy"));
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [scan, setScan] = useState<string>();
  const batch = order.batches.find((it) => it.dispensed < it.quantity);
  const first = product ? onShelf(product, location)[0] : undefined;
  const act = useMutation({
    mutationFn: () => post<Order>(`/api/meds/orders/${order.id}/dispense`, { location, quantity: Number(quantity), scan, batch: order.chosen?.isCompounded ? batch?.id : undefined }),
    onSettled: () => { setScan(undefined); void queries.invalidateQueries({ queryKey: ["waiting-meds"] }); void queries.invalidateQueries({ queryKey: ["products"] }); },
  });
  return (
    <section className="card stack" data-order={order.request.medication.text} aria-label={`${who}: ${order.request.medication.text}`}>
      <Head order={order} who={who} />
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      {act.isSuccess && <div role="status" className="good">{act.data.onWard} {act.data.chosen?.unit} {say("onWard")}</div>}
      <div className="row" style={{ alignItems: "flex-end" }}>
        {order.chosen?.isCompounded ? (
          <span className="quiet">{say("batch")} {batch?.id ?? "—"}{batch && `, ${say("beyondUse")} ${new Date(batch.beyondUse).toLocaleString()}`}</span>
        ) : (
          <>
            <Select label={say("location")} allowDeselect={false} value={location} onChange={setShelf} data={shelves} style={{ width: 160 }} />
            <span className="quiet" data-first={first?.lot}>{first ? `${say("lot")} ${first.lot}, ${say("expires")} ${first.expires}, ${first.shelves[location]} ${product?.unit}: ${say("firstOut")}` : say("queueEmpty")}</span>
          </>
        )}
        <NumberInput label={say("quantity")} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} style={{ width: 100 }} />
        {!order.chosen?.isCompounded && <Scan label={say("scanPackage")} scanned={setScan} value={scan} />}
        <Button loading={act.isPending} disabled={!(Number(quantity) > 0)} onClick={() => act.mutate()}>{say("dispense")}</Button>
      </div>
    </section>
  );
}

function Make({ order, who, products }: { order: Order; who: string; products: Product[] }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const [parts, setParts] = useState<{ product: string; lot: string; quantity: number }[]>([]);
  const [part, setPart] = useState<{ product: string | null; quantity: number | string }>({ product: null, quantity: 1 });
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [category, setCategory] = useState("immediate-use");
  const [storage, setStorage] = useState("room");
  const location = "pharmacy";
  const act = useMutation({
    mutationFn: () => post<Order>(`/api/meds/orders/${order.id}/prepare`, { quantity: Number(quantity), category, storage, components: parts, location }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["waiting-meds"] }),
  });
  const chosen = products.find((it) => it.id === part.product);
  const lot = chosen ? onShelf(chosen, location)[0] : undefined;
  return (
    <section className="card stack" data-order={order.request.medication.text}>
      <Head order={order} who={who} />
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      <div className="row" style={{ alignItems: "flex-end" }}>
        <Select label={say("madeOf")} searchable value={part.product} onChange={(product) => setPart({ ...part, product })} data={products.filter((it) => !it.isCompounded).map((it) => ({ value: it.id, label: it.name }))} style={{ minWidth: 220 }} />
        <NumberInput label={say("quantity")} min={0} decimalScale={3} hideControls value={part.quantity} onChange={(it) => setPart({ ...part, quantity: it })} style={{ width: 90 }} />
        <Button variant="default" disabled={!chosen || !lot} onClick={() => { if (chosen && lot) setParts([...parts, { product: chosen.id, lot: lot.lot, quantity: Number(part.quantity) }]); }}>+</Button>
      </div>
      {parts.length > 0 && (
        <div className="scroll"><Table><Table.Tbody>
          {parts.map((it) => <Table.Tr key={`${it.product}${it.lot}`}><Table.Td>{products.find((one) => one.id === it.product)?.name}</Table.Td><Table.Td>{say("lot")} {it.lot}</Table.Td><Table.Td>{it.quantity}</Table.Td></Table.Tr>)}
        </Table.Tbody></Table></div>
      )}
      <div className="row" style={{ alignItems: "flex-end" }}>
        <NumberInput label={`${say("quantity")} (${order.chosen?.unit})`} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} style={{ width: 130 }} />
        <Select label={say("category")} allowDeselect={false} value={category} onChange={(it) => setCategory(it ?? category)} data={CATEGORIES} />
        <Select label={say("storage")} allowDeselect={false} value={storage} onChange={(it) => setStorage(it ?? storage)} data={STORAGES} />
        <Button disabled={parts.length === 0} loading={act.isPending} onClick={() => act.mutate()}>{say("prepare")}</Button>
      </div>
    </section>
  );
}

/** A field and a button in one line. */
export function Line({ label, go, done }: { label: string; go: string; done: (text: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form className="row" onSubmit={(event) => { event.preventDefault(); if (text.trim()) { done(text.trim()); setText(""); } }}>
      <TextInput aria-label={label} placeholder={label} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      <Button type="submit" size="xs" variant="default" disabled={!text.trim()}>{go}</Button>
    </form>
  );
}
