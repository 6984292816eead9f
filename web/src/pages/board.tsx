import { Alert, Badge, Button, Modal, SegmentedControl, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";

import { type Patient, get, idOf, nameOf, post, search, searchAll } from "../api";
import type { Me } from "../app";
import { whenDeaf } from "../feed";
import { PatientSearch } from "../finder";
import { useWords } from "../words";
import { type Acts, type Bed, BedCard } from "./bed";
import { Failed, Waiting as Loading } from "./parts";

export type { Bed } from "./bed";

type Waiting = { id: string; patient: string; encounter?: string; started: string; steps: { name: string; why?: string }[] };

const ORDER = ["occupied", "held", "free", "dirty", "closed"] as const;

/** Who lies where, and who waits. */
export function Board({ me }: { me: Me }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const manages = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const board = useQuery({ queryKey: ["beds"], queryFn: () => get<{ beds: Bed[] }>("/api/beds"), refetchInterval: whenDeaf(2_000) });
  const waiting = useQuery({ queryKey: ["waiting"], queryFn: () => get<{ waiting: Waiting[] }>("/api/admissions/waiting"), refetchInterval: whenDeaf(5_000) });
  // The bed is kept for who is on leave; that they are is in their stays, as far as the reader may see them.
  const away = useQuery({
    queryKey: ["away"], queryFn: async () => (await searchAll("Encounter?status=onleave&_count=200&_elements=status")).map((it) => it.id), refetchInterval: whenDeaf(5_000),
  });
  const seesAll = ["registrar", "integration"].includes(me.role) && away.isSuccess;
  const beds = useMemo(() => board.data?.beds ?? [], [board.data]);
  const [moving, setMoving] = useState<Bed>();
  const [holding, setHolding] = useState<Bed>();
  const [leaving, setLeaving] = useState<{ bed: Bed; patient?: Patient }>();
  const people = usePatients([
    ...beds.flatMap((bed) => bed.claims.map((claim) => claim.patient)),
    ...(waiting.data?.waiting ?? []).map((it) => idOf(it.patient)),
  ]);
  const act = useMutation({
    mutationFn: ({ path, body }: { path: string; body?: unknown }) => post(path, body),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["beds"] }), queries.invalidateQueries({ queryKey: ["waiting"] }), queries.invalidateQueries({ queryKey: ["away"] })]),
  });
  const wards = useMemo(() => groups(beds), [beds]);
  const count = (state: string) => beds.filter((bed) => bed.state === state).length;
  const move = (from: Bed, to: Bed) => {
    const claim = from.claims[0];
    if (claim && from.id !== to.id) act.mutate({ path: `/api/encounters/${claim.encounter}/transfer`, body: { needs: { bed: to.id } } });
  };
  const now: Acts = {
    post: (path, body) => act.mutate({ path, body }),
    move: setMoving,
    hold: setHolding,
    discharge: (bed, patient) => setLeaving({ bed, patient }),
    drop: (from, to) => { const source = beds.find((it) => it.id === from); if (source) move(source, to); },
    seat: (encounter, to) => act.mutate({ path: `/api/encounters/${encounter}/transfer`, body: { needs: { bed: to.id } } }),
  };
  // Cards keep one set of hands: what these do is what is right now.
  const latest = useRef(now);
  latest.current = now;
  const acts = useMemo<Acts>(() => ({
    post: (...it) => latest.current.post(...it), move: (...it) => latest.current.move(...it), hold: (...it) => latest.current.hold(...it),
    discharge: (...it) => latest.current.discharge(...it), drop: (...it) => latest.current.drop(...it), seat: (...it) => latest.current.seat(...it),
  }), []);
  const leaveOf = (bed: Bed) => (away.data?.includes(bed.claims[0]?.encounter ?? "") ? "out" : seesAll ? "in" : "unknown");
  if (board.error && !board.data) {
    return <div className="stack"><h1>{say("board")}</h1><Failed error={board.error} /></div>;
  }
  if (board.isPending) return <div className="stack"><h1>{say("board")}</h1><Loading lines={6} /></div>;
  return (
    <div className="stack">
      <div className="row">
        <h1>{say("board")}</h1>
        {ORDER.filter((state) => count(state) > 0).map((state) => (
          <Badge key={state} variant="default" size="lg" tt="none">{count(state)} {say(state)}</Badge>
        ))}
        <span className="grow" />
        {manages && <Button component="a" href="#/admit">{say("admit")}</Button>}
      </div>
      {act.error && <Alert color="red" role="alert" withCloseButton closeButtonLabel={say("shut")} onClose={() => act.reset()}>{act.error.message}</Alert>}
      {board.isSuccess && beds.length === 0 && (
        <div className="card empty"><b>{say("noBeds")}</b><span className="quiet">{say("noBedsHint")}</span></div>
      )}
      {(waiting.data?.waiting.length ?? 0) > 0 && (
        <section className="card" aria-label={say("waiting")}>
          <b>{say("waiting")} ({waiting.data?.waiting.length})</b>
          {waiting.data?.waiting.slice(0, 20).map((it) => (
            <div className="line" key={it.id} data-waiting={it.id} draggable={manages && Boolean(it.encounter)}
              onDragStart={(event) => event.dataTransfer.setData("text/ward-stay", idOf(it.encounter))}>
              <a href={`#/admission/${it.id}`}>{nameOf(people.get(idOf(it.patient)))}</a>
              <span className="quiet">{say("since")} {time(it.started)} · {it.steps.find((step) => step.name === "assign-room")?.why}</span>
            </div>
          ))}
        </section>
      )}
      {wards.map(([ward, rows]) => (
        <section key={ward} aria-label={ward} className="beds-of">
          <h2>{ward} <span className="quiet">{rows.filter((bed) => bed.state === "occupied").length} / {rows.length}</span></h2>
          <div className="beds">
            {rows.map((bed) => (
              <BedCard key={bed.id} bed={bed} patient={people.get(bed.claims[0]?.patient ?? "")} leave={leaveOf(bed)} manages={manages} acts={acts} />
            ))}
          </div>
        </section>
      ))}
      <Hold bed={holding} close={() => setHolding(undefined)} hold={(bed, patient, minutes) => act.mutate({ path: `/api/beds/${bed.id}/hold`, body: { patient: `Patient/${patient}`, minutes } })} />
      <Leaving of={leaving} close={() => setLeaving(undefined)} discharge={(bed) => act.mutate({ path: `/api/encounters/${bed.claims[0]?.encounter}/discharge` })} />
      <MoveTo bed={moving} beds={beds} close={() => setMoving(undefined)} move={move} />
    </div>
  );
}

