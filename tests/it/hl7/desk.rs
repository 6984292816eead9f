//! What whoever looks after interfaces is told: what is open, what waits and why, how many
//! messages there are; and messages read, found, worked on and sent again.

use std::time::Duration;

use serde_json::Value;
use ward_tests::{Client, House, Peer, wait_until};

use super::{adt, channel, channels::Receiver, free_address, kept, message};

const PATIENCE: Duration = Duration::from_secs(30);

fn interfaces(client: &mut Client) -> Value {
    client.get("/api/interfaces").json()
}

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let found = list.as_array().unwrap().iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn interfaces_say_what_is_open_what_waits_and_why() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::at("127.0.0.1:0");
    let (nobody, own) = (free_address(), free_address());
    let missing = folder.path().join("missing");
    channel(
        folder.path(),
        "north",
        &format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"lab\"\nmllp = \"{}\"\n\
             [[to]]\nname = \"registry\"\nhttp = \"http://{nobody}/hl7?key=s3cret\"\n",
            receiver.address
        ),
    );
    channel(folder.path(), "south", &format!("[from]\nmllp = \"{own}\"\n"));
    channel(folder.path(), "drop", &format!("[from]\nfolder = \"{}\"\n", missing.display()));
    channel(folder.path(), "told", "[from]\nchart = \"own\"\n");
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "I1", "71", "20260101080000")).unwrap().code, "AA");
    assert_eq!(peer.send(&message("MSH|^~\\&|A|B|C|D|2026||ZZZ^Z9|I2|P|2.5")).unwrap().code, "AR");
    assert!(wait_until(PATIENCE, || receiver.ids() == ["I1"]));
    let down = |said: &Value| {
        let north = named(&said["interfaces"], "north").clone();
        named(&north["destinations"], "north/registry").clone()
    };
    assert!(wait_until(PATIENCE, || down(&interfaces(&mut client))["nextTry"].is_string()));

    let said = interfaces(&mut client);
    let main = named(&said["interfaces"], "mllp");
    assert_eq!(main["source"]["address"], server.mllp.as_str());
    assert_eq!((&main["source"]["open"], &main["source"]["tls"]), (&true.into(), &false.into()));
    assert_eq!(main["source"]["connections"], 1);
    assert_eq!((&main["counts"]["applied"], &main["recent"]["refused"]), (&1.into(), &1.into()));
    assert!(main["lastMessage"].is_string());
    let south = named(&said["interfaces"], "south");
    assert_eq!(
        (&south["source"]["address"], &south["source"]["open"]),
        (&own.into(), &true.into())
    );
    // Nobody made the folder: nothing can come.
    assert_eq!(named(&said["interfaces"], "drop")["source"]["open"], false);
    assert_eq!(named(&said["interfaces"], "told")["source"]["open"], true);
    let north = named(&said["interfaces"], "north");
    assert_eq!(
        (&north["source"]["kind"], &north["source"]["open"]),
        (&"interface".into(), &true.into())
    );
    let lab = named(&north["destinations"], "north/lab");
    assert_eq!((&lab["state"], &lab["counts"]["sent"]), (&"up".into(), &1.into()));
    let registry = down(&said);
    assert_eq!(
        (&registry["state"], &registry["why"]),
        (&"retrying".into(), &"no-connection".into())
    );
    assert_eq!(registry["counts"]["waiting"], 1);
    assert!(registry["oldestWaiting"].is_string() && registry["since"].is_string());
    // Neither a patient nor a secret.
    let text = said.to_string();
    for secret in ["Meyer", "71^", "s3cret", "I1"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    // A connection that ends is counted no more, and what was renamed is still told of.
    drop(peer);
    let connections =
        |said: &Value| named(&said["interfaces"], "mllp")["source"]["connections"].clone();
    assert!(wait_until(PATIENCE, || connections(&interfaces(&mut client)) == 0));
    std::fs::remove_file(folder.path().join("north.toml")).unwrap();
    assert!(wait_until(PATIENCE, || {
        let said = interfaces(&mut client);
        said["gone"].as_array().unwrap().iter().any(|it| it["name"] == "north/registry")
    }));
    let said = interfaces(&mut client);
    let gone = named(&said["gone"], "north/registry");
    assert_eq!((&gone["direction"], &gone["counts"]["waiting"]), (&"out".into(), &1.into()));
}

