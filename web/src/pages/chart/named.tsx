// What an Observation is called at the bedside.
import { words } from "../../api";
import { type Word, useWords } from "../../words";
import type { Observation } from "./values";

/** - Source: LOINC, vital signs as FHIR R4 has them (observation-vitalsigns). */
const VITALS: Record<string, Word> = {
  "85354-9": "bloodPressure", "8867-4": "heartRate", "9279-1": "respiratoryRate", "8310-5": "temperature", "2708-6": "oxygenSaturation", "59408-5": "oxygenSaturation",
  "3151-8": "inhaledOxygen", "29463-7": "weight", "8302-2": "height", "39156-5": "bmi", "72514-3": "pain",
};

const vitalOf = (it: Observation) => it.code?.coding?.map((c) => VITALS[c.code ?? ""]).find((word) => word !== undefined);

/** One test: by its code, because two specimens may have one name. */
export function testOf(it: Observation): string {
  // What is measured in two ways is one vital sign.
  const vital = vitalOf(it);
  if (vital) return vital;
  const coding = it.code?.coding?.find((c) => c.code);
  return coding ? `${coding.system ?? ""}|${coding.code}` : words(it.code);
}

/** Its name in two parts: what is measured, and how LOINC has it besides. */
export function useNames() {
  const { say } = useWords();
  return (it: Observation): { name: string; rest?: string } => {
    const known = vitalOf(it);
    if (known) return { name: say(known) };
    const whole = words(it.code);
    const at = whole.indexOf(" [");
    return at < 1 ? { name: whole } : { name: whole.slice(0, at), rest: whole.slice(at + 1).replace("[", "").replace("]", "") };
  };
}

export function Named({ it }: { it: Observation }) {
  const { name, rest } = useNames()(it);
  return <>{name}{rest && <span className="quiet rest"> {rest}</span>}</>;
}
