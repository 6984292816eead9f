// A morning of whoever looks after interfaces: what needs somebody, the messages behind each
// number, a message read by its parts, and messages worked on and sent again.
import { createServer, connect } from "node:net";

import { account, ask, check, mllp, prepare, send, tell, url } from "./browser.mjs";

/** A receiver that has messages refused until it is told to take them. */
const lab = { code: "AE", got: [], rests: Promise.resolve() };
const [labHost, labPort] = process.env.WARD_LAB.split(":");
const server = createServer((socket) => {
  let text = "";
  socket.unref();
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    text += bytes.toString();
    for (let end = text.indexOf("\x1c"); end >= 0; end = text.indexOf("\x1c")) {
      const id = text.slice(0, end).split("|")[9];
      text = text.slice(end + 2);
      if (lab.code === "AA") lab.got.push(id);
      lab.rests.then(() => socket.write(`\x0bMSH|^~\\&|LAB||||20260101080000||ACK|A${id}|P|2.5.1\rMSA|${lab.code}|${id}|${lab.code === "AA" ? "" : "not today"}\r\x1c\r`));
    }
  });
});
await new Promise((done) => { server.listen(Number(labPort), labHost, done); });
// What goes wrong ends the story, whoever is still connected.
server.unref();

const adt = (event, id, mrn, name, more = "") => [
  `MSH|^~\\&|REG|HOSP|WARD|HOSP|20260102080000||ADT^${event}^ADT_A01|${id}|P|2.5.1${more}`, "EVN||20260102080000",
  `PID|1||${mrn}^^^HOSP^MR||${name}||19700102|F|||12 Elm St^^Springfield^^62701`, `PV1|1|I|W9^901^A||||||||||||||||V${mrn}^^^HOSP^VN`, "",
].join("\r");

await prepare();
await account("ivo", "integration");
await account("nora", "nurse");
check((await send(adt("A01", "M1", "8001", "Lindqvist^Sara"))).includes("MSA|AA|M1"), "M1 was not taken");
check((await send(["MSH|^~\\&|REG|HOSP|WARD|HOSP|20260102080000||ZZZ^Z99|M2|P|2.5.1", "ZZZ|1", ""].join("\r"))).includes("MSA|AR|M2"), "M2 was not refused");
// Two patients have one number: what is accepted as safe cannot be worked on.
const found = await ask("GET", "/fhir/Patient?identifier=8001");
const { id: _id, meta: _meta, ...double } = found.entry[0].resource;
const second = await ask("POST", "/fhir/Patient", double);
for (const id of ["M3", "M4"]) check((await send(adt("A08", id, "8001", "Lindqvist^Sara", "|||AL|NE"))).includes(`MSA|CA|${id}`), `${id} was not safe`);
await new Promise((resolve, reject) => {
  const [host, port] = mllp.split(":");
  const socket = connect(Number(port), host, () => socket.write("\x0bno message\x1c\r"));
  socket.once("close", resolve).once("error", reject).resume();
});
for (let n = 0; n < 60; n += 1) await send(adt("A08", `P${n}`, String(9000 + n), `Berg^Nils${n}`));
const settledIn = async (path, n) => {
  for (let tries = 0; ; tries += 1) {
    const { messages } = await ask("GET", path);
    if (messages.length === n) return messages;
    if (tries > 100) throw new Error(`${path}: ${JSON.stringify(messages)}`);
    await new Promise((done) => { setTimeout(done, 200); });
  }
};
await settledIn("/api/messages?state=dead&direction=in", 2);
await settledIn("/api/messages?state=dead&direction=out", 1);

