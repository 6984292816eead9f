// How the board of a big house behaves while it changes, in a real browser: how long a frame takes,
// and how long a key waits.
//
// Settings: those of browser.mjs; WARD_BEDS (500) and WARD_EVENTS (200). It ends with 1 when a frame
// takes longer than 50 ms or a key waits for 100 ms.
import { chromium } from "playwright-core";

import { account, admin, ask, check, put, url, PASSWORD } from "./browser.mjs";

const { WARD_BEDS: beds = "500", WARD_EVENTS: events = "200" } = process.env;
const [BEDS, EVENTS] = [Number(beds), Number(events)];
/** A task of the main thread that is longer than this makes a frame late that people see. */
const FRAME_MS_MAX = 50;
/** - Source: RAIL, response. */
const INPUT_MS_MAX = 100;
const WARDS = 20;
/** Beds that change are free, so that every change can be made. */
const isFree = (n) => n % 10 === 9;

const nameOf = (n) => `W${n % WARDS}-${String(n).padStart(3, "0")}`;
const idOf = (n) => `bed-${String(n).padStart(3, "0")}`;

async function inParallel(n, work) {
  let next = 0;
  const one = async () => { while (next < n) await work(next++); };
  await Promise.all([one(), one(), one(), one()]);
}
await inParallel(BEDS, async (n) => {
  await ask("PUT", `/api/beds/${idOf(n)}`, { name: nameOf(n), offer: { ward: `W${n % WARDS}`, room: `r${n}` }, capacity: 1 }, admin);
  if (isFree(n)) return;
  await put({ resourceType: "Patient", id: `p${n}`, gender: "female", birthDate: "1970-01-02", name: [{ family: `Family${n}`, given: ["Given"] }] });
  await ask("POST", "/api/admissions", { patient: `Patient/p${n}`, needs: { bed: idOf(n) } });
});
await account("board", "registrar");

const browser = await chromium.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
page.setDefaultTimeout(60_000);
await page.goto(url);
await page.getByRole("textbox", { name: "Name" }).fill("board");
await page.locator("input[type=password]").first().fill(PASSWORD);
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForFunction((n) => document.querySelectorAll("[data-bed]").length === n, BEDS);
await page.waitForFunction(() => document.body.textContent.includes("Family0"));

const session = await page.context().newCDPSession(page);
await session.send("Performance.enable", { timeDomain: "threadTicks" });
const figures = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((it) => [it.name, it.value]));

/** A free bed is closed, or opened again. */
const free = Array.from({ length: BEDS }, (_, n) => n).filter(isFree);
const isClosed = new Set();
async function change(event) {
  const n = free[event % free.length];
  const what = isClosed.has(n) ? "reopen" : "close";
  await ask("POST", `/api/beds/${idOf(n)}/${what}`, {});
  if (what === "close") isClosed.add(n); else isClosed.delete(n);
}
const shows = () => page.waitForFunction((closed) => [...document.querySelectorAll("[data-bed]")].filter((it) => it.dataset.state === "closed").length === closed, isClosed.size);

for (let event = 0; event < 10; event += 1) await change(event);
await shows();
await page.evaluate(() => {
  const seen = { tasks: [], delays: [], frames: [] };
  globalThis.seen = seen;
  new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((it) => it.duration))).observe({ type: "longtask" });
  new PerformanceObserver((list) => seen.delays.push(...list.getEntries().filter((it) => it.name === "keydown").map((it) => it.processingStart - it.startTime)))
    .observe({ type: "event", durationThreshold: 16 });
  let last = performance.now();
  const frame = (now) => { seen.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
});
const before = await figures();
const marks = () => page.evaluate(() => performance.getEntriesByName("ward-feed").length);
const refreshed = await marks();
// Somebody goes through the board by keyboard all the while.
let isOver = false;
let keys = 0;
const typing = (async () => { while (!isOver) { await page.keyboard.press("Tab"); keys += 1; } })();
for (let event = 10; event < 10 + EVENTS; event += 1) await change(event);
await shows();
isOver = true;
await typing;
const after = await figures();
const seen = await page.evaluate(() => globalThis.seen);
const n = (await marks()) - refreshed;
await browser.close();

const sorted = seen.frames.sort((a, b) => a - b);
const at = (share) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
const said = {
  beds: BEDS, events: EVENTS, refreshed: n, frames: sorted.length, frameMs: { p50: at(0.5), p99: at(0.99), longest: at(1) },
  tasksOver50Ms: seen.tasks.map(Math.round), keys, inputDelayMs: Math.round(Math.max(0, ...seen.delays)),
  perRefreshMs: Object.fromEntries([["task", "TaskDuration"], ["script", "ScriptDuration"], ["style", "RecalcStyleDuration"], ["layout", "LayoutDuration"]]
    .map(([word, name]) => [word, Number((((after[name] - before[name]) / Math.max(1, n)) * 1_000).toFixed(1))])),
};
console.log(JSON.stringify(said));
check(n > 0 && keys > 0, "nothing was measured");
check(seen.tasks.every((ms) => ms <= FRAME_MS_MAX), `the page was busy for ${Math.max(...seen.tasks)} ms`);
check(said.inputDelayMs < INPUT_MS_MAX, `a key waited for ${said.inputDelayMs} ms`);