#[test]
fn settings_that_cannot_be_used_are_told_of_before_a_message_waits() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let text = |ca: &str| {
        format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"lab\"\nmllp = \"{}\"\n{ca}",
            free_address()
        )
    };
    channel(folder.path(), "north", &text("tls = { ca = \"none.pem\" }\n"));
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut client = server.client();
    let lab = |said: &Value| named(&said["interfaces"], "north")["destinations"][0].clone();
    assert!(wait_until(PATIENCE, || lab(&interfaces(&mut client))["why"] == "unusable"));
    assert_eq!(lab(&interfaces(&mut client))["tls"], true);
    assert_eq!(interfaces(&mut client)["mistakes"], Value::Array(Vec::new()));
    // A mistake in a file leaves everything as it was, and is told of until it is mended.
    channel(folder.path(), "north", "[from]\nnothing = true\n");
    let mistakes = |client: &mut Client| interfaces(client)["mistakes"].clone();
    assert!(wait_until(PATIENCE, || mistakes(&mut client)[0].is_string()));
    let said = mistakes(&mut client)[0].as_str().unwrap().to_owned();
    assert!(said.contains("north.toml") && said.contains("nothing"), "{said}");
    assert_eq!(lab(&interfaces(&mut client))["why"], "unusable");
    channel(folder.path(), "north", &text(""));
    assert!(wait_until(PATIENCE, || lab(&interfaces(&mut client))["state"] == "untried"));
    assert_eq!(mistakes(&mut client), Value::Array(Vec::new()));
}

#[test]
fn who_may_not_read_messages_is_told_nothing_of_interfaces() {
    let house = House::new();
    let server = house.serve();
    for role in ["nurse", "registrar", "administrator", "auditor"] {
        let mut client = Client::new(&server.address, Some(&house.token_for(role)));
        for path in
            ["/api/interfaces", "/api/messages", "/api/messages/1", "/api/messages/1/preview"]
        {
            let reply = client.get(path);
            assert_eq!(reply.status, 403, "{role} {path}");
            assert_eq!(reply.json()["resourceType"], "OperationOutcome");
        }
        let reply = client.send("POST", "/api/messages/1/replay", &[], b"{}").unwrap();
        assert_eq!(reply.status, 403, "{role}");
        let found = br#"{"found":"nothing"}"#;
        let reply = client.send("POST", "/api/messages/1/dismiss", &[], found).unwrap();
        assert_eq!(
            (reply.status, &reply.json()["resourceType"]),
            (403, &"OperationOutcome".into())
        );
    }
    let reply = Client::new(&server.address, None).get("/api/interfaces");
    assert_eq!((reply.status, &reply.json()["resourceType"]), (401, &"OperationOutcome".into()));
    let mut client = server.client();
    for wrong in [
        "/api/interfaces?since=yesterday",
        "/api/interfaces?limit=1",
        "/api/messages?after=x",
        "/api/messages/1?parts=some",
    ] {
        let reply = client.get(wrong);
        assert_eq!(
            (reply.status, &reply.json()["resourceType"]),
            (400, &"OperationOutcome".into()),
            "{wrong}"
        );
    }
    let since = client.get("/api/interfaces?since=2026-01-01T00:00:00Z").json();
    assert_eq!(since["since"], "2026-01-01T00:00:00Z");
}

#[test]
fn a_message_is_read_by_its_parts_and_its_problems_stand_where_they_are() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "R1", "72", "20260101080000")).unwrap().code, "AA");
    let wrong = adt("A01", "R2", "72", "20260101080000").replace("|19700102|", "|1970-01-02|");
    peer.send(&wrong).unwrap();
    let mut client = server.client();
    let mut read = |id: &str, query: &str| {
        let n = kept(&mut client, id)[0]["id"].clone();
        client.get(&format!("/api/messages/{n}{query}")).json()
    };
    let said = read("R1", "");
    let segment = |tree: &Value, at: &str| -> Value {
        let found = tree["segments"].as_array().unwrap().iter().find(|it| it["at"] == at);
        found.unwrap_or_else(|| panic!("{at} in {tree}")).clone()
    };
    let field = |segment: &Value, n: u64| -> Value {
        let fields = segment["fields"].as_array().unwrap();
        fields.iter().find(|it| it["n"] == n).cloned().unwrap_or(Value::Null)
    };
    let pid = segment(&said["read"], "PID[1]");
    assert_eq!(pid["name"], "Patient Identification");
    let name = field(&pid, 5);
    assert_eq!((&name["at"], &name["name"]), (&"PID[1]-5".into(), &"Patient Name".into()));
    let given = &name["values"][0]["parts"][1];
    assert_eq!((&given["name"], &given["text"]), (&"Given Name".into(), &"Anna".into()));
    assert_eq!(field(&pid, 2), Value::Null, "an empty field is shown");
    assert_ne!(field(&segment(&read("R1", "?parts=all")["read"], "PID[1]"), 2), Value::Null);
    let said = read("R1", "");
    let msa = segment(&said["readAnswer"], "MSA[1]");
    assert_eq!(field(&msa, 1)["values"][0]["text"], "AA");

    let said = read("R2", "");
    let problems = said["read"]["problems"].as_array().unwrap();
    assert!(!problems.is_empty(), "{said}");
    let birth = field(&segment(&said["read"], "PID[1]"), 7);
    let n = birth["problems"][0].as_u64().unwrap_or_else(|| panic!("{said}"));
    let problem = &problems[usize::try_from(n).unwrap()];
    assert_eq!(problem["placed"], true);
    assert!(problem["at"].as_str().unwrap().starts_with("PID[1]-7"), "{problem}");
}

