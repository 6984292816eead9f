// Products, lots and shelves, and what moves.
import { Badge, Button, Modal, Table, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get } from "../../api";
import { type Word, useWords } from "../../words";
import { List, Waiting } from "../parts";
import { Nothing, PageHead, Wrong, useProducts } from "./head";
import { Move, NewProduct } from "./stockforms";
import type { Lot, Product } from "./types";

type Movement = { at: string; what: string; lot?: string; location?: string; to?: string; quantity: number; balance?: number; witness?: string; reason?: string };

/** Days before the end of a lot from which on it is shown that it ends. */
const SOON_DAYS = 60;
const endsSoon = (lot: Lot) => lot.word === "available" && Date.parse(lot.expires) - Date.now() < SOON_DAYS * 86_400_000;
const left = (product: Product) => product.lots.reduce((sum, lot) => sum + Object.values(lot.shelves).reduce((a, b) => a + b, 0), 0);

export function Stock() {
  const { say } = useWords();
  const found = useProducts();
  const products = found.data?.products ?? [];
  const [find, setFind] = useState("");
  const [picked, pick] = useState<{ product: Product; lot?: Lot; ledger?: boolean }>();
  const [adds, setAdds] = useState(false);
  const small = find.trim().toLowerCase();
  const shown = products.filter((it) => [it.name, ...it.gtin, ...it.ndc, ...it.lots.map((lot) => lot.lot)].some((text) => text.toLowerCase().includes(small))).sort((a, b) => a.name.localeCompare(b.name));
  const lots = products.flatMap((it) => it.lots);
  return (
    <div className="stack">
      <PageHead title={say("stock")} counts={[
        [lots.filter((it) => it.word === "recalled").length, say("recalled"), true], [lots.filter((it) => it.word === "expired").length, say("expired"), true],
        [lots.filter((it) => it.word === "quarantined").length, say("quarantined")], [lots.filter(endsSoon).length, say("endsSoon")],
      ]}>
        <TextInput aria-label={say("findProduct")} placeholder={say("findProduct")} value={find} onChange={(event) => setFind(event.currentTarget.value)} />
        <Button onClick={() => setAdds(true)}>{say("newProduct")}</Button>
      </PageHead>
      <Wrong error={found.error} />
      {found.isPending && <Waiting lines={6} />}
      {found.isSuccess && shown.length === 0 && <Nothing says={say(products.length === 0 ? "noProducts" : "noneFound")} />}
      {shown.map((product) => (
        <section className="card stack" key={product.id} aria-label={product.name} data-product={product.id} style={{ gap: 8 }}>
          <div className="row" style={{ gap: 8 }}>
            <h2>{product.name}</h2>
            {product.schedule && <Badge variant="default" tt="none" leftSection="◆">{product.schedule} {say("controlled")}</Badge>}
            {product.isHighAlert && <Badge variant="default" tt="none" leftSection={<span className="bad">▲</span>}>{say("highAlert")}</Badge>}
            {product.isCompounded && <Badge variant="default" tt="none">{say("madeHere")}</Badge>}
            <span className="quiet">{[...product.gtin, ...product.ndc].join(", ")}</span>
            <span className="grow" />
            {!product.isCompounded && <b>{left(product)} {product.unit}</b>}
            {!product.isCompounded && <Button size="xs" variant="default" aria-label={`${say("receive")}: ${product.name}`} onClick={() => pick({ product })}>{say("receive")}</Button>}
            <Button size="xs" variant="default" aria-label={`${say("ledger")}: ${product.name}`} onClick={() => pick({ product, ledger: true })}>{say("ledger")}</Button>
          </div>
          {product.lots.length > 0 && (
            <div className="scroll"><Table className="lots">
              <Table.Thead><Table.Tr>{[say("lot"), say("expires"), say("status"), say("shelves"), ""].map((it, n) => <Table.Th key={n}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>{[...product.lots].sort((a, b) => a.expires.localeCompare(b.expires)).map((lot) => <LotRow key={lot.lot} lot={lot} unit={product.unit} pick={() => pick({ product, lot })} />)}</Table.Tbody>
            </Table></div>
          )}
        </section>
      ))}
      <Modal opened={Boolean(picked)} onClose={() => pick(undefined)} size={picked?.ledger ? "xl" : "lg"} title={<b>{picked?.product.name}{picked?.lot ? `, ${say("lot")} ${picked.lot.lot}` : ""}</b>} closeButtonProps={{ "aria-label": say("shut") }}>
        {picked?.ledger && <Ledger product={picked.product} />}
        {picked && !picked.ledger && <Move product={picked.product} lot={picked.lot} done={() => pick(undefined)} />}
      </Modal>
      <Modal opened={adds} onClose={() => setAdds(false)} size="lg" title={<b>{say("newProduct")}</b>} closeButtonProps={{ "aria-label": say("shut") }}><NewProduct done={() => setAdds(false)} /></Modal>
    </div>
  );
}

function LotRow({ lot, unit, pick }: { lot: Lot; unit: string; pick: () => void }) {
  const { say, time } = useWords();
  const bad = lot.word !== "available";
  return (
    <Table.Tr data-lot={lot.lot}>
      <Table.Td><b>{lot.lot}</b></Table.Td>
      <Table.Td>{time(lot.expires)}{endsSoon(lot) && <span className="quiet"> · {say("endsSoon")}</span>}</Table.Td>
      <Table.Td><span className={bad ? "bad" : "good"}><span aria-hidden>{bad ? "✗" : "✓"}</span> {say(lot.word as Word)}</span></Table.Td>
      <Table.Td>{Object.entries(lot.shelves).filter(([, n]) => n > 0).map(([where, n]) => `${where} ${n}`).join(", ") || `0 ${unit}`}</Table.Td>
      <Table.Td><Button size="compact-sm" variant="default" aria-label={`${say("move_lot")} ${lot.lot}`} onClick={pick}>{say("move_lot")}</Button></Table.Td>
    </Table.Tr>
  );
}

function Ledger({ product }: { product: Product }) {
  const { say, time } = useWords();
  const found = useQuery({ queryKey: ["ledger", product.id], gcTime: 0, queryFn: () => get<{ movements: Movement[] }>(`/api/meds/products/${product.id}/ledger`) });
  return (
    <List error={found.error} isPending={found.isPending} isEmpty={found.data?.movements.length === 0} head={[say("when"), say("what"), say("lot"), say("location"), say("quantity"), say("balance"), say("witness"), say("whyReason")]}>
      {found.data?.movements.map((it, n) => (
        <Table.Tr key={n}>
          {[time(it.at), say(`move-${it.what}` as Word) ?? it.what, it.lot, [it.location, it.to].filter(Boolean).join(" → "), it.quantity || "", it.balance, it.witness ? "✓" : "", it.reason].map((value, m) => <Table.Td key={m}>{value ?? ""}</Table.Td>)}
        </Table.Tr>
      ))}
    </List>
  );
}
