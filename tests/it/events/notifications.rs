//! Mail and webhooks, through kills: one for each event, rule and recipient.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::{Value, json};
use ward_tests::{House, skip, wait_until};

use super::rig::{Listener, NEAR, PATIENCE, patient, put, result};

#[test]
fn mail_and_webhooks_go_out_once_and_name_no_patient() {
    let (Some(mailbox), Some(listener)) =
        (Listener::start("mailbox.py"), Listener::start("receiver.py"))
    else {
        return skip("notifications: no public servers; `cargo xtask setup` installs them");
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("secret"), "k".repeat(40)).unwrap();
    let rules = format!(
        "[[rule]]\nname = \"critical\"\npriorities = [\"critical\"]\n\
         mail = [\"on.call@ward.test\", \"head@ward.test\"]\nwebhook = \"{}\"\n\
         secret_file = \"secret\"\n[[rule]]\nname = \"admitted\"\ntopics = [\"admitted\"]\n\
         mail = [\"desk@ward.test\"]\n",
        listener.url()
    );
    fs::write(path("rules.toml"), rules).unwrap();
    let house = House::new();
    let (rules, port) = (path("rules.toml"), mailbox.port.to_string());
    let settings = [
        NEAR[0],
        NEAR[1],
        ("WARD_EVENTS_RULES", rules.to_str().unwrap()),
        ("WARD_MAIL_HOST", "127.0.0.1"),
        ("WARD_MAIL_PORT", port.as_str()),
        ("WARD_MAIL_TLS", "none"),
    ];
    let mut server = house.serve_with(&settings);
    let mut client = server.client();
    put(&mut client, &patient("secretive-9876"));
    let critical = |n: usize| {
        let mut result = result(&format!("c{n}"), "secretive-9876", "718-7");
        result["interpretation"] = json!([{ "coding": [{ "code": "HH" }] }]);
        result
    };
    for n in 0..12 {
        put(&mut client, &critical(n));
        put(&mut client, &result(&format!("q{n}"), "secretive-9876", "718-7"));
        if n % 4 == 3 {
            server.end("-KILL", Duration::from_secs(60));
            server = house.serve_with(&settings);
            client = server.client();
        }
    }
    // What a workflow tells is told once, however often it is written.
    let told = json!({
        "resourceType": "Communication", "id": "told", "status": "completed",
        "topic": { "coding": [{ "system": "urn:ward:workflow", "code": "admitted" }] },
        "subject": { "reference": "Patient/secretive-9876" },
    });
    put(&mut client, &told);
    put(&mut client, &told);
    let keys = |lines: &[Value], of: &dyn Fn(&Value) -> String| -> BTreeSet<String> {
        lines.iter().map(of).collect()
    };
    let mail_key = |line: &Value| format!("{}{}", line["id"], line["to"]);
    let hook_key = |line: &Value| line["headers"]["ward-delivery"].to_string();
    let is_all = wait_until(PATIENCE, || {
        keys(&mailbox.lines(), &mail_key).len() == 25
            && keys(&listener.lines(), &hook_key).len() == 12
    });
    assert!(is_all, "{} {}", mailbox.lines().len(), listener.lines().len());
    // One under each key, but for what a kill cut off between the server's word and ours: that
    // one has the Message-ID of the first.
    let mails = mailbox.lines();
    assert!(mails.len() <= 25 + 3 * 32, "{}", mails.len());
    assert_eq!(mails.iter().filter(|it| it["to"][0] == "desk@ward.test").count(), 1);
    for mail in &mails {
        let text = mail.to_string();
        assert!(!text.contains("secretive") && !text.contains("718-7"), "{text}");
        assert!(mail["body"].as_str().unwrap().contains("/#/event/"));
    }
    let hook = &listener.lines()[0];
    assert!(!hook.to_string().contains("secretive"));
    let body: Value = serde_json::from_str(hook["text"].as_str().unwrap()).unwrap();
    assert_eq!((&body["type"], &body["priority"]), (&json!("LabResult"), &json!("critical")));
    assert!(hook["headers"]["ward-signature"].as_str().unwrap().starts_with("sha256="));
    // Who may is shown what it was about; who may not is shown nothing.
    let link = body["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    // The connection from before the waiting may be closed by now.
    client = server.client();
    let about = client.get(&format!("/api/events/{link}"));
    assert_eq!(about.json()["patient"], "secretive-9876");
    let token = house.token_for("billing");
    let mut other = ward_tests::Client::new(&server.address, Some(&token));
    assert_eq!(other.get(&format!("/api/events/{link}")).status, 404);
}
