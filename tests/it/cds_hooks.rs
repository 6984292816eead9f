//! CDS Hooks from outside: our services, and services of others beside our checks.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    path::Path,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use ward_tests::{Client, House};

use crate::knowledge::{order, put};

fn sign(patient: &str, drafts: &[Value]) -> Value {
    let entries: Vec<Value> = drafts.iter().map(|it| json!({ "resource": it })).collect();
    json!({
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": patient,
            "draftOrders": { "resourceType": "Bundle", "entry": entries },
        },
    })
}

#[test]
fn services_answer_with_cards_and_hear_what_became_of_them() {
    let house = House::new();
    let server = house.serve();
    let mut nobody = Client::new(&server.address, None);
    let services = nobody.get("/cds-services");
    assert_eq!(services.status, 200);
    assert_eq!(services.json()["services"].as_array().unwrap().len(), 4);
    let path = "/cds-services/medication-order-sign";
    let draft = order("d1", "p0", "343047", "atazanavir", "draft");
    let call = sign("p0", std::slice::from_ref(&draft));
    assert_eq!(nobody.post(path, &call).status, 401);

    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    put(&mut client, &order("ome", "p0", "7646", "omeprazole", "active"));
    // What was not prefetched is read from the chart; a server that a call names is never asked.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let mut named = call.clone();
    named["fhirServer"] = json!(format!("http://{}", trap.local_addr().unwrap()));
    named["fhirAuthorization"] = json!({ "access_token": "t", "token_type": "Bearer" });
    let reply = client.post(path, &named);
    assert_eq!(reply.status, 200, "{}", reply.json());
    let answer = reply.json();
    let cards = answer["cards"].as_array().unwrap();
    let card = cards.iter().find(|it| it["indicator"] == "critical").expect("ONC 2");
    assert!(card["detail"].as_str().unwrap().contains("onc-high-02@"), "{card}");
    assert_eq!(card["suggestions"][0]["actions"][0]["resourceId"], json!(["MedicationRequest/d1"]));
    assert!(matches!(trap.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock));
    // What is prefetched wins: without the other drug there is nothing against it.
    let mut sent = call.clone();
    let none = json!({ "resourceType": "Bundle", "type": "searchset", "total": 0 });
    sent["prefetch"] = json!({ "medications": none, "statements": none });
    let answer = client.post(path, &sent).json();
    let has_grave = |it: &Value| it["cards"].to_string().contains("onc-high-02");
    assert!(!has_grave(&answer), "{answer}");
    // Of somebody else.
    sent["prefetch"] = json!({ "medications": order("x", "p1", "7646", "omeprazole", "active") });
    assert_eq!(client.post(path, &sent).status, 400);
    // What is active now, and the start of a stay.
    put(&mut client, &order("ata", "p0", "343047", "atazanavir", "active"));
    for hook in ["patient-view", "encounter-start"] {
        let call = json!({
            "hook": hook,
            "hookInstance": "1",
            "context": { "userId": "Practitioner/1", "patientId": "p0", "encounterId": "e" },
        });
        let answer = client.post(&format!("/cds-services/medication-{hook}"), &call).json();
        assert!(has_grave(&answer), "{hook}: {answer}");
    }

    // Calls that are none.
    let mut wrong = call.clone();
    wrong["hook"] = json!("order-select");
    let reply = client.post(path, &wrong);
    assert_eq!((reply.status, &reply.json()["issue"][0]["expression"]), (400, &json!(["hook"])));
    assert_eq!(client.post("/cds-services/none", &call).status, 404);
    assert_eq!(client.post(path, &sign("nobody", &[draft])).status, 400);
    let draft = order("d1", "nobody", "343047", "atazanavir", "draft");
    assert_eq!(client.post(path, &sign("nobody", &[draft])).status, 412);

    // What became of the card.
    let path = format!("{path}/feedback");
    let outcome = json!({ "feedback": [{
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {
            "reason": { "code": "will-monitor", "system": "urn:ward:override-reason" },
            "userComment": "levels tomorrow",
        },
        "outcomeTimestamp": "2026-11-28T10:00:00Z",
    }] });
    for _ in 0..2 {
        let reply = client.post(&path, &outcome);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
    let unknown = json!({ "feedback": [{ "card": "none", "outcome": "accepted" }] });
    assert_eq!(client.post(&path, &unknown).status, 404);
    let kept = client.get("/fhir/DetectedIssue?patient=Patient/p0").json();
    assert_eq!(kept["total"], 1, "the same twice is one record");
    let issue = &kept["entry"][0]["resource"];
    assert_eq!(issue["mitigation"][0]["action"]["coding"][0]["code"], "will-monitor");
    let report = client.get("/api/meds/overrides?since=2020-01-01").json();
    let rule = &report["report"]["rules"][0];
    assert!(rule["rule"].as_str().unwrap().starts_with("onc-high-02@"), "{report}");
    assert_eq!((&rule["fired"], &rule["overridden"]), (&json!(1), &json!(1)));
    assert_eq!(rule["overridePercent"], json!(100.0));
    assert_eq!(client.get("/api/meds/overrides?since=soon").status, 400);
}

/// - Source: CDS Hooks 2.0.1, CDS service response: what a card has to be.
fn is_card(card: &Value) {
    let text = |it: &Value, name: &str| {
        it[name].as_str().unwrap_or_else(|| panic!("{name}: {it}")).to_owned()
    };
    assert!(text(card, "summary").chars().count() < 140, "{card}");
    assert!(["info", "warning", "critical"].contains(&text(card, "indicator").as_str()));
    assert!(!text(&card["source"], "label").is_empty());
    assert!(!text(card, "uuid").is_empty() && !text(card, "detail").is_empty());
    let list = |name: &str| card[name].as_array().cloned().unwrap_or_default();
    for it in list("suggestions") {
        assert!(!text(&it, "label").is_empty());
        for action in it["actions"].as_array().unwrap() {
            assert_eq!(text(action, "type"), "delete");
            assert!(!text(action, "description").is_empty() && action["resourceId"].is_array());
        }
    }
    let behavior = card.get("selectionBehavior").map(|it| it.as_str().unwrap());
    assert_eq!(behavior.is_some(), !list("suggestions").is_empty(), "{card}");
    assert!(behavior.is_none_or(|it| it == "any" || it == "at-most-one"));
    for it in list("overrideReasons") {
        assert!(!text(&it, "code").is_empty() && !text(&it, "system").is_empty());
        assert!(!text(&it, "display").is_empty());
    }
    for it in list("links") {
        assert!(!text(&it, "label").is_empty() && text(&it, "url").starts_with("http"));
        assert!(["absolute", "smart"].contains(&text(&it, "type").as_str()));
    }
}

#[test]
fn the_public_examples_are_answered_in_the_form_of_the_standard() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cds-hooks");
    let example = |hook: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(format!("{hook}.json"))).unwrap()).unwrap()
    };
    let services = client.get("/cds-services").json();
    let services = services["services"].as_array().unwrap();
    assert_eq!(services.len(), 4);
    let ask = |client: &mut Client, hook: &str| {
        let service = services.iter().find(|it| it["hook"] == hook).unwrap();
        let path = format!("/cds-services/{}", service["id"].as_str().unwrap());
        client.post(&path, &example(hook))
    };
    // Nothing that is asked for was sent, and the chart has no such patient.
    for hook in ["order-select", "order-sign", "patient-view", "encounter-start"] {
        let reply = ask(&mut client, hook);
        assert_eq!(reply.status, 412, "{hook}: {}", reply.json());
    }
    put(
        &mut client,
        &json!({
            "resourceType": "Patient", "id": "1288992", "gender": "male",
            "birthDate": "1925-12-23", "active": true,
        }),
    );
    put(&mut client, &order("warf", "1288992", "11289", "warfarin", "active"));
    put(&mut client, &order("amio", "1288992", "703", "amiodarone", "active"));
    for hook in ["order-select", "order-sign", "patient-view", "encounter-start"] {
        let reply = ask(&mut client, hook);
        assert_eq!(reply.status, 200, "{hook}: {}", reply.json());
        assert_eq!(reply.header("content-type"), Some("application/json"), "{hook}");
        let answer = reply.json();
        let cards = answer["cards"].as_array().unwrap_or_else(|| panic!("{hook}: {answer}"));
        assert!(!cards.is_empty(), "{hook}");
        cards.iter().for_each(is_card);
        // Azithromycin and amiodarone both prolong the QT interval.
        let orders = hook.starts_with("order-");
        let has_draft = answer.to_string().contains("smart-MedicationRequest-103");
        assert_eq!(has_draft, orders, "{hook}: {answer}");
        assert!(!answer.to_string().contains("NutritionOrder"), "{hook}: {answer}");
    }
}

