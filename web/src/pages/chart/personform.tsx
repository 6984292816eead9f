import { MultiSelect, Select, TextInput } from "@mantine/core";

import { type Word, useWords } from "../../words";
import { ETHNICITIES, type Fields, LANGUAGES, RACES, ROLES } from "./person";

/** Everything that is asked of who somebody is. */
export function PersonFields({ fields, change }: { fields: Fields; change: (next: Fields) => void }) {
  const { say, language } = useWords();
  const set = <K extends keyof Fields>(name: K, value: Fields[K]) => change({ ...fields, [name]: value });
  const text = (name: Exclude<keyof Fields, "races">, word: Word, more: object = {}) => (
    <TextInput label={say(word)} value={fields[name]} maxLength={200} autoComplete="off" onChange={(e) => set(name, e.currentTarget.value)} {...more} />
  );
  const choices = (all: [string, string, string][]) => all.map(([value, en, zh]) => ({ value, label: language === "zh" ? zh : en }));
  const languages = LANGUAGES.map(([value, label]) => ({ value, label }));
  if (fields.language && !languages.some((it) => it.value === fields.language)) languages.push({ value: fields.language, label: fields.language });
  return (
    <>
      <fieldset className="plain"><legend>{say("identity")}</legend>
        <div className="three">
          {text("family", "family", { required: true })}
          {text("given", "given")}
          {text("middle", "middle")}
          {text("birthDate", "birthDate", { type: "date" })}
          <Select label={say("sex")} value={fields.sex || null} clearable onChange={(value) => set("sex", value ?? "")}
            data={["female", "male", "other", "unknown"].map((it) => ({ value: it, label: say(it as Word) }))} />
          <Select label={say("languageOf")} value={fields.language || null} clearable searchable onChange={(value) => set("language", value ?? "")} data={languages} />
          <MultiSelect label={say("race")} value={fields.races} maxValues={5} onChange={(value) => set("races", value)} data={choices(RACES)} />
          <Select label={say("ethnicity")} value={fields.ethnicity || null} clearable onChange={(value) => set("ethnicity", value ?? "")} data={choices(ETHNICITIES)} />
        </div>
      </fieldset>
      <fieldset className="plain"><legend>{say("reach")}</legend>
        <div className="three">
          {text("phone", "phone", { type: "tel" })}
          {text("mobile", "mobile", { type: "tel" })}
          {text("email", "email", { type: "email" })}
          {text("street", "street")}
          {text("city", "city")}
          <div className="pair">{text("region", "region")}{text("postalCode", "postalCode")}</div>
        </div>
      </fieldset>
      <fieldset className="plain"><legend>{say("emergency")}</legend>
        <div className="three">
          {text("contact", "contact")}
          <Select label={say("contactRole")} value={fields.contactRole || null} clearable onChange={(value) => set("contactRole", value ?? "")} data={choices(ROLES)} />
          {text("contactPhone", "contactPhone", { type: "tel" })}
        </div>
      </fieldset>
    </>
  );
}
