//! Messages over HTTP: taken by channels, and brought by them to servers good and bad.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use ward_tests::{Ack, Client, House, Peer, skip, wait_until};

use super::{adt, certificates::Certificates, channel, free_address, kept, outgoing, total};

const PATIENCE: Duration = Duration::from_secs(30);
const TYPE: (&str, &str) = ("content-type", "application/hl7-v2");
const TIME: &str = "20260101080000";

fn post(client: &mut Client, message: &str) -> (u16, Ack) {
    let reply = client.send("POST", "/lab", &[TYPE], message.as_bytes()).unwrap();
    (reply.status, Ack::read(&reply.body))
}

#[test]
fn a_message_by_post_is_safe_before_it_is_accepted() {
    let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
    channel(folder.path(), "east", &format!("[from]\nhttp = \"{address}\"\n"));
    let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
    let mut server = house.serve_with(&settings);
    let mut sender = Client::new(&address, None);
    let admission = adt("A01", "H1", "81", TIME);
    let first = sender.send("POST", "/", &[TYPE], admission.as_bytes()).unwrap();
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("application/hl7-v2; charset=us-ascii"));
    assert_eq!(Ack::read(&first.body).code, "AA");
    // The statuses of the convention, by other media types and on the same connection.
    let text = [("content-type", "text/plain; charset=utf-8")];
    let again = sender.send("POST", "/", &text, admission.as_bytes()).unwrap();
    assert_eq!((again.status, &again.body), (200, &first.body));
    let (status, ack) = post(&mut sender, &adt("A01", "", "82", TIME));
    assert_eq!((status, ack.code.as_str()), (500, "AE"));
    let (status, ack) = post(&mut sender, &adt("ZZ9", "H2", "83", TIME).replace("ADT", "ZZZ"));
    assert_eq!((status, ack.code.as_str()), (400, "AR"));
    let named = [("content-type", "x-application/hl7-v2+er7; charset=iso-8859-1")];
    let latin: Vec<u8> = adt("A01", "H3", "84", TIME).replace("Anna", "Zoe?").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|b| if *b == b'?' { 0xeb } else { *b }).collect();
    assert_eq!(sender.send("POST", "/", &named, &latin).unwrap().status, 200);
    // A batch is answered with a batch; its status is that of its worst message.
    let batch = format!(
        "BHS|^~\\&|REG|HOSP\r{}{}BTS|2\r",
        adt("A01", "H4", "85", TIME),
        adt("A01", "", "86", TIME)
    );
    let reply = sender.send("POST", "/", &[TYPE], batch.as_bytes()).unwrap();
    let answers = String::from_utf8(reply.body).unwrap();
    assert_eq!(reply.status, 500);
    assert!(answers.starts_with("BHS") && answers.contains("MSA|AA|H4"), "{answers}");
    // Accepted as safe, and worked on afterwards, as by every other way.
    let enhanced = adt("A01", "H5", "87", TIME).replace("|P|2.5.1", "|P|2.5.1|||AL|NE");
    assert_eq!(post(&mut sender, &enhanced).1.code, "CA");
    server.kill();
    let server = house.serve_with(&settings);
    let mut client = server.client();
    assert!(wait_until(PATIENCE, || total(&mut client, "Patient") == 4));
    let found = client.get("/fhir/Patient?identifier=84").json();
    assert_eq!(found["entry"][0]["resource"]["name"][0]["given"][0], "Zoeë");
    assert_eq!(kept(&mut client, "H1").len(), 1);
    let mut sender = Client::new(&address, None);
    let again = sender.send("POST", "/", &[TYPE], admission.as_bytes()).unwrap();
    assert_eq!(again.body, first.body);
}

