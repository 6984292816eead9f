import { Alert, Badge, Table } from "@mantine/core";

import { nameOf } from "../../api";
import { type Word, useWords } from "../../words";
import { usePatients } from "../board";
import { sig } from "./types";
import { useWaiting } from "./verify";

const ORDER = ["missed", "late", "due", "early"];

/** Doses that are due, late or missed, of every patient in one's care. */
export function Due() {
  const { say, time } = useWords();
  const found = useWaiting("administer");
  const people = usePatients((found.data?.orders ?? []).map((it) => it.patient));
  const rows = (found.data?.orders ?? []).flatMap((order) =>
    order.doses.filter((dose) => dose.state === "due" && dose.timeliness !== "early").map((dose) => ({ order, dose })));
  rows.sort((a, b) => ORDER.indexOf(a.dose.timeliness ?? "due") - ORDER.indexOf(b.dose.timeliness ?? "due") || (a.dose.due ?? "").localeCompare(b.dose.due ?? ""));
  return (
    <div className="stack">
      <div className="row"><h1 style={{ margin: 0, fontSize: 22 }}>{say("due")}</h1>
        {["missed", "late", "due"].map((it) => {
          const n = rows.filter((row) => row.dose.timeliness === it).length;
          return n > 0 && <Badge key={it} size="lg" variant="default" tt="none">{n} {say((it === "due" ? "due-now" : it) as Word)}</Badge>;
        })}
      </div>
      {found.error && <Alert color="red" role="alert">{found.error.message}</Alert>}
      {found.isSuccess && rows.length === 0 && <div className="card quiet">{say("queueEmpty")}</div>}
      {rows.length > 0 && (
        <div className="card scroll"><Table>
          <Table.Thead><Table.Tr>{[say("status"), say("when"), say("patient"), say("drug")].map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>
            {rows.map(({ order, dose }) => (
              <Table.Tr key={`${order.id}${dose.due}`}>
                <Table.Td><span className={dose.timeliness === "due" ? "" : "bad"}>{say((dose.timeliness === "due" ? "due-now" : (dose.timeliness ?? "due-now")) as Word)}</span></Table.Td>
                <Table.Td>{time(dose.due)}</Table.Td>
                <Table.Td><a href={`#/meds/${order.patient}`}>{people.has(order.patient) ? nameOf(people.get(order.patient)) : say("patient")}</a></Table.Td>
                <Table.Td>{order.request.medication.text}, {sig(order.request)}{order.isHighAlert && <> <Badge variant="default" tt="none">{say("highAlert")}</Badge></>}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table></div>
      )}
    </div>
  );
}
