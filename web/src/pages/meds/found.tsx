// What a check found, and how somebody answers for it.
import { Badge, PasswordInput, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { get } from "../../api";
import { type Word, useWords } from "../../words";
import type { Found, Override, Overridden, Second } from "./types";

type Group = "hard-stop" | "interruptive" | "not-checkable" | "passive";
const GROUPS: { group: Group; sign: string }[] = [
  { group: "hard-stop", sign: "■" }, { group: "interruptive", sign: "▲" }, { group: "not-checkable", sign: "?" }, { group: "passive", sign: "i" },
];

/** What was not checked stands by itself, however loud it is: it is no finding about the patient. */
const groupOf = (it: Found): Group => (it.kind === "not-checkable" ? "not-checkable" : it.tier === "log" ? "passive" : it.tier);
const asks = (it: Found) => it.tier === "hard-stop" || it.tier === "interruptive";

/** Findings by how loud they are, each with an answer where one is asked for. */
export function Findings({ found, answers, answer, settled = [] }: {
  found: Found[]; answers?: Record<string, Override>; answer?: (it: Override) => void; settled?: Overridden[];
}) {
  const { say } = useWords();
  const shown = found.filter((it) => it.tier !== "log");
  return (
    <div className="stack" style={{ gap: 12 }}>
      {GROUPS.map(({ group, sign }) => {
        const all = shown.filter((it) => groupOf(it) === group);
        if (all.length === 0) return null;
        return (
          <section key={group} className="tier" data-group={group} aria-label={say(`tier-${group}`)}>
            <div className="tier-head"><span aria-hidden>{sign}</span> <b>{say(`tier-${group}`)}</b> <span className="quiet">{say(`tier-${group}-hint`)}</span></div>
            {all.map((it) => (
              <One key={it.key} it={it} told={answers?.[it.key]} answer={asks(it) && answer && !settled.some((one) => one.key === it.key) ? answer : undefined} settled={settled.find((one) => one.key === it.key)} />
            ))}
          </section>
        );
      })}
    </div>
  );
}

function One({ it, told, answer, settled }: { it: Found; told?: Override; answer?: (it: Override) => void; settled?: Overridden }) {
  const { say } = useWords();
  return (
    <div className="finding" data-tier={it.tier} data-kind={it.kind} role={asks(it) && answer ? "alert" : undefined}>
      <div className="row" style={{ gap: 8, alignItems: "baseline" }}>
        <Badge variant="default" tt="none" size="sm">{say(`kind-${it.kind}` as Word) ?? it.kind}</Badge>
        <b style={{ flex: 1, minWidth: 180 }}>{it.summary}</b>
        {settled && <span className="quiet">✓ {say("answered")}: {say(`why-${settled.reason}` as Word) ?? settled.reason}{settled.text ? ` (${settled.text})` : ""}</span>}
      </div>
      {it.mechanism && <p>{it.mechanism}</p>}
      {it.action && <p><b>{say("whatToDo")}:</b> {it.action}</p>}
      {it.illustrative && <p className="quiet">{say("illustrative")}</p>}
      {it.used && it.used.length > 0 && <p className="quiet">{say("basedOn")}: {it.used.join("; ")}</p>}
      <details className="quiet"><summary>{say("source")}</summary>{[it.source, it.rule].filter(Boolean).join(" · ")}</details>
      {answer && <Answer it={it} told={told} answer={answer} />}
    </div>
  );
}

function Answer({ it, told, answer }: { it: Found; told?: Override; answer: (it: Override) => void }) {
  const { say } = useWords();
  const reasons = useQuery({
    queryKey: ["override-reasons"], staleTime: Infinity,
    queryFn: () => get<{ reasons: { code: string; text: string; needsText: boolean }[] }>("/api/meds/reasons"),
  });
  return (
    <div className="row" style={{ alignItems: "flex-end" }}>
      <Select label={say("whyAnyway")} aria-label={`${say("whyAnyway")} ${it.summary}`} placeholder={say("chooseReason")} value={told?.reason ?? null} searchable style={{ flex: 1, minWidth: 220 }}
        data={(reasons.data?.reasons ?? []).map((reason) => ({ value: reason.code, label: say(`why-${reason.code}` as Word) ?? reason.text }))}
        onChange={(reason) => reason && answer({ key: it.key, reason, text: told?.text })} />
      {told?.reason === "other" && (
        <TextInput label={say("inWords")} required value={told.text ?? ""} onChange={(event) => answer({ ...told, text: event.currentTarget.value })} style={{ flex: 1, minWidth: 180 }} />
      )}
    </div>
  );
}

/** Whether everything that has to be answered for is. */
export function isAnswered(found: Found[], answers: Record<string, Override>, settled: Overridden[] = []): boolean {
  return found.every((it) => {
    if (!asks(it) || settled.some((one) => one.key === it.key)) return true;
    const told = answers[it.key];
    return Boolean(told?.reason && (told.reason !== "other" || told.text?.trim()));
  });
}

/** The answers to what was found, and to nothing else. */
export const answersTo = (found: Found[], answers: Record<string, Override>) =>
  found.flatMap((it) => { const told = answers[it.key]; return told ? [told] : []; });

/** Somebody else agrees at this screen, by their own name and password; nothing of it stays. */
export function SecondPerson({ value, change, why }: { value: Second; change: (it: Second) => void; why?: string }) {
  const { say } = useWords();
  return (
    <fieldset className="second">
      <legend>{say("secondPerson")}</legend>
      <p className="quiet">{why ?? say("secondHint")}</p>
      <div className="row">
        <TextInput label={say("secondName")} autoComplete="off" value={value.name} onChange={(event) => change({ ...value, name: event.currentTarget.value })} style={{ flex: 1, minWidth: 150 }} />
        <PasswordInput label={say("secondPassword")} autoComplete="off" value={value.password} onChange={(event) => change({ ...value, password: event.currentTarget.value })} style={{ flex: 1, minWidth: 170 }} visibilityToggleButtonProps={{ "aria-label": say("showPassword") }} />
      </div>
    </fieldset>
  );
}

export const nobody: Second = { name: "", password: "" };
export const second = (it: Second) => (it.name.trim() && it.password ? it : undefined);
