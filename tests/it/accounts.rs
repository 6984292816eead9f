//! Looking after accounts, sessions and tokens, over the wire and from the command line.

use std::fs;

use serde_json::{Value, json};
use ward_tests::{Client, House, Reply, Server};

const PASSWORD: &str = "a long enough password";

/// A served chart with the accounts `root` (administrator), `nina` (nurse) and `paul` (physician).
struct Hospital {
    house: House,
    server: Server,
}

impl Hospital {
    fn new() -> Hospital {
        let house = House::new();
        let file = house.data().with_file_name("password");
        fs::write(&file, PASSWORD).unwrap();
        for (name, role) in [("root", "administrator"), ("nina", "nurse"), ("paul", "physician")] {
            let file = file.to_str().unwrap();
            let args = ["account", "create", "--name", name, "--role", role];
            house.must(&[&args[..], &["--password-file", file]].concat());
        }
        let server = house.serve();
        Hospital { house, server }
    }

    fn post(&self, path: &str, body: Value) -> Reply {
        Client::new(&self.server.address, None).post(path, &body)
    }

    fn sign_in(&self, name: &str) -> Person {
        self.sign_in_with(json!({ "name": name, "password": PASSWORD }))
    }

    fn sign_in_with(&self, given: Value) -> Person {
        let reply = self.post("/api/sign-in", given);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Person { client: Client::new(&self.server.address, None), cookie }
    }

    /// The entries of the log, newest first, of one action.
    fn log(&self, action: &str) -> Vec<String> {
        let told = self.house.must(&["audit", "list", "--limit", "2000"]).stdout;
        let told = String::from_utf8(told).unwrap();
        told.lines().filter(|line| line.contains(action)).map(str::to_owned).collect()
    }
}

/// Somebody with a session.
struct Person {
    client: Client,
    cookie: String,
}

