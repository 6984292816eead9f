// The story of a stay in a real browser, over a running server that the caller has prepared.
//
// Settings come by the environment: WARD_URL, WARD_MLLP (host:port), WARD_SETUP (the one-time
// token), WARD_SHOTS (a folder for pictures, if they are wanted). It says what is wrong and ends
// with 1, or says what it saw and ends with 0.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";

import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { WARD_URL: url, WARD_MLLP: mllp, WARD_SETUP: token, WARD_SHOTS: shots } = process.env;
const PASSWORD = "a long password of a test";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** Bytes of the first load, compressed. */
const FIRST_LOAD_MAX = 300_000;

const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
page.setDefaultTimeout(20_000);
const faults = [];
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
page.on("console", (line) => {
  // Nobody is signed in yet, somebody alike, what cannot be: these are answers and no faults.
  if (line.type() === "error" && !/ (401|409|422) /.test(line.text())) faults.push(`console: ${line.text()}`);
});

const check = (is, what) => { if (!is) throw new Error(what); };
const heading = (name) => page.getByRole("heading", { name, level: 1 });

const WIDE = { width: 1440, height: 900 };
const SMALL = { width: 390, height: 844 };

/** No serious fault, and nothing wider than the window: wide and light, narrow and dark. */
async function look(name) {
  for (const [scheme, size, mark] of [["light", WIDE, "light"], ["dark", SMALL, "small-dark"], ...(shots ? [["dark", WIDE, "dark"], ["light", SMALL, "small"]] : [])]) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForFunction((it) => document.documentElement.dataset.mantineColorScheme === it, scheme);
    // Colors that fade are looked at when they have arrived.
    await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => undefined))));
    if (shots) await page.screenshot({ path: `${shots}/${name}-${mark}.png` });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) faults.push(`${name} is ${wide} px wider than a window of ${size.width} px`);
    if (mark === "dark" || mark === "small") continue;
    if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"], resultTypes: ["violations"] }));
    for (const fault of found.violations.filter((it) => ["serious", "critical"].includes(it.impact))) {
      faults.push(`${name} (${mark}): ${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ")}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(WIDE);
}

async function choose(label, option) {
  await page.getByRole("textbox", { name: label, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

async function signIn(name, password = PASSWORD) {
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await page.locator("input[type=password]").first().fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
}

async function signOut() {
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
}

function send(message) {
  const [host, port] = mllp.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(`\x0b${message}\x1c\r`));
    socket.once("data", (bytes) => { socket.end(); resolve(bytes.toString()); });
    socket.once("error", reject);
  });
}

async function story() {
  // First load, and the first account of all.
  let loaded = 0;
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  client.on("Network.loadingFinished", (it) => { loaded += it.encodedDataLength; });
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  check(loaded < FIRST_LOAD_MAX, `the first load takes ${loaded} bytes`);
  await look("sign-in");
  await page.getByRole("button", { name: "First start?" }).click();
  await page.getByLabel("Set-up token").fill(token);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("ada");
  await page.locator("input[type=password]").first().fill(PASSWORD);
  await page.getByRole("button", { name: "Create" }).click();
  await heading("Accounts").waitFor();
  // Somebody for the desk, and somebody for the interfaces.
  for (const [name, role, person] of [["rita", "registrar"], ["ivo", "integration"], ["olga", "auditor"], ["paul", "physician", "Dr. Paul Ito"]]) {
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.locator("input[type=password]").first().fill(PASSWORD);
    await choose("Role", role);
    if (person) await page.getByLabel("Name as a clinician").fill(person);
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("cell", { name, exact: true }).waitFor();
  }
  await look("accounts");
  await signOut();

  // The desk finds a patient by keyboard alone, and admits.
  await signIn("rita");
  await heading("Beds").waitFor();
  await look("board");
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Find a patient" }).fill("meyer");
  await page.getByRole("option").first().waitFor();
  await look("finder");
  await page.keyboard.press("Enter");
  await heading("Meyer, Anna").waitFor();
  await page.getByRole("link", { name: "Admit" }).last().click();
  await page.getByText("Meyer, Anna").waitFor();
  await page.getByLabel("Reason for admission").fill("Pneumonia");
  await choose("Attending", "Dr. Paul Ito");
  await look("admit");
  await page.getByRole("button", { name: "Admit" }).click();
  // The payer has to be asked, and nobody waits for that.
  await page.locator("[data-step=authorize-stay][data-state=waiting]").waitFor();
  const admission = page.url();
  await page.getByRole("link", { name: "Tasks" }).click();
  await page.locator("[data-task=authorize-stay]").getByRole("link", { name: "Open" }).click();
  check(page.url() === admission, "the task leads to another admission");
  await page.locator("[data-step=notify][data-state=done]").waitFor();
  await look("admission");
  await page.getByLabel("Reference").fill("A-17");
  await page.getByRole("button", { name: "Granted" }).click();
  await page.locator("[data-step=authorize-stay][data-state=done]").waitFor();
  check((await page.getByTestId("state").textContent()) === "completed", "the admission is not completed");

  await page.getByRole("link", { name: "Admissions" }).click();
  await page.getByText("No admissions").waitFor();
  await page.getByText("All", { exact: true }).click();
  await page.getByRole("link", { name: "Meyer, Anna" }).waitFor();
  await look("workflows");

  // Who is in a bed already is not admitted again, and is told why.
  await page.goto(`${url}/#/admit`);
  await page.getByRole("combobox", { name: "Find a patient" }).fill("meyer");
  await page.getByRole("option").first().click();
  await page.getByRole("button", { name: "Admit" }).click();
  await page.getByRole("alert").getByText("in a stay already").waitFor();

  // Who may see nothing of allergies is not told that there are none.
  await page.getByRole("link", { name: "Beds" }).click();
  await page.getByRole("link", { name: "Meyer, Anna" }).click();
  await page.getByTestId("allergies").or(page.getByText("may not see")).first().waitFor();
  check(!(await page.getByRole("main").textContent()).includes("No known allergies"), "allergies are denied to who may not see them");

  // Who comes may be registered already: the desk looks, and finds out.
  const register = async (family, given, birth, more) => {
    await page.goto(`${url}/#/board`);
    await page.getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Family name").fill(family);
    await page.getByLabel("Given name").fill(given);
    await page.getByLabel("Birth date").fill(birth);
    await page.getByRole("textbox", { name: "Sex" }).click();
    await page.getByRole("option", { name: "female", exact: true }).click();
    if (more) await more();
    await page.getByRole("button", { name: "Register" }).click();
  };
  await register("Okafor", "Ngozi", "1988-05-17", async () => {
    await page.getByRole("textbox", { name: "Middle names", exact: true }).fill("Ada");
    await choose("Language", "Español");
    await page.getByRole("textbox", { name: "Race", exact: true }).click({ force: true });
    await page.getByRole("option", { name: "Black or African American", exact: true }).click();
    await page.keyboard.press("Escape");
    await choose("Ethnicity", "Not Hispanic or Latino");
    await page.getByRole("textbox", { name: "Mobile phone", exact: true }).fill("+1 202 555 0134");
    await page.getByRole("textbox", { name: "E-mail", exact: true }).fill("ngozi@example.org");
    await page.getByRole("textbox", { name: "Street", exact: true }).fill("1 Elm Street");
    await page.getByRole("textbox", { name: "City", exact: true }).fill("Springfield");
    await page.getByRole("textbox", { name: "Emergency contact", exact: true }).fill("Chidi Okafor");
    await choose("Relationship", "Spouse");
    await page.getByLabel("Phone of the emergency contact").fill("+1 202 555 0135");
    await page.getByRole("button", { name: "Add insurance" }).click();
    await page.getByRole("textbox", { name: "Insurer", exact: true }).fill("Plan A");
    await page.getByRole("textbox", { name: "Policy number", exact: true }).fill("P-778");
    await page.getByRole("textbox", { name: "Copay", exact: true }).fill("30");
    await page.getByRole("textbox", { name: "Deductible", exact: true }).fill("1500");
    await look("register");
  });
  await heading("Okafor, Ngozi Ada").waitFor();
  const first = page.url();
  // All of it is on record, and is changed.
  for (const text of ["Black or African American", "Not Hispanic or Latino", "Español", "Chidi Okafor, Spouse", "P-778", "$30", "$1500"]) {
    await page.getByText(text, { exact: true }).first().waitFor();
  }
  await look("person");
  await page.getByRole("button", { name: "Edit" }).first().click();
  await page.getByRole("textbox", { name: "City", exact: true }).fill("Shelbyville");
  await look("edit-person");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Shelbyville", { exact: false }).waitFor();
  await page.getByRole("region", { name: "Insurance" }).getByRole("button", { name: "Add" }).click();
  await choose("Kind", "Medicaid");
  await page.getByRole("textbox", { name: "Policy number", exact: true }).fill("MC-1");
  await look("insurance");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "MC-1" }).waitFor();
  await register("Okafor", "Ngozy", "1988-05-17");
  await page.locator("[data-alike=probable]").getByRole("link", { name: "Okafor, Ngozi Ada" }).waitFor();
  await look("duplicate");
  check(await page.getByRole("button", { name: "Register as a new patient" }).isDisabled(), "registered without having looked");
  await page.getByLabel("Somebody else").check();
  await page.getByRole("button", { name: "Register as a new patient" }).click();
  await heading("Okafor, Ngozy").waitFor();
  const second = page.url();

  // It was the same after all, and then it was not.
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("combobox", { name: "Find a patient" }).fill("okafor");
  await page.getByRole("option").first().waitFor();
  check((await page.getByRole("option").count()) === 1, "a patient may be joined with itself");
  await page.getByRole("option").first().click();
  await page.getByLabel("Why are they the same person?").fill("Spelled wrongly");
  await look("join");
  await page.getByRole("button", { name: "Join" }).last().click();
  await heading("Okafor, Ngozi Ada").waitFor();
  check(page.url() === first, "who stays is not shown");
  await page.goto(second);
  await page.getByText("was joined with another").waitFor();
  await look("joined");
  await page.getByLabel("Why are they two people?").fill("Sisters");
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByRole("button", { name: "Join" }).waitFor();

  // What the registry asks is on the list until somebody has looked.
  await page.getByRole("link", { name: "Tasks" }).click();
  const task = page.locator("[data-task=review-identity]");
  await task.getByRole("link", { name: "Okafor, Ngozi Ada" }).waitFor();
  await look("tasks");
  await task.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("What did you find?").fill("Sisters, both were asked");
  await task.getByRole("button", { name: "Done" }).click();
  await task.waitFor({ state: "detached" });

  // A doctor looks at the patient in the own care, measures, writes, and plans.
  await signOut();
  await doctor();
  await signIn("rita");

  // To another bed by its menu, to a third by dragging, and out.
  await page.goto(`${url}/#/board`);
  const bed = (name, state) => page.locator(`[data-bed="${name}"][data-state=${state}]`);
  await bed("W1-0", "occupied").waitFor();
  await bed("W1-0", "occupied").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Move" }).click();
  await page.getByRole("textbox", { name: "Move to which bed?" }).click();
  await page.getByRole("option", { name: "W1-1" }).click();
  await page.getByRole("button", { name: "Move" }).click();
  await bed("W1-1", "occupied").waitFor();
  await bed("W1-0", "dirty").waitFor();
  await bed("W1-1", "occupied").dragTo(bed("W1-2", "free"));
  await bed("W1-2", "occupied").waitFor();
  await bed("W1-2", "occupied").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Discharge" }).click();
  await bed("W1-2", "dirty").waitFor();
  await bed("W1-2", "dirty").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Cleaned" }).click();
  await bed("W1-2", "free").waitFor();
  // A bed is kept for somebody who is expected, and not kept any more.
  await bed("W1-1", "dirty").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Cleaned" }).click();
  await bed("W1-1", "free").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Hold for a patient" }).click();
  await page.getByRole("combobox", { name: "Find a patient" }).fill("okafor ada");
  await page.getByRole("option").first().click();
  await look("hold");
  await page.getByRole("button", { name: "Hold for a patient" }).click();
  await bed("W1-1", "held").getByRole("link", { name: "Okafor, Ngozi Ada" }).waitFor();
  await look("board-held");
  await bed("W1-1", "held").getByRole("button").click();
  await page.getByRole("menuitem", { name: "Hold no longer" }).click();
  await bed("W1-1", "free").waitFor();

  // The same patient arrives by a message: on the board, and nobody loads anything again.
  await page.evaluate(() => { globalThis.isSame = true; });
  const ack = await send([
    "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A01^ADT_A01|UI1|P|2.5.1",
    "EVN||20260101080000", "PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F",
    "PV1|1|I|W9^901^A||||||||||||||||V4711^^^HOSP^VN", "",
  ].join("\r"));
  check(ack.includes("MSA|AA|UI1"), `the message was answered with ${ack}`);
  await bed("W9-901-A", "occupied").getByRole("link", { name: "Meyer, Anna" }).waitFor();
  check(await page.evaluate(() => globalThis.isSame), "the page was loaded again");

  // In Chinese too, on every page of the desk.
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "中文" }).click();
  await heading("床位").waitFor();
  await look("zh-board");
  for (const [path, title] of [["register", "患者登记"], ["admit", "入院"], ["workflows", "入院流程"], ["tasks", "待办"]]) {
    await page.goto(`${url}/#/${path}`);
    await heading(title).waitFor();
    await look(`zh-${path}`);
  }
  await page.goto(first);
  await page.getByText("黑人或非裔美国人").waitFor();
  await look("zh-person");
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "English" }).click();
  await signOut();

  // Whoever looks after interfaces sees the chart's pages and the message.
  await signIn("ivo");
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Find a patient" }).fill("4711");
  await page.getByRole("option").first().click();
  await page.getByTestId("allergies").getByText("penicillin").waitFor();
  // The latest is the latest, however often the page is drawn.
  for (const tab of ["Stays", "Summary", "Stays", "Summary"]) {
    await page.getByRole("tab", { name: tab }).click();
    if (tab === "Summary") await page.getByText("96 /min").waitFor();
    check((await page.getByText("71 /min").count()) === 0, "an older value is shown as the latest");
  }
  await look("chart");
  await page.getByRole("tab", { name: "Results" }).click();
  await page.getByRole("button", { name: "Potassium" }).first().click();
  await page.getByRole("img").waitFor();
  await page.getByText("high").first().waitFor();
  await look("results");
  for (const tab of ["Stays", "Medications", "Documents"]) await page.getByRole("tab", { name: tab }).click();
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByLabel("Control id").fill("UI1");
  await page.locator("td button").first().click();
  await page.getByText("MSA|AA|UI1").waitFor();
  await page.getByRole("button", { name: "What would change" }).click();
  await page.getByRole("region", { name: "Changes" }).waitFor();
  await page.getByRole("button", { name: "Work on it again" }).click();
  await page.getByRole("button", { name: "No", exact: true }).click();
  await look("message");
  await page.keyboard.press("Escape");
  const patient = await page.evaluate(() => fetch("/fhir/Patient?identifier=4711").then((it) => it.json()).then((it) => it.entry[0].resource.id));
  await signOut();

  // Who looked at this chart?
  await signIn("olga");
  await heading("Audit").waitFor();
  await page.getByLabel("Who looked").fill(patient);
  await page.getByRole("cell", { name: "rita registrar" }).first().waitFor();
  await look("audit");
  await signOut();
  return loaded;
}

