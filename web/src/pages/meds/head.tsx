// What every page of medication begins with, and what several of them are made of.
import { Alert, Badge, Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { ApiError, age, call, get, nameOf } from "../../api";
import type { Me } from "../../app";
import { whenDeaf } from "../../feed";
import { type Word, useWords } from "../../words";
import { usePatient } from "../board";
import { Allergies } from "../chart/allergies";
import type { Order, Product } from "./types";

export const useProducts = () => useQuery({ queryKey: ["products"], queryFn: () => get<{ products: Product[] }>("/api/meds/products"), refetchInterval: whenDeaf(30_000) });
export const useWaiting = (what: string) =>
  useQuery({ queryKey: ["waiting-meds", what], queryFn: () => get<{ orders: Order[] }>(`/api/meds/waiting/${what}`), refetchInterval: whenDeaf(5_000) });

/** Acts that are done once: what had no answer is asked for again under the same key, and what has changed under another. */
export function useOnce() {
  const last = useRef({ said: "", key: "" });
  return async <T,>(path: string, body: object): Promise<T> => {
    // Who agrees signs in anew each time: that is no other act.
    const said = JSON.stringify([path, { ...body, second: undefined }]);
    if (last.current.said !== said) last.current = { said, key: crypto.randomUUID() };
    try {
      const answer = await call<T>("POST", path, body, { "idempotency-key": last.current.key });
      last.current = { said: "", key: "" };
      return answer;
    } catch (error) {
      // An answer that refuses is an answer; one that is missing, or of something between, is none.
      if (error instanceof ApiError && error.status < 500) last.current = { said: "", key: "" };
      throw error;
    }
  };
}

/** That an order is one of another system, and whose there. */
export function Elsewhere({ order }: { order: Order }) {
  const { say } = useWords();
  if (!order.isTold) return null;
  return <> {order.orderedBy ? <>{say("elsewhereBy")} {order.orderedBy}</> : say("elsewhere")}</>;
}

/** The name of a page, how much of what there is, and what can be done. */
export function PageHead({ title, counts = [], children }: { title: string; counts?: [number, string, boolean?][]; children?: React.ReactNode }) {
  return (
    <div className="row">
      <h1>{title}</h1>
      {counts.filter(([n]) => n > 0).map(([n, what, loud]) => (
        <Badge key={what} size="lg" tt="none" variant={loud ? "filled" : "default"} color={loud ? "red.9" : "gray"}>{n} {what}</Badge>
      ))}
      <span className="grow" />
      {children}
    </div>
  );
}

/** Who it is about, with what this person must not be given: on every page that orders or gives. */
export function PatientHead({ id, me, title, children }: { id: string; me: Me; title: string; children?: React.ReactNode }) {
  const { say } = useWords();
  const { patient, isMissing } = usePatient(id);
  // A page without a patient looks like that of somebody who gets nothing.
  if (isMissing) return <Alert color="red" role="alert" title={title}>{say("noSuchPatient")}</Alert>;
  return (
    <section className="card stack" aria-label={say("patient")} style={{ gap: 8 }}>
      <div className="banner">
        <h1>{title}</h1>
        <a href={`#/patient/${id}`}><b>{patient ? nameOf(patient) : say("patient")}</b></a>
        {patient && <span className="quiet">{patient.birthDate} · {age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)}{patient.identifier?.[0]?.value ? ` · ${patient.identifier[0].value}` : ""}</span>}
        <span className="grow" />
        <div className="row" style={{ gap: 8 }}>{children}</div>
      </div>
      <Allergies id={id} me={me} />
    </section>
  );
}

/** What is said of a drug besides its name, by word and shape. */
export function Marks({ order }: { order: Order }) {
  const { say } = useWords();
  const { priority } = order.request;
  return (
    <>
      {priority && priority !== "routine" && <Badge variant="filled" color="red.9" tt="none">{say(priority as Word)}</Badge>}
      {order.isOverdue && <Badge variant="default" tt="none" leftSection="⏱">{say("overdue")}</Badge>}
      {order.isHighAlert && <Badge variant="default" tt="none" leftSection={<span className="bad">▲</span>} title={say("highAlertHint")}>{say("highAlert")}</Badge>}
      {order.chosen?.schedule && <Badge variant="default" tt="none" leftSection="◆" title={say("controlled")}>{order.chosen.schedule}</Badge>}
    </>
  );
}

/** Nothing waits, something is wrong, or it is still read. */
export function Nothing({ says }: { says: string }) {
  return <div className="card empty" role="status">{says}</div>;
}

export function Wrong({ error, title }: { error?: Error | null; title?: string }) {
  const { say } = useWords();
  if (!error) return null;
  // What had no answer may have been done; the same again is done once.
  return <Alert color="red" role="alert" title={title}>{error instanceof ApiError ? error.message : say("noAnswer")}</Alert>;
}

/** A button that asks why before it does something. */
export function Ask({ label, why, done, small, children }: {
  label: string; why: string; done: (reason: string) => void; small?: boolean; children?: React.ReactNode;
}) {
  const { say } = useWords();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const size = small ? "xs" : "sm";
  if (!open) return <Button variant="default" size={size} onClick={() => setOpen(true)}>{label}</Button>;
  return (
    <form className="ask" onSubmit={(event) => { event.preventDefault(); if (text.trim()) { done(text.trim()); setOpen(false); setText(""); } }}>
      {children}
      <div className="row" style={{ alignItems: "flex-end", gap: 8 }}>
        <TextInput label={why} required autoFocus value={text} onChange={(event) => setText(event.currentTarget.value)} style={{ flex: 1, minWidth: 180 }} />
        <Button type="submit" disabled={!text.trim()}>{label}</Button>
        <Button variant="subtle" onClick={() => setOpen(false)}>{say("stop")}</Button>
      </div>
    </form>
  );
}
