// How long the page is busy for one event when the board shows 100 beds, in a real browser.
//
// WARD_URL, WARD_TOKEN (role integration), WARD_ADMIN (role administrator); WARD_EVENTS says how
// many events (50). It says milliseconds of the main thread's own time for each event.
import { chromium } from "playwright-core";

const { WARD_URL: url, WARD_TOKEN: token, WARD_ADMIN: admin, WARD_EVENTS: n = "50" } = process.env;
const PASSWORD = "a long password of a test";
const BEDS = 100;

async function ask(method, path, body, as = token) {
  const headers = { authorization: `Bearer ${as}`, "content-type": "application/json" };
  const reply = await fetch(url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return reply.json();
}

for (let bed = 0; bed < BEDS; bed += 1) {
  const id = String(bed).padStart(3, "0");
  await ask("PUT", `/api/beds/bed-${id}`, { name: `W${Math.floor(bed / 25)}-${id}`, offer: { ward: `W${Math.floor(bed / 25)}`, room: `r${bed}` }, capacity: 1 }, admin);
  if (bed % 10 === 9) continue;
  await ask("PUT", `/fhir/Patient/p${id}`, { resourceType: "Patient", id: `p${id}`, gender: "female", birthDate: "1970-01-02", name: [{ family: `Family${id}`, given: ["Given"] }] });
  await ask("POST", "/api/admissions", { patient: `Patient/p${id}`, needs: { bed: `bed-${id}` } });
}
await ask("POST", "/api/accounts", { name: "board", password: PASSWORD, role: "registrar" }, admin).catch(() => undefined);

const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
await page.goto(url);
await page.getByRole("textbox", { name: "Name" }).fill("board");
await page.locator("input[type=password]").first().fill(PASSWORD);
await page.getByRole("button", { name: "Sign in" }).click();
await page.locator("[data-bed]").nth(BEDS - 1).waitFor();
await page.getByText("Family000").waitFor();

const session = await page.context().newCDPSession(page);
await session.send("Performance.enable", { timeDomain: "threadTicks" });
const figures = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((it) => [it.name, it.value]));
const marks = () => page.evaluate(() => performance.getEntriesByName("ward-feed").length);
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
/** Each event is seen before the next one happens. */
async function events(count) {
  for (let event = 0; event < count; event += 1) {
    const closes = event % 2 === 0;
    await ask("POST", `/api/beds/bed-009/${closes ? "close" : "reopen"}`, {});
    await page.locator(`[data-bed="W0-009"][data-state="${closes ? "closed" : "free"}"]`).waitFor();
    await wait(200);
  }
}
await events(10);
const [before, seen] = [await figures(), await marks()];
await events(Number(n));
const [after, now] = [await figures(), await marks()];
const each = (name) => (((after[name] - before[name]) / Number(n)) * 1000).toFixed(2);
console.log(JSON.stringify({ events: Number(n), refreshed: now - seen, taskMs: each("TaskDuration"), scriptMs: each("ScriptDuration"), styleMs: each("RecalcStyleDuration"), layoutMs: each("LayoutDuration") }));
await browser.close();