await tell("messages", async (it) => {
  const { page, heading, look, signIn, signOut, choose } = it;
  const link = (name) => page.getByRole("link", { name });
  const row = (control) => page.getByRole("row").filter({ has: page.getByRole("cell", { name: control, exact: true }) });
  await page.goto(url);

  // A nurse sees neither.
  await signIn("nora");
  check((await link("Interfaces").count()) + (await link("Messages").count()) === 0, "a nurse is led to interfaces");
  await signOut();

  await signIn("ivo");
  await link("Interfaces").click();
  await heading("Interfaces").waitFor();
  const attention = page.getByTestId("attention");
  await attention.getByText("north/registry does not take messages").waitFor();
  await attention.getByRole("link", { name: "2 given up" }).waitFor();
  await attention.getByRole("link", { name: "1 set aside" }).waitFor();
  const registry = page.locator("[data-destination='north/registry']");
  await registry.getByText("no connection").waitFor();
  await registry.getByText("next try").waitFor();
  await page.locator("[data-interface=mllp]").getByText("open", { exact: true }).waitFor();
  await page.locator("[data-destination='north/archive']").getByText("up", { exact: true }).waitFor();
  const text = await page.getByRole("main").textContent();
  check(!/Lindqvist|8001|Berg/.test(text), "the page of interfaces names a patient");
  await look("interfaces");
  await page.getByText("7 days", { exact: true }).click();
  await page.locator("[data-interface=mllp]").getByRole("link", { name: "mllp: 61 applied" }).waitFor();

  // Each number leads to its messages.
  await page.locator("[data-interface=mllp]").getByRole("link", { name: "mllp: 1 refused" }).click();
  await heading("Messages").waitFor();
  await row("M2").waitFor();
  check((await page.locator("tbody tr").count()) === 1, "the number and the list differ");
  check(page.url().includes("interface=mllp") && page.url().includes("state=refused"), page.url());

  // What is wrong stands where it is wrong.
  await row("M2").getByRole("button").click();
  const drawer = page.getByRole("dialog");
  await drawer.locator("[data-at='MSH[1]-9'] .problem").first().waitFor();
  await drawer.locator("[data-segment='ZZZ[1]']").waitFor();
  await look("message-refused");
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });

  // Page after page, and back; the address says where.
  await page.getByRole("button", { name: "Clear filters" }).last().click();
  await row("P59").waitFor();
  await look("messages-all");
  await page.getByRole("button", { name: "Older" }).click();
  await row("M1").first().waitFor();
  await page.reload();
  await row("M1").first().waitFor();
  await page.getByRole("button", { name: "Newer" }).click();
  await row("P59").waitFor();

  // One patient's messages, in one direction, of one type.
  await page.getByRole("button", { name: /^Patient: / }).click();
  await page.getByRole("combobox", { name: "Find a patient" }).fill("lindqvist");
  await page.getByRole("option").last().waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${url}/#/messages?patient=${found.entry[0].resource.id}&direction=in&type=ADT%5EA01`);
  await row("M1").waitFor();
  check((await page.locator("tbody tr").count()) === 1, "another patient's messages are shown");
  await page.getByRole("button", { name: "Patient: Lindqvist, Sara" }).waitFor();
  await look("messages-filtered");
  await page.getByLabel("From", { exact: true }).fill("2031-01-01T00:00");
  await page.getByText("No messages").waitFor();
  await page.getByLabel("From", { exact: true }).fill("");

  // Read by its parts, with the names of the standard; and the chart is one step away.
  await row("M1").getByRole("button").click();
  await drawer.locator("[data-at='PID[1]-5']").getByText("Patient Name").waitFor();
  await drawer.locator("[data-at='PID[1]-5[1].1']").getByText("Lindqvist").waitFor();
  await drawer.locator("[data-at='MSA[1]-1']").getByText("AA").waitFor();
  check((await drawer.locator("[data-at='PID[1]-2']").count()) === 0, "empty parts are shown");
  await look("message-read");
  await drawer.getByRole("button", { name: "Show empty parts" }).click();
  await drawer.locator("[data-at='PID[1]-2']").waitFor();
  await drawer.getByText("As it came", { exact: true }).click();
  await drawer.getByText("MSA|AA|M1").waitFor();
  await drawer.getByRole("link", { name: "Lindqvist, Sara" }).click();
  await heading("Lindqvist, Sara").waitFor();

  // Those that were given up, together: first what would happen, and nothing does.
  await page.goto(`${url}/#/messages?state=dead&direction=in`);
  await row("M4").waitFor();
  await page.getByRole("button", { name: "Choose all that match" }).click();
  await page.getByRole("status").getByText("2 chosen").waitFor();
  await page.getByRole("button", { name: "Work on them again" }).click();
  await drawer.getByRole("button", { name: "What would change" }).click();
  await drawer.getByRole("status").getByText("Nothing has been changed").waitFor();
  check((await drawer.getByText("cannot be worked on:").count()) === 2, "what cannot be worked on is not said");
  await look("together-tried");
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  await ask("DELETE", `/fhir/Patient/${second.id}`);
  await page.getByRole("button", { name: "Work on them again" }).click();
  await drawer.getByRole("button", { name: "What would change" }).click();
  await drawer.getByRole("status").getByText("0 cannot be worked on").waitFor();
  const order = await drawer.locator("[data-report]").evaluateAll((rows) => rows.map((it) => Number(it.dataset.report)));
  check(order[0] < order[1], "the newest goes first");
  await drawer.getByRole("button", { name: "Work on them again" }).click();
  await drawer.getByRole("button", { name: "Yes, do it" }).click();
  await drawer.getByRole("status").getByText("2 worked on, 0 not done").waitFor();
  await look("together-done");
  await page.keyboard.press("Escape");
  await page.getByText("No messages").waitFor();

  // What needs nothing is asked about no more.
  await page.goto(`${url}/#/messages?state=quarantined`);
  await page.getByRole("checkbox").first().check();
  await page.getByRole("button", { name: "Nothing to do" }).click();
  await drawer.getByLabel("What did you find?").fill("A scan of ports");
  await look("together-dismiss");
  await drawer.getByRole("button", { name: "Yes, do it" }).click();
  await drawer.getByRole("status").getByText("1 nothing to do").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("No messages").waitFor();
  await page.goto(`${url}/#/messages?state=ignored`);
  await page.locator("[data-message]").getByRole("button").click();
  await drawer.getByText("A scan of ports").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });

  // What a receiver would not have goes again when it takes it.
  lab.code = "AA";
  let answers;
  lab.rests = new Promise((done) => { answers = done; });
  await page.goto(`${url}/#/messages?state=dead&direction=out`);
  await row("M1").getByRole("button").click();
  await drawer.getByRole("button", { name: "Send again" }).click();
  await drawer.getByRole("button", { name: "Yes, do it" }).click();
  await drawer.getByRole("status").getByText("It waits to be sent again").waitFor();
  // It is still said when the message is shown as one that waits.
  await drawer.getByText("· waiting ·").waitFor();
  await drawer.getByRole("status").getByText("It waits to be sent again").waitFor();
  await look("message-sent-again");
  answers();
  await settledIn("/api/messages?state=sent&interface=north%2Flab", 1);
  check(lab.got.join() === "M1", `the receiver has ${lab.got}`);
  await page.goto(`${url}/#/messages?state=dead`);
  await page.getByText("No messages").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  await signOut();
});
server.close();
