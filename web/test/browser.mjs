// What the stories in a browser share: a page, a server, and how a page is looked at.
//
// Settings come by the environment: WARD_URL, WARD_MLLP (host:port), WARD_SETUP (the one-time
// token), WARD_TOKEN (role integration), WARD_ADMIN (role administrator), WARD_SHOTS (a folder for
// pictures, if they are wanted), WARD_CHROMIUM.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";

import { chromium } from "playwright-core";

export const { WARD_URL: url, WARD_MLLP: mllp, WARD_SETUP: setUpToken, WARD_TOKEN: token, WARD_ADMIN: admin, WARD_SHOTS: shots } = process.env;
export const PASSWORD = "a long password of a test";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** A story takes two minutes on a machine that does much else; one that takes this long is stuck. */
const STUCK_MS = 10 * 60_000;
const WIDE = { width: 1440, height: 900 };
const SMALL = { width: 390, height: 844 };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const check = (is, what) => { if (!is) throw new Error(what); };

/** Asks the server itself, without a browser. */
export async function ask(method, path, body, as = token) {
  const headers = { authorization: `Bearer ${as}`, "content-type": "application/json" };
  const reply = await fetch(url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

export const put = (resource) => ask("PUT", `/fhir/${resource.resourceType}/${resource.id}`, resource);

/** Somebody who may sign in; a clinician is a Practitioner too. */
export async function account(name, role, person) {
  const practitioner = person && (await ask("POST", "/fhir/Practitioner", { resourceType: "Practitioner", active: true, name: [{ text: person }] })).id;
  await ask("POST", "/api/accounts", { name, password: PASSWORD, role, ...(practitioner && { practitioner }) }, admin);
  return practitioner;
}

/** Sends one HL7 v2 message over MLLP, and gives its answer. */
export function send(message) {
  const [host, port] = mllp.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(`\x0b${message}\x1c\r`));
    socket.once("data", (bytes) => { socket.end(); resolve(bytes.toString()); });
    socket.once("error", reject);
  });
}

/**
 * Colors that fade are looked at when they have arrived; what turns for ever never does. Asked
 * again and again: the promise of an animation whose element is gone may never be kept.
 */
export const settled = (page) => page.waitForFunction(
  () => document.getAnimations().every((it) => it.playState !== "running" || it.effect?.getComputedTiming().iterations === Infinity),
  undefined, { polling: 50 },
);

/** A page of a browser, what went wrong on it, and what people do with it. */
async function opened(browser) {
  const context = await browser.newContext({ viewport: WIDE, locale: "en-GB", acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (line) => {
    // Nobody is signed in yet, may not, somebody alike, what cannot be: answers and no faults.
    if (line.type() === "error" && !/ (401|403|409|422) /.test(line.text())) faults.push(`console: ${line.text()}`);
  });
  const it = {
    page, context, faults,
    heading: (name) => page.getByRole("heading", { name, level: 1 }),
    bed: (name, state) => page.locator(`[data-bed="${name}"][data-state=${state}]`),
    async choose(label, option, within = page) {
      await within.getByRole("textbox", { name: label, exact: true }).click();
      await page.getByRole("option", { name: option, exact: true }).click();
    },
    async signIn(name, password = PASSWORD) {
      await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
      await page.locator("input[type=password]").first().fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("navigation").waitFor();
    },
    async menu(item) {
      const entry = page.getByRole("menuitem", { name: item });
      // A press while the page is drawn anew can be one of nothing: people press again.
      for (let nth = 1; ; nth += 1) {
        await page.getByRole("banner").getByRole("button").last().click();
        const chosen = await entry.click({ timeout: 10_000 }).then(() => true, (error) => { if (nth === 3) throw error; return false; });
        if (chosen) return;
      }
    },
    async signOut() {
      await it.menu("Sign out");
      await page.getByRole("button", { name: "Sign in" }).waitFor();
    },
    async find(text, name) {
      await page.keyboard.press("/");
      await page.getByRole("combobox", { name: "Find a patient" }).fill(text);
      await page.getByRole("option", { name }).first().click();
    },
    /** No serious fault, and nothing wider than the window: each theme and each size. */
    async look(name) {
      const asked = [["light", WIDE, "light"], ["dark", SMALL, "small-dark"], ...(shots ? [["dark", WIDE, "dark"], ["light", SMALL, "small"]] : [])];
      for (const [scheme, size, mark] of asked) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: scheme });
        await page.waitForFunction((it) => document.documentElement.dataset.mantineColorScheme === it, scheme);
        await settled(page);
        // A menu that closes has no entries any more; one that stays so is wrong, and never goes.
        await page.waitForFunction(() => [...document.querySelectorAll("[role=menu]")].every((it) => it.querySelector("[role=menuitem]")));
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
    },
  };
  return it;
}

/** Tells a story in a browser: says what is wrong and ends with 1, or what it saw and ends with 0. */
export async function tell(name, story) {
  const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const it = await opened(browser);
  const stuck = setTimeout(() => {
    console.error(`${name} is stuck at ${it.page.url()}`);
    process.exit(1);
  }, STUCK_MS);
  try {
    const seen = await story(it);
    check(it.faults.length === 0, it.faults.join("\n"));
    console.log(JSON.stringify({ story: name, ...seen }));
  } catch (error) {
    const lines = [error.stack, ...it.faults, `at ${it.page.url()}`];
    if (shots) await it.page.screenshot({ path: `${shots}/failed-${name}.png` });
    console.error(lines.join("\n"));
    process.exitCode = 1;
  } finally {
    clearTimeout(stuck);
    await browser.close();
  }
}

/** Anna Meyer with what is known of her, and three beds. */
export async function prepare() {
  const anna = { reference: "Patient/anna" };
  await put({
    resourceType: "Patient", id: "anna", name: [{ family: "Meyer", given: ["Anna"] }], gender: "female", birthDate: "1970-01-02",
    identifier: [{ system: "urn:v2:authority:HOSP", value: "4711" }],
  });
  await put({ resourceType: "Coverage", id: "c1", status: "active", order: 1, beneficiary: anna, payor: [{ display: "a payer" }] });
  await put({
    resourceType: "AllergyIntolerance", id: "a1", patient: anna, code: { text: "penicillin" }, criticality: "high",
    clinicalStatus: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", code: "active" }] },
  });
  for (const [n, value] of [3.9, 4.6, 5.9].entries()) {
    await put({
      resourceType: "Observation", id: `o${n}`, status: "final", subject: anna, code: { text: "Potassium" }, effectiveDateTime: `2026-01-0${n + 1}T08:00:00Z`,
      valueQuantity: { value, unit: "mmol/L" }, referenceRange: [{ low: { value: 3.5 }, high: { value: 5.1 } }],
    });
  }
  for (const [n, value] of [71, 96].entries()) {
    await put({
      resourceType: "Observation", id: `v${n}`, status: "final", subject: anna, code: { text: "Heart rate" },
      category: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "vital-signs" }] }],
      effectiveDateTime: `2026-01-0${n + 1}T08:00:00Z`, valueQuantity: { value, unit: "/min" },
    });
  }
  for (const n of [0, 1, 2]) await ask("PUT", `/api/beds/bed-${n}`, { name: `W1-${n}`, offer: { ward: "w1" } }, admin);
}
