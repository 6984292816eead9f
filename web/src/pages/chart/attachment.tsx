// What is attached to a document: text, pictures and PDF are shown, everything else is a file.
import { Alert, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { call } from "../../api";
import { useWords } from "../../words";

export type Attachment = { contentType?: string; data?: string; url?: string; title?: string };

/** What the page shows, by how its bytes begin: a name that says otherwise is not believed. */
const SHOWN: { type: string; ending: string; begins: (bytes: Uint8Array) => boolean }[] = [
  { type: "application/pdf", ending: "pdf", begins: (it) => starts(it, "%PDF-") },
  { type: "image/png", ending: "png", begins: (it) => starts(it, "\x89PNG\r\n\x1a\n") },
  { type: "image/jpeg", ending: "jpg", begins: (it) => starts(it, "\xff\xd8\xff") },
  { type: "image/gif", ending: "gif", begins: (it) => starts(it, "GIF8") },
  { type: "image/webp", ending: "webp", begins: (it) => starts(it, "RIFF") && starts(it.subarray(8), "WEBP") },
];

const starts = (bytes: Uint8Array, text: string) => [...text].every((char, n) => bytes[n] === char.charCodeAt(0));
const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** Id of a Binary of this server. */
function binaryOf(url?: string): string | undefined {
  const path = url?.startsWith(window.location.origin) ? url.slice(window.location.origin.length) : url;
  return /^(?:\/?fhir\/)?Binary\/([A-Za-z0-9.-]{1,64})(?:\/_history\/\d+)?$/.exec(path ?? "")?.[1];
}

export function Form({ form }: { form: Attachment }) {
  const { say } = useWords();
  const binary = form.data ? undefined : binaryOf(form.url);
  const fetched = useQuery({
    queryKey: ["of", "binary", binary], enabled: Boolean(binary), gcTime: 0,
    queryFn: () => call<{ data?: string; contentType?: string }>("GET", `/fhir/Binary/${binary}`),
  });
  const data = form.data ?? fetched.data?.data;
  const type = (form.contentType ?? fetched.data?.contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (fetched.error) return <Alert color="red">{fetched.error.message}</Alert>;
  if (binary && fetched.isPending) return <p className="quiet" role="status">{say("loading")}</p>;
  // Somebody else's server is not asked: it would learn who is looked at.
  if (!data) return <p className="quiet">{form.title ?? say("file")} ({type || "?"}): {say("notHere")}</p>;
  if (type.startsWith("text/")) return <pre className="prose">{new TextDecoder().decode(bytesOf(data))}</pre>;
  return <File data={data} type={type} title={form.title} />;
}

/**
 * Bytes become an address that only this page knows. It is given the type that its bytes have, never
 * one that could run, and inherits the policy of the page.
 */
function File({ data, type, title }: { data: string; type: string; title?: string }) {
  const { say } = useWords();
  const [at, setAt] = useState<{ url: string; shows?: string; ending: string; size: number }>();
  useEffect(() => {
    const bytes = bytesOf(data);
    const shown = SHOWN.find((it) => it.begins(bytes));
    const url = URL.createObjectURL(new Blob([bytes], { type: shown?.type ?? "application/octet-stream" }));
    setAt({ url, shows: shown?.type, ending: shown?.ending ?? "bin", size: bytes.length });
    return () => URL.revokeObjectURL(url);
  }, [data]);
  if (!at) return null;
  const name = title ?? say("file");
  const file = /\.[A-Za-z0-9]{1,5}$/.test(name) ? name : `${name}.${at.ending}`;
  return (
    <figure className="file" data-file={at.shows ?? "other"}>
      {at.shows?.startsWith("image/") && <img src={at.url} alt={name} />}
      {at.shows === "application/pdf" && <iframe src={at.url} title={name} />}
      <figcaption className="row">
        <span className="grow">{name} <span className="quiet">{at.shows ?? (type || "?")} · {sizeOf(at.size)}</span></span>
        <Button component="a" href={at.url} download={file} variant="default" size="xs">{say("download")}</Button>
      </figcaption>
    </figure>
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
