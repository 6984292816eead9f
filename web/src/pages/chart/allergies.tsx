// Allergies: always in sight. Ruled out, not asked, and not to be seen are three things.
import { Alert, Button, Modal, Select, Table, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { type Concept, type Resource, call, searchAll, words } from "../../api";
import type { Me } from "../../app";
import { type Word, useWords } from "../../words";
import { List, isRefused, useAgain, useOf } from "../parts";
import { put } from "./personpanel";

type Allergy = Resource & {
  code?: Concept; criticality?: string; type?: string; category?: string[]; clinicalStatus?: Concept; verificationStatus?: Concept; recordedDate?: string;
  reaction?: { manifestation?: Concept[]; severity?: string }[]; note?: { text?: string }[];
};

const CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
/** - Source: SNOMED CT 716186003 "No known allergy" and its kinds: how FHIR says that there are none. */
const NONE = ["716186003", "409137002", "428607008", "429625007"];

const isNone = (it: Allergy) => it.code?.coding?.some((c) => NONE.includes(c.code ?? "")) ?? false;
const isActive = (it: Allergy) =>
  !["inactive", "resolved"].includes(it.clinicalStatus?.coding?.[0]?.code ?? "active") &&
  !["refuted", "entered-in-error"].includes(it.verificationStatus?.coding?.[0]?.code ?? "");

export function Allergies({ id, me }: { id: string; me: Me }) {
  const { say } = useWords();
  const [open, setOpen] = useState(false);
  // All of them: one that is on another page is one that nobody sees.
  const found = useOf<Allergy>(id, "AllergyIntolerance?_count=100", searchAll<Allergy>);
  const active = (found.data ?? []).filter(isActive);
  const real = active.filter((it) => !isNone(it));
  const writes = ["nurse", "physician", "integration"].includes(me.role);
  const line = () => {
    // Who could not be asked is not who has none.
    if (found.error && !isRefused(found.error)) return <p className="alert-line" role="alert">{say("allergies")}: {say("notRead")} ({found.error.message})</p>;
    if (found.error) return <p className="calm-line">{say("allergies")}: {say("notAllowed")}</p>;
    if (!found.data) return <p className="calm-line">{say("allergies")}: {say("loading")}</p>;
    if (real.length > 0) {
      return (
        <p className="alert-line" data-testid="allergies">
          {say("allergies")}: {real.map((it) => `${words(it.code)}${it.criticality === "high" ? " (!)" : ""}${it.reaction?.[0]?.manifestation?.[0] ? ` – ${words(it.reaction[0].manifestation[0])}` : ""}`).join("; ")}
        </p>
      );
    }
    return <p className="calm-line" data-testid="allergies">{active.some(isNone) ? say("noAllergies") : say("noneRecorded")}</p>;
  };
  return (
    <div className="row">
      {line()}
      {found.data && writes && <Button variant="default" size="compact-sm" onClick={() => setOpen(true)}>{say("allergies")}…</Button>}
      {open && <Edit id={id} all={found.data ?? []} close={() => setOpen(false)} />}
    </div>
  );
}

function Edit({ id, all, close }: { id: string; all: Allergy[]; close: () => void }) {
  const { say, time } = useWords();
  const again = useAgain(id);
  const [substance, setSubstance] = useState("");
  const [category, setCategory] = useState("medication");
  const [criticality, setCriticality] = useState("unable-to-assess");
  const [reaction, setReaction] = useState("");
  const concept = (system: string, code: string) => ({ coding: [{ system, code }] });
  const active = all.filter(isActive);
  const none = active.filter(isNone);
  const done = async () => { setSubstance(""); setReaction(""); await again(); };
  const add = useMutation({
    mutationFn: async () => {
      // Who is allergic to something is no longer without allergies.
      for (const it of none) await put({ ...it, clinicalStatus: undefined, verificationStatus: concept(VERIFIED, "refuted") });
      return call("POST", "/fhir/AllergyIntolerance", {
        resourceType: "AllergyIntolerance", patient: { reference: `Patient/${id}` }, code: { text: substance.trim() },
        clinicalStatus: concept(CLINICAL, "active"), verificationStatus: concept(VERIFIED, "unconfirmed"),
        category: [category], criticality, recordedDate: new Date().toISOString(),
        ...(reaction.trim() && { reaction: [{ manifestation: [{ text: reaction.trim() }] }] }),
      });
    },
    onSuccess: done,
  });
  const rule = useMutation({
    mutationFn: () => call("POST", "/fhir/AllergyIntolerance", {
      resourceType: "AllergyIntolerance", patient: { reference: `Patient/${id}` },
      code: { coding: [{ system: "http://snomed.info/sct", code: "716186003", display: "No known allergy" }], text: "No known allergy" },
      clinicalStatus: concept(CLINICAL, "active"), verificationStatus: concept(VERIFIED, "confirmed"), recordedDate: new Date().toISOString(),
    }),
    onSuccess: done,
  });
  const change = useMutation({
    mutationFn: ({ it, to }: { it: Allergy; to: "confirmed" | "resolved" | "refuted" }) => put(
      to === "resolved" ? { ...it, clinicalStatus: concept(CLINICAL, "resolved") }
        : { ...it, clinicalStatus: to === "refuted" ? concept(CLINICAL, "inactive") : it.clinicalStatus, verificationStatus: concept(VERIFIED, to) },
    ),
    onSuccess: done,
  });
  const error = add.error ?? rule.error ?? change.error;
  return (
    <Modal opened onClose={close} title={say("allergies")} size="xl" closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        {error && <Alert color="red" role="alert">{error.message}</Alert>}
        <List isEmpty={all.length === 0} empty={say("notAssessed")} head={[say("substance"), say("reaction"), say("status"), ""]}>
          {all.map((it) => (
            <Table.Tr key={it.id}>
              <Table.Td><b>{isNone(it) ? say("noAllergies") : words(it.code)}</b><div className="quiet">{time(it.recordedDate)}</div></Table.Td>
              <Table.Td>{it.reaction?.flatMap((r) => r.manifestation ?? []).map(words).join("; ")}{it.criticality === "high" && <div className="bad">{say("highRisk")}</div>}</Table.Td>
              <Table.Td>{[it.clinicalStatus?.coding?.[0]?.code, it.verificationStatus?.coding?.[0]?.code].filter(Boolean).map((code) => say(code as Word)).join(", ")}</Table.Td>
              <Table.Td>
                {isActive(it) && (
                  <div className="row">
                    {!isNone(it) && it.verificationStatus?.coding?.[0]?.code !== "confirmed" && <Button size="compact-sm" variant="default" onClick={() => change.mutate({ it, to: "confirmed" })}>{say("confirmIt")}</Button>}
                    {!isNone(it) && <Button size="compact-sm" variant="default" onClick={() => change.mutate({ it, to: "resolved" })}>{say("resolve")}</Button>}
                    <Button size="compact-sm" variant="default" onClick={() => change.mutate({ it, to: "refuted" })}>{say("refute")}</Button>
                  </div>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </List>
        {active.length === 0 && <Button variant="default" loading={rule.isPending} onClick={() => rule.mutate()}>{say("askedNone")}</Button>}
        <form className="card stack" onSubmit={(event) => { event.preventDefault(); add.mutate(); }}>
          <b>{say("addAllergy")}</b>
          <div className="two">
            <TextInput label={say("substance")} required value={substance} maxLength={200} onChange={(e) => setSubstance(e.currentTarget.value)} />
            <TextInput label={say("reaction")} value={reaction} maxLength={200} onChange={(e) => setReaction(e.currentTarget.value)} />
            <Select label={say("type")} value={category} allowDeselect={false} onChange={(it) => setCategory(it ?? "medication")} data={["medication", "food", "environment", "biologic"].map((value) => ({ value, label: say(value as Word) }))} />
            <Select label={say("criticality")} value={criticality} allowDeselect={false} onChange={(it) => setCriticality(it ?? "unable-to-assess")} data={[["high", "highRisk"], ["low", "lowRisk"], ["unable-to-assess", "unknown"]].map(([value, word]) => ({ value: value ?? "", label: say(word as Word) }))} />
          </div>
          <Button type="submit" disabled={!substance.trim()} loading={add.isPending}>{say("add")}</Button>
        </form>
      </div>
    </Modal>
  );
}
