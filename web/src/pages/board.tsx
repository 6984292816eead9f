import { Alert, Badge, Button, Group, Menu, Modal, SegmentedControl, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { type Patient, age, get, idOf, nameOf, post, search } from "../api";
import type { Me } from "../app";
import { whenDeaf } from "../feed";
import { PatientSearch } from "../finder";
import { type Word, useWords } from "../words";
import { Waiting as Loading } from "./parts";

type Claim = { encounter: string; patient: string; since: string; until?: string };
export type Bed = {
  id: string; name: string; state: "free" | "held" | "occupied" | "dirty" | "closed";
  ward: string; room: string; hasIsolation: boolean; hasMonitoring: boolean; claims: Claim[];
};
type Waiting = { id: string; patient: string; encounter?: string; started: string; steps: { name: string; why?: string }[] };

const ORDER = ["occupied", "held", "free", "dirty", "closed"] as const;

/** Who lies where, and who waits. */
export function Board({ me }: { me: Me }) {
  const { say, time } = useWords();
  const queries = useQueryClient();
  const manages = ["registrar", "nurse", "physician", "integration"].includes(me.role);
  const board = useQuery({ queryKey: ["beds"], queryFn: () => get<{ beds: Bed[] }>("/api/beds"), refetchInterval: whenDeaf(2_000) });
  const waiting = useQuery({ queryKey: ["waiting"], queryFn: () => get<{ waiting: Waiting[] }>("/api/admissions/waiting"), refetchInterval: whenDeaf(5_000) });
  const beds = board.data?.beds ?? [];
  const [moving, setMoving] = useState<Bed>();
  const [holding, setHolding] = useState<Bed>();
  const people = usePatients([
    ...beds.flatMap((bed) => bed.claims.map((claim) => claim.patient)),
    ...(waiting.data?.waiting ?? []).map((it) => idOf(it.patient)),
  ]);
  const act = useMutation({
    mutationFn: ({ path, body }: { path: string; body?: unknown }) => post(path, body),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["beds"] }), queries.invalidateQueries({ queryKey: ["waiting"] })]),
  });
  const wards = useMemo(() => groups(beds), [beds]);
  const count = (state: string) => beds.filter((bed) => bed.state === state).length;
  const move = (from: Bed, to: Bed) => {
    const claim = from.claims[0];
    if (claim && from.id !== to.id) act.mutate({ path: `/api/encounters/${claim.encounter}/transfer`, body: { needs: { bed: to.id } } });
  };
  /** A patient who waits is put into a bed by hand. */
  const seat = (encounter: string, to: Bed) => act.mutate({ path: `/api/encounters/${encounter}/transfer`, body: { needs: { bed: to.id } } });
  if (board.error && !board.data) {
    return <div className="stack"><h1>{say("board")}</h1><Alert color="red">{board.error.message}</Alert><div><Button variant="default" onClick={() => board.refetch()}>{say("lookAgain")}</Button></div></div>;
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
      {act.error && <Alert color="red" role="alert" withCloseButton onClose={() => act.reset()}>{act.error.message}</Alert>}
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
        <section key={ward} aria-label={ward}>
          <h2>{ward}</h2>
          <div className="beds">
            {rows.map((bed) => (
              <BedCard key={bed.id} bed={bed} patient={people.get(bed.claims[0]?.patient ?? "")} manages={manages}
                act={(path, body) => act.mutate({ path, body })} ask={() => setMoving(bed)} hold={() => setHolding(bed)} seat={(encounter) => seat(encounter, bed)}
                drop={(from) => { const source = beds.find((it) => it.id === from); if (source) move(source, bed); }} />
            ))}
          </div>
        </section>
      ))}
      <Hold bed={holding} close={() => setHolding(undefined)} hold={(bed, patient, minutes) => act.mutate({ path: `/api/beds/${bed.id}/hold`, body: { patient: `Patient/${patient}`, minutes } })} />
      <MoveTo bed={moving} beds={beds} close={() => setMoving(undefined)} move={move} />
    </div>
  );
}

