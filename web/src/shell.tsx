import { Button, Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { post } from "./api";
import { type Me, forget } from "./app";
import { Finder } from "./finder";
import { Accounts } from "./pages/accounts";
import { AdmissionPage, AdmitPage } from "./pages/admission";
import { Audit } from "./pages/audit";
import { Board } from "./pages/board";
import { Chart } from "./pages/chart";
import { Due } from "./pages/meds/due";
import { OrderEntry } from "./pages/meds/entry";
import { Dispense } from "./pages/meds/dispense";
import { Recall } from "./pages/meds/recall";
import { Reconcile } from "./pages/meds/reconcile";
import { MedsSheet } from "./pages/meds/sheet";
import { Stock } from "./pages/meds/stock";
import { Verify } from "./pages/meds/verify";
import { Messages } from "./pages/messages";
import { Register } from "./pages/register";
import { Tasks } from "./pages/tasks";
import { useRoute } from "./route";
import { type Word, setLanguage, useWords } from "./words";

const WARD = ["physician", "nurse", "registrar", "integration"];
const PAGES: { path: string; word: Word; roles: string[] }[] = [
  { path: "board", word: "board", roles: [...WARD, "pharmacist", "radiographer"] },
  { path: "register", word: "register", roles: WARD },
  { path: "admit", word: "admit", roles: WARD },
  { path: "tasks", word: "tasks", roles: WARD },
  { path: "meds", word: "emar", roles: ["physician", "nurse", "pharmacist"] },
  { path: "due", word: "due", roles: ["nurse", "physician"] },
  { path: "verify", word: "verifyQueue", roles: ["pharmacist"] },
  { path: "dispense", word: "dispensing", roles: ["pharmacist"] },
  { path: "stock", word: "stock", roles: ["pharmacist"] },
  { path: "recall", word: "recall", roles: ["pharmacist"] },
  { path: "messages", word: "messages", roles: ["integration"] },
  { path: "audit", word: "audit", roles: ["auditor"] },
  { path: "accounts", word: "accounts", roles: ["administrator"] },
];

export function Shell({ me }: { me: Me }) {
  const { say, language } = useWords();
  const queries = useQueryClient();
  const scheme = useComputedColorScheme();
  const { setColorScheme } = useMantineColorScheme();
  const [page, id] = useRoute();
  const pages = PAGES.filter((it) => it.roles.includes(me.role));
  const here = page ?? pages[0]?.path;
  const finds = !["auditor", "administrator", "billing"].includes(me.role);
  useEffect(() => {
    document.documentElement.lang = language;
    if (here !== "patient") document.title = "Ward";
  }, [here, language]);
  const leave = async () => {
    await post("/api/sign-out").catch(() => undefined);
    window.location.hash = "";
    await forget(queries);
  };
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>↓</a>
      <header className="top">
        <a className="brand" href="#/">Ward</a>
        {finds ? <Finder /> : <span />}
        <span className="grow" />
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" size="xs">{me.role} ▾</Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>{say("language")}</Menu.Item>
            <Menu.Item onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}>{say(scheme === "dark" ? "light" : "dark")}</Menu.Item>
            <Menu.Divider />
            <Menu.Item onClick={leave}>{say("signOut")}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </header>
      <nav className="side" aria-label={say("menu")}>
        {pages.map((it) => (
          <a key={it.path} href={`#/${it.path}`} aria-current={here === it.path ? "page" : undefined}>{say(it.word)}</a>
        ))}
      </nav>
      <main className="page" id="main" tabIndex={-1}>
        {here === "board" && <Board me={me} />}
        {here === "register" && <Register />}
        {here === "admit" && <AdmitPage patient={id} />}
        {here === "admission" && id && <AdmissionPage id={id} />}
        {here === "patient" && id && <Chart id={id} me={me} key={id} />}
        {here === "tasks" && <Tasks me={me} />}
        {here === "meds" && <MedsSheet id={id} me={me} key={id} />}
        {here === "order" && id && <OrderEntry id={id} key={id} />}
        {here === "reconcile" && id && <Reconcile id={id} key={id} />}
        {here === "due" && <Due />}
        {here === "verify" && <Verify />}
        {here === "dispense" && <Dispense />}
        {here === "stock" && <Stock />}
        {here === "recall" && <Recall />}
        {here === "messages" && <Messages />}
        {here === "audit" && <Audit />}
        {here === "accounts" && <Accounts />}
        {!here && <p>{say("unmatched")}</p>}
      </main>
    </div>
  );
}