#[test]
fn pages_of_messages_follow_each_other_both_ways() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for n in 0..7 {
        let text = adt("A08", &format!("N{n}"), "73", "20260101080000");
        assert_eq!(peer.send(&text).unwrap().code, "AA");
    }
    let mut client = server.client();
    let mut page = |query: &str| -> Vec<u64> {
        let said = client.get(&format!("/api/messages?limit=3{query}")).json();
        said["messages"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect()
    };
    let newest = page("");
    let older = page(&format!("&before={}", newest[2]));
    assert_eq!(newest.iter().chain(&older).copied().collect::<Vec<_>>(), [7, 6, 5, 4, 3, 2]);
    assert_eq!(page(&format!("&after={}", older[0])), newest);
    assert_eq!(page("&after=7"), Vec::<u64>::new());
    assert_eq!(page("&after=1&direction=out"), Vec::<u64>::new());
}

#[test]
fn what_a_receiver_would_not_have_is_sent_again_before_what_came_later() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::at("127.0.0.1:0").answers("AE");
    let address = receiver.address.clone();
    channel(
        folder.path(),
        "north",
        &format!("[from]\ninterface = \"mllp\"\n[[to]]\nname = \"lab\"\nmllp = \"{address}\"\n"),
    );
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let out = |client: &mut Client, id: &str| -> Value {
        let path = format!("/api/messages?direction=out&control-id={id}");
        client.get(&path).json()["messages"][0].clone()
    };
    for id in ["S1", "S2"] {
        assert_eq!(peer.send(&adt("A01", id, "74", "20260101080000")).unwrap().code, "AA");
        assert!(wait_until(PATIENCE, || out(&mut client, id)["state"] == "dead"), "{id}");
    }
    let receiver = receiver.answers("AA");
    let first = out(&mut client, "S1")["id"].as_u64().unwrap();
    let preview = client.get(&format!("/api/messages/{first}/preview")).json();
    assert_eq!(preview["goesTo"]["address"], address.as_str());
    assert_eq!(out(&mut client, "S1")["state"], "dead", "a preview sends nothing");

    let replay = format!("/api/messages/{first}/replay");
    let said = client.send("POST", &replay, &[], b"{}").unwrap();
    assert_eq!(said.status, 200);
    assert_eq!(said.json()["waiting"], true);
    assert!(wait_until(PATIENCE, || out(&mut client, "S1")["state"] == "sent"));
    assert_eq!(receiver.ids(), ["S1"]);
    assert_eq!(out(&mut client, "S1")["attempts"], 2);

    // Those that are left, by the command line; nothing is sent that waits already.
    let said = house.must(&["hl7", "replay", "--direction", "out", "--state", "dead"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains(": waiting\n1 messages"), "{said:?}");
    assert!(wait_until(PATIENCE, || receiver.ids() == ["S1", "S2"]));

    drop(receiver);
    assert_eq!(peer.send(&adt("A01", "S3", "74", "20260101080000")).unwrap().code, "AA");
    let third = out(&mut client, "S3")["id"].as_u64().unwrap();
    let said = client.send("POST", &format!("/api/messages/{third}/replay"), &[], b"{}").unwrap();
    assert_eq!((said.status, &said.json()["resourceType"]), (409, &"OperationOutcome".into()));
    // Who asked is on record, each message once, and again for what was done.
    let trail = String::from_utf8(house.must(&["audit", "list"]).stdout).unwrap();
    assert!(2 <= trail.lines().filter(|line| line.contains("export")).count(), "{trail}");
}

