import { Badge, PasswordInput, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { get } from "../../api";
import { useWords } from "../../words";
import type { Found, Override, Second } from "./types";

const ORDER = ["hard-stop", "interruptive", "passive", "log"];

/** What a check found: the loudest first, each tier in its own dress, and an answer where one is asked for. */
export function Findings({ found, answers, answer, settled }: {
  found: Found[]; answers?: Record<string, Override>; answer?: (it: Override) => void; settled?: string[];
}) {
  const { say } = useWords();
  const reasons = useQuery({
    queryKey: ["override-reasons"], staleTime: Infinity,
    queryFn: () => get<{ reasons: { code: string; text: string; needsText: boolean }[] }>("/api/meds/reasons"),
  });
  const shown = [...found].filter((it) => it.tier !== "log").sort((a, b) => ORDER.indexOf(a.tier) - ORDER.indexOf(b.tier));
  return (
    <div className="stack" style={{ gap: 8 }}>
      {shown.map((it) => {
        const loud = it.tier === "hard-stop" || it.tier === "interruptive";
        const told = answers?.[it.key];
        return (
          <div className="finding" data-tier={it.tier} data-kind={it.kind} key={it.key} role={loud ? "alert" : undefined}>
            <div className="row" style={{ gap: 8 }}>
              <Badge variant={it.tier === "hard-stop" ? "filled" : "default"} color={it.tier === "hard-stop" ? "red.9" : "gray"} tt="none">{say(it.tier)}</Badge>
              <b>{it.summary}</b>
              {it.illustrative && <Badge variant="default" tt="none">{say("illustrative")}</Badge>}
            </div>
            {it.mechanism && <p>{it.mechanism}</p>}
            {it.action && <p>{it.action}</p>}
            {it.used && it.used.length > 0 && <p className="quiet">{say("basedOn")}: {it.used.join("; ")}</p>}
            <p className="quiet">{it.rule}{it.source ? ` · ${it.source}` : ""}</p>
            {loud && answer && !settled?.includes(it.key) && (
              <div className="row">
                <Select aria-label={`${say("whyAnyway")} ${it.summary}`} placeholder={say("whyAnyway")} value={told?.reason ?? null} searchable style={{ flex: 1, minWidth: 220 }}
                  data={(reasons.data?.reasons ?? []).map((reason) => ({ value: reason.code, label: reason.text }))}
                  onChange={(reason) => reason && answer({ key: it.key, reason, text: told?.text })} />
                {told?.reason === "other" && (
                  <TextInput aria-label={say("inWords")} placeholder={say("inWords")} value={told.text ?? ""} onChange={(event) => answer({ ...told, text: event.currentTarget.value })} />
                )}
              </div>
            )}
          </div>
        );
      })}
    </div>
  );
}

/** Whether everything that has to be answered for is. */
export function isAnswered(found: Found[], answers: Record<string, Override>, settled: string[] = []): boolean {
  return found.every((it) => {
    if (it.tier !== "hard-stop" && it.tier !== "interruptive") return true;
    if (settled.includes(it.key)) return true;
    const told = answers[it.key];
    return Boolean(told?.reason && (told.reason !== "other" || told.text?.trim()));
  });
}

/** Somebody else signs in at this screen to agree; nothing of it stays. */
export function SecondPerson({ value, change }: { value: Second; change: (it: Second) => void }) {
  const { say } = useWords();
  return (
    <fieldset style={{ border: "1px solid var(--ward-line)", borderRadius: 6 }}>
      <legend>{say("secondPerson")}</legend>
      <p className="quiet" style={{ marginTop: 0 }}>{say("secondHint")}</p>
      <div className="row">
        <TextInput label={`${say("secondPerson")}: ${say("name")}`} autoComplete="off" value={value.name} onChange={(event) => change({ ...value, name: event.currentTarget.value })} />
        <PasswordInput label={`${say("secondPerson")}: ${say("password")}`} autoComplete="off" value={value.password} onChange={(event) => change({ ...value, password: event.currentTarget.value })} style={{ minWidth: 180 }} />
      </div>
    </fieldset>
  );
}

export const nobody: Second = { name: "", password: "" };
export const second = (it: Second) => (it.name.trim() && it.password ? it : undefined);
