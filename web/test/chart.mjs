// A doctor's day in the chart of one patient.
import { account, ask, check, prepare, put, tell, url } from "./browser.mjs";

/** A picture of 8 by 8 points. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR42mNgYGBgwIKGliAAK8ABATLp3vEAAAAASUVORK5CYII=";

await prepare();
const paul = await account("paul", "physician", "Dr. Paul Ito");
await ask("POST", "/api/admissions", { patient: "Patient/anna", attending: `Practitioner/${paul}`, reasons: [{ text: "Pneumonia", system: "http://hl7.org/fhir/sid/icd-10-cm", code: "J18.9" }], needs: {} });
await files();

await tell("chart", async (it) => {
  const { page, heading, look, signIn, signOut, find } = it;
  await page.goto(url);
  await signIn("paul");
  await find("meyer", "Meyer");
  await heading("Meyer, Anna").waitFor();
  await page.getByTestId("allergies").getByText("penicillin").waitFor();
  await latest(it);
  await vitals(it);
  await problems(it);
  await allergies(it);
  await results(it);
  await plans(it);
  await documents(it);
  await attachments(it);
  await page.getByRole("tab", { name: "Person" }).click();
  await page.getByRole("region", { name: "Insurance" }).getByText("a payer").waitFor();
  await look("chart-person");
  await page.getByRole("tab", { name: "Stays" }).click();
  await page.getByRole("cell", { name: "Pneumonia" }).first().waitFor();
  await look("stays");
  await page.getByRole("tab", { name: "Timeline" }).click();
  await page.getByText("Progress note").first().waitFor();
  await look("timeline");
  await page.getByRole("tab", { name: "Summary" }).click();
  await page.getByText("128 / 78 mmHg").waitFor();
  await look("summary");
  // A page of a chart has an address, and the way back is the browser's.
  await page.goBack();
  await page.getByText("Progress note").first().waitFor();
  await signOut();
});

/** The latest is the latest, however often the page is drawn. */
async function latest({ page }) {
  for (const tab of ["Stays", "Summary", "Stays", "Summary"]) {
    await page.getByRole("tab", { name: tab }).click();
    if (tab === "Summary") await page.getByText("96 /min").waitFor();
    check((await page.getByText("71 /min").count()) === 0, "an older value is shown as the latest");
  }
}

/** What cannot be is refused, what is unlikely is looked at again. */
async function vitals({ page, look }) {
  await page.getByRole("region", { name: "Latest vital signs" }).getByRole("button", { name: "Enter" }).click();
  await page.getByLabel("Systolic pressure").fill("128");
  await page.getByLabel("Diastolic pressure").fill("78");
  await page.getByLabel("Heart rate").fill("32");
  await page.getByRole("textbox", { name: "Temperature", exact: true }).fill("385");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("385 °C cannot be").waitFor();
  await look("vitals");
  await page.getByRole("textbox", { name: "Temperature", exact: true }).fill("38.5");
  await page.locator("[data-vital=heartRate]").getByLabel("I looked again").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("128 / 78 mmHg").waitFor();
  await page.getByText("38.5 °C").waitFor();
}

async function problems({ page, look }) {
  const region = page.getByRole("region", { name: "Problems" });
  await region.getByRole("button", { name: "Add" }).click();
  await page.getByRole("textbox", { name: "Diagnosis", exact: true }).fill("Type 2 diabetes");
  await page.getByLabel("ICD-10-CM code").fill("E11.9");
  await look("diagnosis");
  await page.getByRole("button", { name: "Save" }).click();
  await region.getByText("E11.9").waitFor();
  await region.getByRole("button", { name: "Mark as resolved: Type 2 diabetes" }).click();
  await region.getByText("History (1)").click();
  await region.getByText("E11.9").waitFor();
}

/** Another allergy, and one that was none. */
async function allergies({ page, look }) {
  await page.getByRole("button", { name: "Allergies…" }).click();
  await page.getByRole("textbox", { name: "Substance", exact: true }).fill("latex");
  await page.getByRole("textbox", { name: "Reaction", exact: true }).fill("rash");
  await look("allergies");
  await page.getByRole("button", { name: "Add", exact: true }).last().click();
  await page.getByRole("cell", { name: "latex" }).waitFor();
  await page.getByTestId("allergies").getByText("latex").waitFor();
  await page.getByRole("row", { name: /latex/ }).getByRole("button", { name: "Refute" }).click();
  await page.getByRole("row", { name: /latex/ }).getByText("refuted").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  check(!(await page.getByTestId("allergies").textContent()).includes("latex"), "an allergy that was refuted is shown");
}

