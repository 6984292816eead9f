// Messages as the server tells of them.

export type Line = {
  id: number; time: string; direction: "in" | "out"; state: string; interface: string; kind: string; controlId: string; sender: string; patient?: string | null;
  peer: string; why?: string | null; attempts: number; problems: string[]; records: string[];
};

export type Problem = { severity: string; kind: string; at: string; placed?: boolean };
/** A value, or the parts that it is made of; problems stand where they point to. */
export type Part = { n: number; at: string; name?: string; type?: string; problems?: number[]; text?: string; length?: number; deleted?: boolean; parts?: Part[] };
export type Field = { n: number; at: string; name?: string; type?: string; problems?: number[]; values: Part[] };
export type Segment = { at: string; line: number; id: string; name?: string; problems?: number[]; raw?: string; fields: Field[] };
export type Tree = { version?: string; charset: string; problems: Problem[]; segments: Segment[]; left: number };

export type Whole = { message: Line; raw: string; answer: string; read: Tree | null; readAnswer: Tree | null };

export type Preview = {
  changes: { record: string; isNew: boolean; elements: { element: string; now: unknown; then: unknown }[] }[];
  problems: string[];
  /** Of a message that goes out: where to, and nothing where no destination has this name. */
  goesTo?: { name: string; kind?: string; address?: string };
};
export type Replayed = { applied?: boolean; waiting?: boolean; message: Line };

export const STATES = ["received", "applied", "refused", "dead", "ignored", "quarantined", "waiting", "sent"];
export const COLOR: Record<string, string> = { applied: "good", sent: "good", refused: "high", dead: "bad", quarantined: "bad", waiting: "low", received: "low" };

/** What is wrong with a message, in words; the server says `E missing-field PID[1]-3`. */
export function inWords(problem: string, word: (kind: string, code?: string) => string): string {
  const [severity, kind, ...at] = problem.split(" ");
  return `${word("severity", severity)}: ${word("problem", kind)}${at[0] === "message" ? "" : ` (${at.join(" ")})`}`;
}

/** Whether somebody has to look at it. */
export const isOpen = (line: Line) => line.state === "dead" || line.state === "quarantined";

/** Whether it may be worked on, or sent, again. */
export const isRepeatable = (line: Line) => line.direction === "in" || line.state === "dead" || line.state === "sent";

/** Bytes as text, a segment a line. */
export function lines(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n").trimEnd();
}
