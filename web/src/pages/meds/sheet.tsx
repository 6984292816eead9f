// The medication sheet of a patient: orders down, time across.
import { Badge, Button, Modal, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { get } from "../../api";
import type { Me } from "../../app";
import { whenDeaf } from "../../feed";
import { PatientSearch } from "../../finder";
import { go } from "../../route";
import { type Word, useWords } from "../../words";
import { Waiting } from "../parts";
import { About } from "./about";
import { Give, Recorded } from "./bedside";
import { Marks, Nothing, PageHead, PatientHead, Wrong } from "./head";
import { type Dose, type Order, isActive, isInfusion, sig } from "./types";

/** Hours of one column, and columns of one sheet. */
const [SLOT_H, SLOTS] = [4, 6];
const HOUR_MS = 3_600_000;

export function MedsSheet({ id, me }: { id?: string; me: Me }) {
  const { say } = useWords();
  if (id) return <Sheet id={id} me={me} />;
  return (
    <div className="stack">
      <PageHead title={say("emar")} />
      <div className="card stack"><p className="quiet" style={{ margin: 0 }}>{say("choosePatient")}</p><PatientSearch chosen={(it) => go(`/meds/${it.id}`)} /></div>
    </div>
  );
}

type Group = "scheduled" | "asNeeded" | "infusions" | "over";
const groupOf = (order: Order): Group =>
  !isActive(order) && !["on-hold", "draft", "checked"].includes(order.state) ? "over" : order.isAsNeeded ? "asNeeded" : isInfusion(order.request) ? "infusions" : "scheduled";

function Sheet({ id, me }: { id: string; me: Me }) {
  const { say, time } = useWords();
  const [shift, setShift] = useState(0);
  const [openedAt] = useState(() => Date.now());
  // Columns begin at full hours that the slot divides, on the clock of the wall.
  const from = useMemo(() => {
    const start = new Date(openedAt);
    start.setMinutes(0, 0, 0);
    start.setHours(start.getHours() - (start.getHours() % SLOT_H) - 2 * SLOT_H + shift);
    return start;
  }, [openedAt, shift]);
  const slots = Array.from({ length: SLOTS }, (_, n) => new Date(from.getTime() + n * SLOT_H * HOUR_MS));
  const to = new Date(from.getTime() + SLOTS * SLOT_H * HOUR_MS);
  const sheet = useQuery({
    queryKey: ["sheet", id, from.toISOString()], refetchInterval: whenDeaf(10_000), placeholderData: (before: { orders: Order[] } | undefined) => before,
    queryFn: () => get<{ orders: Order[] }>(`/api/meds/patients/${id}/sheet?from=${from.toISOString()}&to=${to.toISOString()}`),
  });
  const orders = [...(sheet.data?.orders ?? [])].sort((a, b) => a.request.medication.text.localeCompare(b.request.medication.text));
  const [picked, pick] = useState<{ order: string; dose?: Dose }>();
  const open = orders.find((it) => it.id === picked?.order);
  const gives = me.role === "nurse" || me.role === "physician";
  const late = orders.flatMap((it) => it.doses).filter((it) => it.state === "due" && (it.timeliness === "late" || it.timeliness === "missed")).length;
  return (
    <div className="stack">
      <PatientHead id={id} me={me} title={say("emar")}>
        {me.role === "physician" && <Button component="a" href={`#/order/${id}`}>{say("orderNew")}</Button>}
        {me.role === "physician" && <Button component="a" variant="default" href={`#/reconcile/${id}`}>{say("reconcile")}</Button>}
      </PatientHead>
      <div className="row">
        <Button.Group>
          <Button variant="default" size="xs" onClick={() => setShift(shift - 12)}>← {say("lastHours")}</Button>
          <Button variant="default" size="xs" onClick={() => setShift(0)} aria-pressed={shift === 0}>{say("today")}</Button>
          <Button variant="default" size="xs" onClick={() => setShift(shift + 12)}>{say("nextHours")} →</Button>
        </Button.Group>
        <span className="quiet">{time(from.toISOString())} – {time(to.toISOString())}</span>
        {late > 0 && <Badge size="lg" variant="filled" color="red.9" tt="none">{late} {say("lateOrMissed")}</Badge>}
      </div>
      <Wrong error={sheet.error} />
      {sheet.isPending && <Waiting lines={6} />}
      {sheet.isSuccess && orders.length === 0 && <Nothing says={say("noOrders")} />}
      {orders.length > 0 && (
        <div className="card scroll" tabIndex={0} role="region" aria-label={say("emar")}>
          <Table className="meds-grid" aria-label={say("emar")}>
            <Table.Thead><Table.Tr>
              <Table.Th>{say("drug")}</Table.Th>
              {slots.map((it) => <Table.Th key={it.toISOString()} data-now={isNow(it) || undefined}>{time(it.toISOString(), "clock")}{isNow(it) && <span className="quiet"> {say("today")}</span>}</Table.Th>)}
            </Table.Tr></Table.Thead>
            {(["scheduled", "asNeeded", "infusions", "over"] as const).map((group) => {
              const all = orders.filter((it) => groupOf(it) === group);
              if (all.length === 0) return null;
              return (
                <Table.Tbody key={group} data-group={group}>
                  <Table.Tr className="group"><Table.Th colSpan={SLOTS + 1} scope="rowgroup">{say(`group-${group}`)}</Table.Th></Table.Tr>
                  {all.map((order) => <Row key={order.id} order={order} slots={slots} gives={gives} pick={(dose) => pick({ order: order.id, dose })} />)}
                </Table.Tbody>
              );
            })}
          </Table>
        </div>
      )}
      <Modal opened={Boolean(open)} onClose={() => pick(undefined)} size="xl" title={open ? <b>{open.request.medication.text}, {sig(open.request)}</b> : ""} closeButtonProps={{ "aria-label": say("shut") }}>
        {open && picked?.dose && !picked.dose.recorded && <Give order={open} dose={picked.dose} done={() => pick(undefined)} />}
        {open && picked?.dose?.recorded && <Recorded order={open} dose={picked.dose.recorded} writes={gives} done={() => pick(undefined)} />}
        {open && !picked?.dose && <About order={open} me={me} done={() => pick(undefined)} />}
      </Modal>
    </div>
  );
}

function Row({ order, slots, gives, pick }: { order: Order; slots: Date[]; gives: boolean; pick: (dose?: Dose) => void }) {
  const { say } = useWords();
  const wasted = order.lots.reduce((sum, it) => sum + it.wasted, 0);
  const canGive = gives && isActive(order);
  const runs = isInfusion(order.request);
  const isRunning = order.doses.some((it) => it.state === "running" || it.state === "paused");
  return (
    <Table.Tr data-order={order.request.medication.text} data-state={order.state}>
      <Table.Td className="drug">
        <div className="row" style={{ gap: 6, alignItems: "baseline" }}>
          <b>{order.request.medication.text}</b>
          <Badge variant="default" tt="none" size="sm">{say(order.state as Word)}</Badge>
          <Marks order={order} />
        </div>
        <div>{sig(order.request)}</div>
        {order.chosen && <div className="quiet">{order.chosen.name}: {order.onWard} {order.chosen.unit} {say("onWard")}</div>}
        {order.why && <div className="quiet">{order.why}</div>}
        {wasted > 0 && <div className="quiet" data-wasted>{wasted} {order.chosen?.unit} {say("wasted")}</div>}
        {order.timesUnknown && !runs && <div className="quiet">{say("timesUnknown")}</div>}
        <div className="row" style={{ gap: 6, marginTop: 4 }}>
          <Button size="compact-xs" variant="default" aria-label={`${say("more")}: ${order.request.medication.text}`} onClick={() => pick()}>{say("more")}</Button>
          {order.isAsNeeded && canGive && <Button size="compact-xs" variant="default" onClick={() => pick({ state: "due" })}>{say("giveNeeded")}</Button>}
          {canGive && runs && !isRunning && <Button size="compact-xs" variant="default" onClick={() => pick({ state: "due" })}>{say("startInfusion")}</Button>}
          {canGive && order.timesUnknown && !runs && <Button size="compact-xs" variant="default" onClick={() => pick({ state: "due" })}>{say("give")}</Button>}
        </div>
      </Table.Td>
      {slots.map((slot) => {
        const all = order.doses.filter((it) => isIn(slot, it));
        return <Table.Td key={slot.toISOString()} data-now={isNow(slot) || undefined}>{all.length > 0 ? <div className="doses">{all.map((dose) => <Cell key={dose.recorded?.id ?? dose.due} dose={dose} open={gives || dose.recorded ? () => pick(dose) : undefined} />)}</div> : null}</Table.Td>;
      })}
    </Table.Tr>
  );
}

/** One dose: its time, and by shape, word and color what is with it. */
function Cell({ dose, open }: { dose: Dose; open?: () => void }) {
  const { say, time } = useWords();
  const look = dose.state === "due" ? (dose.timeliness ?? "due") : dose.state;
  // What was given has the time when it was; what was not, the time when it should have been.
  const isGiven = ["given", "running", "paused"].includes(dose.state);
  const sign = SIGNS[look] ?? "";
  const word = dose.state === "due" ? say((look === "due" ? "due-now" : look) as Word) : say(`dose-${dose.state}` as Word);
  const detail = dose.recorded?.rate ? ` · ${dose.recorded.rate[0]}` : dose.recorded?.lot && dose.state === "given" ? ` · ${dose.recorded.lot}` : "";
  const inside = <><b>{time(isGiven ? dose.recorded?.at : (dose.due ?? dose.recorded?.at), "clock")}</b><span><span aria-hidden>{sign}</span> {word}{detail}</span></>;
  if (!open) return <span className="dose" data-look={look}>{inside}</span>;
  return <button type="button" className="dose" data-look={look} onClick={open}>{inside}</button>;
}

const SIGNS: Record<string, string> = { due: "○", early: "○", late: "!", missed: "!!", given: "✓", running: "▶", paused: "❚❚", held: "–", refused: "✗", "in-error": "×" };

const isNow = (slot: Date) => slot.getTime() <= Date.now() && Date.now() < slot.getTime() + SLOT_H * HOUR_MS;
/** A dose stands where it is due, else where it was given. */
const isIn = (slot: Date, dose: Dose) => {
  const at = Date.parse(dose.due ?? dose.recorded?.at ?? "");
  return slot.getTime() <= at && at < slot.getTime() + SLOT_H * HOUR_MS;
};