/// A service that does `what` with each connection; it ends with the test's process.
fn service(what: fn(std::net::TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || what(stream));
        }
    });
    address
}

/// The head of a request that was read whole: what is left unread would break the connection.
fn request(stream: &mut std::net::TcpStream) -> String {
    let mut all = Vec::new();
    let mut bytes = [0; 16_384];
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1).and_then(|it| it.lines().next());
            let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
            if length <= body.len() {
                return head.to_owned();
            }
        }
        match stream.read(&mut bytes) {
            Ok(n) if 0 < n => all.extend_from_slice(&bytes[..n]),
            _ => return text,
        }
    }
}

fn answer(mut stream: std::net::TcpStream, body: &str) {
    request(&mut stream);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let _sent = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
}

/// A P-384 key that was made for this test and is used nowhere.
const KEY: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA8BcG6864aqb426bu3n2VLmBm3fw5hZiOp\
    0yIwFlbdQYk21GPPQ430dKTXoEE3KNahZANiAASpVeMKlVtooFmHVQuiZ+II+zZ42SAHsKx1wELXebrXxPp6W8QWy0WW\
    UIiHqjJy7v7Sa/+hL+3OQNjVuRAW1vkKHTKV2A2BylHinmNqDfaRb3C+OVEvpnGRq5LjwukvoaA=";

