import { Alert, Anchor, Button, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";

import { ApiError, post } from "../api";
import { setLanguage, useWords } from "../words";

const isWrong = (error: unknown) => error instanceof ApiError && error.status === 401;

/** Sign-in, and the first account of all. */
export function Door({ entered }: { entered: () => void }) {
  const { say, language } = useWords();
  const [isFirst, setFirst] = useState(window.location.hash === "#/set-up");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [next, setNext] = useState<string>();
  const [token, setToken] = useState("");
  const [why, setWhy] = useState("");
  const [busy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    setWhy("");
    try {
      if (isFirst) await post("/api/setup", { token, name, password });
      await post("/api/sign-in", next === undefined ? { name, password } : { name, password, newPassword: next });
      if (window.location.hash === "#/set-up") window.location.hash = "";
      entered();
    } catch (error) {
      const isTemporary = error instanceof ApiError && error.status === 403 && next === undefined && !isFirst;
      if (isTemporary) setNext("");
      setWhy(isTemporary ? say("temporary") : isWrong(error) ? say("wrongPassword") : String((error as Error).message));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="door">
      <div className="card stack">
        <div>
          <h1 style={{ margin: 0 }}>Ward</h1>
          <span className="quiet">{say(isFirst ? "setUpHint" : "welcome")}</span>
        </div>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void enter(); }}>
          {isFirst && <TextInput label={say("setUpToken")} value={token} required onChange={(e) => setToken(e.currentTarget.value)} autoComplete="off" />}
          <TextInput label={say("name")} value={name} required autoComplete="username" onChange={(e) => setName(e.currentTarget.value)} />
          <PasswordInput label={say("password")} description={isFirst ? say("passwordHint") : undefined} value={password} required autoComplete={isFirst ? "new-password" : "current-password"} onChange={(e) => setPassword(e.currentTarget.value)} />
          {next !== undefined && <PasswordInput label={say("newPassword")} description={say("passwordHint")} value={next} required autoComplete="new-password" onChange={(e) => setNext(e.currentTarget.value)} />}
          {why && <Alert color={next === "" ? "yellow" : "red"} role="alert">{why}</Alert>}
          <Button type="submit" loading={busy}>{say(isFirst ? "create" : "signIn")}</Button>
        </form>
        <div className="row">
          <Anchor component="button" size="sm" onClick={() => { setFirst(!isFirst); setWhy(""); }}>{say(isFirst ? "back" : "firstRun")}</Anchor>
          <span className="grow" />
          <Anchor component="button" size="sm" onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>{say("language")}</Anchor>
        </div>
      </div>
    </main>
  );
}
