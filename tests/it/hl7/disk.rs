//! A disk that fails, and a loss of power at the worst moment, under messages.
//!
//! The faults come from `faults.c`, between Ward and the kernel. What a device does beneath a flush
//! that it calls good is not simulated.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ward_tests::{Ack, House, Peer, Server, frame, skip, wait_until};

use super::{adt, kept, total};

/// A chart, and the faults it can be given.
struct Faulty {
    house: House,
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Faulty {
    /// `None` where there is no C compiler.
    fn new() -> Option<Faulty> {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("faults.so");
        let source =
            Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("it/hl7/faults.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .output()
            .ok()?;
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(Faulty { house: House::new(), folder, library })
    }

    fn serve(&self) -> Server {
        let data = fs::canonicalize(self.house.data()).unwrap();
        self.house.serve_with(&[
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("WARD_TEST_FAULTS", self.folder.path().to_str().unwrap()),
            ("WARD_TEST_DATA", data.to_str().unwrap()),
        ])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self, fault: &str, how: &str) {
        // Whole or not at all: Ward looks at any moment.
        let draft = self.path("draft");
        fs::write(&draft, how).unwrap();
        fs::rename(draft, self.path(fault)).unwrap();
    }

    fn is_planned(&self, fault: &str) -> bool {
        self.path(fault).exists()
    }
}

const PATIENCE: Duration = Duration::from_secs(30);

fn admission(id: &str, mrn: &str) -> String {
    adt("A01", id, mrn, "20260101080000")
}

#[test]
fn a_flush_that_fails_acknowledges_nobody_and_the_store_is_opened_again() {
    let Some(faulty) = Faulty::new() else { return skip("no C compiler: no disk fails") };
    let mut server = faulty.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&admission("D0", "100")).unwrap().code, "AA");
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (1..=8)
        .map(|at| {
            let (address, stop) = (server.mllp.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut peer = Peer::connect(&address).unwrap();
                let mut sent = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let id = format!("D{at}-{}", sent.len());
                    let text = admission(&id, &format!("{at}{}", sent.len()));
                    let ack = peer.send(&text).unwrap();
                    sent.push((id, text, ack));
                }
                sent
            })
        })
        .collect();
    faulty.plan("flush", "");
    assert!(wait_until(PATIENCE, || !faulty.is_planned("flush")), "nothing was flushed");
    // Some commits more, after the failure.
    let log = faulty.path("log");
    let after = || {
        let said = fs::read_to_string(&log).unwrap();
        said.split_once("failed").map_or(0, |(_, rest)| rest.matches("flushed").count())
    };
    assert!(wait_until(PATIENCE, || 3 <= after()), "the store did not come back");
    stop.store(true, Ordering::Relaxed);
    let mut sent: Vec<_> = senders.into_iter().flat_map(|it| it.join().unwrap()).collect();

    let refused: Vec<_> = sent.iter().filter(|(_, _, ack)| ack.code != "AA").collect();
    assert!(!refused.is_empty(), "a batch that is not on the disk was acknowledged");
    assert!(refused.iter().all(|(_, _, ack)| ack.code == "AR" && ack.error == "207"));
    // Not tried again on the file that failed: closed, opened, and only then flushed.
    let said = fs::read_to_string(&log).unwrap();
    let (_, after) = said.split_once("failed").unwrap();
    let words: Vec<&str> = after.lines().skip(1).map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(words[0], "opened", "{words:?}");
    assert!(words.contains(&"flushed"), "{words:?}");

    // As their senders do, those that were refused come again.
    for (id, text, ack) in sent.iter_mut().filter(|(_, _, ack)| ack.code != "AA") {
        *ack = peer.send(text).unwrap();
        assert_eq!(ack.code, "AA", "{id}");
    }
    server.kill();
    let server = faulty.house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for (id, text, ack) in &sent {
        assert_eq!(kept(&mut client, id).len(), 1, "{id}");
        assert_eq!(peer.send(text).unwrap(), *ack, "{id}");
    }
    assert_eq!(total(&mut client, "Patient"), u64::try_from(sent.len()).unwrap() + 1);
    drop(server);
    faulty.house.must(&["audit", "verify"]);
}