/// Hears only who signs; what was signed is looked at where the signing is tested.
fn hears_the_signed(mut stream: std::net::TcpStream) {
    let head = request(&mut stream);
    // {"alg":"ES384", in base64url, and two more parts.
    let token = head.split("Bearer ").nth(1).and_then(|it| it.lines().next()).unwrap_or_default();
    let is_signed = token.starts_with("eyJhbGciOiJFUzM4NCIs") && token.split('.').count() == 3;
    let _sent = if is_signed {
        let body =
            r#"{"cards":[{"summary":"You are known","indicator":"info","source":{"label":"S"}}]}"#;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    } else {
        write!(stream, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
    };
}

#[test]
fn who_wants_signed_requests_gets_them() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    fs::write(folder.path().join("ward.pem"), format!("{begin}\n{KEY}\n{end}\n")).unwrap();
    let address = service(hears_the_signed);
    let plain = format!("url = \"http://{address}/cds-services/x\"\nhooks = [\"order-sign\"]\n");
    fs::write(folder.path().join("unsigned.toml"), &plain).unwrap();
    let signed = "jwt_key = \"ward.pem\"\njwt_issuer = \"https://ward.example\"\njwt_kid = \"1\"\n";
    fs::write(folder.path().join("signed.toml"), plain + signed).unwrap();
    let server = house.serve_with(&[("WARD_KNOWLEDGE_SERVICES", folder.path().to_str().unwrap())]);
    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    let wish = order("d1", "p0", "11289", "warfarin", "draft");
    let reply = client.post("/fhir/MedicationRequest/$check", &wish).json().to_string();
    assert!(reply.contains("You are known"), "{reply}");
    assert!(reply.contains("Not checked by unsigned: it answered with status 401."), "{reply}");
}

#[test]
fn a_service_that_fails_is_told_and_the_others_are_heard() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    let services = [
        (
            "licensed",
            service(|it| {
                answer(
                    it,
                    r#"{"cards":[{"summary":"Known to the vendor","indicator":"warning",
                        "source":{"label":"Vendor 7.1","topic":{"code":"ddi"}}}]}"#,
                );
            }),
        ),
        ("garbage", service(|it| answer(it, "<html>no</html>"))),
        (
            "hangs",
            service(|mut it| {
                // Reads for ever and says nothing.
                let mut bytes = [0; 1024];
                while it.read(&mut bytes).is_ok_and(|n| 0 < n) {}
            }),
        ),
        (
            "endless",
            service(|mut it| {
                // A body without an end, as fast as it is taken.
                request(&mut it);
                let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 65_536], b"\r\n"].concat();
                let mut sent = it.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = it.write_all(&chunk);
                }
            }),
        ),
        (
            "drips",
            service(|mut it| {
                // A byte now and then: each is in time, the whole never is.
                request(&mut it);
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let mut sent = it.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = it.write_all(b" ");
                    ward_tests::pause(Duration::from_millis(50));
                }
            }),
        ),
        ("down", closed),
    ];
    for (name, address) in services {
        let text = format!(
            "url = \"http://{address}/cds-services/x\"\nhooks = [\"order-sign\"]\n\
             time_limit_ms = 700\n"
        );
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let settings = [("WARD_KNOWLEDGE_SERVICES", folder.path().to_str().unwrap())];
    let server = house.serve_with(&settings);
    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    let wish = order("d1", "p0", "11289", "warfarin", "draft");
    let reply = client.post("/fhir/MedicationRequest/$check", &wish).json().to_string();
    for says in [
        "Known to the vendor",
        "Not checked by garbage: its answer is not JSON.",
        "Not checked by hangs: it did not answer in time.",
        "Not checked by down: it cannot be reached.",
        "Not checked by endless: its answer is too large.",
        "Not checked by drips: it did not answer in time.",
        "remote.licensed.ddi@1",
    ] {
        assert!(reply.contains(says), "{says}: {reply}");
    }
    let cards = client.post("/cds-services/medication-order-sign", &sign("p0", &[wish])).json();
    assert!(cards.to_string().contains("Not checked by hangs"), "{cards}");
    // A service that is set up wrong: the server does not begin.
    drop(server);
    let wrong = "url = \"http://kb.example/x\"\nhooks = [\"order-sign\"]\n";
    fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let ended = std::process::Command::new(ward_tests::ward())
        .args(["serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data"])
        .arg(house.data())
        .env("WARD_KNOWLEDGE_SERVICES", folder.path())
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let why = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(why.contains("wrong.toml: patient data would go over a network"), "{why}");
}

