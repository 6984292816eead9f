// Makes the pictures of docs/pictures from a simulated hospital.
//
//   ward init; ward simulate --patients 60 --out P; ward import P; ward serve
//   WARD_URL=... WARD_MLLP=... WARD_TOKEN=... WARD_ADMIN=... node web/test/pictures.mjs
//
// A channel (`hl7.channels`) gives the picture of interfaces something to show. The chart must be
// new: it makes beds, admits simulated patients, and signs people in.
import { chromium } from "playwright-core";

import { account, admin, ask, put, send, settled, url, PASSWORD } from "./browser.mjs";

const folder = new URL("../../docs/pictures/", import.meta.url).pathname;
const WARDS = ["MED", "SUR", "ICU"];
const SIZE = { width: 1200, height: 720 };
const REASONS = [
  ["Pneumonia", "J18.9"], ["Heart failure", "I50.9"], ["COPD with acute exacerbation", "J44.1"], ["Hip fracture", "S72.001A"], ["Stroke", "I63.9"], ["Sepsis", "A41.9"],
];

const doctor = await account("ito", "physician", "Dr. Paul Ito");
await account("desk", "registrar");
await account("bridge", "integration");
for (const ward of WARDS) {
  for (let n = 1; n <= 8; n += 1) {
    await ask("PUT", `/api/beds/${ward.toLowerCase()}-${n}`, { name: `${ward}-${String(n).padStart(2, "0")}`, offer: { ward, room: `${ward}${n}`, hasMonitoring: ward === "ICU", hasIsolation: n === 8 }, capacity: 1 }, admin).catch(async () => {
      await ask("PUT", `/api/beds/${ward.toLowerCase()}-${n}`, { name: `${ward}-${String(n).padStart(2, "0")}`, offer: { ward }, capacity: 1 }, admin);
    });
  }
}
const found = await ask("GET", "/fhir/Patient?_count=60&_sort=birthdate");
const patients = found.entry.map((it) => it.resource).filter((it) => !it.deceasedDateTime && !it.deceasedBoolean);
const admitted = [];
for (const [n, patient] of patients.slice(0, 17).entries()) {
  const ward = WARDS[n % 3].toLowerCase();
  const [text, code] = REASONS[n % REASONS.length];
  const done = await ask("POST", "/api/admissions", {
    patient: `Patient/${patient.id}`, attending: `Practitioner/${doctor}`, reasons: [{ text, system: "http://hl7.org/fhir/sid/icd-10-cm", code }], needs: { bed: `${ward}-${Math.floor(n / 3) + 1}` },
  }).catch(() => undefined);
  if (done?.encounter) admitted.push({ ...done, who: patient });
}
const stay = (it) => it.encounter.replace("Encounter/", "");
await ask("POST", `/api/encounters/${stay(admitted[4])}/leave`, {});
await ask("POST", `/api/encounters/${stay(admitted[7])}/discharge`, {});
await ask("POST", "/api/beds/icu-8/close", {});
await ask("POST", "/api/beds/med-7/hold", { patient: `Patient/${patients[20].id}`, minutes: 240 });

for (const [n, [type, ...segments]] of [
  ["ADT^A01^ADT_A01", "EVN||20260101080000", "PID|1||90001^^^HOSP^MR||Walker^Ann||19600102|F", "PV1|1|I|OBS^1^A||||||||||||||||V1^^^HOSP^VN"],
  ["ADT^A03^ADT_A03", "EVN||20260101090000", "PID|1||90001^^^HOSP^MR||Walker^Ann||19600102|F", "PV1|1|I|OBS^1^A||||||||||||||||V1^^^HOSP^VN"],
  ["ORU^R01^ORU_R01", "PID|1||90001^^^HOSP^MR||Walker^Ann||19600102|F", "OBR|1||77|2823-3^Potassium^LN|||20260101083000", "OBX|1|NM|2823-3^Potassium^LN||5.4|mmol/L|3.5-5.1|H|||F|||20260101083000"],
  ["ZZZ^Z99", "ZZZ|1"],
].entries()) await send([`MSH|^~\\&|REG|HOSP|WARD|HOSP|2026010108000${n}||${type}|MSG000${n}|P|2.5.1`, ...segments, ""].join("\r"));

