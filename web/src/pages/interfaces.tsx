import { Badge, SegmentedControl, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get } from "../api";
import { useWords } from "../words";
import { List } from "./parts";

type Place = { kind: string; address: string; tls: boolean };
type Counted = { counts: Record<string, number>; recent: Record<string, number>; lastMessage: string | null };
export type Destination = Place & Counted & {
  name: string; acks: boolean; state: "up" | "untried" | "retrying"; answeredAt?: string; oldestWaiting?: string;
  since?: string; nextTry?: string; tries?: number; why?: string; detail?: string | null;
};
export type Interface = Counted & { name: string; source: Place & { open: boolean; connections: number }; destinations: Destination[] };
export type Interfaces = { now: string; since: string; interfaces: Interface[]; mistakes: string[]; gone: (Counted & { name: string; direction: string })[] };

const BACK: [string, number, "hourBack" | "dayBack" | "weekBack" | "ever"][] = [["1", 1, "hourBack"], ["24", 24, "dayBack"], ["168", 168, "weekBack"], ["", 0, "ever"]];
const REFRESH_MS = 5_000;

/** What listens, what goes where, and what of it a person has to look at first. */
export function InterfacesPage() {
  const { say, word } = useWords();
  const [back, setBack] = useState("24");
  const found = useQuery({
    queryKey: ["interfaces", back],
    queryFn: () => get<Interfaces>(`/api/interfaces${back ? `?since=${before(Number(back))}` : ""}`),
    refetchInterval: REFRESH_MS,
    placeholderData: (old) => old,
  });
  const all = found.data?.interfaces ?? [];
  const ways = all.flatMap((it) => it.destinations);
  const gone = found.data?.gone ?? [];
  const numbers = { of: (it: Counted) => (back ? it.recent : it.counts), since: back ? found.data?.since : undefined };
  return (
    <div className="stack">
      <div className="row">
        <h1>{say("interfaces")}</h1>
        <span className="grow" />
        <SegmentedControl aria-label={say("countedSince")} value={back} onChange={setBack} data={BACK.map(([value, , label]) => ({ value, label: say(label) }))} />
      </div>
      {found.data && <Attention interfaces={all} gone={gone} mistakes={found.data.mistakes} />}
      <Part title={say("sources")}>
        <Sources all={all} numbers={numbers} error={found.error} isPending={found.isPending} />
      </Part>
      <Part title={say("destinations")}>
        {found.data && ways.length === 0
          ? <div className="card empty"><b>{say("noDestinations")}</b><span>{say("noDestinationsHint")}</span></div>
          : <Ways all={ways} numbers={numbers} error={found.error} isPending={found.isPending} />}
      </Part>
      {gone.length > 0 && (
        <Part title={say("formerly")}>
          <List head={[say("interface"), say("direction"), word("message", "waiting"), word("message", "dead"), say("ever"), say("lastMessage")]} isEmpty={false}>
            {gone.map((it) => <Former key={it.name} it={it} />)}
          </List>
        </Part>
      )}
    </div>
  );
}

const Part = ({ title, children }: { title: string; children: React.ReactNode }) => <section aria-label={title}><h2>{title}</h2>{children}</section>;

type Numbers = { of: (it: Counted) => Record<string, number>; since?: string };
type Read = { numbers: Numbers; error: Error | null; isPending: boolean };

