// One bed of the board. Hundreds are shown: one is drawn again only when something of it changes.
import { Menu } from "@mantine/core";
import { memo, useRef, useState } from "react";

import { type Patient, age, nameOf } from "../api";
import { type Word, useWords } from "../words";

export type Claim = { encounter: string; patient: string; since: string; until?: string };
export type Bed = {
  id: string; name: string; state: "free" | "held" | "occupied" | "dirty" | "closed";
  ward: string; room: string; hasIsolation: boolean; hasMonitoring: boolean; claims: Claim[];
};

/** What people do with beds. It stays the same object for as long as the board is shown. */
export type Acts = {
  post: (path: string, body?: unknown) => void;
  move: (bed: Bed) => void;
  hold: (bed: Bed) => void;
  discharge: (bed: Bed, patient?: Patient) => void;
  /** The one who lies in the bed `from` was dropped here. */
  drop: (from: string, to: Bed) => void;
  /** A stay that waits for a bed was dropped here. */
  seat: (encounter: string, to: Bed) => void;
};

type Leave = "in" | "out" | "unknown";

export const BedCard = memo(function BedCard({ bed, patient, leave, manages, acts }: { bed: Bed; patient?: Patient; leave: Leave; manages: boolean; acts: Acts }) {
  const { say, time } = useWords();
  const [over, setOver] = useState(false);
  const claim = bed.claims[0];
  const isHold = Boolean(claim?.until);
  const lies = Boolean(claim) && !isHold;
  const takes = bed.state === "free" || bed.state === "held";
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
        if (from) acts.drop(from, bed);
        else if (waits) acts.seat(waits, bed);
      }}>
      <div className="bed-head">
        <b>{bed.name}</b>
        <span className="grow" />
        {manages && <BedMenu bed={bed} patient={patient} leave={leave} acts={acts} />}
      </div>
      {claim ? (
        <>
          <a href={`#/patient/${claim.patient}`}>{patient ? nameOf(patient) : say("patient")}</a>
          <span className="quiet">
            {patient && <>{age(patient.birthDate) ?? "?"} {say("years")} · {say((patient.gender ?? "unknown") as Word)}</>}
            {leave === "out" && <> · <b className="away">{say("onLeave")}</b></>}
          </span>
          <span className="quiet">{isHold ? <>{say("held")} {say("until")} {time(claim.until)}</> : <>{say("since")} {time(claim.since)}</>}</span>
        </>
      ) : (
        <span className="quiet">{say(bed.state)}</span>
      )}
      {(bed.hasIsolation || bed.hasMonitoring) && (
        <span className="tags">
          {bed.hasIsolation && <span className="tag">{say("isolation")}</span>}
          {bed.hasMonitoring && <span className="tag">{say("monitoring")}</span>}
        </span>
      )}
    </div>
  );
});

/** The menu is made when it is first asked for: a board of hundreds has none until then. */
function BedMenu({ bed, patient, leave, acts }: { bed: Bed; patient?: Patient; leave: Leave; acts: Acts }) {
  const { say } = useWords();
  const [isMade, make] = useState(false);
  const target = useRef<HTMLButtonElement>(null);
  // Whoever goes by keyboard goes on from the bed, unless a dialog has taken them elsewhere.
  const back = () => {
    const at = document.activeElement;
    if (!at || at === document.body || at.closest("[role=menu]")) target.current?.focus({ preventScroll: true });
  };
  const label = `${bed.name}: ${say("more")}`;
  if (!isMade) return <button type="button" className="dots" aria-label={label} aria-haspopup="menu" onClick={() => make(true)}>⋯</button>;
  const claim = bed.claims[0];
  const isHold = Boolean(claim?.until);
  const lies = Boolean(claim) && !isHold;
  const stay = (what: string) => acts.post(`/api/encounters/${claim?.encounter}/${what}`);
  const set = (what: string) => acts.post(`/api/beds/${bed.id}/${what}`);
  return (
    <Menu position="bottom-end" defaultOpened onExitTransitionEnd={back}>
      <Menu.Target><button ref={target} type="button" className="dots" aria-label={label}>⋯</button></Menu.Target>
      <Menu.Dropdown>
        {lies && <Menu.Item onClick={() => acts.move(bed)}>{say("move")}</Menu.Item>}
        {lies && leave !== "out" && <Menu.Item onClick={() => stay("leave")}>{say("leave")}</Menu.Item>}
        {lies && leave !== "in" && <Menu.Item onClick={() => stay("return")}>{say("return")}</Menu.Item>}
        {lies && <Menu.Item onClick={() => acts.discharge(bed, patient)}>{say("discharge")}</Menu.Item>}
        {bed.state === "free" && <Menu.Item component="a" href={`#/admit/-/${bed.id}`}>{say("admitHere")}</Menu.Item>}
        {bed.state === "free" && <Menu.Item onClick={() => acts.hold(bed)}>{say("hold")}</Menu.Item>}
        {isHold && claim && <Menu.Item component="a" href={`#/admit/${claim.patient}/${bed.id}`}>{say("admit")}</Menu.Item>}
        {isHold && claim && <Menu.Item onClick={() => acts.post(`/api/beds/${bed.id}/unhold`, { patient: `Patient/${claim.patient}` })}>{say("unhold")}</Menu.Item>}
        {bed.state === "dirty" && <Menu.Item onClick={() => set("clean")}>{say("clean")}</Menu.Item>}
        {(bed.state === "free" || bed.state === "dirty") && <Menu.Item onClick={() => set("close")}>{say("close")}</Menu.Item>}
        {bed.state === "closed" && <Menu.Item onClick={() => set("reopen")}>{say("reopen")}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