function Hold({ bed, close, hold }: { bed?: Bed; close: () => void; hold: (bed: Bed, patient: string, minutes: number) => void }) {
  const { say } = useWords();
  const [patient, setPatient] = useState<Patient>();
  const [hours, setHours] = useState("2");
  const end = () => { setPatient(undefined); close(); };
  return (
    <Modal opened={bed !== undefined} onClose={end} title={`${bed?.name ?? ""}: ${say("hold")}`} closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        {patient
          ? <div className="row"><b>{nameOf(patient)}</b><span className="quiet">{patient.birthDate}</span><span className="grow" /><Button variant="default" size="xs" onClick={() => setPatient(undefined)}>{say("another")}</Button></div>
          : <PatientSearch chosen={setPatient} />}
        <div><div className="quiet" id="hold-for">{say("holdFor")}</div>
          <SegmentedControl aria-labelledby="hold-for" value={hours} onChange={setHours} data={["1", "2", "4", "12", "24"].map((value) => ({ value, label: `${value} ${say(value === "1" ? "hour" : "hours")}` }))} fullWidth />
        </div>
        <Button disabled={!patient} onClick={() => { if (bed && patient) hold(bed, patient.id, Number(hours) * 60); end(); }}>{say("hold")}</Button>
      </div>
    </Modal>
  );
}

