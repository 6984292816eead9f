//! What open screens are told: what each may see, from where it was.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;
use ward_tests::{House, Server};

use super::rig::{patient, put, result};

/// One reader of the stream.
struct Screen(BufReader<TcpStream>);

impl Screen {
    fn open(server: &Server, token: &str, after: Option<&str>) -> Screen {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let after = after.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{after}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut screen = Screen(BufReader::new(stream));
        assert_eq!(screen.next().0, "hello");
        screen
    }

    /// The next event: its name, its id and its data.
    fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id, mut data) = ("message".to_owned(), String::new(), None);
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            // The sizes of the pieces stand between them.
            match line.trim_end().split_once(": ") {
                Some(("event", it)) => it.clone_into(&mut name),
                Some(("id", it)) => it.clone_into(&mut id),
                Some(("data", it)) => data = serde_json::from_str(it).ok(),
                _ if line.trim().is_empty() => {
                    if let Some(data) = data.take() {
                        return (name, id, data);
                    }
                    "message".clone_into(&mut name);
                }
                _ => {}
            }
        }
    }

    fn is_over(&mut self) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            match self.0.read_line(&mut line) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }
}

#[test]
fn a_screen_is_told_what_its_reader_may_see_and_goes_on_where_it_was() {
    let house = House::new();
    let (all, registrar) = (house.token.clone(), house.token_for("registrar"));
    let mut server = house.serve();
    let mut client = server.client();
    let mut sees_all = Screen::open(&server, &all, None);
    let mut sees_names = Screen::open(&server, &registrar, None);
    put(&mut client, &patient("p1"));
    put(&mut client, &result("o1", "p1", "718-7"));
    put(&mut client, &patient("p2"));
    let records: Vec<Value> = (0..3).map(|_| sees_all.next().2["record"].clone()).collect();
    assert_eq!(records, ["Patient/p1", "Observation/o1", "Patient/p2"]);
    // A registrar reads no results: not even that there is one.
    let first = sees_names.next();
    assert_eq!((&first.2["record"], &first.2["patient"]), (&"Patient/p1".into(), &"p1".into()));
    assert_eq!(sees_names.next().2["record"], "Patient/p2");
    // Whoever comes back is told what came in between, also from before a restart.
    drop(sees_names);
    put(&mut client, &patient("p3"));
    server.end("-KILL", Duration::from_secs(60));
    server = house.serve();
    put(&mut server.client(), &patient("p4"));
    let mut again = Screen::open(&server, &registrar, Some(&first.1));
    let records: Vec<Value> = (0..3).map(|_| again.next().2["record"].clone()).collect();
    assert_eq!(records, ["Patient/p2", "Patient/p3", "Patient/p4"]);
    // Beds are the house's: who may see stays is told that one changed.
    let bed = serde_json::json!({ "name": "W1-0", "offer": { "ward": "W1", "room": "r" }, "capacity": 1 });
    let token = house.token_for("administrator");
    let mut admin = ward_tests::Client::new(&server.address, Some(&token));
    let made = admin.send("PUT", "/api/beds/bed-0", &[], bed.to_string().as_bytes()).unwrap();
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    assert_eq!(again.next().2["record"], "Bed/bed-0");
    // A token that ends takes its screens with it, and so does the server.
    let tokens = admin.get("/api/tokens").json();
    let of = tokens["tokens"].as_array().unwrap().iter().find(|it| it["role"] == "registrar");
    let path = format!("/api/tokens/{}", of.unwrap()["id"].as_str().unwrap());
    assert_eq!(admin.send("DELETE", &path, &[], b"").unwrap().status, 200);
    put(&mut server.client(), &patient("p5"));
    assert!(again.is_over());
    let mut last = Screen::open(&server, &all, None);
    assert!(server.end("-TERM", Duration::from_secs(60)), "it ends while a screen is open");
    assert!(last.is_over());
}

#[test]
fn who_was_away_for_too_long_reads_everything_anew() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    put(&mut client, &patient("p1"));
    let entry = |n: usize| {
        serde_json::json!({ "resource": patient(&format!("b{n}")),
            "request": { "method": "PUT", "url": format!("Patient/b{n}") } })
    };
    let entries: Vec<Value> = (0..1_500).map(entry).collect();
    let bundle = serde_json::json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
    assert_eq!(client.post("/fhir", &bundle).status, 200);
    let mut screen = Screen::open(&server, &house.token, Some("1.0"));
    assert_eq!(screen.next().0, "reset");
    put(&mut client, &patient("p2"));
    assert_eq!(screen.next().2["record"], "Patient/p2");
}
