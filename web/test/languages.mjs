// Every page in Chinese, in both themes and two sizes; and what a page says when there is nothing,
// when something is waited for, and when it fails.
import { account, ask, check, prepare, send, tell, url } from "./browser.mjs";

await prepare();
const paul = await account("paul", "physician", "Dr. Paul Ito");
await account("rita", "registrar");
await account("ivo", "integration");
await account("olga", "auditor");
await account("bill", "billing");
await account("ada", "administrator");
await ask("POST", "/api/admissions", { patient: "Patient/anna", attending: `Practitioner/${paul}`, reasons: [{ text: "Pneumonia", system: "http://hl7.org/fhir/sid/icd-10-cm", code: "J18.9" }], needs: {} });
await send([
  "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A04^ADT_A01|L1|P|2.5.1",
  "EVN||20260101080000", "PID|1||4712^^^HOSP^MR||Li^Wei||19800102|M", "PV1|1|O|||||||||||||||||V1^^^HOSP^VN", "",
].join("\r"));

/** English words in a Chinese page are words that nobody has translated; names and codes are not. */
const LATIN = /\b(the|and|of|is|are|no|not|with|your|for|to|bed|patient|name|state|status|active|waiting|open|close|save|done)\b/i;

await tell("languages", async (it) => {
  const { page, heading, look } = it;
  await page.addInitScript(() => { localStorage.setItem("ward-language", "zh"); });
  await page.goto(url);
  await page.getByRole("button", { name: "登录" }).waitFor();
  await look("zh-sign-in");
  const enter = async (name) => {
    await page.goto(`${url}/#/`);
    await page.getByRole("textbox", { name: "用户名" }).fill(name);
    await page.locator("input[type=password]").first().fill("a long password of a test");
    await page.getByRole("button", { name: "登录" }).click();
    await page.getByRole("navigation").waitFor();
  };
  const leave = async () => {
    await page.getByRole("banner").getByRole("button").last().click();
    await page.getByRole("menuitem", { name: "退出" }).click();
    await page.getByRole("button", { name: "登录" }).waitFor();
  };
  const seen = async (name) => {
    const said = await page.evaluate(() => {
      const own = [...document.querySelectorAll("h1, h2, h3, th, label, button, legend, dt, summary, nav a, [role=tab]")];
      return own.filter((it) => !it.closest("[data-said]")).map((it) => it.textContent ?? "");
    });
    for (const text of said) check(!LATIN.test(text), `${name} says in English: ${text}`);
    await look(`zh-${name}`);
  };

  await enter("rita");
  for (const [path, title] of [["board", "床位"], ["register", "患者登记"], ["admit", "入院"], ["workflows", "入院流程"], ["tasks", "待办"]]) {
    await page.goto(`${url}/#/${path}`);
    await heading(title).waitFor();
    await seen(path);
  }
  await page.getByRole("link", { name: "打开" }).first().click();
  await page.locator("[data-step=authorize-stay][data-state=waiting]").waitFor();
  await seen("admission");
  await leave();

  await enter("paul");
  for (const [tab, shows] of [["summary", "诊断"], ["person", "保险"], ["encounters", "住院"], ["results", "Potassium"], ["medications", "用药"], ["plans", "目标"], ["documents", "文档"], ["timeline", "结果"]]) {
    await page.goto(`${url}/#/patient/anna/${tab}`);
    await page.getByRole("tabpanel").getByText(shows).first().waitFor().catch(() => page.getByText(shows).first().waitFor());
    await seen(`chart-${tab}`);
  }
  await leave();

  await enter("ivo");
  await page.goto(`${url}/#/interfaces`);
  await page.locator("[data-interface=mllp]").waitFor();
  await seen("interfaces");
  await page.goto(`${url}/#/messages`);
  await page.getByRole("cell", { name: "L1" }).waitFor();
  await seen("messages");
  await page.locator("td button").first().click();
  await page.getByRole("dialog").locator("[data-segment='MSA[1]']").waitFor();
  await seen("message");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await leave();

  await enter("olga");
  await heading("审计").waitFor();
  await page.getByRole("cell").first().waitFor();
  await seen("audit");
  await leave();

  await enter("ada");
  await heading("账户").waitFor();
  await page.getByRole("cell", { name: "rita" }).waitFor();
  await seen("accounts");
  await leave();

  // Billing sees what payers leave to a person, decides, and sees nothing of the beds.
  await enter("bill");
  await heading("待办").waitFor();
  const task = page.locator("[data-task=authorize-stay]");
  await task.waitFor();
  await seen("billing");
  await task.getByRole("button", { name: "录入决定" }).click();
  await page.getByLabel("编号").fill("REF-9");
  await task.getByRole("button", { name: "批准" }).click();
  await task.waitFor({ state: "detached" });
  await page.goto(`${url}/#/patient/anna`);
  await page.getByText("a payer").first().waitFor();
  await seen("billing-chart");

  // A page whose server has gone says so, and comes back by itself or when it is asked.
  await page.goto(`${url}/#/tasks`);
  await page.route("**/api/tasks", (route) => route.fulfill({ status: 503, contentType: "application/fhir+json", body: JSON.stringify({ resourceType: "OperationOutcome", issue: [{ severity: "error", code: "transient", diagnostics: "not now" }] }) }));
  await page.reload();
  await page.getByRole("alert").getByText("not now").waitFor();
  await seen("failed");
  await page.unroute("**/api/tasks");
  await page.getByRole("button", { name: "重试" }).click();
  await page.getByText("没有待办事项").waitFor();
  // That it failed was said in the console too.
  it.faults.splice(0, it.faults.length, ...it.faults.filter((fault) => !fault.includes(" 503 ")));
  await leave();
});
