// From a lot to the patients whom it reached.
import { Button, Select, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, nameOf, post } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { List } from "../parts";
import { PageHead, Wrong, useProducts } from "./head";
import { Scan } from "./scan";
import type { Lot } from "./types";

type Reached = { patient: string; order: string; administered: number; onWard: number; given: string[]; inBatch?: string };
type Recalled = { name: string; lot: Lot; patients: Reached[] };

export function Recall() {
  const { say, time } = useWords();
  const products = useProducts().data?.products ?? [];
  const [product, setProduct] = useState<string | null>(null);
  const [lot, setLot] = useState<string | null>(null);
  const [misread, setMisread] = useState<Error>();
  const found = useQuery({
    queryKey: ["recall", product, lot], enabled: Boolean(product && lot), gcTime: 0, retry: false,
    queryFn: () => get<Recalled>(`/api/meds/products/${product}/lots/${encodeURIComponent(lot ?? "")}/recall`),
  });
  const rows = found.data?.patients ?? [];
  const people = usePatients(rows.map((it) => it.patient));
  const scanned = (text: string) => {
    setMisread(undefined);
    post<{ scan: { lot?: string }; product?: { id: string } | null }>("/api/meds/scan", { text }).then((it) => {
      if (!it.product) { setMisread(new Error(say("unknownCode"))); return; }
      setProduct(it.product.id);
      setLot(it.scan.lot ?? null);
    }).catch((error: Error) => setMisread(error));
  };
  const chosen = products.find((it) => it.id === product);
  const n = new Set(rows.map((it) => it.patient)).size;
  const still = rows.reduce((sum, it) => sum + it.onWard, 0);
  return (
    <div className="stack">
      <PageHead title={say("recall")} />
      <div className="card stack">
        <p className="quiet" style={{ margin: 0 }}>{say("recallPageHint")}</p>
        <div className="tools">
          <div className="wide-field"><Scan label={say("scanPackage")} scanned={scanned} focus /></div>
          <Select label={say("product")} searchable value={product} onChange={(it) => { setProduct(it); setLot(null); }} data={products.map((it) => ({ value: it.id, label: it.name }))} className="wide-field" />
          <Select label={say("lot")} searchable disabled={!chosen} value={lot} onChange={setLot} data={(chosen?.lots ?? []).map((it) => ({ value: it.lot, label: `${it.lot} (${say(it.word as Word)})` }))} />
        </div>
        <Wrong error={misread ?? found.error} />
      </div>
      {found.data && (
        <section className="stack" aria-label={say("reached")}>
          <div className="card">
            <dl className="facts">
              <div><dt>{say("product")}</dt><dd><b>{found.data.name}</b></dd></div>
              <div><dt>{say("lot")}</dt><dd><b>{found.data.lot.lot}</b> · {say(found.data.lot.status as Word) ?? found.data.lot.status}</dd></div>
              <div><dt>{say("expires")}</dt><dd>{time(found.data.lot.expires)}</dd></div>
              <div><dt>{say("shelves")}</dt><dd>{Object.entries(found.data.lot.shelves).filter(([, m]) => m > 0).map(([where, m]) => `${where} ${m}`).join(", ") || "0"}</dd></div>
              <div><dt>{say("reached")}</dt><dd><b>{n}</b></dd></div>
              <div><dt>{say("stillOnWard")}</dt><dd className={still > 0 ? "bad" : ""}><b>{still}</b></dd></div>
            </dl>
          </div>
          <List isEmpty={rows.length === 0} empty={say("nobodyReached")} head={[say("patient"), say("givenHead"), say("when"), say("onWardHead"), say("batch"), ""]}>
            {rows.map((it) => (
              <Table.Tr key={`${it.order}${it.inBatch}`}>
                <Table.Td><a href={`#/meds/${it.patient}`}>{people.has(it.patient) ? nameOf(people.get(it.patient)) : say("patient")}</a></Table.Td>
                <Table.Td>{it.administered}</Table.Td><Table.Td>{it.given.map((at) => time(at)).join("; ") || "—"}</Table.Td>
                <Table.Td className={it.onWard > 0 ? "bad" : ""}>{it.onWard}</Table.Td><Table.Td>{it.inBatch ?? "—"}</Table.Td>
                <Table.Td><Button component="a" size="compact-sm" variant="default" href={`#/meds/${it.patient}`}>{say("openSheet")}</Button></Table.Td>
              </Table.Tr>
            ))}
          </List>
        </section>
      )}
    </div>
  );
}
