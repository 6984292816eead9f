// What the server says of medication, as far as the pages read it.
import { type Dosage, readOut } from "../../dosage";

export type Tier = "log" | "passive" | "interruptive" | "hard-stop";
export type Found = {
  kind: string; tier: Tier; rule: string; summary: string; mechanism?: string; action?: string; source?: string;
  used?: string[]; illustrative: boolean; key: string;
};
export type Override = { key: string; reason: string; text?: string };
/** What somebody has answered for already. */
export type Overridden = { key: string; rule: string; reason: string; text?: string };
export type Second = { name: string; password: string };
export type OrderRequest = {
  patient: string; encounter?: string; medication: { text: string; codes?: { system?: string; code?: string; text?: string }[] };
  dosage: Dosage[]; priority?: string; start?: string; end?: string; note?: string;
  asNeeded?: { minIntervalMin?: number; maxDoses24h?: number };
  titration?: Titration;
};
export type Titration = { start: number; lowest: number; highest: number; step: number; unit: string; everyMin: number; target: string };
export type DoseKept = {
  id: string; due?: string; state: string; at: string; quantity: number; product?: string; lot?: string; by: string; second?: string; reason?: string;
  neededFor?: string; rate?: [number, string]; effect?: string; bypassed?: Record<string, string>;
};
export type Dose = { due?: string; state: string; timeliness?: string; recorded?: DoseKept };
export type Order = {
  id: string; patient: string; state: string; request: OrderRequest; signedAt?: string; verifiedAt?: string; why?: string; isTold: boolean; orderedBy: string; isAsNeeded: boolean; isHighAlert: boolean;
  chosen?: { product: string; name: string; perDose: number; unit: string; schedule?: string; isCompounded: boolean; substitution?: string };
  batches: { id: string; beyondUse: string; quantity: number; dispensed: number }[];
  dispenses: { id: string; at: string; lot: string; quantity: number }[];
  lots: { product: string; lot: string; dispensed: number; administered: number; wasted: number; returned: number; onWard: number }[];
  onWard: number; found: Found[]; knowledgeBase?: string; overridden: Overridden[]; doses: Dose[]; timesUnknown: boolean;
  since: string; isOverdue: boolean;
};
export type Lot = { lot: string; expires: string; status: string; word: string; shelves: Record<string, number>; issued: number };
export type Product = {
  id: string; name: string; unit: string; form?: string; gtin: string[]; ndc: string[]; schedule?: string; isHighAlert: boolean; isCompounded: boolean;
  codes: { system?: string; code?: string }[]; strength?: { value: number; unit: string }; lots: Lot[];
};
export type Finding = { element: string; code: string; says: string; isOverridable: boolean };

/** How an order is read out. */
export const sig = (order: OrderRequest) => readOut(order.dosage);

/** What is on a shelf and may go out, the one that expires first in front. */
export const onShelf = (product: Product, location: string) =>
  product.lots.filter((lot) => lot.word === "available" && (lot.shelves[location] ?? 0) > 0).sort((a, b) => a.expires.localeCompare(b.expires));

/** Whether it runs until somebody stops it. */
export const isInfusion = (order: OrderRequest) => Boolean(order.titration) || order.dosage.some((it) => it.doseAndRate?.[0]?.rateQuantity && !it.timing);

/** When the next dose is due that is not recorded. */
export const nextDue = (order: Order) => order.doses.find((it) => it.state === "due" && it.timeliness !== "missed")?.due;

export const isActive = (order: Order) => ["signed", "verified", "prepared", "dispensed"].includes(order.state);
