import { Alert, Button, Select, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, nameOf, post } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { Scan } from "./scan";
import type { Lot, Product } from "./types";
import { useProducts } from "./verify";

type Reached = { patient: string; order: string; administered: number; onWard: number; given: string[]; inBatch?: string };
type Recalled = { name: string; lot: Lot; patients: Reached[] };

/** From a lot to the patients whom it reached. */
export function Recall() {
  const { say, time } = useWords();
  const products = useProducts();
  const [product, setProduct] = useState<string | null>(null);
  const [lot, setLot] = useState<string | null>(null);
  const [error, setError] = useState<string>();
  const found = useQuery({
    queryKey: ["recall", product, lot], enabled: Boolean(product && lot), gcTime: 0,
    queryFn: () => get<Recalled>(`/api/meds/products/${product}/lots/${encodeURIComponent(lot ?? "")}/recall`),
  });
  const people = usePatients((found.data?.patients ?? []).map((it) => it.patient));
  const scanned = (text: string) => {
    setError(undefined);
    post<{ scan: { lot?: string }; product?: Product }>("/api/meds/scan", { text }).then((it) => {
      setProduct(it.product?.id ?? null);
      setLot(it.scan.lot ?? null);
    }).catch((reason: Error) => setError(reason.message));
  };
  const lots = products.find((it) => it.id === product)?.lots ?? [];
  return (
    <div className="stack">
      <h1 style={{ margin: 0, fontSize: 22 }}>{say("recall")}</h1>
      <div className="card stack">
        <Scan label={say("scanPackage")} scanned={scanned} focus />
        <div className="row" style={{ alignItems: "flex-end" }}>
          <Select label={say("product")} searchable value={product} onChange={(it) => { setProduct(it); setLot(null); }} data={products.map((it) => ({ value: it.id, label: it.name }))} style={{ flex: 1, minWidth: 220 }} />
          <Select label={say("lot")} searchable value={lot} onChange={setLot} data={lots.map((it) => ({ value: it.lot, label: `${it.lot} (${say(it.word as Word)})` }))} />
          <Button variant="default" disabled={!product || !lot} onClick={() => found.refetch()}>{say("searchLot")}</Button>
        </div>
        {(error ?? found.error) && <Alert color="red" role="alert">{error ?? found.error?.message}</Alert>}
      </div>
      {found.data && (
        <section className="card stack" aria-label={say("reached")}>
          <div><b>{found.data.name}</b> · {say("lot")} {found.data.lot.lot} · {say(found.data.lot.status as Word)} · {say("expires")} {found.data.lot.expires}</div>
          <div>{say("shelves")}: {Object.entries(found.data.lot.shelves).map(([where, n]) => `${where} ${n}`).join(", ") || "0"}</div>
          <b>{say("reached")} ({new Set(found.data.patients.map((it) => it.patient)).size})</b>
          {found.data.patients.length === 0 ? <span>{say("nobodyReached")}</span> : (
            <div className="scroll"><Table>
              <Table.Thead><Table.Tr>{[say("patient"), say("administered"), say("when"), say("onWard"), say("batch")].map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>{found.data.patients.map((it) => (
                <Table.Tr key={`${it.order}${it.inBatch}`}>
                  <Table.Td><a href={`#/meds/${it.patient}`}>{people.has(it.patient) ? nameOf(people.get(it.patient)) : say("patient")}</a></Table.Td>
                  <Table.Td>{it.administered}</Table.Td><Table.Td>{it.given.map((at) => time(at)).join("; ") || "—"}</Table.Td>
                  <Table.Td className={it.onWard > 0 ? "bad" : ""}>{it.onWard}</Table.Td><Table.Td>{it.inBatch ?? "—"}</Table.Td>
                </Table.Tr>
              ))}</Table.Tbody>
            </Table></div>
          )}
        </section>
      )}
    </div>
  );
}
