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
  // Nobody is signed in yet: that is an answer and no fault.
  if (line.type() === "error" && !line.text().includes("401") && !line.text().includes("409")) faults.push(`console: ${line.text()}`);
});

const check = (is, what) => { if (!is) throw new Error(what); };
const heading = (name) => page.getByRole("heading", { name, level: 1 });

/** No serious fault in either theme, and pictures in two sizes. */
async function look(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForFunction((it) => document.documentElement.dataset.mantineColorScheme === it, scheme);
    // Colors that fade are looked at when they have arrived.
    await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => undefined))));
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
    for (const fault of found.violations.filter((it) => ["serious", "critical"].includes(it.impact))) {
      faults.push(`${name} (${scheme}): ${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ")}`);
    }
    if (shots) await page.screenshot({ path: `${shots}/${name}-${scheme}.png` });
  }
  await page.emulateMedia({ colorScheme: "light" });
  if (shots) {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${shots}/${name}-small.png` });
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  check(wide, `${name} is wider than the window`);
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
  for (const [name, role] of [["rita", "registrar"], ["ivo", "integration"], ["olga", "auditor"]]) {
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.locator("input[type=password]").first().fill(PASSWORD);
    await page.getByRole("textbox", { name: "Role" }).click();
    await page.getByRole("option", { name: role }).click();
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
  const register = async (family, given, birth) => {
    await page.goto(`${url}/#/board`);
    await page.getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Family name").fill(family);
    await page.getByLabel("Given name").fill(given);
    await page.getByLabel("Birth date").fill(birth);
    await page.getByRole("textbox", { name: "Sex" }).click();
    await page.getByRole("option", { name: "female", exact: true }).click();
    await page.getByRole("button", { name: "Register" }).click();
  };
  await register("Okafor", "Ngozi", "1988-05-17");
  await heading("Okafor, Ngozi").waitFor();
  const first = page.url();
  await register("Okafor", "Ngozy", "1988-05-17");
  await page.locator("[data-alike=probable]").getByRole("link", { name: "Okafor, Ngozi" }).waitFor();
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
  await heading("Okafor, Ngozi").waitFor();
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
  await task.getByRole("link", { name: "Okafor, Ngozi" }).waitFor();
  await look("tasks");
  await task.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("What did you find?").fill("Sisters, both were asked");
  await task.getByRole("button", { name: "Done" }).click();
  await task.waitFor({ state: "detached" });

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
  await page.setViewportSize({ width: 390, height: 844 });
  await look("board-small");
  await page.setViewportSize({ width: 1440, height: 900 });

  // In Chinese too.
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "中文" }).click();
  await heading("床位").waitFor();
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
  await page.getByRole("cell", { name: "registrar" }).first().waitFor();
  await look("audit");
  await signOut();
  return loaded;
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