/// Says of everything that the vendor knows better.
fn knows_better(stream: std::net::TcpStream) {
    answer(
        stream,
        r#"{"cards":[{"summary":"Known to the vendor","indicator":"warning",
            "source":{"label":"Vendor 7.1","topic":{"code":"ddi"}}}]}"#,
    );
}

/// Reads for ever and says nothing.
fn hangs(mut stream: std::net::TcpStream) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).is_ok_and(|n| 0 < n) {}
}

#[test]
fn services_are_asked_when_an_order_is_signed_here() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let services = [("down", closed), ("hangs", service(hangs)), ("good", service(knows_better))];
    for (name, address) in services {
        let text = format!(
            "url = \"http://{address}/cds-services/x\"\nhooks = [\"order-sign\"]\n\
             time_limit_ms = 500\n"
        );
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let server = house.serve_with(&[("WARD_KNOWLEDGE_SERVICES", folder.path().to_str().unwrap())]);
    put(&mut server.client(), &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    let token = house.token_for("physician");
    let mut physician = Client::new(&server.address, Some(&token));
    let mut send = |path: &str, body: &Value| {
        let headers = [("ward-purpose", "ETREAT")];
        let reply = physician.send("POST", path, &headers, body.to_string().as_bytes()).unwrap();
        (reply.status, reply.json())
    };
    let order = json!({
        "patient": "Patient/p0", "medication": { "text": "Lisinopril 10 mg tablet" },
        "dosage": [{ "text": "10 mg PO daily" }],
    });
    let of = |found: &Value, service: &str| -> Value {
        let all = found.as_array().unwrap();
        all.iter().find(|it| it["service"] == service).cloned().unwrap_or_default()
    };
    let answers = |found: &Value, but: &str| -> Vec<Value> {
        let loud = |it: &&Value| it["tier"] == "interruptive" && it["service"] != but;
        let all = found.as_array().unwrap().iter().filter(loud);
        all.map(|it| json!({ "key": it["key"], "reason": "will-monitor" })).collect()
    };
    let body = json!({ "order": order, "sign": true });
    let (status, said) = send("/api/meds/orders", &body);
    assert_eq!(status, 409, "{said}");
    assert_eq!(of(&said["found"], "good")["summary"], "Known to the vendor", "{said}");
    // All but the vendor's is answered for: it is as loud as one of ours.
    let body =
        json!({ "order": order, "sign": true, "overrides": answers(&said["found"], "good") });
    assert_eq!(send("/api/meds/orders", &body).0, 409);
    // Who gave no answer keeps nobody from signing, and is kept with the order.
    let overrides = answers(&said["found"], "");
    let body = json!({ "order": order, "sign": true, "overrides": overrides });
    let (status, signed) = send("/api/meds/orders", &body);
    assert_eq!(status, 201, "{signed}");
    let why = |service: &str| of(&signed["found"], service)["summary"].clone();
    assert_eq!(why("down"), "Not checked by down: it cannot be reached.");
    assert_eq!(why("hangs"), "Not checked by hangs: it did not answer in time.");
    assert_eq!(of(&signed["found"], "hangs")["kind"], "not-checkable");
    // A draft that is signed later is asked about then.
    let (status, draft) = send("/api/meds/orders", &json!({ "order": order }));
    assert_eq!(status, 201, "{draft}");
    assert_eq!(of(&draft["found"], "good"), Value::Null);
    let path = format!("/api/meds/orders/{}/sign", draft["id"].as_str().unwrap());
    let (status, said) = send(&path, &json!({}));
    assert_eq!(status, 409, "{said}");
    let (status, signed) = send(&path, &json!({ "overrides": answers(&said["found"], "") }));
    assert_eq!(status, 200, "{signed}");
    assert_eq!(of(&signed["found"], "good")["summary"], "Known to the vendor");
}
