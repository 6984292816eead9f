// The closed loop of medication in a real browser, over a running server that the caller has
// prepared: accounts, a patient in a stay, stock with two lots, and an order that is active. Each
// act is sent while the server dies; who did it signs in again, looks, and goes on.
//
// Settings come by the environment: WARD_URL, WARD_LOTS (what a scanner reads off the packages, as
// JSON), WARD_SHOTS (a folder for pictures, if they are wanted). It writes `kill` on a line when
// the caller is to end the server with SIGKILL and to start it again, and reads a line when that is
// done. It says what is wrong and ends with 1, or says what it saw and ends with 0.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

import { settled } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { WARD_URL: url, WARD_LOTS: packages, WARD_SHOTS: shots } = process.env;
const lots = JSON.parse(packages);
const PASSWORD = "a long password of a test";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const answers = createInterface({ input: process.stdin });
const lines = answers[Symbol.asyncIterator]();
const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const faults = [];
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
page.on("console", (line) => {
  // A refusal is an answer and no fault; who is not there cannot answer.
  if (line.type() === "error" && !/400|401|403|409|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|ERR_SOCKET/.test(line.text())) faults.push(`console: ${line.text()}`);
});

const check = (is, what) => { if (!is) throw new Error(what); };
const heading = (name) => page.getByRole("heading", { name, level: 1 });
const button = (name, within = page) => within.getByRole("button", { name, exact: true });

/** No serious fault in either theme, nothing wider than a phone, and pictures. */
async function look(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForFunction((it) => document.documentElement.dataset.mantineColorScheme === it, scheme);
    await settled(page);
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
    for (const fault of found.violations.filter((it) => ["serious", "critical"].includes(it.impact))) {
      faults.push(`${name} (${scheme}): ${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ")}`);
    }
    if (shots) await page.screenshot({ path: `${shots}/${name}-${scheme}.png` });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  if (shots) await page.screenshot({ path: `${shots}/${name}-small.png` });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  await page.setViewportSize({ width: 1440, height: 900 });
  check(wide, `${name} is wider than a phone`);
}