async function results({ page, look }) {
  await page.getByRole("tab", { name: "Results" }).click();
  await page.getByRole("button", { name: "Potassium" }).first().waitFor();
  await look("results-table");
  await page.getByRole("button", { name: "Potassium" }).first().click();
  await page.getByRole("img").waitFor();
  await page.getByText("high").first().waitFor();
  await look("results");
}

/** What the admission proposed is taken up by who may. */
async function plans({ page, choose, look }) {
  await page.getByRole("tab", { name: "Care plans" }).click();
  await page.getByRole("button", { name: "Take up" }).first().click();
  await page.getByRole("button", { name: "Order" }).first().click();
  await page.getByText("active", { exact: true }).first().waitFor();
  await look("plans");
  await page.getByRole("button", { name: "Apply a plan" }).click();
  await choose("Care plan", "Risk of falling");
  await page.getByText("Blood pressure lying and standing").waitFor();
  await look("apply-plan");
  await page.getByRole("button", { name: "Keep as a draft" }).click();
  await page.getByRole("region", { name: "Risk of falling" }).waitFor();
}

/** Notes are written and read; pictures and pages of others are shown, or kept as files. */
async function documents({ page, choose, look }) {
  await page.getByRole("tab", { name: "Documents" }).click();
  for (const [kind, text] of [["Progress note", "Day 1\nBetter; oxygen reduced."], ["Discharge summary", "Pneumonia, treated.\nFollow-up in a week."]]) {
    await page.getByRole("button", { name: "Write a note" }).click();
    await choose("Type", kind);
    await page.getByRole("textbox", { name: "Text", exact: true }).fill(text);
    if (kind === "Progress note") await look("write-note");
    await page.getByRole("button", { name: "Sign" }).click();
    await page.getByRole("button", { name: kind }).waitFor();
  }
  await page.getByRole("button", { name: "Progress note" }).click();
  await page.getByRole("dialog").getByText("oxygen reduced").waitFor();
  await look("note");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await look("documents");
}

/** One page that says so, as small as PDF can be. */
function pdf() {
  const page = "BT /F1 24 Tf 40 120 Td (A letter of another house) Tj ET";
  const parts = [
    "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
    `<</Length ${page.length}>>stream\n${page}\nendstream`, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
  ];
  let text = "%PDF-1.4\n";
  const places = parts.map((part, n) => { const at = text.length; text += `${n + 1} 0 obj${part}endobj\n`; return at; });
  const start = text.length;
  text += `xref\n0 ${parts.length + 1}\n0000000000 65535 f \n${places.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("")}`;
  return `${text}trailer<</Size ${parts.length + 1}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`;
}

/** What other systems keep in the chart: a picture, a letter, and what no browser shows. */
async function files() {
  const document = (id, text, attachment) => put({
    resourceType: "DocumentReference", id, status: "current", docStatus: "final", type: { text }, subject: { reference: "Patient/anna" },
    date: "2026-01-04T10:00:00Z", content: [{ attachment }],
  });
  await document("wound", "Photo of a wound", { contentType: "image/png", data: PNG, title: "wound" });
  await put({ resourceType: "Binary", id: "letter", contentType: "application/pdf", securityContext: { reference: "Patient/anna" }, data: Buffer.from(pdf()).toString("base64") });
  await document("letter", "Letter", { contentType: "application/pdf", url: "Binary/letter", title: "letter.pdf" });
  // It says that it is a picture, and is a page with a script.
  await document("trap", "Trap", { contentType: "image/png", data: Buffer.from("<html><script>document.title='caught'</script>").toString("base64"), title: "trap" });
}

async function attachments({ page, look }) {
  const open = async (name, kind) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.locator(`[data-file="${kind}"]`).waitFor();
  };
  const shut = async () => {
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  };
  const save = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save as a file" }).click()]);
    check(download.suggestedFilename() === name, `saved as ${download.suggestedFilename()}`);
  };
  await open("Photo of a wound", "image/png");
  await page.waitForFunction(() => document.querySelector("[data-file] img")?.naturalWidth === 8);
  await save("wound.png");
  await shut();
  // The browser's own viewer has taken it.
  await Promise.all([
    page.waitForEvent("framenavigated", { predicate: (frame) => frame.url().startsWith("chrome-extension:"), timeout: 30_000 }),
    open("Letter", "application/pdf"),
  ]);
  await save("letter.pdf");
  await look("letter");
  await shut();
  await open("Trap", "other");
  check((await page.locator("[data-file] img, [data-file] iframe").count()) === 0, "what is no picture is shown as one");
  await save("trap.bin");
  await shut();
}