#[test]
fn killed_between_commit_and_answer_a_message_has_one_effect_and_the_same_answer() {
    let Some(faulty) = Faulty::new() else { return skip("no C compiler: no power fails") };
    for n in 0..5 {
        let (id, mrn) = (format!("E{n}"), format!("20{n}"));
        let mut server = faulty.serve();
        let mut peer = Peer::connect(&server.mllp).unwrap();
        faulty.plan("answer", "");
        assert!(peer.send(&admission(&id, &mrn)).is_err());
        assert!(wait_until(PATIENCE, || !server.is_up()));
        let unsent = fs::read(faulty.path("unsent")).unwrap();

        let server = faulty.house.serve();
        let mut client = server.client();
        assert_eq!(kept(&mut client, &id)[0]["state"], "applied");
        let mut peer = Peer::connect(&server.mllp).unwrap();
        peer.write(&frame(admission(&id, &mrn).as_bytes())).unwrap();
        // What would have been said, to the last byte.
        assert_eq!(frame(&peer.read().unwrap()), unsent);
        assert_eq!(kept(&mut client, &id).len(), 1);
        assert_eq!(total(&mut client, &format!("Patient?identifier={mrn}")), 1);
        assert_eq!(total(&mut client, &format!("Encounter?identifier=V{mrn}")), 1);
    }
}

#[test]
fn a_disk_that_takes_no_writes_takes_no_messages_until_it_does() {
    let Some(faulty) = Faulty::new() else { return skip("no C compiler: no disk fails") };
    let operator = faulty.house.token_for("administrator");
    let server = faulty.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut n_taken = 0;
    let failed = || {
        let mut client = ward_tests::Client::new(&server.address, Some(&operator));
        let page = client.get("/metrics");
        let page = String::from_utf8(page.body).unwrap();
        let line = page.lines().find(|it| it.starts_with("ward_batches_failed_total")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    // Full, broken, and gone read-only.
    for (at, number) in [28, 5, 30].into_iter().enumerate() {
        let before = failed();
        let send = |peer: &mut Peer, n: usize| peer.send(&admission(&format!("W{at}-{n}"), "300"));
        assert_eq!(send(&mut peer, 0).unwrap().code, "AA");
        faulty.plan("write", &number.to_string());
        for n in 1..=3 {
            let ack = send(&mut peer, n).unwrap();
            assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AR", "207"), "errno {number}");
        }
        // Enhanced mode has no such word: the connection ends and the message comes again.
        let enhanced = admission(&format!("W{at}-4"), "300").replace("|2.5.1", "|2.5.1|||AL|NE");
        let mut other = Peer::connect(&server.mllp).unwrap();
        other.write(&frame(enhanced.as_bytes())).unwrap();
        assert!(other.is_closed());
        fs::remove_file(faulty.path("write")).unwrap();
        // Whoever watches the house can see it.
        assert!(before < failed(), "errno {number}");
        let mut ack: Option<Ack> = None;
        assert!(
            wait_until(PATIENCE, || {
                ack = peer.send(&admission(&format!("W{at}-1"), "300")).ok();
                ack.as_ref().is_some_and(|ack| ack.code == "AA")
            }),
            "errno {number}: {ack:?}"
        );
        assert_eq!(send(&mut peer, 5).unwrap().code, "AA");
        n_taken += 3;
    }
    let mut client = server.client();
    let said = client.get("/api/messages?state=applied").json();
    assert_eq!(said["messages"].as_array().unwrap().len(), n_taken);
    assert_eq!(total(&mut client, "Patient"), 1);
    drop(server);
    faulty.house.must(&["audit", "verify"]);
}
