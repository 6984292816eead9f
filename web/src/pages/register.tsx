import { Alert, Badge, Button, Checkbox, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, type Patient, call, nameOf } from "../api";
import { go } from "../route";
import { type Word, useWords } from "../words";

type Candidate = Partial<Patient> & {
  id: string; grade: "certain" | "probable" | "possible"; probability: number; evidence?: [string, "same" | "close" | "differs"][];
};

const EMPTY = { family: "", given: "", middle: "", birthDate: "", phone: "", email: "", street: "", city: "", postalCode: "", language: "", contact: "", contactPhone: "" };
type Fields = typeof EMPTY;
const FIELD: Record<string, Word> = {
  number: "control", family: "family", given: "given", birthDate: "birthDate", sex: "sex", phone: "phone", email: "email", address: "street", postalCode: "postalCode",
};

/** A new patient, unless somebody alike is registered and was not looked at. */
export function Register() {
  const { say } = useWords();
  const [fields, setFields] = useState<Fields>(EMPTY);
  const [sex, setSex] = useState<string | null>(null);
  const [others, setOthers] = useState<string[]>([]);
  // One for each registration: asking twice registers once.
  const [key, setKey] = useState(() => crypto.randomUUID());
  const register = useMutation({
    mutationFn: () => call<Patient>("POST", "/api/patients", { patient: patientOf(fields, sex), seen: others }, { "idempotency-key": key }),
    onSuccess: (patient) => go(`/patient/${patient.id}`),
  });
  const alike = register.error instanceof ApiError && register.error.status === 409
    ? ((register.error.body as { candidates?: Candidate[] }).candidates ?? []) : [];
  const change = (name: keyof Fields, value: string) => {
    setFields({ ...fields, [name]: value });
    // Somebody else is told apart from somebody else.
    setOthers([]);
    setKey(crypto.randomUUID());
    register.reset();
  };
  const text = (name: keyof Fields, word: Word, more: object = {}) => (
    <TextInput label={say(word)} value={fields[name]} maxLength={200} autoComplete="off" onChange={(e) => change(name, e.currentTarget.value)} {...more} />
  );
  return (
    <div className="stack" style={{ maxWidth: 760 }}>
      <h1 style={{ margin: 0, fontSize: 22 }}>{say("registration")}</h1>
      <form className="card stack" onSubmit={(event) => { event.preventDefault(); register.mutate(); }}>
        <div className="two">
          {text("family", "family", { required: true })}
          {text("given", "given")}
          {text("middle", "middle")}
          {text("birthDate", "birthDate", { type: "date" })}
          <Select label={say("sex")} value={sex} clearable onChange={(value) => { setSex(value); setOthers([]); setKey(crypto.randomUUID()); register.reset(); }}
            data={["female", "male", "other", "unknown"].map((it) => ({ value: it, label: say(it as Word) }))} />
          {text("language", "languageOf", { placeholder: "en" })}
          {text("phone", "phone", { type: "tel" })}
          {text("email", "email", { type: "email" })}
          {text("street", "street")}
          {text("city", "city")}
          {text("postalCode", "postalCode")}
          <span />
          {text("contact", "contact")}
          {text("contactPhone", "contactPhone", { type: "tel" })}
        </div>
        {register.error && alike.length === 0 && <Alert color="red" role="alert">{register.error.message}</Alert>}
        {alike.length > 0 && (
          <section className="stack" role="alert" aria-label={say("alike")}>
            <div className="alert-line"><b>{say("alike")}</b><br /><span className="quiet">{say("alikeHint")}</span></div>
            {alike.map((it) => (
              <div className="card row" key={it.id} data-alike={it.grade}>
                <div>
                  {it.name ? <a href={`#/patient/${it.id}`}><b>{nameOf(it as Patient)}</b></a> : <b>{say("hiddenPerson")}</b>}{" "}
                  <Badge variant="default" tt="none">{say(it.grade)}</Badge>
                  <div className="quiet">
                    {[it.birthDate, it.gender && say(it.gender as Word), it.address?.[0]?.line?.join(" "), it.address?.[0]?.city, it.telecom?.[0]?.value, it.identifier?.[0]?.value].filter(Boolean).join(" · ")}
                  </div>
                  <div className="quiet">
                    {it.evidence?.map(([field, level]) => `${{ same: "=", close: "≈", differs: "≠" }[level]} ${say(FIELD[field] ?? "value")}`).join("  ")}
                  </div>
                </div>
                <span className="grow" />
                <Checkbox label={say("somebodyElse")} checked={others.includes(it.id)}
                  onChange={(e) => setOthers(e.currentTarget.checked ? [...others, it.id] : others.filter((id) => id !== it.id))} />
              </div>
            ))}
          </section>
        )}
        <Button type="submit" disabled={!fields.family.trim() || alike.some((it) => !others.includes(it.id))} loading={register.isPending}>
          {say(alike.length > 0 ? "registerAnyway" : "register")}
        </Button>
      </form>
    </div>
  );
}

/** What was filled in, as FHIR; an element that says nothing is left out. */
function patientOf(fields: Fields, sex: string | null): unknown {
  const it = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.trim()])) as Fields;
  const given = [it.given, ...it.middle.split(/\s+/)].filter(Boolean);
  const telecom = [
    ...(it.phone ? [{ system: "phone", value: it.phone }] : []),
    ...(it.email ? [{ system: "email", value: it.email }] : []),
  ];
  const address = {
    ...(it.street && { line: [it.street] }), ...(it.city && { city: it.city }), ...(it.postalCode && { postalCode: it.postalCode }),
  };
  const contact = {
    ...(it.contact && { name: { text: it.contact } }), ...(it.contactPhone && { telecom: [{ system: "phone", value: it.contactPhone }] }),
  };
  const has = (value: object) => Object.keys(value).length > 0;
  return {
    resourceType: "Patient",
    active: true,
    name: [{ use: "official", family: it.family, ...(given.length > 0 && { given }) }],
    ...(it.birthDate && { birthDate: it.birthDate }),
    ...(sex && { gender: sex }),
    ...(telecom.length > 0 && { telecom }),
    ...(has(address) && { address: [address] }),
    // SPEC: v2-0131 `C` is the emergency contact.
    ...(has(contact) && { contact: [{ relationship: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/v2-0131", code: "C" }] }], ...contact }] }),
    ...(it.language && { communication: [{ language: { coding: [{ system: "urn:ietf:bcp:47", code: it.language }] }, preferred: true }] }),
  };
}
