// The story of a stay at the desk: first start, registration, admission, beds, discharge.
import { PASSWORD, check, prepare, send, setUpToken, tell, url } from "./browser.mjs";

/** Bytes of the first load, compressed. */
const FIRST_LOAD_MAX = 300_000;

await prepare();
await tell("story", async (it) => {
  const { page, heading, look, signIn, signOut } = it;
  const loaded = await firstRun(it);
  await signIn("rita");
  await admit(it);
  await register(it);
  await beds(it);
  await arrives(it);
  await signOut();
  // The session is over: nothing of a patient is left on the screen.
  check(!(await page.getByRole("main").textContent()).includes("Meyer"), "a patient is on the screen of nobody");
  await page.goto(`${url}/#/board`);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await signIn("ada");
  await heading("Accounts").waitFor();
  await look("accounts-again");
  return { firstLoadBytes: loaded };
});

/** First load, the first account of all, and those that it makes. */
async function firstRun({ page, context, heading, choose, look, signOut }) {
  let loaded = 0;
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  client.on("Network.loadingFinished", (it) => { loaded += it.encodedDataLength; });
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  const first = loaded;
  check(first < FIRST_LOAD_MAX, `the first load takes ${first} bytes`);
  await look("sign-in");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("nobody");
  await page.locator("input[type=password]").first().fill("a wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look("sign-in-refused");
  await page.getByRole("button", { name: "First start?" }).click();
  await page.getByLabel("Set-up token").fill(setUpToken);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("ada");
  await page.locator("input[type=password]").first().fill(PASSWORD);
  await look("set-up");
  await page.getByRole("button", { name: "Create" }).click();
  await heading("Accounts").waitFor();
  for (const [name, role, person] of [["rita", "Registrar"], ["paul", "Physician", "Dr. Paul Ito"]]) {
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.locator("input[type=password]").first().fill(PASSWORD);
    await choose("Role", role);
    if (person) await page.getByLabel("Name as a clinician").fill(person);
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("cell", { name, exact: true }).waitFor();
  }
  await look("accounts");
  await signOut();
  return first;
}

/** The desk finds a patient by keyboard alone, and admits; the payer has to be asked. */
async function admit({ page, heading, choose, look, find }) {
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
  // Nobody waits for the payer.
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
  await page.getByTestId("state").getByText("completed").waitFor();
  await look("admission-done");

  await page.getByRole("link", { name: "Admissions" }).click();
  await page.getByText("No admissions").waitFor();
  await look("workflows-none");
  await page.getByText("All", { exact: true }).click();
  await page.getByRole("link", { name: "Meyer, Anna" }).waitFor();
  await look("workflows");

  // Who is in a bed already is not admitted again, and is told why.
  await page.goto(`${url}/#/admit`);
  await page.getByRole("combobox", { name: "Find a patient" }).fill("meyer");
  await page.getByRole("option").first().click();
  await page.getByRole("button", { name: "Admit" }).click();
  await page.getByRole("alert").getByText("in a stay already").waitFor();
  await look("admit-refused");

  // Who may see nothing of allergies is not told that there are none.
  await find("meyer", "Meyer");
  await heading("Meyer, Anna").waitFor();
  await page.getByTestId("allergies").or(page.getByText("may not see")).first().waitFor();
  check(!(await page.getByRole("main").textContent()).includes("No known allergies"), "allergies are denied to who may not see them");
}

/** Who comes may be registered already: the desk looks, and finds out. */
async function register({ page, heading, choose, look }) {
  const fill = async (family, given, birth) => {
    await page.goto(`${url}/#/board`);
    await page.getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Family name").fill(family);
    await page.getByLabel("Given name").fill(given);
    await page.getByLabel("Birth date").fill(birth);
    await choose("Sex", "female");
  };
  const text = (label, value) => page.getByRole("textbox", { name: label, exact: true }).fill(value);
  await fill("Okafor", "Ngozi", "1988-05-17");
  await text("Middle names", "Ada");
  await choose("Language", "Español");
  await page.getByRole("textbox", { name: "Race", exact: true }).click({ force: true });
  await page.getByRole("option", { name: "Black or African American", exact: true }).click();
  await page.keyboard.press("Escape");
  await choose("Ethnicity", "Not Hispanic or Latino");
  await text("Mobile phone", "+1 202 555 0134");
  await text("E-mail", "ngozi@example.org");
  await text("Street", "1 Elm Street");
  await text("City", "Springfield");
  await text("Emergency contact", "Chidi Okafor");
  await choose("Relationship", "Spouse");
  await text("Phone of the emergency contact", "+1 202 555 0135");
  await page.getByRole("button", { name: "Add insurance" }).click();
  await text("Insurer", "Plan A");
  await text("Policy number", "P-778");
  await text("Copay", "30");
  await text("Deductible", "1500");
  await look("register");
  await page.getByRole("button", { name: "Register" }).click();
  await heading("Okafor, Ngozi Ada").waitFor();
  const first = page.url();
  // All of it is on record, and is changed.
  for (const said of ["Black or African American", "Not Hispanic or Latino", "Español", "Chidi Okafor, Spouse", "P-778", "$30", "$1500"]) {
    await page.getByText(said, { exact: true }).first().waitFor();
  }
  await look("person");
  await page.getByRole("button", { name: "Edit" }).first().click();
  await text("City", "Shelbyville");
  await look("edit-person");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Shelbyville").waitFor();
  await page.getByRole("region", { name: "Insurance" }).getByRole("button", { name: "Add" }).click();
  await choose("Kind", "Medicaid");
  await text("Policy number", "MC-1");
  await look("insurance");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "MC-1" }).waitFor();

  await fill("Okafor", "Ngozy", "1988-05-17");
  await page.getByRole("button", { name: "Register" }).click();
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
}

