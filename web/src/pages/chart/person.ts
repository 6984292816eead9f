// Who somebody is: what is filled in, and FHIR.
import type { Patient, Resource } from "../../api";

export const EMPTY = {
  family: "", given: "", middle: "", birthDate: "", sex: "", phone: "", mobile: "", email: "", street: "", city: "", region: "", postalCode: "",
  language: "", races: [] as string[], ethnicity: "", contact: "", contactPhone: "", contactRole: "",
};
export type Fields = typeof EMPTY;

const CORE = "http://hl7.org/fhir/us/core/StructureDefinition/";
const OMB = "urn:oid:2.16.840.1.113883.6.238";
const NONE = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
const EMERGENCY = { system: "http://terminology.hl7.org/CodeSystem/v2-0131", code: "C", display: "Emergency Contact" };

/** - Source: US Core, OMB Race Categories. */
export const RACES: [string, string, string][] = [
  ["2106-3", "White", "白人"], ["2054-5", "Black or African American", "黑人或非裔美国人"], ["2028-9", "Asian", "亚裔"],
  ["1002-5", "American Indian or Alaska Native", "美洲印第安人或阿拉斯加原住民"],
  ["2076-8", "Native Hawaiian or Other Pacific Islander", "夏威夷原住民或其他太平洋岛民"],
  ["ASKU", "Asked but unknown", "已询问但未知"],
];
/** - Source: US Core, OMB Ethnicity Categories. */
export const ETHNICITIES: [string, string, string][] = [
  ["2135-2", "Hispanic or Latino", "西班牙裔或拉丁裔"], ["2186-5", "Not Hispanic or Latino", "非西班牙裔或拉丁裔"], ["ASKU", "Asked but unknown", "已询问但未知"],
];
/** - Source: BCP 47; the languages that are spoken most in hospitals of the United States, and some. */
export const LANGUAGES: [string, string][] = [
  ["en", "English"], ["es", "Español"], ["zh", "中文"], ["vi", "Tiếng Việt"], ["ko", "한국어"], ["ru", "Русский"], ["ar", "العربية"], ["fr", "Français"],
  ["de", "Deutsch"], ["pt", "Português"], ["tl", "Tagalog"], ["pl", "Polski"], ["ja", "日本語"], ["hi", "हिन्दी"], ["it", "Italiano"], ["uk", "Українська"], ["fa", "فارسی"], ["ht", "Kreyòl ayisyen"],
];
/** - Source: HL7 v3 RoleCode. */
export const ROLES: [string, string, string][] = [
  ["SPS", "Spouse", "配偶"], ["DOMPART", "Partner", "伴侣"], ["PRN", "Parent", "父母"], ["CHILD", "Child", "子女"], ["SIB", "Sibling", "兄弟姐妹"],
  ["FRND", "Friend", "朋友"], ["GUARD", "Guardian", "监护人"], ["O", "Other", "其他"],
];

type Extension = { url?: string; valueCoding?: { system?: string; code?: string; display?: string }; valueString?: string; extension?: Extension[] };
type Contact = { relationship?: { coding?: { system?: string; code?: string; display?: string }[] }[]; name?: { text?: string; family?: string; given?: string[] }; telecom?: { system?: string; value?: string }[] };
type Whole = Patient & {
  extension?: Extension[]; contact?: Contact[];
  communication?: { language?: { coding?: { system?: string; code?: string }[]; text?: string }; preferred?: boolean }[];
};

const isEmergency = (it: Contact) => it.relationship?.some((of) => of.coding?.some((c) => c.code === EMERGENCY.code)) ?? false;

function categories(patient: Whole, kind: "race" | "ethnicity"): string[] {
  const found = patient.extension?.find((it) => it.url === `${CORE}us-core-${kind}`)?.extension ?? [];
  return found.filter((it) => it.url === "ombCategory").map((it) => it.valueCoding?.code ?? "").filter(Boolean);
}

/** What is on record, to be shown and changed. */
export function fieldsOf(resource: Resource): Fields {
  const patient = resource as Whole;
  const name = patient.name?.find((it) => it.use === "official") ?? patient.name?.[0];
  const telecom = (system: string, use?: string) =>
    (patient.telecom as { system?: string; value?: string; use?: string }[] | undefined)
      ?.find((it) => it.system === system && (use === "mobile" ? it.use === "mobile" : it.use !== "mobile"))?.value ?? "";
  const address = patient.address?.[0] as { line?: string[]; city?: string; state?: string; postalCode?: string } | undefined;
  const contact = patient.contact?.find(isEmergency);
  const role = contact?.relationship?.flatMap((it) => it.coding ?? []).find((c) => ROLES.some(([code]) => code === c.code));
  return {
    family: name?.family ?? "", given: name?.given?.[0] ?? "", middle: name?.given?.slice(1).join(" ") ?? "",
    birthDate: patient.birthDate ?? "", sex: patient.gender ?? "",
    phone: telecom("phone"), mobile: telecom("phone", "mobile"), email: telecom("email"),
    street: address?.line?.join(", ") ?? "", city: address?.city ?? "", region: address?.state ?? "", postalCode: address?.postalCode ?? "",
    language: (patient.communication?.find((it) => it.preferred) ?? patient.communication?.[0])?.language?.coding?.[0]?.code ?? "",
    races: categories(patient, "race"), ethnicity: categories(patient, "ethnicity")[0] ?? "",
    contact: contact?.name?.text ?? [contact?.name?.given?.join(" "), contact?.name?.family].filter(Boolean).join(" "),
    contactPhone: contact?.telecom?.find((it) => it.system === "phone")?.value ?? "", contactRole: role?.code ?? "",
  };
}