function BedCard({ bed, patient, manages, act, ask, hold, seat, drop }: {
  bed: Bed; patient?: Patient; manages: boolean; act: (path: string, body?: unknown) => void; ask: () => void; hold: () => void;
  seat: (encounter: string) => void; drop: (from: string) => void;
}) {
  const { say, time } = useWords();
  const [over, setOver] = useState(false);
  const claim = bed.claims[0];
  const isHold = Boolean(claim?.until);
  const lies = Boolean(claim) && !isHold;
  const takes = bed.state === "free" || bed.state === "held";
  const stay = (what: string) => act(`/api/encounters/${claim?.encounter}/${what}`);
  const set = (what: string) => act(`/api/beds/${bed.id}/${what}`);
  return (
    <div className="bed" data-state={bed.state} data-over={over} data-bed={bed.name}
      draggable={manages && lies}
      onDragStart={(event) => event.dataTransfer.setData("text/ward-bed", bed.id)}
      onDragOver={(event) => { if (manages && takes) { event.preventDefault(); setOver(true); } }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => { 
        event.preventDefault();
        setOver(false);
        const [from, waits] = [event.dataTransfer.getData("text/ward-bed"), event.dataTransfer.getData("text/ward-stay")];
        if (from) drop(from);
        else if (waits) seat(waits);
      }}>
      <Group justify="space-between" wrap="nowrap" gap={4}>
        <b>{bed.name}</b>
        {manages && (
          <Menu position="bottom-end">
            <Menu.Target><Button size="compact-xs" variant="subtle" color="gray" aria-label={`${bed.name}: ${say("more")}`}>⋯</Button></Menu.Target>
            <Menu.Dropdown>
              {lies && <Menu.Item onClick={ask}>{say("move")}</Menu.Item>}
              {lies && <Menu.Item onClick={() => stay("leave")}>{say("leave")}</Menu.Item>}
              {lies && <Menu.Item onClick={() => stay("return")}>{say("return")}</Menu.Item>}
              {lies && <Menu.Item onClick={() => stay("discharge")}>{say("discharge")}</Menu.Item>}
              {bed.state === "free" && <Menu.Item onClick={hold}>{say("hold")}</Menu.Item>}
              {isHold && claim && <Menu.Item onClick={() => act(`/api/beds/${bed.id}/unhold`, { patient: `Patient/${claim.patient}` })}>{say("unhold")}</Menu.Item>}
              {isHold && claim && <Menu.Item component="a" href={`#/admit/${claim.patient}`}>{say("admit")}</Menu.Item>}
              {bed.state === "dirty" && <Menu.Item onClick={() => set("clean")}>{say("clean")}</Menu.Item>}
              {(bed.state === "free" || bed.state === "dirty") && <Menu.Item onClick={() => set("close")}>{say("close")}</Menu.Item>}
              {bed.state === "closed" && <Menu.Item onClick={() => set("reopen")}>{say("reopen")}</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {claim ? (
        <>
          <a href={`#/patient/${claim.patient}`}>{patient ? nameOf(patient) : say("patient")}</a>
          <span className="quiet">
            {patient && <>{age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)} · </>}
            {isHold ? <>{say("held")} {say("until")} {time(claim.until)}</> : <>{say("since")} {time(claim.since)}</>}
          </span>
        </>
      ) : (
        <span className="quiet">{say(bed.state)}</span>
      )}
      <Group gap={4}>
        {bed.hasIsolation && <Badge size="xs" variant="default" tt="none">{say("isolation")}</Badge>}
        {bed.hasMonitoring && <Badge size="xs" variant="default" tt="none">{say("monitoring")}</Badge>}
      </Group>
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
          ? <div className="row"><b>{nameOf(patient)}</b><span className="quiet">{patient.birthDate}</span><span className="grow" /><Button variant="default" size="xs" aria-label={say("back")} onClick={() => setPatient(undefined)}>↺</Button></div>
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

/** Names by id, asked for together. */
export function usePatients(ids: string[]): Map<string, Patient> {
  const wanted = [...new Set(ids.filter(Boolean))].sort();
  const found = useQuery({
    queryKey: ["names", wanted],
    enabled: wanted.length > 0,
    staleTime: 60_000,
    placeholderData: (before: Patient[] | undefined) => before,
    queryFn: async () => {
      const pages = [];
      for (let n = 0; n < wanted.length; n += 100) {
        pages.push(search<Patient>(`Patient?_id=${wanted.slice(n, n + 100).join(",")}&_count=100`));
      }
      return (await Promise.all(pages)).flat();
    },
  });
  return new Map((found.data ?? []).map((patient) => [patient.id, patient]));
}

function groups(beds: Bed[]): [string, Bed[]][] {
  const wards = new Map<string, Bed[]>();
  for (const bed of [...beds].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))) {
    const ward = bed.name.split("-")[0] ?? "";
    wards.set(ward, [...(wards.get(ward) ?? []), bed]);
  }
  return [...wards].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
