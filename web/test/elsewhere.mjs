// Orders of other systems, whose dosing often has codes and no words: nothing of it is left out
// where somebody verifies, gives or reads it.
import { account, check, prepare, put, send, tell, url } from "./browser.mjs";

await prepare();
await account("paul", "pharmacist");
const ack = await send([
  "MSH|^~\\&|NORTH|CITY|WARD|HOSP|20260301100000||RDE^O11^RDE_O11|R1|P|2.5.1",
  "PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F", "PV1|1|I|W3^301^2||||||||||||||||V900^^^HOSP^VN",
  "ORC|NW|M500^NORTH||||||||||D01^Berg^Anna^^^Dr",
  "RXE|^^^20260301100000|^Lisinopril 10 mg tablet|10||mg^milligram^UCUM|||||1|{tbl}^tablet^UCUM",
  "TQ1|1||Q8H", "RXR|PO^Oral^HL70162", "",
].join("\r"));
check(ack.includes("MSA|AA|R1"), `the message was answered with ${ack}`);
const mg = (value) => ({ value, unit: "mg" });
await put({
  resourceType: "MedicationRequest", id: "coded", status: "active", intent: "order", subject: { reference: "Patient/anna" },
  category: [{ coding: [{ code: "inpatient" }] }], medicationCodeableConcept: { text: "Morphine" },
  dosageInstruction: [
    {
      timing: { repeat: { frequency: 1, frequencyMax: 2, period: 6, periodUnit: "h", timeOfDay: ["08:00:00"], boundsPeriod: { start: "2026-03-01", end: "2026-03-05" } } },
      asNeededCodeableConcept: { text: "pain" }, route: { coding: [{ code: "SC" }] }, doseAndRate: [{ doseRange: { low: mg(2), high: mg(5) } }],
      maxDosePerPeriod: { numerator: mg(20), denominator: { value: 1, unit: "d" } }, additionalInstruction: [{ text: "not at night" }],
      modifierExtension: [{ url: "urn:x", valueCode: "y" }],
    },
    { text: "5 mg at once" },
  ],
});

await tell("elsewhere", async (it) => {
  const { page, look, signIn } = it;
  await page.goto(url);
  await signIn("paul");
  await page.getByRole("navigation").getByRole("link", { name: "Verify" }).click();
  const main = page.getByRole("main");
  const lisinopril = "10 milligram, Oral, Q8H";
  const morphine = "2 mg–5 mg, SC, 1–2× / 6 h, 08:00, → 2026-03-05, PRN pain, max 20 mg / 1 d, not at night";
  for (const text of [lisinopril, morphine, "5 mg at once", "in another system, by Dr Anna Berg"]) await main.getByText(text).first().waitFor();
  // What no words are known for is shown as it came.
  await main.getByText('{"modifierExtension":[{"url":"urn:x","valueCode":"y"}]}').waitFor();
  await look("elsewhere-verify");
  await page.goto(`${url}/#/meds/anna`);
  const row = page.getByRole("row", { name: /Lisinopril/ });
  await row.getByText(lisinopril).waitFor();
  await row.getByRole("button", { name: "More" }).click();
  const more = page.getByRole("dialog");
  await more.getByText(lisinopril).waitFor();
  await more.getByText("in another system, by Dr Anna Berg").waitFor();
  await look("elsewhere-more");
  return { orders: 2 };
});
