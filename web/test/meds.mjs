// The closed loop of medication in a real browser, over a running server that the caller has
// prepared: accounts, a patient in a stay, stock with two lots, and an order that is active.
//
// Settings come by the environment: WARD_URL, WARD_LOTS (what a scanner reads off the packages, as
// JSON), WARD_SHOTS (a folder for pictures, if they are wanted). It says what is wrong and ends
// with 1, or says what it saw and ends with 0.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { WARD_URL: url, WARD_LOTS: packages, WARD_SHOTS: shots } = process.env;
const lots = JSON.parse(packages);
const PASSWORD = "a long password of a test";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const faults = [];
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
page.on("console", (line) => {
  // A refusal is an answer and no fault.
  if (line.type() === "error" && !/401|409/.test(line.text())) faults.push(`console: ${line.text()}`);
});

const check = (is, what) => { if (!is) throw new Error(what); };
const heading = (name) => page.getByRole("heading", { name, level: 1 });

/** No serious fault in either theme, and pictures in two sizes. */
async function look(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForFunction((it) => document.documentElement.dataset.mantineColorScheme === it, scheme);
    await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => undefined))));
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

async function signOut() {
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

async function story() {
  await page.goto(url);
  // The physician orders, and is told what speaks against it as it is typed.
  await signIn("paul");
  await page.goto(`${url}/#/order/anna`);
  await heading("Order").waitFor();
  await page.getByLabel("Drug").fill("Tizanidine 4 mg tablet");
  await page.keyboard.press("Escape");
  await page.getByRole("textbox", { name: "Dose", exact: true }).fill("4");
  const stop = page.locator(".finding[data-tier=hard-stop]");
  await stop.first().waitFor();
  await look("order");
  check(await page.getByRole("button", { name: "Sign", exact: true }).isDisabled(), "it can be signed without an answer");
  const reasons = page.getByRole("textbox", { name: /Why in spite of it/ });
  for (let n = 0; n < await reasons.count(); n += 1) {
    await reasons.nth(n).click();
    await page.getByRole("option", { name: "Will be monitored" }).last().click();
  }
  check(await page.getByRole("button", { name: "Sign", exact: true }).isDisabled(), "a hard stop is passed by one person");
  // The same person is not a second one.
  const second = async (name) => {
    await page.getByLabel("Second person: Name").fill(name);
    await page.getByLabel("Second person: Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign", exact: true }).click();
  };
  await second("paul");
  await page.getByRole("alert").getByText("another one").waitFor();
  await second("petra");
  await page.getByRole("status").getByText("Tizanidine").waitFor();
  await page.getByRole("link", { name: "Open the sheet" }).click();
  await page.locator("[data-order^=Tizanidine][data-state=signed]").waitFor();
  await signOut();

  // The pharmacist verifies, and hands out of the lot that expires first.
  await signIn("fritz");
  await page.getByRole("link", { name: "Verify" }).click();
  const order = page.locator("[data-order^=Tizanidine]");
  await order.waitFor();
  await look("verify");
  await order.getByRole("button", { name: "Verify" }).click();
  await order.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Dispense", exact: true }).click();
  await order.waitFor();
  await order.getByLabel("Quantity").fill("2");
  await scan("Scan the package", lots.L2, order);
  await order.getByRole("button", { name: "Dispense" }).click();
  await order.getByRole("alert").getByText("goes out first").waitFor();
  await scan("Scan the package", lots.L1, order);
  await look("dispense");
  await order.getByRole("button", { name: "Dispense" }).click();
  await order.getByText("2 tablet on the ward").first().waitFor();
  await page.getByRole("link", { name: "Stock" }).click();
  await page.locator("[data-lot=L1]").first().waitFor();
  await look("stock");
  await signOut();

  // The nurse scans: another patient's wristband is stopped.
  await signIn("nora");
  await page.getByRole("link", { name: "Due doses" }).click();
  await page.getByRole("cell", { name: /Tizanidine/ }).waitFor();
  await look("due");
  await page.getByRole("cell", { name: "Meyer, Anna" }).getByRole("link").first().click();
  const row = page.locator("tr[data-order^=Tizanidine]");
  await row.locator(".dose[data-look=due]").first().click();
  await scan("Scan the wristband", "4712");
  await scan("Scan the drug", lots.L1);
  const give = page.getByRole("dialog").getByRole("button", { name: "Give", exact: true });
  await give.click();
  await page.locator("[data-finding=wrong-patient]").waitFor();
  await look("blocked");
  await scan("Scan the wristband", "4711");
  await give.click();
  await row.locator(".dose[data-look=given]").waitFor();
  await row.getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "Waste" }).click();
  await page.getByRole("textbox", { name: "Why?" }).fill("dropped");
  await page.getByRole("button", { name: "Waste" }).click();
  await row.locator("[data-wasted]").getByText("1 wasted").waitFor();
  check((await row.textContent()).includes("0 tablet on the ward"), "something is left on the ward");
  await look("sheet");
  await signOut();

  // A recall leads to her.
  await signIn("fritz");
  await page.getByRole("link", { name: "Recall" }).click();
  await scan("Scan the package", lots.L1);
  await page.getByRole("region", { name: "Patients whom the lot reached" }).getByRole("link", { name: "Meyer, Anna" }).waitFor();
  await look("recall");
  await signOut();
}

try {
  await story();
  check(faults.length === 0, faults.join("\n"));
  console.log("the loop is closed");
} catch (error) {
  if (shots) await page.screenshot({ path: `${shots}/fault.png` });
  console.error(error.message, (await page.getByRole("alert").allTextContents().catch(() => [])).join(" | "), faults.join("\n"));
  process.exitCode = 1;
} finally {
  await browser.close();
}