function MoveTo({ bed, beds, close, move }: { bed?: Bed; beds: Bed[]; close: () => void; move: (from: Bed, to: Bed) => void }) {
  const { say } = useWords();
  const [to, setTo] = useState<string | null>(null);
  const free = beds.filter((it) => it.state === "free");
  return (
    <Modal opened={bed !== undefined} onClose={close} title={`${bed?.name ?? ""}: ${say("transferTo")}`} closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        <Select aria-label={say("transferTo")} data={free.map((it) => ({ value: it.id, label: it.name }))} value={to} onChange={setTo} searchable data-autofocus />
        <Button disabled={!to} onClick={() => { const target = beds.find((it) => it.id === to); if (bed && target) move(bed, target); setTo(null); close(); }}>{say("move")}</Button>
      </div>
    </Modal>
  );
}

/** The end of a stay is told to everybody else: it is asked once more. */
function Leaving({ of, close, discharge }: { of?: { bed: Bed; patient?: Patient }; close: () => void; discharge: (bed: Bed) => void }) {
  const { say } = useWords();
  return (
    <Modal opened={of !== undefined} onClose={close} title={`${of?.bed.name ?? ""}: ${say("discharge")}`} closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        <div><b>{of?.patient ? nameOf(of.patient) : say("patient")}</b> <span className="quiet">{of?.patient?.birthDate}</span></div>
        <p className="no-margin">{say("dischargeHint")}</p>
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button data-autofocus onClick={() => { if (of) discharge(of.bed); close(); }}>{say("discharge")}</Button></div>
      </div>
    </Modal>
  );
}

/** Names by id, asked for together, and only those that nobody has asked for yet. */
export function usePatients(ids: string[]): Map<string, Patient> {
  const found = useNames(ids);
  return useMemo(() => new Map((found.data ?? []).map((patient) => [patient.id, patient])), [found.data]);
}

/** One patient, and whether it is known that there is none, or none for who looks. */
export function usePatient(id: string): { patient?: Patient; isMissing: boolean } {
  const found = useNames([id]);
  const patient = found.data?.find((it) => it.id === id);
  return { patient, isMissing: found.isSuccess && !found.isPlaceholderData && !patient };
}

function useNames(ids: string[]) {
  const queries = useQueryClient();
  const wanted = [...new Set(ids.filter(Boolean))].sort();
  return useQuery({
    queryKey: ["names", wanted],
    enabled: wanted.length > 0,
    staleTime: 60_000,
    placeholderData: (before: Patient[] | undefined) => before,
    queryFn: async () => {
      const known = queries.getQueryData<Known>(["people"]) ?? {};
      const missing = wanted.filter((id) => !known[id]);
      const pages = [];
      for (let n = 0; n < missing.length; n += 100) {
        pages.push(search<Patient>(`Patient?_id=${missing.slice(n, n + 100).join(",")}&_count=100`));
      }
      const read = (await Promise.all(pages)).flat();
      const all: Known = { ...queries.getQueryData<Known>(["people"]), ...Object.fromEntries(read.map((it) => [it.id, it])) };
      queries.setQueryData<Known>(["people"], all);
      return wanted.flatMap((id) => all[id] ?? []);
    },
  });
}

/** Patients that were read, by id; forgotten with everything else when nobody is signed in. */
type Known = Record<string, Patient>;

const inOrder = new Intl.Collator("en", { numeric: true }).compare;

function groups(beds: Bed[]): [string, Bed[]][] {
  const wards = new Map<string, Bed[]>();
  for (const bed of [...beds].sort((a, b) => inOrder(a.name, b.name))) {
    const ward = bed.name.split("-")[0] ?? "";
    const rows = wards.get(ward);
    if (rows) rows.push(bed);
    else wards.set(ward, [bed]);
  }
  return [...wards].sort(([a], [b]) => inOrder(a, b));
}