function Sources({ all, numbers, error, isPending }: Read & { all: Interface[] }) {
  const { say, word } = useWords();
  const moment = useMoment();
  const head = [say("interface"), say("listensAt"), say("state"), say("connections"), say("lastMessage"), word("message", "received"), word("message", "applied"), word("message", "refused"), word("message", "dead"), word("message", "quarantined")];
  return (
    <List head={head} error={error} isPending={isPending} isEmpty={all.length === 0} empty={say("noInterfaces")}>
      {all.map((it) => {
        const own = it.source.kind !== "interface";
        const count = (state: string) => (own ? <Count name={it.name} state={state} n={numbers.of(it)[state]} since={numbers.since} /> : null);
        return (
          <Table.Tr key={it.name} data-interface={it.name}>
            <Table.Td><b>{it.name}</b></Table.Td>
            <Table.Td><Where place={it.source} /></Table.Td>
            <Table.Td><Dot look={it.source.open ? "good" : "bad"}>{say(it.source.open ? "isOpen" : "isShut")}</Dot></Table.Td>
            <Table.Td className="value">{["mllp", "http"].includes(it.source.kind) ? it.source.connections : null}</Table.Td>
            <Table.Td>{it.lastMessage ? moment(it.lastMessage) : own ? "—" : null}</Table.Td>
            <Table.Td className="value">{count("received")}</Table.Td>
            <Table.Td className="value">{count("applied")}</Table.Td>
            <Table.Td className="value">{count("refused")}</Table.Td>
            <Table.Td className="value">{count("dead")}</Table.Td>
            <Table.Td className="value">{count("quarantined")}</Table.Td>
          </Table.Tr>
        );
      })}
    </List>
  );
}

function Ways({ all, numbers, error, isPending }: Read & { all: Destination[] }) {
  const { say, word } = useWords();
  const moment = useMoment();
  const head = [say("destination"), say("goesTo"), say("state"), word("message", "waiting"), say("oldest"), word("message", "sent"), word("message", "dead"), say("lastMessage")];
  return (
    <List head={head} error={error} isPending={isPending} isEmpty={all.length === 0}>
      {all.map((it) => (
        <Table.Tr key={it.name} data-destination={it.name}>
          <Table.Td><b>{it.name}</b>{it.acks && <div className="quiet">{say("forAcks")}</div>}</Table.Td>
          <Table.Td><Where place={it} /></Table.Td>
          <Table.Td>
            <div>
              <Dot look={it.state === "up" ? "good" : it.state === "retrying" ? "bad" : "low"}>{say(it.state)}</Dot>
              {it.state === "retrying" && <Trouble it={it} />}
            </div>
          </Table.Td>
          <Table.Td className="value"><Count name={it.name} state="waiting" n={it.counts.waiting} /></Table.Td>
          <Table.Td>{it.oldestWaiting && it.counts.waiting ? moment(it.oldestWaiting) : null}</Table.Td>
          <Table.Td className="value"><Count name={it.name} state="sent" n={numbers.of(it).sent} since={numbers.since} /></Table.Td>
          <Table.Td className="value"><Count name={it.name} state="dead" n={numbers.of(it).dead} since={numbers.since} /></Table.Td>
          <Table.Td>{it.lastMessage ? moment(it.lastMessage) : "—"}</Table.Td>
        </Table.Tr>
      ))}
    </List>
  );
}

/** What a person has to do something about, whenever it came. */
function Attention({ interfaces, gone, mistakes }: { interfaces: Interface[]; gone: Interfaces["gone"]; mistakes: string[] }) {
  const { say, word } = useWords();
  const moment = useMoment();
  const lines: React.ReactNode[] = [];
  const ways = interfaces.flatMap((it) => it.destinations);
  for (const it of mistakes) lines.push(<span key={it}><b>{say("mistake")}</b>: <span className="mono" data-said>{it}</span></span>);
  for (const it of interfaces.filter((it) => !it.source.open)) {
    lines.push(<span key={`shut-${it.name}`}><b>{it.name}</b> {say("notOpen")}</span>);
  }
  for (const it of ways.filter((it) => it.state === "retrying")) {
    lines.push(
      <span key={`down-${it.name}`}>
        <b>{it.name}</b> {say("doesNotTake")}{it.since && <>, {say("downSince")} {moment(it.since)}</>}
        {(it.counts.waiting ?? 0) > 0 && <>: <a href={list(it.name, "waiting")}>{it.counts.waiting} {say("waitHere")}</a></>}
      </span>,
    );
  }
  for (const state of ["dead", "quarantined"]) {
    for (const it of [...interfaces, ...ways, ...gone].filter((it) => (it.counts[state] ?? 0) > 0)) {
      lines.push(<span key={`${state}-${it.name}`}><b>{it.name}</b>: <a href={list(it.name, state)}>{it.counts[state]} {word("message", state)}</a></span>);
    }
  }
  return (
    <section className="card stack tight" aria-label={say("needsSomebody")} data-testid="attention">
      <h2>{say("needsSomebody")}</h2>
      {lines.length === 0
        ? <p className="calm-line">{say("needsNobody")}</p>
        : <ul className="attention">{lines.map((line, n) => <li key={n}>{line}</li>)}</ul>}
    </section>
  );
}

