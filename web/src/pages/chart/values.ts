// What an Observation says, for people.
import { type Concept, type Resource, words } from "../../api";

export type Quantity = { value?: number; unit?: string; code?: string };
export type Observation = Resource & {
  code?: Concept; effectiveDateTime?: string; issued?: string; valueQuantity?: Quantity; valueString?: string; valueCodeableConcept?: Concept; valueInteger?: number;
  interpretation?: Concept[]; referenceRange?: { low?: Quantity; high?: Quantity; text?: string }[]; component?: { code?: Concept; valueQuantity?: Quantity }[];
  category?: Concept[]; status?: string;
};

/** Whether it is to be believed: what was entered in error is shown as such, and is no latest value. */
export const isRight = (it: Observation) => !["entered-in-error", "cancelled"].includes(it.status ?? "");

export function valueOf(it: Observation): string {
  const quantity = (of?: Quantity) => (of?.value === undefined ? undefined : `${of.value} ${unitOf(of.unit ?? of.code)}`.trim());
  const units = new Set(it.component?.map((part) => part.valueQuantity?.unit));
  const parts = units.size === 1
    ? [`${it.component?.map((part) => part.valueQuantity?.value ?? "—").join(" / ")} ${unitOf([...units][0])}`]
    : it.component?.map((part) => quantity(part.valueQuantity)).filter(Boolean);
  return quantity(it.valueQuantity) ?? it.valueString ?? it.valueInteger?.toString() ?? (it.valueCodeableConcept ? words(it.valueCodeableConcept) : undefined) ?? (parts?.length ? parts.join(" / ") : "—");
}

/** UCUM as it is read at the bedside. */
export function unitOf(unit = ""): string {
  return { "mm[Hg]": "mmHg", Cel: "°C", "{score}": "", "1": "" }[unit] ?? unit;
}

/** Low and high, where they are numbers or text such as `90-140`. */
export function limitsOf(it: Observation): { low?: number; high?: number } {
  const range = it.referenceRange?.[0];
  if (range?.low?.value !== undefined || range?.high?.value !== undefined) return { low: range.low?.value, high: range.high?.value };
  const text = /^\s*(-?\d+(?:\.\d+)?)\s*[-–]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(range?.text ?? "");
  return text ? { low: Number(text[1]), high: Number(text[2]) } : {};
}

export function rangeOf(it: Observation): string {
  const range = it.referenceRange?.[0];
  if (!range) return "";
  return range.text ?? [range.low?.value, range.high?.value].map((n) => n ?? "").join(" – ");
}
