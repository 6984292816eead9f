// The worklist of a shift: what is missed, late and due, of every patient in one's care.
import { Button, Table } from "@mantine/core";

import { nameOf } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { List } from "../parts";
import { Marks, PageHead, useWaiting } from "./head";
import { sig } from "./types";

const ORDER = ["missed", "late", "due"];

export function Due() {
  const { say, time } = useWords();
  const found = useWaiting("administer");
  const people = usePatients((found.data?.orders ?? []).map((it) => it.patient));
  const rows = (found.data?.orders ?? []).flatMap((order) => order.doses.filter((dose) => dose.state === "due" && dose.timeliness !== "early").map((dose) => ({ order, dose })));
  rows.sort((a, b) => ORDER.indexOf(a.dose.timeliness ?? "due") - ORDER.indexOf(b.dose.timeliness ?? "due") || (a.dose.due ?? "").localeCompare(b.dose.due ?? ""));
  const count = (what: string) => rows.filter((it) => it.dose.timeliness === what).length;
  return (
    <div className="stack">
      <PageHead title={say("due")} counts={[[count("missed"), say("missed"), true], [count("late"), say("late")], [count("due"), say("due-now")]]} />
      <List error={found.error} isPending={found.isPending} isEmpty={rows.length === 0} empty={say("nothingDue")} head={[say("status"), say("dueAt"), say("patient"), say("drug"), say("onWardHead"), ""]}>
        {rows.map(({ order, dose }) => (
          <Table.Tr key={`${order.id}${dose.due}`} data-timeliness={dose.timeliness}>
            <Table.Td><span className="due-word" data-look={dose.timeliness}>{say((dose.timeliness === "due" ? "due-now" : dose.timeliness) as Word)}</span></Table.Td>
            <Table.Td className="no-wrap">{time(dose.due)}</Table.Td>
            <Table.Td><a href={`#/meds/${order.patient}`}>{people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient")}</a></Table.Td>
            <Table.Td><div className="row" style={{ gap: 6 }}><span><b>{order.request.medication.text}</b>, {sig(order.request)}</span><Marks order={order} /></div></Table.Td>
            <Table.Td>{order.onWard >= (order.chosen?.perDose ?? 1) ? `${order.onWard} ${order.chosen?.unit ?? ""}` : <span className="bad">{say("notSupplied")}</span>}</Table.Td>
            <Table.Td><Button component="a" size="compact-sm" variant="default" href={`#/meds/${order.patient}`}>{say("openSheet")}</Button></Table.Td>
          </Table.Tr>
        ))}
      </List>
    </div>
  );
}