#[test]
fn what_needs_nothing_waits_for_nobody_any_more() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "D1", "75", "20260101080000")).unwrap().code, "AA");
    peer.write(&ward_tests::frame(b"no message")).unwrap();
    let aside = "/api/messages?state=quarantined";
    let n = |client: &mut Client| client.get(aside).json()["messages"][0]["id"].as_u64();
    assert!(wait_until(PATIENCE, || n(&mut client).is_some()));
    let id = n(&mut client).unwrap();
    let mut watcher = Client::new(&server.address, Some(&house.token_for("administrator")));
    let mut figure = || {
        let page = String::from_utf8(watcher.get("/metrics").body).unwrap();
        let line = page.lines().find(|line| line.starts_with("ward_messages_quarantined "));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(figure(), "1");
    let mut dismiss = |id: u64, body: &str| {
        let path = format!("/api/messages/{id}/dismiss");
        client.send("POST", &path, &[], body.as_bytes()).unwrap()
    };
    for wrong in ["{}", r#"{"found":" "}"#, r#"{"found":"a","also":1}"#, "no JSON"] {
        let reply = dismiss(id, wrong);
        assert_eq!(
            (reply.status, &reply.json()["resourceType"]),
            (400, &"OperationOutcome".into())
        );
    }
    assert_eq!(dismiss(99, r#"{"found":"a"}"#).status, 404);
    // What is in the chart is done.
    assert_eq!(dismiss(1, r#"{"found":"a"}"#).status, 409);
    let done = dismiss(id, r#"{"found":"a scan of ports"}"#);
    assert_eq!((done.status, &done.json()["message"]["state"]), (200, &"ignored".into()));
    assert!(done.json()["message"]["why"].as_str().unwrap().ends_with("; a scan of ports"));
    assert_eq!(dismiss(id, r#"{"found":"a"}"#).status, 409);
    assert_eq!(figure(), "0");
    let main = interfaces(&mut client)["interfaces"][0].clone();
    assert_eq!(main["counts"]["quarantined"], Value::Null, "{main}");
    let trail = String::from_utf8(house.must(&["audit", "list"]).stdout).unwrap();
    let by_person = |line: &&str| line.contains(" operation ") && line.contains("role=integration");
    assert_eq!(trail.lines().filter(by_person).count(), 1, "{trail}");
}

#[test]
fn what_needs_nothing_is_put_away_from_the_command_line() {
    let house = House::new();
    let server = house.serve();
    let aside = "/api/messages?state=quarantined";
    let mut client = server.client();
    for n in 1..=4 {
        let mut peer = Peer::connect(&server.mllp).unwrap();
        peer.write(&ward_tests::frame(format!("no message {n}").as_bytes())).unwrap();
        let there = |client: &mut Client| client.get(aside).json()["messages"].clone();
        let n_there = |client: &mut Client| there(client).as_array().map_or(0, Vec::len);
        assert!(wait_until(PATIENCE, || n_there(&mut client) == n));
    }
    let n_operations = || {
        let trail = String::from_utf8(house.must(&["audit", "list"]).stdout).unwrap();
        trail.matches(" operation outcome=0 ").count()
    };
    let n_before = n_operations();
    let dismiss = |args: &[&str]| {
        let done = house.run(&[&["hl7", "dismiss"], args].concat());
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    };
    assert!(!dismiss(&["1"]).0, "without what was found");
    assert!(!dismiss(&["--found", " ", "1"]).0);
    assert!(!dismiss(&["--found", "a scan of ports"]).0, "without saying which");
    let (is_done, said) = dismiss(&["--found", "a scan of ports", "1", "99"]);
    assert!(!is_done && said.starts_with("1: dismissed\n99: "), "{said}");
    let (is_done, said) = dismiss(&["--found", "again", "1"]);
    assert!(!is_done && !said.contains("dismissed"), "{said}");
    let put_away = client.get("/api/messages?state=ignored").json();
    let why = put_away["messages"][0]["why"].as_str().unwrap();
    assert!(why.ends_with("; a scan of ports"), "{why}");
    drop(client);
    drop(server);
    // Without a server, from the folder itself: one, then the rest.
    let alone = (true, "2: dismissed\n1 messages\n".to_owned());
    assert_eq!(dismiss(&["--found", "a scan of ports", "2"]), alone);
    let again = (false, "2: neither given up nor set aside\n1 messages\n".to_owned());
    assert_eq!(dismiss(&["--found", "a scan of ports", "2"]), again);
    let rest = (true, "3: dismissed\n4: dismissed\n2 messages\n".to_owned());
    assert_eq!(dismiss(&["--found", "a scan of ports", "--state", "quarantined"]), rest);
    assert_eq!(n_operations() - n_before, 4, "each is one entry of the audit log");
}
