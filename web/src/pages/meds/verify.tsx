import { Alert, Badge, Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { get, nameOf, post } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { Findings, SecondPerson, isAnswered, nobody, second } from "./found";
import { type Order, type Override, type Product, sig } from "./types";

export const useProducts = () => useQuery({ queryKey: ["products"], queryFn: () => get<{ products: Product[] }>("/api/meds/products") }).data?.products ?? [];
export const useWaiting = (what: string) => useQuery({ queryKey: ["waiting-meds", what], queryFn: () => get<{ orders: Order[] }>(`/api/meds/waiting/${what}`), refetchInterval: 5_000 });

/** Orders that the pharmacist has to look at, the most urgent first. */
export function Verify() {
  const { say } = useWords();
  const queue = useWaiting("verify");
  const orders = queue.data?.orders ?? [];
  const people = usePatients(orders.map((it) => it.patient));
  return (
    <div className="stack">
      <div className="row"><h1 style={{ margin: 0, fontSize: 22 }}>{say("verifyQueue")}</h1><Badge variant="default" size="lg">{orders.length}</Badge></div>
      {queue.error && <Alert color="red" role="alert">{queue.error.message}</Alert>}
      {queue.isSuccess && orders.length === 0 && <div className="card quiet">{say("queueEmpty")}</div>}
      {orders.map((order) => <One key={order.id} order={order} who={people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient")} />)}
    </div>
  );
}

function One({ order, who }: { order: Order; who: string }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const products = useProducts();
  const fits = products.filter((it) => isFor(it, order));
  const others = products.filter((it) => !fits.includes(it));
  const [picked, setProduct] = useState<string | null>(null);
  const product = products.find((it) => it.id === (picked ?? fits[0]?.id));
  const [amount, setAmount] = useState<number | string>("");
  const perDose = amount === "" ? proposed(order, product) : amount;
  const [why, setWhy] = useState("");
  const [answers, setAnswers] = useState<Record<string, Override>>({});
  const [other, setOther] = useState(nobody);
  const settled = order.overridden.map((it) => it.key);
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: unknown }) => post<Order>(`/api/meds/orders/${order.id}/${what}`, body),
    onSettled: () => queries.invalidateQueries({ queryKey: ["waiting-meds"] }),
  });
  const hard = order.found.some((it) => it.tier === "hard-stop" && !settled.includes(it.key));
  const swaps = product !== undefined && !fits.includes(product);
  const ready = product && Number(perDose) > 0 && isAnswered(order.found, answers, settled) && (!swaps || why.trim());
  return (
    <section className="card stack" data-order={order.request.medication.text} aria-label={`${who}: ${order.request.medication.text}`}>
      <div className="row">
        <a href={`#/meds/${order.patient}`}><b>{who}</b></a>
        <span>{order.request.medication.text}, {sig(order.request)}</span>
        <span className="grow" />
        {order.request.priority !== "routine" && order.request.priority && <Badge variant="filled" color="red.9" tt="none">{say(order.request.priority as Word)}</Badge>}
        {order.isOverdue && <Badge variant="default" tt="none">{say("overdue")}</Badge>}
        {order.isHighAlert && <Badge variant="default" tt="none">{say("highAlert")}</Badge>}
        <span className="quiet">{say("orderedBy")} {time(order.signedAt)}</span>
      </div>
      {order.request.note && <p style={{ margin: 0 }}>{order.request.note}</p>}
      <Findings found={order.found} answers={answers} settled={settled} answer={(it) => setAnswers((before) => ({ ...before, [it.key]: it }))} />
      {hard && <SecondPerson value={other} change={setOther} />}
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      <div className="row" style={{ alignItems: "flex-end" }}>
        <Select label={say("product")} searchable value={product?.id ?? null} onChange={setProduct} style={{ flex: 1, minWidth: 220 }}
          data={[...fits, ...others].map((it) => ({ value: it.id, label: it.name }))} />
        <NumberInput label={`${say("perDose")}${product ? ` (${product.unit})` : ""}`} min={0} decimalScale={3} hideControls value={perDose} onChange={setAmount} style={{ width: 170 }} />
        {swaps && <TextInput label={say("substitution")} value={why} onChange={(event) => setWhy(event.currentTarget.value)} />}
        <Button disabled={!ready} loading={act.isPending} onClick={() => act.mutate({ what: "verify", body: {
          product: product?.id, perDose: Number(perDose), substitution: swaps ? why : undefined, overrides: order.found.map((it) => answers[it.key]).filter(Boolean), second: second(other),
        } })}>{say("verify")}</Button>
        <Ask label={say("reject")} why={say("rejectWhy")} done={(reason) => act.mutate({ what: "reject", body: { reason } })} />
      </div>
    </section>
  );
}

/** A button that asks why before it does something. */
export function Ask({ label, why, done }: { label: string; why: string; done: (reason: string) => void }) {
  const { say } = useWords();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  if (!open) return <Button variant="default" onClick={() => setOpen(true)}>{label}</Button>;
  return (
    <form className="row" onSubmit={(event) => { event.preventDefault(); if (text.trim()) { done(text.trim()); setOpen(false); setText(""); } }}>
      <TextInput aria-label={why} placeholder={why} autoFocus value={text} onChange={(event) => setText(event.currentTarget.value)} />
      <Button type="submit" size="sm" disabled={!text.trim()}>{label}</Button>
      <Button variant="subtle" size="sm" onClick={() => setOpen(false)}>{say("stop")}</Button>
    </form>
  );
}

function isFor(product: Product, order: Order): boolean {
  const codes = order.request.medication.codes ?? [];
  const same = codes.some((it) => product.codes.some((own) => own.system === it.system && own.code === it.code));
  const first = (text: string) => text.split(/\s+/)[0]?.toLowerCase();
  return codes.length && product.codes.length ? same : first(product.name) === first(order.request.medication.text);
}

/** How many units are the dose that was ordered, where units and strengths can be compared. */
function proposed(order: Order, product?: Product): number | string {
  const dose = order.request.dosage[0]?.doseAndRate?.[0]?.doseQuantity;
  if (!product || !dose) return "";
  if (dose.unit === product.unit) return dose.value;
  const grams: Record<string, number> = { mcg: 1e-6, mg: 1e-3, g: 1 };
  const strength = product.strength;
  const [asked, has] = [grams[dose.unit], strength ? grams[strength.unit] : undefined];
  if (!strength) return "";
  if (dose.unit === strength.unit) return round(dose.value / strength.value);
  return asked && has ? round((dose.value * asked) / (strength.value * has)) : "";
}

const round = (n: number) => Math.round(n * 1000) / 1000;
