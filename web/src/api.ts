// Talking to Ward: FHIR and its own API, with the session's cookie.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** What the server said besides. */
    readonly body?: unknown,
  ) {
    super(message);
  }
}

type Listener = () => void;
const ended = new Set<Listener>();

/** Calls `listener` when the server says that nobody is signed in. */
export function onSessionEnd(listener: Listener): () => void {
  ended.add(listener);
  return () => ended.delete(listener);
}

export async function call<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...more };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const value = text === "" ? null : JSON.parse(text);
  if (!response.ok) {
    if (response.status === 401 && path !== "/api/sign-in") ended.forEach((it) => it());
    throw new ApiError(response.status, said(value) ?? `HTTP ${response.status}`, value);
  }
  return value as T;
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);

function said(value: unknown): string | undefined {
  const issues = (value as { issue?: { diagnostics?: string; expression?: string[] }[] })?.issue;
  const lines = issues
    ?.filter((issue) => issue.diagnostics)
    .map((issue) => [issue.expression?.[0], issue.diagnostics].filter(Boolean).join(": "));
  return lines?.length ? lines.join("; ") : undefined;
}

// FHIR, as far as the pages read it.

export type Reference = { reference?: string; display?: string };
export type Concept = { text?: string; coding?: { system?: string; code?: string; display?: string }[] };
export type Resource = { resourceType: string; id: string; [name: string]: unknown };
export type Bundle<R = Resource> = { total?: number; entry?: { resource: R }[]; link?: { relation: string; url: string }[] };

export type Patient = Resource & {
  name?: { family?: string; given?: string[]; text?: string; use?: string }[];
  birthDate?: string;
  gender?: string;
  deceasedBoolean?: boolean;
  deceasedDateTime?: string;
  identifier?: { system?: string; value?: string; type?: Concept }[];
  link?: { other?: Reference; type?: string }[];
  telecom?: { system?: string; value?: string }[];
  address?: { line?: string[]; city?: string; postalCode?: string }[];
};

export async function search<R = Resource>(query: string): Promise<R[]> {
  const bundle = await get<Bundle<R>>(`/fhir/${query}`);
  return (bundle.entry ?? []).map((entry) => entry.resource);
}

/** Every match, page by page, up to `most`. */
export async function searchAll<R = Resource>(query: string, most = 1_000): Promise<R[]> {
  const found: R[] = [];
  let path: string | undefined = `/fhir/${query}`;
  while (path && found.length < most) {
    const bundle: Bundle<R> = await get<Bundle<R>>(path);
    found.push(...(bundle.entry ?? []).map((entry) => entry.resource));
    const next = bundle.link?.find((link) => link.relation === "next")?.url;
    // The server may be known to others by another address.
    const url: URL | undefined = next ? new URL(next, window.location.href) : undefined;
    path = url ? `${url.pathname}${url.search}` : undefined;
  }
  return found;
}

export function nameOf(patient?: Patient): string {
  const name = patient?.name?.find((it) => it.use === "official") ?? patient?.name?.[0];
  if (!name) return "—";
  if (name.text) return name.text;
  return [name.family, name.given?.join(" ")].filter(Boolean).join(", ");
}

export function words(concept?: Concept): string {
  const coding = concept?.coding?.[0];
  return concept?.text ?? coding?.display ?? coding?.code ?? "—";
}

export function idOf(reference?: string): string {
  return reference?.split("/").pop() ?? "";
}

export function age(birthDate?: string, now = new Date()): number | undefined {
  if (!birthDate) return undefined;
  const [year, month = 1, day = 1] = birthDate.split("-").map(Number);
  if (year === undefined || Number.isNaN(year)) return undefined;
  const had = now.getMonth() + 1 > month || (now.getMonth() + 1 === month && now.getDate() >= day);
  return now.getFullYear() - year - (had ? 0 : 1);
}
