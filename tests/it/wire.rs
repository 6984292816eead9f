//! What HTTP itself asks for: silence, sizes, forms, methods, sessions.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use ward_tests::{Client, House, Reply};

#[test]
fn a_silent_connection_is_closed() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_LIMITS_HEADER_S", "1")]);
    for said in ["", "P", "GET /fhir HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap_or_else(|e| panic!("after {said:?}: {e}"));
    }
}

#[test]
fn silent_connections_hold_neither_the_door_nor_the_end() {
    let house = House::new();
    let mut server = house.serve_with(&[("WARD_LIMITS_CONNECTIONS", "4")]);
    let silent: Vec<TcpStream> =
        (0..8).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    assert!(server.end("-TERM", Duration::from_secs(60)), "it ends while all places are taken");
    drop(silent);
}

#[test]
fn compressed_bodies_are_read_and_bombs_are_not() {
    let house = House::new();
    let mut server = house.serve();
    let gzip = |plain: &[u8]| {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    };
    let send = |body: &[u8], encoding: &str| {
        let headers = [("content-encoding", encoding), ("connection", "close")];
        server.client().send("POST", "/fhir/Patient", &headers, body).unwrap()
    };
    assert_eq!(send(&gzip(br#"{"resourceType":"Patient"}"#), "gzip").status, 201);
    let (_, before) = server.memory_kib();
    let bomb = gzip(&vec![b' '; 128 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    is_outcome(&send(&bomb, "gzip"), 413);
    let (_, after) = server.memory_kib();
    // The largest body, twice while its room grows, and not what the bomb holds.
    assert!(after < before + 150 * 1024, "from {before} to {after} KiB");
    is_outcome(&send(b"{}", "gzip"), 400);
    is_outcome(&send(b"{}", "br"), 415);
    assert!(server.is_up());
}

#[test]
fn forms_and_methods_that_are_not_there() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let mut send = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        client.send(method, path, headers, body.as_bytes()).unwrap()
    };
    let patient = r#"{"resourceType":"Patient","id":"a"}"#;
    assert_eq!(send("PUT", "/fhir/Patient/a", &[], patient).status, 201);

    let reply = send("DELETE", "/fhir/metadata", &[], "");
    is_outcome(&reply, 405);
    assert_eq!(reply.header("allow"), Some("GET"));
    is_outcome(&send("GET", "/nowhere", &[], ""), 404);
    is_outcome(&send("GET", "/fhir/Patient/a", &[("accept", "application/fhir+xml")], ""), 406);
    is_outcome(&send("GET", "/fhir/Patient?_format=xml", &[], ""), 406);
    assert_eq!(send("GET", "/fhir/Patient?_format=json", &[], "").status, 200);
    is_outcome(&send("PUT", "/fhir/Patient/a", &[("content-type", "text/xml")], "<x/>"), 415);

    let read = send("GET", "/fhir/Patient/a", &[("if-none-match", "W/\"1\"")], "");
    assert_eq!((read.status, read.body.len()), (304, 0));
    assert_eq!(read.header("etag"), Some("W/\"1\""));
    assert_eq!(send("GET", "/fhir/Patient/a", &[("if-none-match", "W/\"2\"")], "").status, 200);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let found = send("POST", "/fhir/Patient/a/Observation/_search", &form, "code=x");
    assert_eq!((found.status, &found.json()["type"]), (200, &json!("searchset")));
}

#[test]
fn every_answer_says_what_its_request_is_called() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let uuid = "0199e8b4-6c8a-7000-8000-0123456789ab";
    let long = "x".repeat(65);
    let cases = [(uuid, true), ("lab-7_3.2", true), ("two words", false), (&*long, false)];
    let rows = [
        ("GET", "/healthz"),
        ("GET", "/fhir/Patient/none"),
        ("GET", "/nowhere"),
        ("PUT", "/healthz"),
    ];
    for (method, path) in rows {
        for (given, is_kept) in cases {
            let reply = client.send(method, path, &[("x-request-id", given)], b"").unwrap();
            let said = reply.header("x-request-id").unwrap();
            assert_eq!(said == given, is_kept, "{method} {path} {given}: {said}");
            assert!((1..=64).contains(&said.len()));
        }
        let [one, two] = [0, 1].map(|_| client.send(method, path, &[], b"").unwrap());
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    }
    // One that is a UUID is found in the audit log too.
    let patient = br#"{"resourceType":"Patient","id":"traced"}"#;
    let named = [("x-request-id", uuid)];
    assert_eq!(client.send("PUT", "/fhir/Patient/traced", &named, patient).unwrap().status, 201);
    let mut auditor = Client::new(&server.address, Some(&house.token_for("auditor")));
    let log = auditor.get("/fhir/AuditEvent?_count=50").body;
    assert!(String::from_utf8_lossy(&log).contains(uuid));
}

#[test]
fn too_large_a_header_is_refused() {
    let house = House::new();
    let mut server = house.serve();
    let large = "a".repeat(1024 * 1024);
    let many: Vec<(String, String)> =
        (0..100_000).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    for headers in [&[("x-large", large.as_str())][..], &many] {
        // The server may hang up while the header is still being sent.
        if let Ok(reply) = server.client().send("GET", "/healthz", headers, b"") {
            assert_eq!(reply.status, 431);
        }
        assert!(server.is_up());
    }
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[test]
fn two_lengths_are_not_one_request() {
    let house = House::new();
    let server = house.serve();
    for header in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "content-length: +5\r\n",
    ] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        let request = format!("POST /fhir HTTP/1.1\r\nhost: x\r\n{header}\r\n{smuggled}");
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answers = Vec::new();
        let _hung_up = stream.read_to_end(&mut answers);
        let answers = String::from_utf8_lossy(&answers).to_lowercase();
        assert!(!answers.contains("200 ok"), "{header}: {answers}");
    }
}

#[test]
fn who_is_hung_up_on_is_told() {
    let house = House::new();
    let server = house.serve();
    let little = b"{}";
    // The length that is said, what is sent of it, and whether the connection has to be over.
    let cases: [(usize, &[u8], bool); 4] =
        [(2, little, false), (2, b"", true), (10_000_000, b"", true), (0, b"", false)];
    for (length, body, must_close) in cases {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "POST /api/sign-in HTTP/1.1\r\nhost: {}\r\norigin: https://evil.example\r\n\
             content-length: {length}\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Of another packet than the header, as many clients send it.
        stream.write_all(body).unwrap();
        let mut answers = Answers::new(&stream);
        let (status, is_last) = answers.next();
        assert_eq!(status, 403);
        assert!(is_last || !must_close, "{length} bytes said, {} sent", body.len());
        if is_last {
            assert_eq!(answers.rest(), 0);
        } else {
            (&stream).write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            assert_eq!(answers.next(), (200, false));
        }
    }
}

/// The answers of one connection, as they come.
struct Answers<'a>(BufReader<&'a TcpStream>);

