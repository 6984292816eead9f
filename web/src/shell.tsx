import { Button, Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Suspense, lazy, useEffect } from "react";

import { post } from "./api";
import { type Me, forget } from "./app";
import { useFeed } from "./feed";
import { Finder } from "./finder";
import { Accounts } from "./pages/accounts";
import { AdmissionPage, AdmitPage } from "./pages/admission";
import { Audit } from "./pages/audit";
import { Board } from "./pages/board";
import { Chart } from "./pages/chart";
import { EventPage } from "./pages/event";
import { InterfacesPage } from "./pages/interfaces";
import { Messages } from "./pages/messages";
import { Waiting } from "./pages/parts";
import { Register } from "./pages/register";
import { Tasks } from "./pages/tasks";
import { Workflows } from "./pages/workflows";
import { useRoute } from "./route";
import { type Word, setLanguage, useWords } from "./words";

const Meds = lazy(() => import("./pages/meds"));
const MEDS = ["meds", "order", "reconcile", "due", "verify", "dispense", "stock", "recall"];

const WARD = ["physician", "nurse", "registrar", "integration"];
const PAGES: { path: string; word: Word; roles: string[] }[] = [
  { path: "board", word: "board", roles: [...WARD, "pharmacist", "radiographer"] },
  { path: "register", word: "register", roles: WARD },
  { path: "admit", word: "admit", roles: WARD },
  { path: "workflows", word: "workflows", roles: WARD },
  { path: "tasks", word: "tasks", roles: [...WARD, "billing"] },
  { path: "meds", word: "emar", roles: ["physician", "nurse", "pharmacist"] },
  { path: "due", word: "due", roles: ["nurse", "physician"] },
  { path: "verify", word: "verifyQueue", roles: ["pharmacist"] },
  { path: "dispense", word: "dispensing", roles: ["pharmacist"] },
  { path: "stock", word: "stock", roles: ["pharmacist"] },
  { path: "recall", word: "recall", roles: ["pharmacist"] },
  { path: "interfaces", word: "interfaces", roles: ["integration"] },
  { path: "messages", word: "messages", roles: ["integration"] },
  { path: "audit", word: "audit", roles: ["auditor"] },
  { path: "accounts", word: "accounts", roles: ["administrator"] },
];

export function Shell({ me }: { me: Me }) {
  const { say, word, language } = useWords();
  const queries = useQueryClient();
  useFeed();
  const scheme = useComputedColorScheme();
  const { setColorScheme } = useMantineColorScheme();
  const [page, id, part] = useRoute();
  const pages = PAGES.filter((it) => it.roles.includes(me.role));
  // Whoever signs in after somebody else begins at a page of their own.
  const isOthers = PAGES.some((it) => it.path === page) && !pages.some((it) => it.path === page);
  const here = page && !isOthers ? page : pages[0]?.path;
  const finds = !["auditor", "administrator"].includes(me.role);
  useEffect(() => {
    document.documentElement.lang = language;
    document.querySelector(".side a[aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
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
        <Finder pages={pages} finds={finds} />
        <span className="grow" />
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" size="xs">{me.name ?? word("role", me.role)} ▾</Button></Menu.Target>
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
        {here === "admit" && <AdmitPage patient={id} bed={part} key={`${id}/${part}`} />}
        {here === "admission" && id && <AdmissionPage id={id} />}
        {here === "patient" && id && <Chart id={id} me={me} tab={part} key={id} />}
        {here === "event" && id && <EventPage id={id} key={id} />}
        {here === "workflows" && <Workflows />}
        {here === "tasks" && <Tasks me={me} />}
        {here && MEDS.includes(here) && <Suspense fallback={<Waiting lines={6} />}><Meds here={here} id={id} me={me} /></Suspense>}
        {here === "interfaces" && <InterfacesPage />}
        {here === "messages" && <Messages />}
        {here === "audit" && <Audit />}
        {here === "accounts" && <Accounts />}
        {!here && <p>{say("unmatched")}</p>}
      </main>
    </div>
  );
}