async function doctor() {
  await signIn("paul");
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Find a patient" }).fill("meyer");
  await page.getByRole("option", { name: "Meyer" }).first().click();
  await heading("Meyer, Anna").waitFor();
  await page.getByTestId("allergies").getByText("penicillin").waitFor();
  // What cannot be is refused, what is unlikely is looked at again.
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
  // A diagnosis of this stay.
  await page.getByRole("region", { name: "Problems" }).getByRole("button", { name: "Add" }).click();
  await page.getByRole("textbox", { name: "Diagnosis", exact: true }).fill("Pneumonia");
  await page.getByLabel("ICD-10-CM code").fill("J18.9");
  await look("diagnosis");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("region", { name: "Problems" }).getByText("J18.9").waitFor();
  // Another allergy, and one that was none.
  await page.getByRole("button", { name: "Allergies…" }).click();
  await page.getByRole("textbox", { name: "Substance", exact: true }).fill("latex");
  await page.getByRole("textbox", { name: "Reaction", exact: true }).fill("rash");
  await look("allergies");
  await page.getByRole("button", { name: "Add", exact: true }).last().click();
  await page.getByRole("cell", { name: "latex" }).waitFor();
  await page.getByRole("row", { name: /latex/ }).getByRole("button", { name: "Refute" }).click();
  await page.getByRole("row", { name: /latex/ }).getByText("refuted").waitFor();
  await page.keyboard.press("Escape");
  check(!(await page.getByTestId("allergies").textContent()).includes("latex"), "an allergy that was refuted is shown");
  // What the admission proposed is taken up by who may.
  await page.getByRole("tab", { name: "Care plans" }).click();
  await page.getByRole("button", { name: "Take up" }).click();
  await page.getByRole("button", { name: "Order" }).first().click();
  await page.getByText("active").first().waitFor();
  await look("plans");
  await page.getByRole("button", { name: "Apply a plan" }).click();
  await choose("Care plan", "Risk of falling");
  await page.getByText("Blood pressure lying and standing").waitFor();
  await page.getByRole("button", { name: "Keep as a draft" }).click();
  await page.getByRole("region", { name: "Risk of falling" }).waitFor();
  // A progress note, and the summary.
  await page.getByRole("tab", { name: "Documents" }).click();
  for (const [kind, text] of [["Progress note", "Day 1\nBetter; oxygen reduced."], ["Discharge summary", "Pneumonia, treated.\nFollow-up in a week."]]) {
    await page.getByRole("button", { name: "Write a note" }).click();
    await choose("Type", kind);
    await page.getByRole("textbox", { name: "Text", exact: true }).fill(text);
    await page.getByRole("button", { name: "Sign" }).click();
    await page.getByRole("button", { name: kind }).waitFor();
  }
  await page.getByRole("button", { name: "Progress note" }).click();
  await page.getByText("oxygen reduced").last().waitFor();
  await look("note");
  await page.keyboard.press("Escape");
  await look("documents");
  await page.getByRole("tab", { name: "Timeline" }).click();
  await page.getByText("Progress note").first().waitFor();
  await look("timeline");
  await page.getByRole("tab", { name: "Summary" }).click();
  await look("summary");
  await signOut();
}

try {
  const loaded = await story();
  check(faults.length === 0, faults.join("\n"));
  console.log(JSON.stringify({ firstLoadBytes: loaded }));
} catch (error) {
  console.error(error.message, "\n", faults.join("\n"));
  if (shots) await page.screenshot({ path: `${shots}/failed.png` });
  process.exitCode = 1;
} finally {
  await browser.close();
}
