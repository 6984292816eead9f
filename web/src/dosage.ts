// How dosing is read out: the words it came with, and where it has none, what its codes say. What
// is not put into words here is shown as it came, so that nothing of a dose is ever left out.
import { type Concept, words } from "./api";

export type Quantity = { value?: number; unit?: string; code?: string; comparator?: string };
type Range = { low?: Quantity; high?: Quantity };
type Ratio = { numerator?: Quantity; denominator?: Quantity };
type Given = { type?: Concept; doseQuantity?: Quantity; doseRange?: Range; rateQuantity?: Quantity; rateRange?: Range; rateRatio?: Ratio };
type Repeat = {
  frequency?: number; frequencyMax?: number; period?: number; periodMax?: number; periodUnit?: string;
  count?: number; countMax?: number; duration?: number; durationMax?: number; durationUnit?: string;
  dayOfWeek?: string[]; timeOfDay?: string[]; when?: string[]; offset?: number;
  boundsDuration?: Quantity; boundsRange?: Range; boundsPeriod?: { start?: string; end?: string };
};

/** FHIR R4, Dosage. */
export type Dosage = {
  text?: string; sequence?: number; patientInstruction?: string; additionalInstruction?: Concept[];
  timing?: { event?: string[]; repeat?: Repeat; code?: Concept };
  asNeededBoolean?: boolean; asNeededCodeableConcept?: Concept; site?: Concept; route?: Concept; method?: Concept;
  doseAndRate?: Given[]; maxDosePerPeriod?: Ratio; maxDosePerAdministration?: Quantity; maxDosePerLifetime?: Quantity;
};

/** All lines of a dosing, in their order. */
export const readOut = (lines: Dosage[] = []) => lines.map(line).filter(Boolean).join("; ");

function line(it: Dosage): string {
  if (it.text) return it.text;
  const {
    text: _text, sequence: _sequence, doseAndRate = [], timing, route, site, method, asNeededBoolean, asNeededCodeableConcept,
    additionalInstruction = [], patientInstruction, maxDosePerPeriod, maxDosePerAdministration, maxDosePerLifetime, ...rest
  } = it;
  return [
    ...doseAndRate.map(given), ...[method, route, site].map(said), when(timing),
    (asNeededBoolean || asNeededCodeableConcept) && ["PRN", said(asNeededCodeableConcept)].filter(Boolean).join(" "),
    maxDosePerAdministration && `max ${quantity(maxDosePerAdministration)}`,
    maxDosePerPeriod && `max ${ratio(maxDosePerPeriod)}`,
    maxDosePerLifetime && `max ${quantity(maxDosePerLifetime)} (lifetime)`,
    ...additionalInstruction.map(said), patientInstruction, raw(rest),
  ].filter(Boolean).join(", ");
}

function given({ type: _type, doseQuantity, doseRange, rateQuantity, rateRange, rateRatio, ...rest }: Given): string {
  return [
    doseQuantity && quantity(doseQuantity), doseRange && range(doseRange), rateQuantity && quantity(rateQuantity),
    rateRange && range(rateRange), rateRatio && ratio(rateRatio), raw(rest),
  ].filter(Boolean).join(", ");
}

function when(timing: Dosage["timing"]): string {
  if (!timing) return "";
  const { event = [], repeat = {}, code, ...rest } = timing;
  const {
    frequency, frequencyMax, period, periodMax, periodUnit, count, countMax, duration, durationMax, durationUnit,
    dayOfWeek = [], timeOfDay = [], when = [], offset, boundsDuration, boundsRange, boundsPeriod, ...others
  } = repeat;
  const times = (frequency ?? (period === undefined ? undefined : 1));
  return [
    said(code), times !== undefined && period !== undefined && `${between(times, frequencyMax)}× / ${between(period, periodMax)} ${periodUnit ?? "?"}`,
    times !== undefined && period === undefined && `${between(times, frequencyMax)}×`,
    dayOfWeek.join(" "), timeOfDay.map((it) => it.slice(0, 5)).join(" "), [...when, offset !== undefined && `${offset} min`].filter(Boolean).join(" "),
    duration !== undefined && `${between(duration, durationMax)} ${durationUnit ?? "?"}`, count !== undefined && `× ${between(count, countMax)}`,
    boundsDuration && `→ ${quantity(boundsDuration)}`, boundsRange && `→ ${range(boundsRange)}`,
    boundsPeriod?.end && `→ ${boundsPeriod.end}`, event.join(" "), raw(rest), raw(others),
  ].filter(Boolean).join(", ");
}

const said = (concept?: Concept) => (concept ? words(concept) : "");
const between = (low: number, high?: number) => (high === undefined || high === low ? `${low}` : `${low}–${high}`);
const quantity = (it: Quantity) => [`${it.comparator ?? ""}${it.value ?? "?"}`, it.unit ?? it.code].filter(Boolean).join(" ");
const range = ({ low, high }: Range) => `${low ? quantity(low) : ""}–${high ? quantity(high) : ""}`;
const ratio = ({ numerator, denominator }: Ratio) => `${numerator ? quantity(numerator) : "?"} / ${denominator ? quantity(denominator) : "?"}`;
const raw = (rest: object) => (Object.keys(rest).length ? JSON.stringify(rest) : "");