function Former({ it }: { it: Interfaces["gone"][number] }) {
  const { word } = useWords();
  const moment = useMoment();
  const sum = Object.values(it.counts).reduce((a, b) => a + b, 0);
  return (
    <Table.Tr>
      <Table.Td><b>{it.name || "?"}</b></Table.Td>
      <Table.Td>{word("direction", it.direction)}</Table.Td>
      <Table.Td className="value"><Count name={it.name} state="waiting" n={it.counts.waiting} /></Table.Td>
      <Table.Td className="value"><Count name={it.name} state="dead" n={it.counts.dead} /></Table.Td>
      <Table.Td className="value">{it.name ? <a href={`#/messages?${new URLSearchParams({ interface: it.name })}`}>{sum}</a> : sum}</Table.Td>
      <Table.Td>{it.lastMessage ? moment(it.lastMessage) : "—"}</Table.Td>
    </Table.Tr>
  );
}

function Trouble({ it }: { it: Destination }) {
  const { say, word } = useWords();
  const moment = useMoment();
  return (
    <div className="quiet">
      {it.why && <div>{word("fault", it.why)}{it.detail && <>: <span data-said>{it.detail}</span></>}</div>}
      <div>{it.since && <>{say("downSince")} {moment(it.since)}, </>}{it.tries} {say("tries")}{it.nextTry && <>, {say("nextTry")} {moment(it.nextTry)}</>}</div>
    </div>
  );
}

function Where({ place }: { place: Place }) {
  const { say, word } = useWords();
  if (place.kind === "interface") return <>{say("takesFrom")} {place.address}</>;
  if (place.kind === "chart") return <>{say("tellsChart")}</>;
  const isNetwork = ["mllp", "http", "s3"].includes(place.kind);
  return (
    <div>
      {word("place", place.kind)} <span className="address">{place.address}</span>
      {isNetwork && <div className="quiet">{say(place.tls ? "encrypted" : "plainText")}</div>}
    </div>
  );
}

/** A number that leads to the messages that it counts. */
function Count({ name, state, n = 0, since }: { name: string; state: string; n?: number; since?: string }) {
  const { word } = useWords();
  if (n === 0) return <span className="quiet">0</span>;
  const look = ["dead", "quarantined"].includes(state) ? "bad" : undefined;
  return <a className={look} aria-label={`${name}: ${n} ${word("message", state)}`} href={list(name, state, since)}>{n}</a>;
}

const Dot = ({ look, children }: { look: string; children: React.ReactNode }) => (
  <Badge variant="default" tt="none" leftSection={<span className={look}>●</span>}>{children}</Badge>
);

/** The hour alone for what was today. */
function useMoment() {
  const { time } = useWords();
  return (at: string) => (new Date(at).toDateString() === new Date().toDateString() ? time(at, "clock") : time(at));
}

function list(name: string, state: string, since?: string): string {
  return `#/messages?${new URLSearchParams({ interface: name, state, ...(since && { since }) })}`;
}

/** So many hours ago, to the hour: what is counted does not change with every look. */
function before(hours: number): string {
  const at = new Date(Date.now() - hours * 3_600_000);
  at.setUTCMinutes(0, 0, 0);
  return at.toISOString();
}
