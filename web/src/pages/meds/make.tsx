// Preparing: what goes into a batch, from which lots, and until when it may be used.
import { Button, NumberInput, Select, Table } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { post } from "../../api";
import { type Word, useWords } from "../../words";
import { Head } from "./dispense";
import { SecondPerson, nobody, second } from "./found";
import { Wrong, useOnce } from "./head";
import { Scan } from "./scan";
import { type Order, type Product, onShelf } from "./types";

const CATEGORIES = ["repackaged", "immediate-use", "category-1", "category-2", "aqueous", "dry"] as const;
const STORAGES = ["room", "refrigerator", "freezer"] as const;

export function Make({ order, who, products }: { order: Order; who: string; products: Product[] }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const [parts, setParts] = useState<{ product: string; lot: string; quantity: number }[]>([]);
  const [picked, setPicked] = useState<string | null>(null);
  const [amount, setAmount] = useState<number | string>(1);
  const [quantity, setQuantity] = useState<number | string>(order.chosen?.perDose ?? 1);
  const [category, setCategory] = useState<string>("immediate-use");
  const [storage, setStorage] = useState<string>("room");
  const [other, setOther] = useState(nobody);
  const [misread, setMisread] = useState<Error>();
  const location = "pharmacy";
  const act = useMutation({
    mutationFn: () => once<Order>(`/api/meds/orders/${order.id}/prepare`, { quantity: Number(quantity), category, storage, components: parts, location, second: second(other) }),
    onSuccess: () => setParts([]),
    onSettled: () => {
      setOther(nobody);
      void queries.invalidateQueries({ queryKey: ["waiting-meds"] });
      void queries.invalidateQueries({ queryKey: ["products"] });
    },
  });
  const chosen = products.find((it) => it.id === picked);
  const lot = chosen ? onShelf(chosen, location)[0] : undefined;
  const scanned = (text: string) => {
    setMisread(undefined);
    post<{ product?: { id: string } | null }>("/api/meds/scan", { text })
      .then((it) => (it.product ? setPicked(it.product.id) : setMisread(new Error(say("unknownCode")))))
      .catch((error: Error) => setMisread(error));
  };
  const add = () => {
    if (!chosen || !lot || !(Number(amount) > 0)) return;
    setParts([...parts, { product: chosen.id, lot: lot.lot, quantity: Number(amount) }]);
    setPicked(null);
  };
  const ready = parts.length > 0 && Number(quantity) > 0 && (!order.isHighAlert || second(other));
  return (
    <section className="card stack" data-order={order.request.medication.text} aria-label={`${say("prepare")}: ${who}`}>
      <Head order={order} who={who} />
      <h3>{say("batchRecord")}</h3>
      <div className="tools">
        <div className="wide-field"><Scan label={say("scanPart")} scanned={scanned} /></div>
        <Select label={say("madeOf")} searchable value={picked} onChange={setPicked} className="wide-field" data={products.filter((it) => !it.isCompounded).map((it) => ({ value: it.id, label: it.name }))}
          description={lot ? `${say("lot")} ${lot.lot}, ${say("expires")} ${lot.expires}` : chosen ? say("noneOnShelf") : undefined} inputWrapperOrder={["label", "input", "description"]} />
        <NumberInput label={`${say("quantity")}${chosen ? ` (${chosen.unit})` : ""}`} min={0} decimalScale={3} hideControls value={amount} onChange={setAmount} />
        <Button variant="default" className="in-line" disabled={!lot} onClick={add}>{say("addPart")}</Button>
      </div>
      <Wrong error={misread} />
      {parts.length > 0 && (
        <div className="scroll"><Table>
          <Table.Thead><Table.Tr>{[say("madeOf"), say("lot"), say("quantity"), ""].map((it, n) => <Table.Th key={n}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>
            {parts.map((it, n) => {
              const of = products.find((one) => one.id === it.product);
              return (
                <Table.Tr key={n}><Table.Td>{of?.name}</Table.Td><Table.Td>{it.lot}</Table.Td><Table.Td>{it.quantity} {of?.unit}</Table.Td>
                  <Table.Td><Button size="compact-xs" variant="subtle" onClick={() => setParts(parts.filter((_, m) => m !== n))}>{say("removePart")}</Button></Table.Td></Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table></div>
      )}
      <div className="tools">
        <NumberInput label={`${say("makes")} (${order.chosen?.unit ?? ""})`} min={0} decimalScale={3} hideControls value={quantity} onChange={setQuantity} />
        <Select label={say("category")} allowDeselect={false} value={category} onChange={(it) => setCategory(it ?? category)} data={CATEGORIES.map((value) => ({ value, label: say(`made-${value}` as Word) }))} className="wide-field" />
        <Select label={say("storage")} allowDeselect={false} value={storage} onChange={(it) => setStorage(it ?? storage)} data={STORAGES.map((value) => ({ value, label: say(`kept-${value}` as Word) }))} />
      </div>
      {order.isHighAlert && <SecondPerson value={other} change={setOther} why={say("secondPharmacist")} />}
      <Wrong error={act.error} title={say("notPrepared")} />
      {act.data?.batches.slice(-1).map((it) => <p key={it.id} className="calm-line" role="status">{say("batch")} <b>{it.id}</b>: {say("beyondUse")} <b>{time(it.beyondUse)}</b></p>)}
      <div className="row end"><Button disabled={!ready} loading={act.isPending} onClick={() => act.mutate()}>{say("prepare")}</Button></div>
    </section>
  );
}