async function signIn(name) {
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.locator("input[type=password]").first().fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Closes what is open over the page. */
async function shut() {
  const open = page.getByRole("dialog");
  if (await open.count() > 0) await page.keyboard.press("Escape");
  await open.waitFor({ state: "detached" });
}

async function signOut() {
  await shut();
  await page.getByRole("banner").getByRole("button").last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
}

/** As a scanner does: fast keys and Enter. */
async function scan(label, text, within = page) {
  const field = within.getByLabel(label, { exact: true });
  await field.fill(text);
  await field.press("Enter");
}

/** Ends the server as a loss of power would; it is there again when this is done. */
async function kill() {
  process.stdout.write("kill\n");
  const { value } = await lines.next();
  check(value === "up", "the server did not come back");
}

let [nKills, nAgain] = [0, 0];
/**
 * Acts while the server dies. Sessions end with it: the person signs in again, looks, and acts again
 * where it was not done.
 *
 * `open` shows where it can be seen, `fill` makes everything ready and gives what is clicked last,
 * `isDone` looks.
 */
async function through(who, { open, fill, isDone }) {
  await open();
  const last = await fill();
  // The act is on its way when the server dies: it may have been done or not.
  const asked = page.waitForRequest((it) => it.method() === "POST" && /\/api\/meds\/(?!check|scan|.*\/look$)/.test(it.url()));
  const sent = last().catch(() => undefined);
  const request = await asked;
  // Of every second act the answer is awaited first: what was said to be done has to be there.
  const isTold = nKills % 2 === 1 && (await request.response())?.ok();
  await kill();
  page.setDefaultTimeout(1_000);
  await Promise.race([sent, page.waitForTimeout(2_000)]);
  page.setDefaultTimeout(60_000);
  nKills += 1;
  await page.reload();
  await signIn(who);
  await open();
  if (await isDone()) return;
  check(!isTold, "what was said to be done is lost");
  nAgain += 1;
  await (await fill())();
  await until(isDone);
}

/** Waits for what no single place on the page says. */
async function until(is) {
  for (let n = 0; n < 600; n += 1) {
    if (await is()) return;
    await page.waitForTimeout(100);
  }
  throw new Error("it was not done");
}

/** The server does it, and its answer is lost on the way. */
async function lost(pattern, act) {
  let isLost = false;
  await page.route(pattern, async (route) => {
    if (isLost) return route.fallback();
    isLost = true;
    await route.fetch();
    return route.abort("connectionreset");
  });
  await act();
  await page.getByRole("alert").filter({ hasText: "The server does not answer" }).first().waitFor();
  await page.unroute(pattern);
}

async function story() {
  await page.goto(url);
  // The physician orders, and is told what speaks against it as it is typed.
  await signIn("paul");
  const typed = async () => {
    await page.goto(`${url}/#/order/anna`);
    await heading("Order").waitFor();
    await page.getByRole("textbox", { name: "Drug", exact: true }).fill("Tizanidine 4 mg tablet");
    await page.keyboard.press("Escape");
    await page.getByRole("textbox", { name: "Dose", exact: true }).fill("4");
    await page.locator("[data-group=hard-stop] .finding").first().waitFor();
    await page.getByText("✓ checked").waitFor();
  };
  const reasons = page.getByRole("textbox", { name: /Why in spite of it/ });
  const answered = async () => {
    for (let n = 0; n < await reasons.count(); n += 1) {
      await reasons.nth(n).click();
      await page.getByRole("option", { name: "Will be monitored" }).last().click();
    }
  };
  await typed();
  await look("order");
  check(await button("Sign").isDisabled(), "it can be signed without an answer");
  await answered();
  check(await button("Sign").isDisabled(), "a hard stop is passed by one person");
  const second = async (name) => {
    await page.getByLabel("Second person: name").fill(name);
    await page.getByLabel("Second person: password").fill(PASSWORD);
    await until(() => button("Sign").isEnabled());
    return () => button("Sign").click();
  };
  const agrees = async (name) => (await second(name))();
  // The same person is not a second one, and a nurse may not agree to it.
  await agrees("paul");
  await page.getByRole("alert").getByText("another one").waitFor();
  await agrees("nora");
  await page.getByRole("alert").getByText("another one").waitFor();
  await look("second");
  await through("paul", {
    open: async () => {
      await page.goto(`${url}/#/meds/anna`);
      await page.locator("tr[data-order^=Ciprofloxacin]").waitFor();
    },
    fill: async () => { await typed(); await answered(); return second("petra"); },
    isDone: async () => await page.locator("tr[data-order^=Tizanidine][data-state=signed]").count() > 0 || await page.getByRole("status").getByText("Tizanidine").count() > 0,
  });
  await page.goto(`${url}/#/meds/anna`);
  await page.locator("tr[data-order^=Tizanidine][data-state=signed]").waitFor();
  check(await page.locator("tr[data-order^=Tizanidine]").count() === 1, "it was ordered twice");
  await signOut();

  // The pharmacist verifies, and hands out of the lot that expires first.
  await signIn("fritz");
  const order = page.locator("section[data-order^=Tizanidine]");
  const verifying = async () => {
    await page.goto(`${url}/#/verify`);
    await heading("Verify").waitFor();
    await page.locator("section[data-order]").or(page.getByText("Nothing waits")).first().waitFor();
  };
  await verifying();
  await look("verify");
  await through("fritz", { open: verifying, fill: async () => () => button("Verify", order).click(), isDone: async () => await order.count() === 0 });
  const dispensing = async () => {
    await page.goto(`${url}/#/dispense`);
    await heading("Dispense").waitFor();
    await order.getByText(/tablet on the ward/).first().waitFor();
  };
  await dispensing();
  await order.getByLabel(/^Quantity/).fill("1");
  await scan("Scan the package", lots.L2, order);
  await button("Dispense", order).click();
  await order.getByRole("alert").getByText("goes out first").waitFor();
  await scan("Scan the package", lots.other, order);
  await button("Dispense", order).click();
  await order.getByRole("alert").getByText("another product").waitFor();
  await scan("Scan the package", lots.L1, order);
  await look("dispense");
  // Its answer is lost on the way: asked for again, it is done once.
  await lost("**/dispense", () => button("Dispense", order).click());
  await button("Dispense", order).click();
  await order.getByText("1 tablet on the ward").first().waitFor();
  await through("fritz", {
    open: dispensing,
    fill: async () => {
      await order.getByLabel(/^Quantity/).fill("1");
      await scan("Scan the package", lots.L1, order);
      return () => button("Dispense", order).click();
    },
    isDone: async () => await order.getByText("2 tablet on the ward").count() > 0,
  });
  await page.goto(`${url}/#/stock`);
  const shelf = page.locator("[data-product=tizanidine] [data-lot=L1]");
  await shelf.getByText("pharmacy 18").waitFor();
  await look("stock");
  await page.getByRole("button", { name: /^Ledger: Tizanidine/ }).click();
  await page.getByRole("dialog").getByRole("cell", { name: "dispensed" }).first().waitFor();
  check(await page.getByRole("dialog").getByRole("cell", { name: "dispensed" }).count() === 2, "it was not handed out twice");
  await look("ledger");
  await signOut();

  // The nurse scans: another patient's wristband is stopped, and so is another drug.
  await signIn("nora");
  await page.goto(`${url}/#/due`);
  await page.getByRole("cell", { name: /Tizanidine/ }).waitFor();
  await look("due");
  await page.locator("tr").filter({ hasText: "Tizanidine" }).getByRole("link", { name: "Meyer, Anna" }).click();
  const row = page.locator("tr[data-order^=Tizanidine]");
  const sheet = async () => {
    await page.goto(`${url}/#/meds/anna`);
    await row.locator(".dose").first().waitFor();
  };
  const dialog = page.getByRole("dialog");
  const give = button("Give", dialog);
  await row.locator(".dose[data-look=due]").first().click();
  await scan("Scan the wristband", "4712", dialog);
  await scan("Scan the drug", lots.L1, dialog);
  await page.locator("[data-finding=wrong-patient]").waitFor();
  check(await give.isDisabled(), "it can be given to another patient");
  await look("blocked");
  await scan("Scan the wristband", "4711", dialog);
  await scan("Scan the drug", lots.other, dialog);
  await page.locator("[data-finding=wrong-medication]").waitFor();
  check(await give.isDisabled(), "another drug can be given");
  await shut();
  const given = row.locator(".dose[data-look=given]");
  let isSeen = false;
  await through("nora", {
    open: sheet,
    fill: async () => {
      await row.locator(".dose[data-look=due]").first().click();
      await scan("Scan the wristband", "4711", dialog);
      await scan("Scan the drug", lots.L1, dialog);
      await page.waitForFunction(() => document.querySelectorAll(".elements [data-look=right]").length === 6);
      if (!isSeen) await look("bedside");
      isSeen = true;
      return () => give.click();
    },
    isDone: async () => await given.count() > 0,
  });
  check(await given.count() === 1, "it was given twice");
  // The rest is thrown away.
  await through("nora", {
    open: sheet,
    fill: async () => {
      await row.getByRole("button", { name: /^More/ }).click();
      await button("Waste", dialog).click();
      await dialog.getByRole("textbox", { name: "Why?" }).fill("dropped");
      return () => button("Waste", dialog).click();
    },
    isDone: async () => await row.locator("[data-wasted]").count() > 0,
  });
  await row.locator("[data-wasted]").getByText("1 tablet wasted").waitFor();
  check((await row.textContent()).includes("0 tablet on the ward"), "something is left on the ward");
  await look("sheet");
  await given.click();
  await dialog.getByText("L1").waitFor();
  await look("recorded");
  await shut();

  // What cannot wait is taken and given before the pharmacist has looked, with the reason.
  const hurried = page.locator("tr[data-order^=Ciprofloxacin]");
  await hurried.getByRole("button", { name: /^More/ }).click();
  await button("Take before verification", dialog).click();
  await scan("Scan the package", lots.other, dialog);
  const take = button("Take before verification", dialog);
  check(await take.isDisabled(), "it can be taken without a reason");
  await dialog.getByLabel(/Why can it not wait/).fill("sepsis");
  await look("urgent");
  await take.click();
  await dialog.waitFor({ state: "detached" });
  await hurried.getByText("1 tablet on the ward").waitFor();
  await hurried.locator(".dose:not([data-look=given])").first().click();
  await scan("Scan the wristband", "4711", dialog);
  await scan("Scan the drug", lots.other, dialog);
  await page.waitForFunction(() => document.querySelectorAll(".elements [data-look=open]").length <= 1);
  check(await give.isDisabled(), "what nobody has verified can be given without a reason");
  await dialog.getByLabel(/Why can it not wait/).fill("sepsis");
  const also = dialog.getByRole("textbox", { name: /^Reason/ });
  if (await also.count() > 0) await also.fill("sepsis");
  await until(() => give.isEnabled());
  await look("urgent-dose");
  await give.click();
  await hurried.locator(".dose[data-look=given]").waitFor();
  check(await hurried.getAttribute("data-state") === "signed", "it is not verified by being given");

  // A patient who is not there is said to be not there.
  await page.goto(`${url}/#/meds/nobody`);
  await page.getByRole("alert").getByText("no such patient").waitFor();
  await signOut();

  // A recall leads to her, and stops the lot.
  await signIn("fritz");
  await page.goto(`${url}/#/recall`);
  await heading("Recall").waitFor();
  await scan("Scan the package", lots.L1);
  await page.getByRole("region", { name: "Patients whom the lot reached" }).getByRole("link", { name: "Meyer, Anna" }).waitFor();
  await look("recall");
  isSeen = false;
  await through("fritz", {
    open: async () => {
      await page.goto(`${url}/#/stock`);
      await shelf.waitFor();
    },
    fill: async () => {
      await shelf.getByRole("button", { name: "Change L1" }).click();
      await dialog.getByRole("textbox", { name: "What" }).click();
      await page.getByRole("option", { name: "Recall" }).click();
      await dialog.getByLabel("Reason").fill("notice of the manufacturer");
      if (!isSeen) await look("move");
      isSeen = true;
      return () => button("Recall", dialog).click();
    },
    isDone: async () => await shelf.getByText("recalled").count() > 0,
  });
  await signOut();

  // What she takes at home is decided.
  await signIn("paul");
  await page.goto(`${url}/#/reconcile/anna`);
  await heading("Reconcile").waitFor();
  const home = page.getByRole("region", { name: "Metformin 500 mg" });
  await home.getByText("Stop", { exact: true }).click();
  await home.getByRole("textbox", { name: /Reason/ }).fill("contrast agent tomorrow");
  await look("reconcile");
  await button("Keep the decisions").click();
  await page.getByRole("status").getByText("Decided").waitFor();
  // In Chinese the same pages say the same.
  await page.evaluate(() => localStorage.setItem("ward-language", "zh"));
  await page.goto(`${url}/#/meds/anna`);
  await page.reload();
  await heading("给药记录单").waitFor();
  await look("sheet-zh");
}

try {
  await story();
  check(faults.length === 0, faults.join("\n"));
  console.log(`the loop is closed: ${nKills} kills, ${nAgain} acts asked for again`);
} catch (error) {
  if (shots) await page.screenshot({ path: `${shots}/fault.png` });
  console.error(error.message, (await page.getByRole("alert").allTextContents().catch(() => [])).join(" | "), faults.join("\n"));
  process.exitCode = 1;
} finally {
  answers.close();
  process.stdin.destroy();
  await browser.close();
}
