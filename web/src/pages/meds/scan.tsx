// Reading a barcode: by a scanner that types, by the camera where the browser can read codes, by hand.
import { ActionIcon, Alert, Modal, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { useWords } from "../../words";

type Detector = { detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]> };
type DetectorClass = { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> };
declare global {
  interface Window { BarcodeDetector?: DetectorClass }
}

/** What packages and wristbands carry. */
const FORMATS = ["data_matrix", "code_128", "ean_13", "upc_a", "itf", "qr_code"];
/** Milliseconds between two looks at the picture. */
const LOOK_MS = 150;

/** Whether a camera could be used here at all: a secure page, a camera, and a browser that reads codes. */
const films = () => Boolean(window.isSecureContext && window.BarcodeDetector && navigator.mediaDevices?.getUserMedia);

/** A field for a scanner that types and ends with Enter, with a camera beside it. */
export function Scan({ label, scanned, value, focus, says }: { label: string; scanned: (text: string) => void; value?: string; focus?: boolean; says?: React.ReactNode }) {
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
    <>
      <TextInput ref={field} label={label} value={text} placeholder={value ?? say("scanHint")} autoComplete="off" spellCheck={false} data-autofocus={focus || undefined}
        description={says} inputWrapperOrder={["label", "input", "description"]} rightSectionWidth={value && films() ? 64 : 36}
        rightSection={
          <div className="row" style={{ gap: 4, flexWrap: "nowrap" }}>
            {value && <span aria-hidden className="good">✓</span>}
            {films() && <ActionIcon variant="subtle" color="gray" aria-label={`${label}: ${say("camera")}`} title={say("camera")} onClick={() => setFilming(true)}>◉</ActionIcon>}
          </div>
        }
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => { if (text.trim()) take(text); }}
        onKeyDown={(event) => {
          if (event.key === "Enter") { event.preventDefault(); take(event.currentTarget.value); }
          // Alt+029 and Ctrl+] are how wedges type the separator of elements.
          if (event.ctrlKey && event.key === "]") { event.preventDefault(); setText(`${text}\u001d`); }
        }} />
      {filming && <Film label={label} found={(read) => { setFilming(false); take(read); }} close={() => { setFilming(false); field.current?.focus(); }} />}
    </>
  );
}

function Film({ label, found, close }: { label: string; found: (text: string) => void; close: () => void }) {
  const { say } = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState(false);
  const tell = useRef(found);
  tell.current = found;
  useEffect(() => {
    let over = false;
    let stream: MediaStream | undefined;
    const run = async () => {
      const able = (await window.BarcodeDetector?.getSupportedFormats()) ?? [];
      const formats = FORMATS.filter((it) => able.includes(it));
      if (!window.BarcodeDetector || formats.length === 0) throw new Error("no formats");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const detector = new window.BarcodeDetector({ formats });
      while (!over && !video.current) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (over || !video.current) { stream.getTracks().forEach((track) => track.stop()); return; }
      video.current.srcObject = stream;
      await video.current.play();
      while (!over && video.current) {
        const [code] = await detector.detect(video.current);
        if (code && !over) { over = true; tell.current(code.rawValue); }
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    };
    run().catch(() => { if (!over) setError(true); });
    return () => { over = true; stream?.getTracks().forEach((track) => track.stop()); };
  }, []);
  return (
    <Modal opened onClose={close} title={label} closeButtonProps={{ "aria-label": say("shut") }}>
      {error ? <Alert color="gray" role="alert" title={say("noCamera")}>{say("noCameraHint")}</Alert> : <><video ref={video} muted playsInline className="film" /><p className="quiet">{say("holdCode")}</p></>}
    </Modal>
  );
}