impl Person {
    fn ask(&mut self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "application/json")];
        self.client.send(method, path, &headers, body.as_bytes()).unwrap()
    }

    /// The status of the next request with the same cookie.
    fn status(&mut self) -> u16 {
        self.ask("GET", "/api/me", Value::Null).status
    }

    fn id_of(&mut self, name: &str) -> String {
        let all = self.ask("GET", "/api/accounts", Value::Null).json();
        let all = all["accounts"].as_array().unwrap();
        let found = all.iter().find(|it| it["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn who_is_changed_is_out_at_once() {
    let hospital = Hospital::new();
    let mut root = hospital.sign_in("root");
    let nina = root.id_of("nina");
    let at = |rest: &str| format!("/api/accounts/{nina}{rest}");

    // Closed: the session ends, the password no longer opens anything.
    let mut session = hospital.sign_in("nina");
    let mut paul = hospital.sign_in("paul");
    assert_eq!(session.status(), 200);
    assert_eq!(root.ask("PUT", &at("/active"), json!({ "active": false })).status, 200);
    assert_eq!(session.status(), 401);
    let refused = hospital.post("/api/sign-in", json!({ "name": "nina", "password": PASSWORD }));
    assert_eq!(refused.status, 401);
    assert_eq!(root.ask("PUT", &at("/active"), json!({ "active": true })).status, 200);
    assert_eq!(session.status(), 401, "an old cookie stays dead");

    // Another role: what was granted before is not carried on.
    let mut session = sign_in_after_failure(&hospital, "nina");
    assert_eq!(root.ask("PUT", &at("/role"), json!({ "role": "registrar" })).status, 200);
    assert_eq!(session.status(), 401);
    let mut session = hospital.sign_in("nina");
    assert_eq!(session.ask("GET", "/api/me", Value::Null).json()["role"], "registrar");
    for role in ["system", "wizard"] {
        let reply = root.ask("PUT", &at("/role"), json!({ "role": role }));
        assert!(matches!(reply.status, 400 | 403), "{role}: {}", reply.status);
    }
    assert_eq!(session.status(), 200, "a refused change ends nothing");

    // Sessions by themselves: one, then the rest.
    let mut second = hospital.sign_in("nina");
    let shown = root.ask("GET", &at("/sessions"), Value::Null).json();
    let shown = shown["sessions"].as_array().unwrap().clone();
    assert_eq!(shown.len(), 2);
    let one = at(&format!("/sessions/{}", shown[0]["id"].as_str().unwrap()));
    assert_eq!(root.ask("DELETE", &one, Value::Null).status, 200);
    assert_eq!(root.ask("DELETE", &one, Value::Null).status, 404);
    let statuses = [session.status(), second.status()];
    assert!(statuses.contains(&200) && statuses.contains(&401), "{statuses:?}");
    let ended = root.ask("DELETE", &at("/sessions"), Value::Null);
    assert_eq!(ended.json()["ended"], 1);
    assert_eq!([session.status(), second.status()], [401, 401]);
    assert_eq!([paul.status(), root.status()], [200, 200], "nobody else's session ended");

    // Each is on record, with who did it and to whom.
    let root_actor = root.ask("GET", "/api/me", Value::Null).json()["actor"].clone();
    let by_root = format!("actor={} ", root_actor.as_str().unwrap());
    let of_nina = |action: &str| {
        let log = hospital.log(action);
        log.iter().filter(|it| it.contains(&nina) && it.contains(&by_root)).count()
    };
    assert_eq!(of_nina(" account-changed "), 3);
    assert_eq!(of_nina(" logout "), 4);
}

/// Signs in when the delay after a wrong password is over.
fn sign_in_after_failure(hospital: &Hospital, name: &str) -> Person {
    let body = json!({ "name": name, "password": PASSWORD });
    let patience = std::time::Duration::from_secs(30);
    let in_time = ward_tests::wait_until(patience, || {
        hospital.post("/api/sign-in", body.clone()).status == 200
    });
    assert!(in_time, "{name} is let in again");
    hospital.sign_in(name)
}

#[test]
fn a_lost_password_is_replaced_once() {
    let hospital = Hospital::new();
    let mut root = hospital.sign_in("root");
    let mut session = hospital.sign_in("nina");
    let nina = root.id_of("nina");
    let reply = root.ask("POST", &format!("/api/accounts/{nina}/reset-password"), Value::Null);
    assert_eq!(reply.status, 200);
    let temporary = reply.json()["password"].as_str().unwrap().to_owned();
    assert_eq!(session.status(), 401);
    let shown = root.ask("GET", &format!("/api/accounts/{nina}"), Value::Null).json();
    assert!(shown["temporaryUntil"].is_string(), "{shown}");

    // It begins no session by itself, and is not its own successor.
    let given = |new: Option<&str>| match new {
        None => json!({ "name": "nina", "password": temporary }),
        Some(new) => json!({ "name": "nina", "password": temporary, "newPassword": new }),
    };
    let reply = hospital.post("/api/sign-in", given(None));
    assert_eq!(reply.status, 403);
    assert!(String::from_utf8_lossy(&reply.body).contains("newPassword"));
    assert_eq!(hospital.post("/api/sign-in", given(Some("short"))).status, 400);
    assert_eq!(hospital.post("/api/sign-in", given(Some(&temporary))).status, 400);
    let mut session = hospital.sign_in_with(given(Some("another long password")));
    assert_eq!(session.status(), 200);
    // Once: then it is a wrong password like any other.
    assert_eq!(hospital.post("/api/sign-in", given(Some("yet another password"))).status, 401);
    assert_eq!(session.status(), 200);
}

#[test]
fn people_change_their_own_password() {
    let hospital = Hospital::new();
    let (mut here, mut there) = (hospital.sign_in("nina"), hospital.sign_in("nina"));
    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    let path = "/api/me/password";
    assert_eq!(here.ask("POST", path, change(PASSWORD, "short")).status, 400);
    assert_eq!(here.ask("POST", path, change(PASSWORD, PASSWORD)).status, 400);
    assert_eq!(there.status(), 200);
    assert_eq!(here.ask("POST", path, change(PASSWORD, "another long password")).status, 200);
    assert_eq!([here.status(), there.status()], [200, 401]);
    hospital.sign_in_with(json!({ "name": "nina", "password": "another long password" }));
    assert_eq!(here.ask("POST", path, change(PASSWORD, "yet another password")).status, 403);
    let reply = here.ask("POST", path, change("another long password", "yet another password"));
    assert_eq!(reply.status, 429, "guessing is slowed here too");
    assert_eq!(here.status(), 200);
    // A program has none, and a page of another site cannot ask.
    let mut program = hospital.server.client();
    let reply = program.post(path, &change(PASSWORD, "yet another password"));
    assert_eq!(reply.status, 403);
    assert_eq!(hospital.post(path, change(PASSWORD, "yet another password")).status, 401);
    assert_eq!(hospital.log(" account-changed ").len(), 4, "three made, one changed");
}

#[test]
fn somebody_is_left_to_look_after_accounts() {
    let hospital = Hospital::new();
    let mut root = hospital.sign_in("root");
    let (id, nina) = (root.id_of("root"), root.id_of("nina"));
    let role = format!("/api/accounts/{id}/role");
    let active = format!("/api/accounts/{id}/active");
    let closes = [(&role, json!({ "role": "nurse" })), (&active, json!({ "active": false }))];
    for (path, body) in &closes {
        let reply = root.ask("PUT", path, body.clone());
        assert_eq!(reply.status, 409);
        assert_eq!(reply.json()["resourceType"], "OperationOutcome");
        assert!(reply.json()["issue"][0]["diagnostics"].as_str().unwrap().contains("last active"));
    }
    assert_eq!(root.status(), 200);
    for command in ["deactivate", "set-role"] {
        let args = ["account", command, "--name", "root", "--role", "nurse"];
        let args = if command == "set-role" { &args[..] } else { &args[..4] };
        assert!(!hospital.house.run(args).status.success(), "{command}");
    }
    // A second one who is closed does not count; one who is not does.
    let second = format!("/api/accounts/{nina}");
    let put = |root: &mut Person, rest: &str, body| {
        root.ask("PUT", &format!("{second}{rest}"), body).status
    };
    assert_eq!(put(&mut root, "/role", json!({ "role": "administrator" })), 200);
    assert_eq!(put(&mut root, "/active", json!({ "active": false })), 200);
    assert_eq!(root.ask("PUT", &role, json!({ "role": "nurse" })).status, 409);
    assert_eq!(put(&mut root, "/active", json!({ "active": true })), 200);
    assert_eq!(root.ask("PUT", &active, json!({ "active": false })).status, 200);
    assert_eq!(root.status(), 401);
}

#[test]
fn two_administrators_cannot_put_each_other_out() {
    let hospital = Hospital::new();
    let mut root = hospital.sign_in("root");
    let nina = root.id_of("nina");
    let reply =
        root.ask("PUT", &format!("/api/accounts/{nina}/role"), json!({ "role": "administrator" }));
    assert_eq!(reply.status, 200);
    let id = root.id_of("root");
    let other = hospital.sign_in("nina");
    let out = |mut who: Person, whom: String| {
        let path = format!("/api/accounts/{whom}/active");
        std::thread::spawn(move || who.ask("PUT", &path, json!({ "active": false })).status)
    };
    let (a, b) = (out(root, nina), out(other, id));
    let statuses = [a.join().unwrap(), b.join().unwrap()];
    // The one who comes second is refused as the last, or is out before being heard.
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().any(|status| matches!(status, 401 | 409)), "{statuses:?}");
}

#[test]
fn lists_show_nothing_that_opens_anything() {
    let hospital = Hospital::new();
    let mut root = hospital.sign_in("root");
    let nina = hospital.sign_in("nina");
    let token = root.ask("POST", "/api/tokens", json!({ "role": "integration", "label": "lab" }));
    let token = token.json()["token"].as_str().unwrap().to_owned();
    let mut lab = Client::new(&hospital.server.address, Some(&token));
    assert_eq!(lab.get("/api/me").status, 200);
    let wrong = hospital.post("/api/sign-in", json!({ "name": "paul", "password": "not the one" }));
    assert_eq!(wrong.status, 401);

    let accounts = root.ask("GET", "/api/accounts", Value::Null);
    let tokens = root.ask("GET", "/api/tokens", Value::Null);
    let sessions = format!("/api/accounts/{}/sessions", root.id_of("nina"));
    let sessions = root.ask("GET", &sessions, Value::Null);
    for reply in [&accounts, &tokens, &sessions] {
        assert_eq!(reply.status, 200);
        let text = String::from_utf8_lossy(&reply.body);
        let secret = nina.cookie.split_once('=').unwrap().1;
        for secret in ["argon2", PASSWORD, &token, secret] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let accounts = accounts.json();
    let accounts = accounts["accounts"].as_array().unwrap();
    let names: Vec<_> = accounts.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["root", "nina", "paul"]);
    let [root_shown, nina_shown, paul_shown] = &accounts[..] else { panic!("{accounts:?}") };
    assert_eq!((&nina_shown["role"], &nina_shown["active"]), (&json!("nurse"), &json!(true)));
    assert_eq!((&nina_shown["sessions"], &paul_shown["failedTries"]), (&json!(1), &json!(1)));
    assert!(nina_shown["lastSignIn"].is_string() && paul_shown["lastSignIn"].is_null());
    let tokens = tokens.json();
    let tokens = tokens["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 2);
    assert_eq!((&tokens[0]["madeBy"], &tokens[0]["lastUse"]), (&Value::Null, &Value::Null));
    assert_eq!((&tokens[1]["label"], &tokens[1]["madeBy"]), (&json!("lab"), &root_shown["actor"]));
    assert!(tokens[1]["lastUse"].is_string());

    // Tokens outlive who made them, because a laboratory may hang on one; they are told.
    let id = root.id_of("root");
    let second = root.id_of("nina");
    let body = json!({ "role": "administrator" });
    root.ask("PUT", &format!("/api/accounts/{second}/role"), body);
    let mut nina = hospital.sign_in("nina");
    let closed = format!("/api/accounts/{id}/active");
    let reply = nina.ask("PUT", &closed, json!({ "active": false }));
    assert_eq!(reply.json()["tokens"], json!([tokens[1]["id"]]));
    assert_eq!(lab.get("/api/me").status, 200);
    let revoke = format!("/api/tokens/{}", tokens[1]["id"].as_str().unwrap());
    assert_eq!(nina.ask("DELETE", &revoke, Value::Null).status, 200);
    assert_eq!(lab.get("/api/me").status, 401);
}

#[test]
fn commands_work_with_a_server_and_without() {
    let mut hospital = Hospital::new();
    for beside in ["a server", "nothing"] {
        let mut nina = (beside == "a server").then(|| hospital.sign_in("nina"));
        let tell = |args: &[&str]| String::from_utf8(hospital.house.must(args).stdout).unwrap();
        let accounts = tell(&["account", "list"]);
        assert_eq!(accounts.lines().count(), 3, "{accounts}");
        assert!(accounts.lines().all(|line| line.contains(" active ")), "{accounts}");
        assert!(tell(&["token", "list"]).contains(" valid role=integration "));
        tell(&["account", "set-role", "--name", "Nina", "--role", "registrar"]);
        if let Some(nina) = &mut nina {
            assert_eq!(nina.status(), 401);
        }
        tell(&["account", "deactivate", "--name", "nina"]);
        assert!(tell(&["account", "list"]).contains(" closed role=registrar "));
        tell(&["account", "activate", "--name", "nina"]);
        tell(&["account", "set-role", "--name", "nina", "--role", "nurse"]);
        let told = tell(&["account", "reset-password", "--name", "paul"]);
        assert_eq!(told.lines().last().unwrap().len(), 23, "{told}");
        let log = tell(&["audit", "list", "--limit", "600"]);
        assert!(5 <= log.matches(" account-changed ").count(), "{log}");
        assert_eq!(tell(&["audit", "list", "--limit", "2"]).lines().count(), 2);
        for args in [
            ["account", "deactivate", "--name", "nobody"],
            ["account", "reset-password", "--name", "nobody"],
        ] {
            assert!(!hospital.house.run(&args).status.success());
        }
        assert_eq!(hospital.house.must(&["audit", "verify"]).status.code(), Some(0));
        hospital.server.kill();
    }
}