impl Answers<'_> {
    fn new(stream: &TcpStream) -> Answers<'_> {
        Answers(BufReader::new(stream))
    }

    /// The status, and whether it says that it is the last one.
    fn next(&mut self) -> (u16, bool) {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_lowercase()),
            }
        }
        let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
        let length = value("content-length: ").unwrap().parse().unwrap();
        self.0.read_exact(&mut vec![0; length]).unwrap();
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        (status, value("connection: ") == Some("close"))
    }

    /// How many bytes come before the end.
    fn rest(&mut self) -> usize {
        self.0.read_to_end(&mut Vec::new()).unwrap()
    }
}

#[test]
fn a_person_signs_in_and_out() {
    let house = House::new();
    let mut server = house.serve();
    let token = server.setup_token().expect("a fresh chart prints a set-up token");
    let mut nobody = Client::new(&server.address, None);
    let json = [("content-type", "application/json")];
    let mut post = |path: &str, headers: &[(&str, &str)], body: serde_json::Value| {
        let headers = [&json[..], headers].concat();
        nobody.send("POST", path, &headers, body.to_string().as_bytes()).unwrap()
    };
    let account = |token: &str, password: &str| json!({ "token": token, "name": "Ann Admin", "password": password });
    is_outcome(&post("/api/setup", &[], account("wrong", "a long enough password")), 403);
    is_outcome(&post("/api/setup", &[], account(&token, "short")), 400);
    is_outcome(&post("/api/setup", &[], account(&token, &"x".repeat(5000))), 400);
    let elsewhere = [("origin", "https://evil.example")];
    is_outcome(&post("/api/setup", &elsewhere, account(&token, "a long enough password")), 403);
    assert_eq!(post("/api/setup", &[], account(&token, "a long enough password")).status, 201);
    is_outcome(&post("/api/setup", &[], account(&token, "a long enough password")), 403);

    let sign_in = |password: &str| json!({ "name": "ann admin", "password": password });
    is_outcome(&post("/api/sign-in", &elsewhere, sign_in("a long enough password")), 403);
    let reply = post("/api/sign-in", &[], sign_in("a long enough password"));
    assert_eq!(reply.status, 200);
    let cookie = reply.header("set-cookie").unwrap().to_owned();
    for part in ["__Host-ward=", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let with = [("cookie", cookie.as_str())];
    let mut me = Client::new(&server.address, None);
    let reply = me.send("GET", "/api/me", &with, b"").unwrap();
    assert_eq!((reply.status, &reply.json()["role"]), (200, &json!("administrator")));
    is_outcome(&me.get("/api/me"), 401);

    let foreign = [&with[..], &[("origin", "https://evil.example")]].concat();
    is_outcome(&post("/api/sign-out", &foreign, json!({})), 403);
    assert_eq!(post("/api/sign-out", &with, json!({})).status, 200);
    is_outcome(&me.send("GET", "/api/me", &with, b"").unwrap(), 401);

    // Guessing is slowed at once; the right password waits as well.
    is_outcome(&post("/api/sign-in", &[], sign_in("not the password")), 401);
    let reply = post("/api/sign-in", &[], sign_in("a long enough password"));
    assert!(matches!(reply.status, 429 | 503), "{}", reply.status);
    assert!(reply.header("retry-after").is_some());
    assert!(server.end("-TERM", Duration::from_secs(60)));
    let log = house.must(&["audit", "list"]).stdout;
    let log = String::from_utf8_lossy(&log);
    for action in ["login", "login-failed", "logout", "account-changed"] {
        assert!(log.contains(action), "{action}: {log}");
    }
}

fn is_outcome(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.json()["resourceType"], "OperationOutcome");
}
