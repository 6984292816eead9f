import { Button, NumberInput, Select } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, nameOf } from "../../api";
import { useWords } from "../../words";
import { usePatients } from "../board";
import { Waiting } from "../parts";
import { Marks, Nothing, PageHead, Wrong, useOnce, useProducts, useWaiting } from "./head";
import { Make } from "./make";
import { Scan } from "./scan";
import { type Order, type Product, nextDue, onShelf, sig } from "./types";

/** What has to be made and handed out. */
export function Dispense() {
  const { say } = useWords();
  const made = useWaiting("prepare");
  const out = useWaiting("dispense");
  const products = useProducts().data?.products ?? [];
  const [toMake, all] = [made.data?.orders ?? [], out.data?.orders ?? []];
  // What the ward still has enough of waits behind what it has not.
  const isShort = (order: Order) => order.onWard < (order.chosen?.perDose ?? 1);
  const short = all.filter(isShort);
  const supplied = all.filter((order) => !isShort(order));
  const people = usePatients([...toMake, ...all].map((it) => it.patient));
  const who = (order: Order) => (people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient"));
  const one = (order: Order) => <HandOut key={order.id} order={order} who={who(order)} product={products.find((it) => it.id === order.chosen?.product)} />;
  return (
    <div className="stack">
      <PageHead title={say("dispensing")} counts={[[toMake.length, say("toPrepare")], [short.length, say("toDispense")]]} />
      <Wrong error={made.error ?? out.error} />
      {(made.isPending || out.isPending) && <Waiting lines={5} />}
      {out.isSuccess && toMake.length + all.length === 0 && <Nothing says={say("queueEmpty")} />}
      {toMake.map((order) => <Make key={order.id} order={order} who={who(order)} products={products} />)}
      {/* One list: a card that moves within it keeps what was typed, and what had no answer yet. */}
      {[...short.map(one), supplied.length > 0 && <h2 key="supplied">{say("supplied")} <span className="quiet">{supplied.length}</span></h2>, ...supplied.map(one)]}
    </div>
  );
}

export function Head({ order, who }: { order: Order; who: string }) {
  const { say, time } = useWords();
  const due = nextDue(order);
  return (
    <>
      <div className="row" style={{ alignItems: "baseline" }}>
        <h2><a href={`#/meds/${order.patient}`}>{who}</a></h2>
        <span style={{ flex: 1, minWidth: 220 }}><b>{order.chosen?.name ?? order.request.medication.text}</b>, {sig(order.request)}</span>
        <Marks order={order} />
      </div>
      <div className="row quiet" style={{ gap: 20 }}>
        <span>{say("oneDose")}: {order.chosen?.perDose} {order.chosen?.unit}</span>
        <span>{order.onWard} {order.chosen?.unit} {say("onWard")}</span>
        {due && <span>{say("nextDose")}: {time(due)}</span>}
        {order.chosen?.substitution && <span>{say("substituted")}: {order.request.medication.text} → {order.chosen.name}</span>}
      </div>
    </>
  );
}

function HandOut({ order, who, product }: { order: Order; who: string; product?: Product }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const shelves = [...new Set((product?.lots ?? []).flatMap((lot) => Object.entries(lot.shelves).filter(([, n]) => n > 0).map(([shelf]) => shelf)))].sort();
  const [shelf, setShelf] = useState<string | null>(null);
  const location = shelf ?? (shelves.includes("pharmacy") ? "pharmacy" : (shelves[0] ?? "pharmacy"));
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [scan, setScan] = useState<string>();
  const batch = order.batches.find((it) => it.dispensed < it.quantity && Date.parse(it.beyondUse) > Date.now());
  const isMade = order.chosen?.isCompounded ?? false;
  const lots = product ? onShelf(product, location) : [];
  const [first] = lots;
  const blocked = (product?.lots ?? []).filter((lot) => lot.word !== "available" && (lot.shelves[location] ?? 0) > 0);
  const balance = (product?.lots ?? []).reduce((sum, lot) => sum + (lot.shelves[location] ?? 0), 0);
  const act = useMutation({
    mutationFn: () => once<Order>(`/api/meds/orders/${order.id}/dispense`, { location, quantity: Number(quantity), scan, batch: isMade ? batch?.id : undefined }),
    // Without an answer it may have been done: the same is asked for again, and is done once.
    onSettled: (_, error) => {
      if (!error || error instanceof ApiError) setScan(undefined);
      void queries.invalidateQueries({ queryKey: ["waiting-meds"] });
      void queries.invalidateQueries({ queryKey: ["products"] });
    },
  });
  return (
    <section className="card stack" data-order={order.request.medication.text} aria-label={`${who}: ${order.request.medication.text}`}>
      <Head order={order} who={who} />
      {act.isSuccess && <div role="status" className="calm-line"><span className="good" aria-hidden>✓</span> {act.data.onWard} {act.data.chosen?.unit} {say("onWard")}</div>}
      {isMade ? (
        <p className="calm-line">{batch ? <>{say("batch")} <b>{batch.id}</b>, {say("beyondUse")} <b>{time(batch.beyondUse)}</b>, {batch.quantity - batch.dispensed} {order.chosen?.unit} {say("remaining")}</> : say("noBatch")}</p>
      ) : (
        <p className={first ? "calm-line" : "alert-line"} data-first={first?.lot}>
          {first
            ? <>{say("firstOut")}: <b>{say("lot")} {first.lot}</b>, {say("expires")} <b>{time(first.expires)}</b>, {first.shelves[location]} {product?.unit}</>
            : say("noneOnShelf")}
          {order.chosen?.schedule && <>. {say("balance")}: <b data-balance>{balance} {product?.unit}</b></>}
        </p>
      )}
      {blocked.length > 0 && <p className="quiet" style={{ margin: 0 }}>{say("blockedLots")}: {blocked.map((lot) => `${lot.lot} (${say(lot.word as never) ?? lot.word})`).join(", ")}</p>}
      <Wrong error={act.error} title={say("notDispensed")} />
      <div className="tools">
        {!isMade && <Select label={say("location")} allowDeselect={false} value={location} onChange={setShelf} data={shelves.length > 0 ? shelves : [location]} />}
        <NumberInput label={`${say("quantity")} (${order.chosen?.unit ?? ""})`} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} />
        {!isMade && <div className="wide-field"><Scan label={say("scanPackage")} scanned={(it) => { act.reset(); setScan(it); }} value={scan} /></div>}
        <div className="row end"><Button loading={act.isPending} disabled={!(Number(quantity) > 0) || (isMade ? !batch : !first)} onClick={() => act.mutate()}>{say("dispense")}</Button></div>
      </div>
      {order.dispenses.length > 0 && (
        <details className="quiet"><summary>{say("dispensedSoFar")} ({order.dispenses.length})</summary>
          <ul className="answers">{order.dispenses.map((it) => <li key={it.id}>{time(it.at)}: {it.quantity} {order.chosen?.unit}, {say("lot")} {it.lot}</li>)}</ul>
        </details>
      )}
    </section>
  );
}
