// Who pays: what is filled in, and FHIR Coverage.
import type { Reference, Resource } from "../../api";

export type Kind = "primary" | "secondary" | "medicare" | "medicaid";
export const KINDS: Kind[] = ["primary", "secondary", "medicare", "medicaid"];

export const EMPTY = { kind: "primary" as Kind, payer: "", policy: "", group: "", from: "", until: "", copay: "", deductible: "" };
export type Fields = typeof EMPTY;

type Coding = { system?: string; code?: string; display?: string };
export type Coverage = Resource & {
  status?: string; order?: number; subscriberId?: string; payor?: Reference[]; type?: { coding?: Coding[]; text?: string };
  period?: { start?: string; end?: string }; class?: { type?: { coding?: Coding[] }; value?: string; name?: string }[];
  costToBeneficiary?: { type?: { coding?: Coding[] }; valueMoney?: { value?: number; currency?: string }; valueQuantity?: { value?: number } }[];
};

/** - Source: Source of Payment Typology, as US Core has it for Coverage.type. */
const SOPT = "https://nahdo.org/sopt";
const TYPE: Record<Kind, Coding> = {
  primary: { system: SOPT, code: "5", display: "PRIVATE HEALTH INSURANCE" },
  secondary: { system: SOPT, code: "5", display: "PRIVATE HEALTH INSURANCE" },
  medicare: { system: SOPT, code: "1", display: "MEDICARE" },
  medicaid: { system: SOPT, code: "2", display: "MEDICAID" },
};
const COST = "http://terminology.hl7.org/CodeSystem/coverage-copay-type";
const CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class";

export function kindOf(it: Coverage): Kind {
  const code = it.type?.coding?.find((c) => c.system === SOPT)?.code ?? "";
  if (code.startsWith("1")) return "medicare";
  if (code.startsWith("2")) return "medicaid";
  return (it.order ?? 1) > 1 ? "secondary" : "primary";
}

export function costOf(it: Coverage, what: "copay" | "deductible"): { value: number; currency: string } | undefined {
  const found = it.costToBeneficiary?.find((cost) => cost.type?.coding?.some((c) => c.code === what));
  const value = found?.valueMoney?.value ?? found?.valueQuantity?.value;
  return value === undefined ? undefined : { value, currency: found?.valueMoney?.currency ?? "" };
}

export const groupOf = (it: Coverage) => it.class?.find((of) => of.type?.coding?.some((c) => c.code === "group"))?.value ?? "";

export function fieldsOf(it: Coverage): Fields {
  return {
    kind: kindOf(it), payer: it.payor?.[0]?.display ?? "", policy: it.subscriberId ?? "", group: groupOf(it),
    from: it.period?.start?.slice(0, 10) ?? "", until: it.period?.end?.slice(0, 10) ?? "",
    copay: costOf(it, "copay")?.value.toString() ?? "", deductible: costOf(it, "deductible")?.value.toString() ?? "",
  };
}

/** What was filled in, as FHIR; what `base` says besides stays. */
export function coverageOf(fields: Fields, patient: string, base?: Coverage): Resource {
  const old = base ?? ({ resourceType: "Coverage", status: "active" } as Coverage);
  const cost = (code: "copay" | "deductible", value: string) => (value.trim() === "" ? [] : [{
    type: { coding: [{ system: COST, code }] }, valueMoney: { value: Number(value), currency: "USD" },
  }]);
  const otherCosts = (old.costToBeneficiary ?? []).filter((it) => !it.type?.coding?.some((c) => c.code === "copay" || c.code === "deductible"));
  const costs = [...cost("copay", fields.copay), ...cost("deductible", fields.deductible), ...otherCosts];
  const otherClasses = (old.class ?? []).filter((it) => !it.type?.coding?.some((c) => c.code === "group"));
  const classes = [...(fields.group.trim() ? [{ type: { coding: [{ system: CLASS, code: "group" }] }, value: fields.group.trim() }] : []), ...otherClasses];
  // Who is asked first is who pays first.
  const order = { primary: 1, secondary: 2, medicare: 3, medicaid: 4 }[fields.kind];
  const otherTypes = (old.type?.coding ?? []).filter((c) => c.system !== SOPT);
  return JSON.parse(JSON.stringify({
    ...old, beneficiary: { reference: `Patient/${patient}` }, order,
    type: { ...old.type, coding: [TYPE[fields.kind], ...otherTypes] },
    payor: old.payor?.[0] && old.payor[0].display === fields.payer ? old.payor : [{ display: fields.payer.trim() }],
    subscriberId: fields.policy.trim() || undefined,
    period: fields.from || fields.until ? { start: fields.from || undefined, end: fields.until || undefined } : undefined,
    class: classes.length > 0 ? classes : undefined, costToBeneficiary: costs.length > 0 ? costs : undefined,
  })) as Resource;
}