#[test]
fn what_cannot_be_taken_is_refused_with_its_status() {
    let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
    fs::write(folder.path().join("east.token"), "open sesame\n").unwrap();
    channel(
        folder.path(),
        "east",
        &format!("[from]\nhttp = \"{address}\"\ntoken_file = \"east.token\"\n"),
    );
    let server = house.serve_with(&[
        ("WARD_HL7_CHANNELS", folder.path().to_str().unwrap()),
        ("WARD_HL7_BLOCK_BYTES", "100000"),
        ("WARD_HL7_BLOCK_S", "1"),
    ]);
    let mut sender = Client::new(&address, Some("open sesame"));
    let message = adt("A01", "K1", "91", TIME);
    assert_eq!(post(&mut sender, &message).0, 200);
    for wrong in [None, Some("open"), Some("open sesame!")] {
        let mut stranger = Client::new(&address, wrong);
        let reply = stranger.send("POST", "/", &[TYPE], message.as_bytes()).unwrap();
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")));
    }
    let reply = sender.send("GET", "/", &[], b"").unwrap();
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    let mut status = |headers: &[(&str, &str)], body: &[u8]| {
        sender.send("POST", "/", headers, body).unwrap().status
    };
    assert_eq!(status(&[("content-type", "application/json")], b"{}"), 415);
    assert_eq!(status(&[TYPE, ("content-encoding", "gzip")], b"MSH|"), 415);
    assert_eq!(status(&[TYPE], b"no message"), 400);
    assert_eq!(status(&[TYPE], b""), 400);
    // Too large, said at once and found out on the way; too slow; broken off.
    assert_eq!(status(&[TYPE], &vec![b'x'; 100_001]), 413);
    let head = "POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer open sesame\r\n";
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n1ffff\r\nMSH|");
    assert_eq!(raw(&address, &chunked, &[b'x'; 120_000]), 413);
    assert_eq!(
        raw(&address, &format!("{head}content-length: 900\r\n\r\n"), b"MSH|^~\\&|slow"),
        408
    );
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "{head}content-length: 900\r\n\r\nMSH|^~\\&|gone").unwrap();
    drop(stream);
    let mut client = server.client();
    let quarantined = |client: &mut Client| {
        let said = client.get("/api/messages?state=quarantined").json();
        said["messages"].as_array().unwrap().len()
    };
    assert!(wait_until(PATIENCE, || quarantined(&mut client) == 4), "{}", quarantined(&mut client));
    assert_eq!(total(&mut client, "Patient"), 1);
}