/** To another bed by its menu, to a third by dragging, on leave, out, and in again. */
async function beds({ page, bed, look, find, heading }) {
  const act = async (place, item) => {
    await place.getByRole("button").click();
    await page.getByRole("menuitem", { name: item, exact: true }).click();
    // It fades: what is looked at next is the page without it.
    await page.locator("[role=menu]").waitFor({ state: "detached" });
  };
  await page.goto(`${url}/#/board`);
  await bed("W1-0", "occupied").waitFor();
  await act(bed("W1-0", "occupied"), "Move");
  await page.getByRole("textbox", { name: "Move to which bed?" }).click();
  await page.getByRole("option", { name: "W1-1" }).click();
  await page.getByRole("button", { name: "Move" }).click();
  await bed("W1-1", "occupied").waitFor();
  await bed("W1-0", "dirty").waitFor();
  await bed("W1-1", "occupied").dragTo(bed("W1-2", "free"));
  await bed("W1-2", "occupied").waitFor();
  // The bed is kept for who is on leave.
  await act(bed("W1-2", "occupied"), "Leave");
  await bed("W1-2", "occupied").getByText("On leave").waitFor();
  await look("board-leave");
  await act(bed("W1-2", "occupied"), "Back from leave");
  await bed("W1-2", "occupied").getByText("On leave").waitFor({ state: "detached" });
  await act(bed("W1-2", "occupied"), "Discharge");
  await look("discharge");
  await page.getByRole("dialog").getByRole("button", { name: "Discharge" }).click();
  await bed("W1-2", "dirty").waitFor();
  // It was a mistake: back to the bed, and then it was none.
  await find("meyer", "Meyer");
  await heading("Meyer, Anna").waitFor();
  await page.getByRole("tab", { name: "Stays" }).click();
  await page.getByRole("button", { name: "Take the discharge back" }).click();
  await look("cancel-discharge");
  await page.getByRole("button", { name: "Yes, do it" }).click();
  await page.getByText("In the house since").waitFor();
  await page.getByRole("link", { name: "Beds" }).click();
  await bed("W1-2", "occupied").getByRole("link", { name: "Meyer, Anna" }).waitFor();
  await act(bed("W1-2", "occupied"), "Discharge");
  await page.getByRole("dialog").getByRole("button", { name: "Discharge" }).click();
  await bed("W1-2", "dirty").waitFor();
  await act(bed("W1-2", "dirty"), "Cleaned");
  await bed("W1-2", "free").waitFor();
  // A bed is kept for somebody who is expected, and not kept any more.
  await act(bed("W1-1", "dirty"), "Cleaned");
  await act(bed("W1-1", "free"), "Hold for a patient");
  await page.getByRole("combobox", { name: "Find a patient" }).fill("okafor ada");
  await page.getByRole("option").first().click();
  await look("hold");
  await page.getByRole("button", { name: "Hold for a patient" }).click();
  await bed("W1-1", "held").getByRole("link", { name: "Okafor, Ngozi Ada" }).waitFor();
  await look("board-held");
  await act(bed("W1-1", "held"), "Hold no longer");
  await bed("W1-1", "free").waitFor();
  await act(bed("W1-1", "free"), "Close");
  await bed("W1-1", "closed").waitFor();
  // All of it goes by keyboard too.
  await bed("W1-1", "closed").getByRole("button").press("Enter");
  await page.getByRole("menuitem", { name: "Open", exact: true }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.className === "dots");
  await bed("W1-1", "free").waitFor();
}

/** The same patient arrives by a message: on the board, and nobody loads anything again. */
async function arrives({ page, bed, look }) {
  await page.evaluate(() => { globalThis.isSame = true; });
  const ack = await send([
    "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A01^ADT_A01|UI1|P|2.5.1",
    "EVN||20260101080000", "PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F",
    "PV1|1|I|W9^901^A||||||||||||||||V4711^^^HOSP^VN", "",
  ].join("\r"));
  check(ack.includes("MSA|AA|UI1"), `the message was answered with ${ack}`);
  await bed("W9-901-A", "occupied").getByRole("link", { name: "Meyer, Anna" }).waitFor();
  check(await page.evaluate(() => globalThis.isSame), "the page was loaded again");
  await look("board-arrived");
}
