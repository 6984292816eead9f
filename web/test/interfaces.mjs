// Whoever looks after interfaces, and whoever asks who looked at a chart.
import { account, check, prepare, send, tell, url } from "./browser.mjs";

await prepare();
for (const [name, role] of [["ivo", "integration"], ["olga", "auditor"], ["rita", "registrar"]]) await account(name, role);
const ack = await send([
  "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A01^ADT_A01|UI1|P|2.5.1",
  "EVN||20260101080000", "PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F",
  "PV1|1|I|W9^901^A||||||||||||||||V4711^^^HOSP^VN", "",
].join("\r"));
check(ack.includes("MSA|AA|UI1"), `the message was answered with ${ack}`);
const refused = await send(["MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ZZZ^Z99|UI2|P|2.5.1", "ZZZ|1", ""].join("\r"));
check(!refused.includes("MSA|AA|"), `a message of no known type was answered with ${refused}`);

await tell("interfaces", async (it) => {
  const { page, heading, look, signIn, signOut, find } = it;
  await page.goto(url);
  await signIn("rita");
  await find("4711", "Meyer");
  await heading("Meyer, Anna").waitFor();
  await signOut();

  await signIn("ivo");
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByRole("cell", { name: "UI2" }).waitFor();
  await look("messages");
  await page.getByLabel("Control id").fill("UI1");
  await page.getByRole("cell", { name: "UI2" }).waitFor({ state: "detached" });
  await page.locator("td button").first().click();
  await page.getByRole("dialog").getByText("Patient Name").waitFor();
  await page.getByText("As it came", { exact: true }).click();
  await page.getByText("MSA|AA|UI1").waitFor();
  await page.getByRole("button", { name: "What would change" }).click();
  await page.getByRole("region", { name: "Changes" }).waitFor();
  await page.getByRole("button", { name: "Work on it again" }).click();
  await look("message");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Work on it again" }).click();
  await page.getByRole("button", { name: "Yes, do it" }).click();
  await page.getByRole("status").getByText("Worked on again").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await signOut();

  // Who looked at this chart?
  await signIn("olga");
  await heading("Audit").waitFor();
  await page.getByRole("cell").first().waitFor();
  await look("audit-all");
  await page.getByLabel("Who looked").fill("anna");
  await page.getByRole("cell", { name: /^rita/ }).first().waitFor();
  await look("audit");
  await signOut();
});
