import { Alert, Badge, Button, Checkbox } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, type Patient, call, nameOf } from "../api";
import { go } from "../route";
import { type Word, useWords } from "../words";
import { EMPTY as NO_COVER, type Fields as Cover, coverageOf } from "./chart/coverage";
import { CoverageFields } from "./chart/coverageform";
import { EMPTY, type Fields, patientOf } from "./chart/person";
import { PersonFields } from "./chart/personform";

type Candidate = Partial<Patient> & {
  id: string; grade: "certain" | "probable" | "possible"; probability: number; evidence?: [string, "same" | "close" | "differs"][];
};

const FIELD: Record<string, Word> = {
  number: "control", family: "family", given: "given", birthDate: "birthDate", sex: "sex", phone: "phone", email: "email", address: "street", postalCode: "postalCode",
};

/** A new patient, unless somebody alike is registered and was not looked at. */
export function Register() {
  const { say } = useWords();
  const [fields, setFields] = useState<Fields>(EMPTY);
  const [covers, setCovers] = useState<Cover[]>([]);
  const [others, setOthers] = useState<string[]>([]);
  // One for each registration: asking twice registers once.
  const [key, setKey] = useState(() => crypto.randomUUID());
  const register = useMutation({
    mutationFn: async () => {
      const patient = await call<Patient>("POST", "/api/patients", { patient: patientOf(fields), seen: others }, { "idempotency-key": key });
      const entry = covers.map((cover, n) => ({
        resource: { ...coverageOf(cover, patient.id), identifier: [{ system: "urn:ward:registration", value: `${key}-${n}` }] },
        request: { method: "POST", url: "Coverage", ifNoneExist: `identifier=urn:ward:registration|${key}-${n}` },
      }));
      if (entry.length > 0) await call("POST", "/fhir", { resourceType: "Bundle", type: "transaction", entry });
      return patient;
    },
    onSuccess: (patient) => go(`/patient/${patient.id}`),
  });
  const alike = register.error instanceof ApiError && register.error.status === 409
    ? ((register.error.body as { candidates?: Candidate[] }).candidates ?? []) : [];
  const change = (next: Fields) => {
    setFields(next);
    // Somebody else is told apart from somebody else.
    setOthers([]);
    setKey(crypto.randomUUID());
    register.reset();
  };
  const areCovers = covers.every((it) => it.payer.trim() && it.policy.trim());
  return (
    <div className="stack" style={{ maxWidth: 960 }}>
      <h1>{say("registration")}</h1>
      <form className="card stack" onSubmit={(event) => { event.preventDefault(); register.mutate(); }}>
        <PersonFields fields={fields} change={change} />
        <fieldset className="plain"><legend>{say("insurance")}</legend>
          <div className="stack">
            {covers.map((cover, n) => (
              <div className="stack cover" key={n}>
                <CoverageFields fields={cover} change={(next) => setCovers(covers.map((it, m) => (m === n ? next : it)))} />
                <div className="row end"><Button variant="default" size="xs" onClick={() => setCovers(covers.filter((_, m) => m !== n))}>{say("leaveOut")}</Button></div>
              </div>
            ))}
            {covers.length < 4 && <div><Button variant="default" size="xs" onClick={() => setCovers([...covers, { ...NO_COVER, kind: covers.length === 0 ? "primary" : "secondary" }])}>{say("addCoverage")}</Button></div>}
          </div>
        </fieldset>
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
        <Button type="submit" disabled={!fields.family.trim() || !areCovers || alike.some((it) => !others.includes(it.id))} loading={register.isPending}>
          {say(alike.length > 0 ? "registerAnyway" : "register")}
        </Button>
      </form>
    </div>
  );
}
