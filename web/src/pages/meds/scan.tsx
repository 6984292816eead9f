import { Button, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { useWords } from "../../words";

type Detector = { detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]> };
declare global {
  interface Window { BarcodeDetector?: new (options: { formats: string[] }) => Detector }
}

/** A field for a scanner that types and ends with Enter; a camera where the browser can read codes. */
export function Scan({ label, scanned, value, focus }: { label: string; scanned: (text: string) => void; value?: string; focus?: boolean }) {
  const { say } = useWords();
  const [text, setText] = useState("");
  const [filming, setFilming] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { if (focus) field.current?.focus(); }, [focus]);
  const take = (read: string) => {
    // Scanners send FNC1 as a control character, which a field keeps.
    if (read.trim()) scanned(read);
    setText("");
  };
  return (
    <div className="row" style={{ alignItems: "flex-end" }}>
      <TextInput ref={field} label={label} value={text} placeholder={value} autoComplete="off" style={{ flex: 1, minWidth: 200 }}
        rightSection={value ? <span aria-hidden className="good">✓</span> : undefined}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") { event.preventDefault(); take(event.currentTarget.value); }
          // Alt+029 and Ctrl+] are how wedges type the separator of elements.
          if (event.ctrlKey && event.key === "]") { event.preventDefault(); setText(`${text}\u001d`); }
        }} />
      {window.BarcodeDetector && <Button variant="default" onClick={() => setFilming(true)}>{say("camera")}</Button>}
      {filming && <Film found={(read) => { setFilming(false); take(read); }} close={() => setFilming(false)} />}
    </div>
  );
}

function Film({ found, close }: { found: (text: string) => void; close: () => void }) {
  const { say } = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<string>();
  useEffect(() => {
    let over = false;
    let stream: MediaStream | undefined;
    const run = async () => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const detector = window.BarcodeDetector && new window.BarcodeDetector({ formats: ["data_matrix", "code_128", "ean_13", "upc_a", "itf", "qr_code"] });
      if (!video.current || !detector) return;
      video.current.srcObject = stream;
      await video.current.play();
      while (!over) {
        const [code] = await detector.detect(video.current);
        if (code) { over = true; found(code.rawValue); }
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    };
    run().catch((reason: Error) => setError(reason.message));
    return () => { over = true; stream?.getTracks().forEach((track) => track.stop()); };
  }, []);
  return (
    <div className="stack">
      <video ref={video} muted playsInline style={{ width: "100%", maxWidth: 320 }} />
      {error && <span className="bad">{error}</span>}
      <Button variant="default" size="xs" onClick={close}>{say("shut")}</Button>
    </div>
  );
}
