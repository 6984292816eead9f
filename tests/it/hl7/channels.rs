//! Channels: passed on in order, held while a destination is down, set aside when it refuses.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ward_tests::{House, Peer, frame, wait_until};

use super::{adt, channel, total};

/// A receiver that answers with `code`, and what it got.
pub struct Receiver {
    pub address: String,
    got: Arc<Mutex<Vec<String>>>,
    code: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    pub fn at(address: &str) -> Receiver {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let receiver = Receiver {
            address,
            got: Arc::default(),
            code: Arc::new(Mutex::new("AA".to_owned())),
            stop: Arc::default(),
        };
        let (got, code, stop) =
            (Arc::clone(&receiver.got), Arc::clone(&receiver.code), Arc::clone(&receiver.stop));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (got, code, stop) = (Arc::clone(&got), Arc::clone(&code), Arc::clone(&stop));
                thread::spawn(move || answer(stream, &got, &code, &stop));
            }
        });
        receiver
    }

    pub fn ids(&self) -> Vec<String> {
        self.texts().iter().map(|text| text.split('|').nth(9).unwrap().to_owned()).collect()
    }

    /// The messages as they came.
    pub fn texts(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    /// Answers with another code from now on.
    pub fn answers(self, code: &str) -> Receiver {
        code.clone_into(&mut self.code.lock().unwrap());
        self
    }

    pub fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _woken = TcpStream::connect(&self.address);
    }
}

fn answer(stream: TcpStream, got: &Mutex<Vec<String>>, code: &Mutex<String>, stop: &AtomicBool) {
    let mut peer = Peer::of(stream).unwrap();
    while let Ok(block) = peer.read() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let text = String::from_utf8(block).unwrap();
        let id = text.split('|').nth(9).unwrap().to_owned();
        let code = code.lock().unwrap().clone();
        if code.ends_with('A') {
            got.lock().unwrap().push(text.clone());
        }
        let ack = format!("MSH|^~\\&|||||||ACK|A{id}|P|2.5.1\rMSA|{code}|{id}\r");
        if peer.write(&frame(ack.as_bytes())).is_err() {
            return;
        }
    }
}

#[test]
fn messages_are_passed_on_in_order_and_wait_while_nobody_is_there() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::at("127.0.0.1:0");
    let address = receiver.address.clone();
    channel(
        folder.path(),
        "north",
        &format!(
            "[from]\ninterface = \"mllp\"\n[take]\ntypes = [\"ADT^*\"]\n[set]\n\"MSH-5\" = \"NORTH\"\n\
             [[to]]\nname = \"lab\"\nmllp = \"{address}\"\n"
        ),
    );
    let channels = folder.path().to_str().unwrap();
    let mut server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let send = |peer: &mut Peer, from: u32, to: u32| {
        for n in from..to {
            let text = adt("A08", &format!("F{n:03}"), &format!("2{}", n % 7), "20260101080000");
            assert_eq!(peer.send(&text).unwrap().code, "AA");
        }
    };
    send(&mut peer, 0, 10);
    let patience = Duration::from_secs(60);
    assert!(wait_until(patience, || receiver.ids().len() == 10), "{:?}", receiver.ids());
    // Down: senders notice nothing, and nothing is lost, not even by a kill.
    drop(receiver);
    send(&mut peer, 10, 60);
    server.kill();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    send(&mut peer, 60, 70);
    let receiver = Receiver::at(&address);
    assert!(wait_until(patience, || 60 <= receiver.ids().len()), "{:?}", receiver.ids());
    let mut ids = receiver.ids();
    ids.dedup();
    // What was sent and not written down before the kill may come once more, in its place.
    let ids: Vec<_> = ids.into_iter().filter(|id| "F010" <= id.as_str()).collect();
    let expected: Vec<_> = (10..70).map(|n| format!("F{n:03}")).collect();
    assert_eq!(ids, expected);
    let mut client = server.client();
    let said = client.get("/api/messages?direction=out&state=waiting").json();
    assert_eq!(said["messages"].as_array().unwrap().len(), 0);
    assert_eq!(total(&mut client, "Patient"), 7);
}

#[test]
fn what_a_destination_will_not_have_is_set_aside_and_frees_the_way() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::at("127.0.0.1:0");
    channel(
        folder.path(),
        "north",
        &format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"lab\"\nmllp = \"{}\"\n",
            receiver.address
        ),
    );
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    *receiver.code.lock().unwrap() = "AE".to_owned();
    assert_eq!(peer.send(&adt("A01", "X1", "31", "20260101080000")).unwrap().code, "AA");
    let mut client = server.client();
    let dead = "/api/messages?direction=out&state=dead";
    let patience = Duration::from_secs(30);
    assert!(wait_until(patience, || client.get(dead).json()["messages"][0]["controlId"] == "X1"));
    *receiver.code.lock().unwrap() = "AA".to_owned();
    assert_eq!(peer.send(&adt("A01", "X2", "32", "20260101080000")).unwrap().code, "AA");
    assert!(wait_until(patience, || receiver.ids() == ["X2"]));
}

#[test]
fn a_change_of_a_channel_is_used_without_a_restart() {
    let house = House::new();
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = |to: &str| {
        let path = out.path().join(to);
        format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"{to}\"\nfolder = \"{}\"\n",
            path.display()
        )
    };
    channel(folder.path(), "north", &text("first"));
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let count = |to: &str| {
        fs::read_dir(out.path().join(to)).map_or(0, |it| {
            it.flatten().filter(|f| f.path().extension().is_some_and(|e| e == "hl7")).count()
        })
    };
    assert_eq!(peer.send(&adt("A01", "Y0", "41", "20260101080000")).unwrap().code, "AA");
    let patience = Duration::from_secs(30);
    assert!(wait_until(patience, || count("first") == 1));
    channel(folder.path(), "north", &text("second"));
    // The same connection goes on; every message is taken, whichever way it goes.
    let mut n = 1;
    while count("second") == 0 {
        let ack = peer.send(&adt("A08", &format!("Y{n}"), "41", "20260101080000")).unwrap();
        assert_eq!(ack.code, "AA");
        n += 1;
        assert!(n < 200_000, "the new channel is never used");
    }
    assert!(wait_until(patience, || count("first") + count("second") == n));
}

#[test]
fn the_cases_beside_a_channel_are_run() {
    let folder = tempfile::tempdir().unwrap();
    channel(
        folder.path(),
        "north",
        "[from]\ninterface = \"mllp\"\n[take]\ntypes = [\"ADT^A01\"]\n[set]\n\"MSH-5\" = \"N\"\n\
         [[to]]\nname = \"lab\"\nmllp = \"127.0.0.1:1\"\n",
    );
    let cases = folder.path().join("north");
    fs::create_dir_all(&cases).unwrap();
    let admission = adt("A01", "1", "1", "20260101080000");
    fs::write(cases.join("admission.hl7"), &admission).unwrap();
    fs::write(cases.join("update.hl7"), adt("A08", "1", "1", "20260101080000")).unwrap();
    let expected = admission.replace("|WARD|HOSP|", "|N|HOSP|");
    fs::write(cases.join("admission.lab.out"), &expected).unwrap();
    let run = || {
        let file = folder.path().join("north.toml");
        let out = std::process::Command::new(ward_tests::ward())
            .args(["hl7", "test-channel"])
            .arg(file)
            .output()
            .unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(run(), (true, "2 as expected, 0 not\n".to_owned()));
    fs::write(cases.join("admission.lab.out"), &admission).unwrap();
    assert!(!run().0);
}
