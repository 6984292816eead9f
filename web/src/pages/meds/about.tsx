// Everything of one order, and what may be done with it.
import { Button, NumberInput, Select, Table } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError } from "../../api";
import type { Me } from "../../app";
import { type Word, useWords } from "../../words";
import { Findings, SecondPerson, answersTo, isAnswered, nobody, second } from "./found";
import { Ask, Elsewhere, Wrong, useOnce } from "./head";
import { type Found, type Order, type Override, isActive } from "./types";
import { TakeUrgent } from "./urgent";

export function About({ order, me, done }: { order: Order; me: Me; done: () => void }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const once = useOnce();
  const [answers, setAnswers] = useState<Record<string, Override>>({});
  const [other, setOther] = useState(nobody);
  const act = useMutation({
    mutationFn: ({ what, body }: { what: string; body: object }) => once(`/api/meds/orders/${order.id}/${what}`, body),
    onSuccess: done,
    onSettled: () => { setOther(nobody); return queries.invalidateQueries({ queryKey: ["sheet"] }); },
  });
  const orders = me.role === "physician";
  const left = order.lots.filter((it) => it.onWard > 0);
  const isDraft = ["draft", "checked"].includes(order.state);
  // What was found anew when somebody signed or resumed has to be answered for as well.
  const anew = act.error instanceof ApiError ? (act.error.body as { found?: Found[] } | undefined)?.found : undefined;
  const found = anew ?? order.found;
  const settled = order.overridden;
  const asks = orders && (isDraft || order.state === "on-hold");
  const hard = asks && found.some((it) => it.tier === "hard-stop" && !settled.some((one) => one.key === it.key));
  const answered = { overrides: answersTo(found, answers), second: second(other) };
  const mayGoOn = isAnswered(found, answers, settled) && (!hard || second(other));
  return (
    <div className="stack">
      <div className="row quiet" style={{ gap: 16 }}>
        <span>{say("status")}: {say(order.state as Word)}</span>
        {order.signedAt && <span>{say("orderedBy")} {time(order.signedAt)}<Elsewhere order={order} /></span>}
        {order.verifiedAt && <span>{say("verified")} {time(order.verifiedAt)}</span>}
        {order.request.note && <span>{order.request.note}</span>}
      </div>
      {found.length > 0 && <Findings found={found} settled={settled} answers={answers} answer={asks ? (it) => setAnswers((before) => ({ ...before, [it.key]: it })) : undefined} />}
      {hard && <SecondPerson value={other} change={setOther} why={say("secondHard")} />}
      {order.lots.length > 0 && (
        <div className="scroll"><Table>
          <Table.Thead><Table.Tr>{[say("lot"), say("dispensed"), say("administered"), say("wasted"), say("returned"), say("onWard")].map((it) => <Table.Th key={it}>{it}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>{order.lots.map((it) => <Table.Tr key={`${it.product}${it.lot}`}>{[it.lot, it.dispensed, it.administered, it.wasted, it.returned, it.onWard].map((value, n) => <Table.Td key={n}>{value}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
        </Table></div>
      )}
      <Wrong error={act.error} title={anew ? say("needsAnswers") : undefined} />
      {order.state === "signed" && ["nurse", "pharmacist"].includes(me.role) && <TakeUrgent order={order} done={done} />}
      {left.length > 0 && <Leftover order={order} me={me} act={(what, body) => act.mutate({ what, body })} />}
      {orders && (
        <div className="row">
          {isDraft && <Button disabled={!mayGoOn} onClick={() => act.mutate({ what: "sign", body: answered })}>{say("sign")}</Button>}
          {isDraft && <Ask label={say("throwAway")} why={say("whyStop")} done={(reason) => act.mutate({ what: "cancel", body: { reason } })} />}
          {isActive(order) && <Ask label={say("holdOrder")} why={say("whyStop")} done={(reason) => act.mutate({ what: "hold", body: { reason } })} />}
          {order.state === "on-hold" && <Button disabled={!mayGoOn} onClick={() => act.mutate({ what: "resume", body: answered })}>{say("resumeOrder")}</Button>}
          {(isActive(order) || order.state === "on-hold") && <Ask label={say("stopOrder")} why={say("whyStop")} done={(reason) => act.mutate({ what: "stop", body: { reason } })} />}
        </div>
      )}
    </div>
  );
}

/** What is on the ward is thrown away or goes back; a controlled substance before a witness. */
function Leftover({ order, me, act }: { order: Order; me: Me; act: (what: string, body: object) => void }) {
  const { say } = useWords();
  const left = order.lots.filter((it) => it.onWard > 0);
  const [picked, setPicked] = useState<string | null>(null);
  const lot = left.find((it) => it.lot === picked) ?? left[0];
  const [quantity, setQuantity] = useState<number | string>("");
  const [other, setOther] = useState(nobody);
  if (!lot) return null;
  const n = quantity === "" ? Math.min(lot.onWard, order.chosen?.perDose ?? 1) : Number(quantity);
  const body = (reason: string) => ({ lot: lot.lot, product: lot.product, quantity: n, reason, second: second(other) });
  const isControlled = Boolean(order.chosen?.schedule);
  return (
    <fieldset className="plain stack" style={{ gap: 12 }}>
      <legend>{say("leftOnWard")}</legend>
      <div className="row" style={{ alignItems: "flex-end" }}>
        <Select label={say("lot")} allowDeselect={false} value={lot.lot} onChange={setPicked} data={left.map((it) => ({ value: it.lot, label: `${it.lot} (${it.onWard})` }))} style={{ width: 160 }} />
        <NumberInput label={`${say("quantity")} (${order.chosen?.unit ?? ""})`} min={0} max={lot.onWard} decimalScale={3} hideControls value={n} onChange={setQuantity} style={{ width: 140 }} />
      </div>
      {isControlled && <SecondPerson value={other} change={setOther} why={say("witnessHint")} />}
      <div className="row">
        {me.role !== "pharmacist" && <Ask label={say("waste")} why={say("whyWaste")} done={(reason) => act("waste", body(reason))} />}
        {me.role !== "physician" && <Ask label={say("giveBack")} why={say("whyWaste")} done={(reason) => act("return", body(reason))} />}
      </div>
    </fieldset>
  );
}