/// The status of a request that is never finished.
fn raw(address: &str, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // The other side may have had enough before the last byte.
    let _enough = stream.write_all(body);
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A server that answers each message as `answer` says: a status and a body, or nothing at all.
struct Server {
    address: String,
    got: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<&'static str>>,
}

impl Server {
    fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Server { address, got: Arc::default(), mood: Arc::new(Mutex::new("AA")) };
        let (got, mood) = (Arc::clone(&server.got), Arc::clone(&server.mood));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (got, mood) = (Arc::clone(&got), Arc::clone(&mood));
                thread::spawn(move || while one(&stream, &got, &mood).is_some() {});
            }
        });
        server
    }

    fn mood(&self, mood: &'static str) {
        *self.mood.lock().unwrap() = mood;
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

/// Reads one request and answers it; `None` when the connection is over.
fn one(stream: &TcpStream, got: &Mutex<Vec<String>>, mood: &Mutex<&'static str>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_lowercase();
        if let Some(n) = line.strip_prefix("content-length: ") {
            length = n.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let id = String::from_utf8_lossy(&body).split('|').nth(9).unwrap().to_owned();
    let mood = *mood.lock().unwrap();
    let ack =
        |code: &str, of: &str| format!("MSH|^~\\&|||||||ACK|A{id}|P|2.5.1\rMSA|{code}|{of}\r");
    let (status, text) = match mood {
        "AA" => {
            got.lock().unwrap().push(id.clone());
            (200, ack("AA", &id))
        }
        "AE" => (500, ack("AE", &id)),
        "wrong" => (200, ack("AA", "other")),
        "silent" => {
            // Until the other side has had enough.
            let _gone = reader.read(&mut [0; 1]);
            return None;
        }
        status => (status.parse().unwrap(), "no".to_owned()),
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()
}

#[test]
fn a_server_that_fails_holds_the_order_and_one_that_refuses_frees_the_way() {
    let (house, folder, receiver) = (House::new(), tempfile::tempdir().unwrap(), Server::new());
    channel(
        folder.path(),
        "north",
        &format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"web\"\nhttp = \"http://{}/in\"\n\
             answer_s = 1\n",
            receiver.address
        ),
    );
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut client = server.client();
    let mut n = 0;
    let mut send = || {
        n += 1;
        let id = format!("W{n}");
        assert_eq!(peer.send(&adt("A08", &id, "95", TIME)).unwrap().code, "AA");
        id
    };
    let mut arrived = Vec::new();
    // What is wrong with the server: nothing is lost, and nothing overtakes.
    for mood in ["500", "503", "401", "404", "200", "wrong", "silent"] {
        receiver.mood(mood);
        let two = [send(), send()];
        let waiting = || outgoing(&mut client, "north/web", "waiting") == two;
        assert!(wait_until(PATIENCE, waiting), "{mood}");
        arrived.extend(two);
        receiver.mood("AA");
        assert!(wait_until(PATIENCE, || receiver.got() == arrived), "{mood}: {:?}", receiver.got());
    }
    // What is wrong with the message: it is set aside, and the next one goes.
    let mut dead = Vec::new();
    for mood in ["400", "422", "AE"] {
        receiver.mood(mood);
        dead.push(send());
        let is_dead = || outgoing(&mut client, "north/web", "dead") == dead;
        assert!(wait_until(PATIENCE, is_dead), "{mood}");
        receiver.mood("AA");
        arrived.push(send());
        assert!(wait_until(PATIENCE, || receiver.got() == arrived), "{mood}");
    }
    let said = client.get("/api/messages?state=dead&direction=out").json();
    let why: Vec<_> = said["messages"].as_array().unwrap().iter().map(|it| &it["why"]).collect();
    assert_eq!(why, [&serde_json::Value::Null, &"status 422".into(), &"status 400".into()]);
}

#[test]
fn both_ends_show_their_certificates() {
    let Some(tls) = Certificates::new() else { return skip("openssl is not on this machine") };
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let (http, mllp) = (free_address(), free_address());
    fs::write(folder.path().join("token"), "open sesame").unwrap();
    let shown = format!(
        "tls = {{ cert = {:?}, key = {:?}, client_ca = {:?} }}\n",
        tls.text("server.pem"),
        tls.text("server.key"),
        tls.text("ca.pem")
    );
    let keep = "[take]\nchart = false\n";
    channel(
        folder.path(),
        "east",
        &format!("[from]\nhttp = \"{http}\"\ntoken_file = \"token\"\n{shown}{keep}"),
    );
    channel(folder.path(), "west", &format!("[from]\nmllp = \"{mllp}\"\n{shown}{keep}"));
    let to = |name: &str, line: &str, own: &str, ca: &str| {
        let own = match own {
            "" => String::new(),
            own => format!(
                ", cert = {:?}, key = {:?}",
                tls.text(&format!("{own}.pem")),
                tls.text(&format!("{own}.key"))
            ),
        };
        let ca = tls.text(ca);
        format!("[[to]]\nname = \"{name}\"\n{line}\ntls = {{ ca = {ca:?}{own} }}\n")
    };
    let web = format!("http = \"https://{http}/in\"\ntoken_file = \"token\"");
    let wire = format!("mllp = \"{mllp}\"");
    let mut north = "[from]\ninterface = \"mllp\"\n".to_owned();
    for (kind, line) in [("web", &web), ("wire", &wire)] {
        north += &to(kind, line, "client", "ca.pem");
        north += &to(&format!("{kind}-bare"), line, "", "ca.pem");
        north += &to(&format!("{kind}-stranger"), line, "stranger", "ca.pem");
        north += &to(&format!("{kind}-deceived"), line, "client", "other-ca.pem");
    }
    channel(folder.path(), "north", &north);
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "S1", "97", TIME)).unwrap().code, "AA");
    let mut client = server.client();
    for kind in ["web", "wire"] {
        let is_sent = || outgoing(&mut client, &format!("north/{kind}"), "sent") == ["S1"];
        assert!(wait_until(PATIENCE, is_sent), "{kind}");
    }
    // All of them have tried at least once by the time that the good ones have sent a second one.
    assert_eq!(peer.send(&adt("A08", "S2", "97", TIME)).unwrap().code, "AA");
    for kind in ["web", "wire"] {
        let is_sent = || outgoing(&mut client, &format!("north/{kind}"), "sent").len() == 2;
        assert!(wait_until(PATIENCE, is_sent), "{kind}");
        for bad in ["bare", "stranger", "deceived"] {
            let waiting = outgoing(&mut client, &format!("north/{kind}-{bad}"), "waiting");
            assert_eq!(waiting, ["S1", "S2"], "{kind}-{bad}");
        }
    }
    for interface in ["east", "west"] {
        let path = format!("/api/messages?interface={interface}");
        let said = client.get(&path).json();
        assert_eq!(said["messages"].as_array().unwrap().len(), 2, "{interface}");
    }
}
