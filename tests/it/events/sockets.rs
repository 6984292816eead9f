//! Websockets: bound by a token, told what waits and what comes.

use serde_json::Value;
use ward_tests::{Client, House, skip, wait_until};

use super::rig::{PATIENCE, part, patient, put, read, result, run, stands, subscribe, topic};

#[test]
fn a_websocket_is_bound_and_told_what_waits_and_what_comes() {
    if ward_tests::python().is_none() {
        return skip("websockets: no public clients; `cargo xtask setup` installs them");
    }
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    put(&mut client, &patient("p1"));
    let mut wanted = topic("result", &[], "id-only", "");
    wanted["channel"]["type"] = "websocket".into();
    wanted["channel"].as_object_mut().unwrap().remove("endpoint");
    wanted["channel"].as_object_mut().unwrap().remove("header");
    let id = subscribe(&house, &server, "fhirpy", &wanted);
    stands(&mut client, &id, "active");
    // Nobody listens yet.
    put(&mut client, &result("o1", "p1", "718-7"));
    put(&mut client, &result("o2", "p1", "718-7"));
    let listen = |client: &mut Client, n: usize| {
        let given = client.get(&format!("/fhir/Subscription/{id}/$get-ws-binding-token")).json();
        let value = |name: &str, kind: &str| {
            let all = given["parameter"].as_array().unwrap();
            let one = all.iter().find(|it| it["name"] == name).unwrap();
            one[kind].as_str().unwrap().to_owned()
        };
        let (token, url) = (value("token", "valueString"), value("websocket-url", "valueUrl"));
        assert!(url.starts_with("ws://"), "{url}");
        let mut command = run("websocket_client.py", &[&url, &token, &n.to_string()], None);
        (command.stdout(std::process::Stdio::piped()).spawn().unwrap(), url, token)
    };
    let heard = |child: std::process::Child| -> Vec<Value> {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (first, url, token) = listen(&mut client, 2);
    let all = heard(first);
    assert_eq!(read(&all[0]).0, "handshake");
    assert_eq!(part(&all[0], "events-since-subscription-start").unwrap()["valueString"], "2");
    let (_, _, events) = read(&all[1]);
    assert_eq!(events, [(1, "o1".to_owned()), (2, "o2".to_owned())]);
    // A token binds once.
    let again = run("websocket_client.py", &[&url, &token, "1"], None).output().unwrap();
    assert!(!again.status.success());
    let (second, ..) = listen(&mut client, 2);
    let bound = wait_until(PATIENCE, || {
        put(&mut client, &result("o3", "p1", "718-7"));
        true
    });
    assert!(bound);
    let all = heard(second);
    let (_, _, events) = read(&all[1]);
    assert_eq!(events.first(), Some(&(3, "o3".to_owned())));
    // A token is for whoever subscribed.
    let spare = house.token_for("integration");
    let mut other = Client::new(&server.address, Some(&spare));
    let refused = other.get(&format!("/fhir/Subscription/{id}/$get-ws-binding-token"));
    assert_eq!(refused.status, 403);
    assert_eq!(client.get("/api/subscriptions/websocket").status, 400);
}