// One patient with everything that a chart shows.
const { who } = admitted[0];
const subject = { reference: `Patient/${who.id}` };
await put({ resourceType: "AllergyIntolerance", id: "shown-a", patient: subject, code: { text: "Penicillin" }, criticality: "high", reaction: [{ manifestation: [{ text: "hives" }] }] });
for (const [n, value] of [4.1, 4.4, 4.9, 5.4, 5.8, 5.2, 4.7].entries()) {
  await put({
    resourceType: "Observation", id: `shown-k${n}`, status: "final", subject, code: { coding: [{ system: "http://loinc.org", code: "2823-3", display: "Potassium [Moles/volume] in Serum or Plasma" }] },
    category: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "laboratory" }] }],
    effectiveDateTime: `2026-01-0${n + 1}T0${n % 3 + 6}:10:00Z`, valueQuantity: { value, unit: "mmol/L" }, referenceRange: [{ low: { value: 3.5 }, high: { value: 5.1 } }],
  });
}
await ask("POST", `/api/patients/${who.id}/vital-signs`, {
  encounter: admitted[0].encounter, confirmed: [],
  values: { systolic: { value: 128, unit: "mmHg" }, diastolic: { value: 76, unit: "mmHg" }, heartRate: { value: 88, unit: "/min" }, temperature: { value: 38.1, unit: "°C" }, oxygenSaturation: { value: 94, unit: "%" } },
});
for (const [id, text, description, at] of [["shown-n1", "Progress note", "Better; oxygen reduced to 2 L/min.", "2026-01-06T09:20:00Z"], ["shown-n2", "Letter of the family doctor", "Medication before admission.", "2026-01-04T15:00:00Z"]]) {
  await put({ resourceType: "DocumentReference", id, status: "current", docStatus: "final", type: { text }, subject, date: at, description, content: [{ attachment: { contentType: "text/plain", data: Buffer.from(description).toString("base64") } }] });
}

const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] });
const page = await browser.newPage({ viewport: SIZE, locale: "en-GB" });
page.setDefaultTimeout(60_000);
const shot = async (name, size = SIZE) => {
  await page.setViewportSize(size);
  await settled(page);
  await page.mouse.move(0, size.height - 1);
  await page.screenshot({ path: `${folder}${name}.png` });
  await page.setViewportSize(SIZE);
};
const enter = async (name) => {
  await page.goto(`${url}/#/`);
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.locator("input[type=password]").first().fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
};
const leave = async () => {
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
};

await enter("desk");
await page.getByText("On leave").waitFor();
await shot("board");
await page.emulateMedia({ colorScheme: "dark" });
await shot("board-dark");
await page.emulateMedia({ colorScheme: "light" });
const next = patients[24];
const family = next.name[0].family;
await page.goto(`${url}/#/admit/${next.id}`);
await page.getByText(family).first().waitFor();
await page.getByLabel("Reason for admission").fill("Pneumonia");
await page.getByLabel("Code (ICD-10-CM)").fill("J18.9");
await shot("admit", { width: 1200, height: 600 });
await page.getByRole("button", { name: "Admit" }).click();
await page.locator("[data-step=notify][data-state=done]").waitFor();
await shot("admission", { width: 1200, height: 600 });
await page.goto(`${url}/#/workflows`);
await page.getByText("All", { exact: true }).click();
await page.getByRole("link", { name: family }).first().waitFor();
await shot("admissions", { width: 1200, height: 520 });
await page.goto(`${url}/#/register`);
await page.getByLabel("Family name").fill(family);
await page.getByLabel("Given name").fill(next.name[0].given[0]);
await page.getByLabel("Birth date").fill(next.birthDate);
await page.getByRole("button", { name: "Register" }).click();
await page.locator("[data-alike]").first().waitFor();
await shot("duplicate", { width: 1200, height: 760 });
// Entered in error: taken back from the stays of the chart.
const gone = admitted[7].who;
await page.goto(`${url}/#/patient/${gone.id}/encounters`);
await page.getByRole("button", { name: "Take the discharge back" }).click();
await page.getByRole("dialog").getByRole("button", { name: "Yes, do it" }).waitFor();
await shot("cancel-discharge", { width: 1200, height: 420 });
await page.keyboard.press("Escape");
await page.getByRole("dialog").waitFor({ state: "detached" });
await leave();

await enter("ito");
for (const [tab, name, text] of [["summary", "chart", "128 / 76 mmHg"], ["results", "results", "Potassium"], ["plans", "careplans", "Orders"], ["timeline", "timeline", "Progress note"], ["documents", "documents", "Progress note"]]) {
  await page.goto(`${url}/#/patient/${who.id}/${tab}`);
  await page.getByText(text).first().waitFor();
  if (tab === "results") {
    await page.getByRole("button", { name: /^Potassium/ }).first().click();
    await page.getByRole("img").first().waitFor();
  }
  await shot(name);
}
await leave();
await enter("bridge");
await page.goto(`${url}/#/messages`);
await page.getByRole("cell").first().waitFor();
await page.locator("td button").first().click();
await page.getByRole("dialog").locator("[data-segment='MSH[1]']").first().waitFor();
await shot("messages");
await page.goto(`${url}/#/interfaces`);
await page.locator("[data-interface=mllp]").waitFor();
await shot("interfaces");
await browser.close();
