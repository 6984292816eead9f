import { NumberInput, Select, TextInput } from "@mantine/core";

import { type Word, useWords } from "../../words";
import { type Fields, KINDS } from "./coverage";

/** Everything that is asked of who pays. */
export function CoverageFields({ fields, change }: { fields: Fields; change: (next: Fields) => void }) {
  const { say } = useWords();
  const set = <K extends keyof Fields>(name: K, value: Fields[K]) => change({ ...fields, [name]: value });
  const text = (name: "payer" | "policy" | "group" | "from" | "until", word: Word, more: object = {}) => (
    <TextInput label={say(word)} value={fields[name]} maxLength={200} autoComplete="off" onChange={(e) => set(name, e.currentTarget.value)} {...more} />
  );
  const money = (name: "copay" | "deductible", word: Word) => (
    <NumberInput label={say(word)} value={fields[name]} min={0} decimalScale={2} hideControls prefix="$" onChange={(value) => set(name, String(value))} />
  );
  return (
    <div className="three">
      <Select label={say("coverageKind")} value={fields.kind} allowDeselect={false} data={KINDS.map((it) => ({ value: it, label: say(it) }))}
        onChange={(value) => {
          const kind = (value ?? "primary") as Fields["kind"];
          const payer = fields.payer || { medicare: "Medicare", medicaid: "Medicaid", primary: "", secondary: "" }[kind];
          change({ ...fields, kind, payer });
        }} />
      {text("payer", "payerName", { required: true })}
      {text("policy", "policy", { required: true })}
      {text("group", "groupNumber")}
      {text("from", "validFrom", { type: "date" })}
      {text("until", "validUntil", { type: "date" })}
      {money("copay", "copay")}
      {money("deductible", "deductible")}
    </div>
  );
}
