import { Alert, Badge, Button, Modal, Table } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { age, get, nameOf, post } from "../../api";
import type { Me } from "../../app";
import { PatientSearch } from "../../finder";
import { go } from "../../route";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { Give, Recorded } from "./bedside";
import { Findings } from "./found";
import { type Dose, type Order, sig } from "./types";
import { Ask } from "./verify";

/** Hours that a sheet shows at once. */
const HOURS = 24;

/** What a patient gets: orders down, time across. */
export function MedsSheet({ id, me }: { id?: string; me: Me }) {
  const { say } = useWords();
  if (!id) {
    return (
      <div className="stack">
        <h1 style={{ margin: 0, fontSize: 22 }}>{say("emar")}</h1>
        <div className="card"><p className="quiet" style={{ marginTop: 0 }}>{say("choosePatient")}</p><PatientSearch chosen={(it) => go(`/meds/${it.id}`)} /></div>
      </div>
    );
  }
  return <Sheet id={id} me={me} />;
}

function Sheet({ id, me }: { id: string; me: Me }) {
  const { say, time, language } = useWords();
  const patient = usePatients([id]).get(id);
  const [shift, setShift] = useState(0);
  const [openedAt] = useState(() => Date.now());
  const from = useMemo(() => new Date(Math.floor(openedAt / 3_600_000) * 3_600_000 + (shift - 8) * 3_600_000), [openedAt, shift]);
  const to = new Date(from.getTime() + HOURS * 3_600_000);
  const sheet = useQuery({
    queryKey: ["sheet", id, from.toISOString()], refetchInterval: 10_000,
    queryFn: () => get<{ orders: Order[] }>(`/api/meds/patients/${id}/sheet?from=${from.toISOString()}&to=${to.toISOString()}`),
  });
  const orders = [...(sheet.data?.orders ?? [])].sort((a, b) => rank(a) - rank(b) || a.request.medication.text.localeCompare(b.request.medication.text));
  const [picked, pick] = useState<{ order: string; dose?: Dose }>();
  const open = orders.find((it) => it.id === picked?.order);
  const gives = me.role === "nurse" || me.role === "physician";
  return (
    <div className="stack">
      <div className="banner">
        <h1>{patient ? nameOf(patient) : say("patient")}</h1>
        {patient && <span className="quiet">{patient.birthDate} · {age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)}</span>}
        <span className="grow" />
        {me.role === "physician" && <Button component="a" href={`#/order/${id}`}>{say("orderNew")}</Button>}
        {me.role === "physician" && <Button component="a" variant="default" href={`#/reconcile/${id}`}>{say("reconcile")}</Button>}
        <Button component="a" variant="default" href={`#/patient/${id}`}>{say("open")}</Button>
      </div>
      <div className="row">
        <Button variant="default" size="xs" onClick={() => setShift(shift - 12)}>← {say("lastHours")}</Button>
        <Button variant="default" size="xs" onClick={() => setShift(0)}>{say("today")}</Button>
        <Button variant="default" size="xs" onClick={() => setShift(shift + 12)}>{say("nextHours")} →</Button>
        <span className="quiet">{time(from.toISOString())} – {time(to.toISOString())}</span>
      </div>
      {sheet.error && <Alert color="red" role="alert">{sheet.error.message}</Alert>}
      {sheet.isSuccess && orders.length === 0 && <div className="card quiet">{say("noOrders")}</div>}
      {orders.length > 0 && (
        <div className="card scroll">
          <Table className="meds-grid" aria-label={say("emar")}>
            <Table.Thead><Table.Tr><Table.Th style={{ width: "38%" }}>{say("orderNew")}</Table.Th><Table.Th>{say("due")}</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {orders.map((order) => (
                <Table.Tr key={order.id} data-order={order.request.medication.text} data-state={order.state}>
                  <Table.Td>
                    <div className="row" style={{ gap: 6 }}>
                      <b>{order.request.medication.text}</b>
                      <Badge variant="default" tt="none">{say(order.state as Word)}</Badge>
                      {order.isHighAlert && <Badge variant="filled" color="red.9" tt="none">{say("highAlert")}</Badge>}
                    </div>
                    <div>{sig(order.request)}</div>
                    {order.chosen && <div className="quiet">{order.chosen.name}: {order.onWard} {order.chosen.unit} {say("onWard")}</div>}
                    {order.why && <div className="quiet">{order.why}</div>}
                    {order.lots.some((it) => it.wasted > 0) && <div className="quiet" data-wasted>{order.lots.reduce((sum, it) => sum + it.wasted, 0)} {say("wasted")}</div>}
                    <Button size="compact-xs" variant="subtle" onClick={() => pick({ order: order.id })}>{say("more")}</Button>
                  </Table.Td>
                  <Table.Td>
                    <div className="doses">
                      {order.doses.map((dose) => <Cell key={dose.recorded?.id ?? dose.due} dose={dose} language={language} open={gives || dose.recorded ? () => pick({ order: order.id, dose }) : undefined} />)}
                      {order.isAsNeeded && gives && isActive(order) && <Button size="xs" variant="default" onClick={() => pick({ order: order.id, dose: { state: "due" } })}>{say("give")}: {say("whenNeeded")}</Button>}
                      {order.timesUnknown && <span className="quiet">{say("timesUnknown")} {gives && isActive(order) && <Button size="compact-xs" variant="default" onClick={() => pick({ order: order.id, dose: { state: "due" } })}>{say("give")}</Button>}</span>}
                    </div>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      <Modal opened={Boolean(open)} onClose={() => pick(undefined)} size="lg" title={open ? `${open.request.medication.text}, ${sig(open.request)}` : ""} closeButtonProps={{ "aria-label": say("shut") }}>
        {open && picked?.dose && !picked.dose.recorded && <Give order={open} dose={picked.dose} done={() => pick(undefined)} />}
        {open && picked?.dose?.recorded && <Recorded order={open} dose={picked.dose.recorded} writes={gives} done={() => pick(undefined)} />}
        {open && !picked?.dose && <About order={open} me={me} done={() => pick(undefined)} />}
      </Modal>
    </div>
  );
}

function Cell({ dose, language, open }: { dose: Dose; language: string; open?: () => void }) {
  const { say } = useWords();
  const at = new Date(dose.recorded?.at ?? dose.due ?? 0);
  const clock = at.toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });
  const look = dose.state === "due" ? (dose.timeliness ?? "due") : dose.state;
  const word = dose.state === "due" ? say((dose.timeliness === "due" ? "due-now" : (dose.timeliness ?? "due-now")) as Word) : say(`dose-${dose.state}` as Word);
  const inside = <><b>{clock}</b><span>{word}{dose.recorded?.lot && dose.state === "given" ? ` · ${dose.recorded.lot}` : ""}</span></>;
  if (!open) return <span className="dose" data-look={look}>{inside}</span>;
  return <button type="button" className="dose" data-look={look} onClick={open}>{inside}</button>;
}

/** Everything of one order, and what may be done with it. */
function About({ order, me, done }: { order: Order; me: Me; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: unknown }) => post(`/api/meds/orders/${order.id}/${what}`, body),
    onSuccess: done,
    onSettled: () => queries.invalidateQueries({ queryKey: ["sheet"] }),
  });
  const [lot] = order.lots.filter((it) => it.onWard > 0);
  const orders = me.role === "physician";
  return (
    <div className="stack">
      <span className="quiet">{say("orderedBy")} {time(order.signedAt)}{order.verifiedAt && <> · {say("verified")} {time(order.verifiedAt)}</>}</span>
      {order.found.length > 0 && <Findings found={order.found} />}
      {order.overridden.map((it) => <span className="quiet" key={it.key}>{it.rule}: {it.reason}</span>)}
      {order.lots.length > 0 && (
        <div className="scroll"><Table>
          <Table.Thead><Table.Tr>{[say("lot"), say("dispensed"), say("administered"), say("wasted"), say("returned"), say("onWard")].map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>{order.lots.map((it) => <Table.Tr key={`${it.product}${it.lot}`}>{[it.lot, it.dispensed, it.administered, it.wasted, it.returned, it.onWard].map((value, n) => <Table.Td key={n}>{value}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
        </Table></div>
      )}
      {act.error && <Alert color="red" role="alert">{act.error.message}</Alert>}
      <div className="row">
        {lot && !orders && <Ask label={say("waste")} why={say("whyWaste")} done={(reason) => act.mutate({ what: "waste", body: { lot: lot.lot, product: lot.product, quantity: Math.min(lot.onWard, order.chosen?.perDose ?? 1), reason } })} />}
        {lot && me.role !== "physician" && <Ask label={say("giveBack")} why={say("whyWaste")} done={(reason) => act.mutate({ what: "return", body: { lot: lot.lot, product: lot.product, quantity: lot.onWard, reason } })} />}
        {orders && isActive(order) && <Ask label={say("holdOrder")} why={say("whyStop")} done={(reason) => act.mutate({ what: "hold", body: { reason } })} />}
        {orders && order.state === "on-hold" && <Button variant="default" onClick={() => act.mutate({ what: "resume", body: {} })}>{say("resumeOrder")}</Button>}
        {orders && (isActive(order) || order.state === "on-hold") && <Ask label={say("stopOrder")} why={say("whyStop")} done={(reason) => act.mutate({ what: "stop", body: { reason } })} />}
        {orders && ["draft", "checked"].includes(order.state) && <Button onClick={() => act.mutate({ what: "sign", body: {} })}>{say("sign")}</Button>}
      </div>
    </div>
  );
}

const isActive = (order: Order) => ["signed", "verified", "prepared", "dispensed"].includes(order.state);
const rank = (order: Order) => (isActive(order) ? (order.isAsNeeded ? 1 : 0) : 2);
