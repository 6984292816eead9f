// From what is typed to the order that the server checks.
import type { Dosage } from "../../dosage";
import type { Word } from "../../words";
import type { OrderRequest, Product } from "./types";

/** - Source: SNOMED CT, route of administration. */
export const ROUTES: { code: string; word: Word; text: string }[] = [
  { code: "26643006", word: "oral", text: "Oral" }, { code: "47625008", word: "iv", text: "Intravenous" }, { code: "34206005", word: "sc", text: "Subcutaneous" },
  { code: "78421000", word: "im", text: "Intramuscular" }, { code: "447694001", word: "inhaled", text: "Respiratory tract" }, { code: "6064005", word: "topical", text: "Topical" },
];

type How = { word: Word; says: string; code?: string; repeat?: Record<string, unknown> };
const every = (period: number): Pick<How, "says" | "repeat"> => ({ says: `every ${period} h`, repeat: { frequency: 1, period, periodUnit: "h" } });
/** By the times of the ward, or so many hours apart. */
export const HOW: Record<string, How> = {
  QD: { word: "oncePerDay", code: "QD", says: "once a day" }, BID: { word: "twice", code: "BID", says: "twice a day" },
  TID: { word: "three", code: "TID", says: "three times a day" }, QID: { word: "four", code: "QID", says: "four times a day" },
  Q4H: { word: "every4", ...every(4) }, Q6H: { word: "every6", ...every(6) }, Q8H: { word: "every8", ...every(8) }, Q12H: { word: "every12", ...every(12) },
  ONCE: { word: "once", says: "once", repeat: { count: 1 } },
};
export const UNITS = ["mg", "mcg", "g", "mL", "units", "mEq", "mmol", "tablet", "puff"];
export const RATES = ["mL/h", "mg/h", "mcg/min", "mcg/kg/min", "units/h"];

type Number_ = number | string;
export type Kind = "times" | "needed" | "infusion";
export const blank = {
  drug: "", kind: "times" as Kind, dose: "" as Number_, unit: "mg", route: "26643006", how: "Q8H", neededFor: "", minInterval: 240 as Number_, maxDoses: 4 as Number_,
  rate: "" as Number_, rateUnit: "mL/h", lowest: "" as Number_, highest: "" as Number_, step: "" as Number_, every: 15 as Number_, target: "",
  priority: "routine", until: "", note: "",
};
export type Form = typeof blank;

/** The order, once enough is there that it can be checked. */
export function orderOf(form: Form, patient: string, products: Product[], stay?: string): OrderRequest | undefined {
  const isInfusion = form.kind === "infusion";
  const dose = Number(form.dose);
  const rate = Number(form.rate);
  if (form.drug.trim().length < 3 || (form.kind === "needed" && !form.neededFor.trim())) return undefined;
  if (isInfusion ? !(rate > 0) : !(dose > 0) || !form.unit.trim()) return undefined;
  const route = ROUTES.find((it) => it.code === form.route);
  const how = HOW[form.how];
  const product = products.find((it) => it.name === form.drug);
  const amount = isInfusion ? `${rate} ${form.rateUnit}` : `${dose} ${form.unit.trim()}`;
  const often = isInfusion ? "continuously" : form.kind === "needed" ? `as needed for ${form.neededFor.trim()}` : how?.says;
  const line: Dosage = {
    text: [amount, route?.text.toLowerCase(), often].filter(Boolean).join(", "),
    route: { text: route?.text, coding: [{ system: "http://snomed.info/sct", code: form.route, display: route?.text }] },
    doseAndRate: [isInfusion ? { rateQuantity: { value: rate, unit: form.rateUnit } } : { doseQuantity: { value: dose, unit: form.unit.trim() } }],
  };
  if (form.kind === "needed") {
    line.asNeededBoolean = true;
    line.timing = { repeat: { frequency: Number(form.maxDoses) || 1, period: 1, periodUnit: "d" } };
  } else if (!isInfusion && how?.repeat) line.timing = { repeat: how.repeat };
  else if (!isInfusion && how?.code) line.timing = { code: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", code: how.code }] } };
  const bounds = [form.lowest, form.highest, form.step].map(Number);
  const [lowest = 0, highest = 0, step = 0] = bounds;
  return {
    patient: `Patient/${patient}`, encounter: stay ? `Encounter/${stay}` : undefined,
    medication: { text: form.drug.trim(), codes: product?.codes }, dosage: [line], priority: form.priority,
    end: form.until ? new Date(form.until).toISOString() : undefined, note: form.note.trim() || undefined,
    asNeeded: form.kind === "needed" ? { minIntervalMin: Number(form.minInterval) || undefined, maxDoses24h: Number(form.maxDoses) || undefined } : undefined,
    titration: isInfusion && bounds.every((it) => it > 0) && form.target.trim()
      ? { start: rate, lowest, highest, step, unit: form.rateUnit, everyMin: Number(form.every) || 0, target: form.target.trim() } : undefined,
  };
}
