import { Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { nameOf } from "../../api";
import { useWords } from "../../words";
import { usePatients } from "../board";
import { Waiting } from "../parts";
import { Findings, SecondPerson, answersTo, isAnswered, nobody, second } from "./found";
import { Ask, Elsewhere, Marks, Nothing, PageHead, Wrong, useOnce, useProducts, useWaiting } from "./head";
import { type Order, type Override, type Product, onShelf, sig } from "./types";

/** Orders that the pharmacist has to look at, the most urgent first. */
export function Verify() {
  const { say } = useWords();
  const queue = useWaiting("verify");
  const products = useProducts().data?.products ?? [];
  const orders = queue.data?.orders ?? [];
  const people = usePatients(orders.map((it) => it.patient));
  return (
    <div className="stack">
      <PageHead title={say("verifyQueue")} counts={[[orders.length, say("waits")], [orders.filter((it) => it.isOverdue).length, say("overdue"), true]]} />
      <Wrong error={queue.error} />
      {queue.isPending && <Waiting lines={5} />}
      {queue.isSuccess && orders.length === 0 && <Nothing says={say("queueEmpty")} />}
      {orders.map((order) => <One key={order.id} order={order} products={products} who={people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient")} />)}
    </div>
  );
}

function One({ order, products, who }: { order: Order; products: Product[]; who: string }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const fits = products.filter((it) => isFor(it, order)).sort((a, b) => distance(a, order) - distance(b, order));
  const others = products.filter((it) => !fits.includes(it));
  const [picked, setProduct] = useState<string | null>(null);
  const product = products.find((it) => it.id === (picked ?? fits[0]?.id));
  const [amount, setAmount] = useState<number | string>("");
  const perDose = amount === "" ? proposed(order, product) : amount;
  const [why, setWhy] = useState("");
  const [answers, setAnswers] = useState<Record<string, Override>>({});
  const [other, setOther] = useState(nobody);
  const settled = order.overridden;
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: object }) => once<Order>(`/api/meds/orders/${order.id}/${what}`, body),
    onSettled: () => { setOther(nobody); return queries.invalidateQueries({ queryKey: ["waiting-meds"] }); },
  });
  const hard = order.found.some((it) => it.tier === "hard-stop" && !settled.some((one) => one.key === it.key));
  const swaps = product !== undefined && !fits.includes(product);
  const ready = product && Number(perDose) > 0 && isAnswered(order.found, answers, settled) && (!swaps || why.trim()) && (!hard || second(other));
  const left = product ? onShelf(product, "pharmacy").reduce((sum, lot) => sum + (lot.shelves.pharmacy ?? 0), 0) : 0;
  return (
    <section className="card stack" data-order={order.request.medication.text} aria-label={`${who}: ${order.request.medication.text}`}>
      <div className="row" style={{ alignItems: "baseline" }}>
        <h2><a href={`#/meds/${order.patient}`}>{who}</a></h2>
        <span style={{ flex: 1, minWidth: 220 }}><b>{order.request.medication.text}</b>, {sig(order.request)}</span>
        <Marks order={order} />
        <span className="quiet">{say("orderedBy")} {time(order.signedAt)}<Elsewhere order={order} /></span>
      </div>
      {order.request.note && <p className="calm-line">{order.request.note}</p>}
      <Findings found={order.found} answers={answers} settled={settled} answer={(it) => setAnswers((before) => ({ ...before, [it.key]: it }))} />
      {hard && <SecondPerson value={other} change={setOther} why={say("secondHard")} />}
      <Wrong error={act.error} />
      <div className="tools">
        <Select label={say("product")} searchable value={product?.id ?? null} onChange={setProduct} className="wide-field"
          description={product ? `${left} ${product.unit} · ${say("pharmacyShelf")}` : undefined} inputWrapperOrder={["label", "input", "description"]}
          data={[{ group: say("asOrdered"), items: fits.map((it) => ({ value: it.id, label: it.name })) }, { group: say("anotherDrug"), items: others.map((it) => ({ value: it.id, label: it.name })) }].filter((it) => it.items.length > 0)} />
        <NumberInput label={`${say("perDose")}${product ? ` (${product.unit})` : ""}`} min={0} decimalScale={3} hideControls value={perDose} onChange={setAmount} />
        {swaps && <TextInput label={say("substitution")} required value={why} onChange={(event) => setWhy(event.currentTarget.value)} className="wide-field" />}
        <div className="row end">
          <Ask label={say("sendBack")} why={say("rejectWhy")} done={(reason) => act.mutate({ what: "reject", body: { reason } })} />
          <Button disabled={!ready} loading={act.isPending} onClick={() => act.mutate({ what: "verify", body: {
            product: product?.id, perDose: Number(perDose), substitution: swaps ? why : undefined, overrides: answersTo(order.found, answers), second: second(other),
          } })}>{say("verify")}</Button>
        </div>
      </div>
    </section>
  );
}

/** By a code of both; by the first word of the name where one has no code. As the server decides it. */
function isFor(product: Product, order: Order): boolean {
  const codes = (order.request.medication.codes ?? []).filter((it) => it.code);
  const own = product.codes.filter((it) => it.code);
  const first = (text: string) => text.trim().split(/\s+/)[0]?.toLowerCase();
  if (codes.length === 0 || own.length === 0) return first(product.name) === first(order.request.medication.text);
  return codes.some((it) => own.some((one) => one.system === it.system && one.code === it.code));
}

/** The product of which one dose is the fewest whole units stands first. */
function distance(product: Product, order: Order): number {
  if (product.name === order.request.medication.text) return -1;
  const n = Number(proposed(order, product));
  return n > 0 ? (Number.isInteger(n) ? n : n + 100) : 1000;
}

/** How many units are the dose that was ordered, where units and strengths can be compared. */
function proposed(order: Order, product?: Product): number | string {
  const dose = order.request.dosage[0]?.doseAndRate?.[0]?.doseQuantity;
  if (!product || dose?.value === undefined || !dose.unit) return "";
  if (dose.unit === product.unit) return dose.value;
  const strength = product.strength;
  if (!strength) return "";
  if (dose.unit === strength.unit) return round(dose.value / strength.value);
  const grams: Record<string, number> = { mcg: 1e-6, mg: 1e-3, g: 1 };
  const [asked, has] = [grams[dose.unit], grams[strength.unit]];
  return asked && has ? round((dose.value * asked) / (strength.value * has)) : "";
}

const round = (n: number) => Math.round(n * 1000) / 1000;