function category(kind: "race" | "ethnicity", codes: string[], all: [string, string, string][]): Extension[] {
  if (codes.length === 0) return [];
  const coding = (code: string) => ({ system: code === "ASKU" ? NONE : OMB, code, display: all.find(([it]) => it === code)?.[1] ?? code });
  return [{
    url: `${CORE}us-core-${kind}`,
    extension: [
      ...codes.map((code) => ({ url: "ombCategory", valueCoding: coding(code) })),
      { url: "text", valueString: codes.map((code) => coding(code).display).join(", ") },
    ],
  }];
}

/** What was filled in, as FHIR; an element that says nothing is left out, and what `base` says besides stays. */
export function patientOf(fields: Fields, base?: Resource): Resource {
  const it = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === "string" ? value.trim() : value])) as Fields;
  const old = (base ?? { resourceType: "Patient", active: true }) as unknown as Whole;
  const rest = { ...old } as Record<string, unknown>;
  const given = [it.given, ...it.middle.split(/\s+/)].filter(Boolean);
  const name = { ...(old.name?.find((n) => n.use === "official") ?? old.name?.[0] ?? {}) } as Record<string, unknown>;
  const said = fieldsOf(old as Resource);
  const isRenamed = said.family !== it.family || said.given !== it.given || said.middle !== it.middle;
  if (isRenamed || !base) {
    Object.assign(name, { use: "official", family: it.family });
    delete name.text;
    if (given.length > 0) name.given = given; else delete name.given;
  }
  const otherNames = (old.name ?? []).filter((n) => n !== (old.name?.find((o) => o.use === "official") ?? old.name?.[0]));
  const known = (old.telecom ?? []) as { system?: string; value?: string; use?: string }[];
  const first = (system: string, isMobile: boolean) => known.find((t) => t.system === system && (t.use === "mobile") === isMobile);
  const replaced = [first("phone", false), first("phone", true), first("email", false)];
  const telecom = [
    ...(it.phone ? [{ ...first("phone", false), system: "phone", value: it.phone }] : []),
    ...(it.mobile ? [{ ...first("phone", true), system: "phone", value: it.mobile, use: "mobile" }] : []),
    ...(it.email ? [{ ...first("email", false), system: "email", value: it.email }] : []),
    ...known.filter((t) => !replaced.includes(t)),
  ];
  const address = {
    ...((old.address?.[0] ?? {}) as object),
    line: it.street ? [it.street] : undefined, city: it.city || undefined, state: it.region || undefined, postalCode: it.postalCode || undefined, text: undefined,
  };
  const hasAddress = Boolean(it.street || it.city || it.region || it.postalCode);
  const role = ROLES.find(([code]) => code === it.contactRole);
  const oldContact = old.contact?.find(isEmergency);
  const contact: Contact = {
    ...oldContact,
    relationship: [{ coding: [EMERGENCY] }, ...(role ? [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-RoleCode", code: role[0], display: role[1] }] }] : [])],
    name: it.contact ? { text: it.contact } : undefined,
    telecom: it.contactPhone ? [{ system: "phone", value: it.contactPhone }] : undefined,
  };
  const contacts = [...(it.contact || it.contactPhone ? [contact] : []), ...(old.contact ?? []).filter((c) => c !== oldContact)];
  const extension = [
    ...(old.extension ?? []).filter((e) => ![`${CORE}us-core-race`, `${CORE}us-core-ethnicity`].includes(e.url ?? "")),
    ...category("race", it.races, RACES), ...category("ethnicity", it.ethnicity ? [it.ethnicity] : [], ETHNICITIES),
  ];
  const communication = it.language === said.language && base ? old.communication
    : it.language ? [{ language: { coding: [{ system: "urn:ietf:bcp:47", code: it.language }], text: LANGUAGES.find(([code]) => code === it.language)?.[1] }, preferred: true }] : undefined;
  const list = (value: unknown[]) => (value.length > 0 ? value : undefined);
  Object.assign(rest, {
    resourceType: "Patient", name: [name, ...otherNames], birthDate: it.birthDate || undefined, gender: it.sex || undefined,
    telecom: list(telecom), address: hasAddress ? [address, ...(old.address ?? []).slice(1)] : undefined,
    contact: list(contacts), extension: list(extension), communication,
  });
  return JSON.parse(JSON.stringify(rest)) as Resource;
}
