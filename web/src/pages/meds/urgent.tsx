// What cannot wait for the pharmacist: taken from a shelf by scan, with the reason; it is verified afterwards.
import { Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError } from "../../api";
import { useWords } from "../../words";
import { Wrong, useOnce, useProducts } from "./head";
import { Scan } from "./scan";
import type { Order } from "./types";

export function TakeUrgent({ order, done }: { order: Order; done: () => void }) {
  const { say } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const products = useProducts().data?.products ?? [];
  const shelves = [...new Set(products.flatMap((it) => it.lots.flatMap((lot) => Object.entries(lot.shelves).filter(([, n]) => n > 0).map(([shelf]) => shelf))))].sort();
  const [open, setOpen] = useState(false);
  const [shelf, setShelf] = useState<string | null>(null);
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [scan, setScan] = useState<string>();
  const [urgent, setUrgent] = useState("");
  // Nobody is led to a shelf that they do not stand at.
  const location = shelf ?? (shelves.length === 1 ? (shelves[0] ?? null) : null);
  const act = useMutation({
    mutationFn: () => once<Order>(`/api/meds/orders/${order.id}/dispense`, { location, quantity: Number(quantity), scan, urgent: urgent.trim() }),
    onSuccess: done,
    // Without an answer it may have been done: the same is asked for again, and is done once.
    onSettled: (_, error) => {
      if (!error || error instanceof ApiError) setScan(undefined);
      for (const key of ["sheet", "waiting-meds", "products"]) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
  if (!open) return <div className="row"><Button variant="default" onClick={() => setOpen(true)}>{say("takeUrgent")}</Button></div>;
  return (
    <fieldset className="plain stack" style={{ gap: 12 }}>
      <legend>{say("takeUrgent")}</legend>
      <p className="quiet" style={{ margin: 0 }}>{say("urgentHint")}</p>
      <Wrong error={act.error} title={say("notDispensed")} />
      <Scan label={say("scanPackage")} scanned={(it) => { act.reset(); setScan(it); }} value={scan} focus />
      <div className="row" style={{ alignItems: "flex-end" }}>
        <Select label={say("location")} allowDeselect={false} value={location} onChange={setShelf} data={shelves} style={{ width: 200 }} />
        <NumberInput label={order.chosen ? `${say("quantity")} (${order.chosen.unit})` : say("quantity")} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} style={{ width: 140 }} />
      </div>
      <TextInput label={say("whyUrgent")} required value={urgent} onChange={(event) => setUrgent(event.currentTarget.value)} />
      <div className="row end">
        <Button variant="subtle" onClick={() => setOpen(false)}>{say("stop")}</Button>
        <Button loading={act.isPending} disabled={!scan || !location || !urgent.trim() || !(Number(quantity) > 0)} onClick={() => act.mutate()}>{say("takeUrgent")}</Button>
      </div>
    </fieldset>
  );
}
