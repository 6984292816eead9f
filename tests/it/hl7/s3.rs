//! Messages kept in a bucket of an object store that checks signatures.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use ward_tests::{House, Peer, python, skip, wait_until};

use super::{adt, channel, outgoing};

const PATIENCE: Duration = Duration::from_secs(60);

/// The store, as a process of its own.
struct Store {
    process: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
    url: String,
    id: String,
    secret: String,
}

impl Store {
    /// `None` where it was not set up.
    fn new() -> Option<Store> {
        let script = format!("{}/data/s3.py", std::env::var("CARGO_MANIFEST_DIR").unwrap());
        let python = python()?;
        let has_moto = Command::new(&python).args(["-c", "import moto, flask_cors"]).output();
        if !has_moto.is_ok_and(|it| it.status.success()) {
            return None;
        }
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let asks = process.stdin.take().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        let [url, id, secret] = [String::new(), String::new(), String::new()];
        let mut store = Store { process, asks, says, url, id, secret };
        let line = store.line();
        let words: Vec<&str> = line.split_whitespace().collect();
        [store.url, store.id, store.secret] = [words[0], words[1], words[2]].map(str::to_owned);
        Some(store)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "the store has ended");
        line
    }

    fn ask(&mut self, command: &str) -> String {
        writeln!(self.asks, "{command}").unwrap();
        self.line()
    }

    /// Names and contents, by name.
    fn objects(&mut self) -> Vec<(String, String)> {
        serde_json::from_str(&self.ask("list")).unwrap()
    }

    /// MSH-10 of each object, by name.
    fn ids(&mut self) -> Vec<String> {
        let id = |(_, text): &(String, String)| text.split('|').nth(9).unwrap_or("-").to_owned();
        self.objects().iter().map(id).collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn messages_are_kept_as_objects_in_their_order_whatever_the_store_does() {
    let Some(mut store) = Store::new() else {
        return skip("no object store; `cargo xtask setup` installs one");
    };
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let keys = |name: &str, secret: &str| {
        let id = &store.id;
        let text =
            format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        fs::write(folder.path().join(name), text).unwrap();
    };
    keys("good.keys", &store.secret);
    keys("bad.keys", "not the secret");
    let to = |name: &str, keys: &str| {
        format!(
            "[[to]]\nname = \"{name}\"\n[to.s3]\nendpoint = \"{}\"\nregion = \"eu-central-1\"\n\
             bucket = \"kept\"\nprefix = \"{name}/\"\ncredentials_file = \"{keys}\"\n",
            store.url
        )
    };
    let text = "[from]\ninterface = \"mllp\"\n".to_owned();
    channel(folder.path(), "north", &(text + &to("a", "good.keys") + &to("b", "bad.keys")));
    let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
    let mut server = house.serve_with(&settings);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut sent = Vec::new();
    let mut send = |peer: &mut Peer, n: usize| {
        for _ in 0..n {
            let id = format!("B{:03}", sent.len());
            let text = adt("A08", &id, "55", "20260101080000");
            assert_eq!(peer.send(&text).unwrap().code, "AA");
            sent.push(id);
        }
        sent.clone()
    };
    let all = send(&mut peer, 3);
    assert!(wait_until(PATIENCE, || store.ids() == all));
    for (name, text) in store.objects() {
        let number = name.strip_prefix("a/").and_then(|it| it.strip_suffix(".hl7")).unwrap();
        assert!(number.len() == 12 && number.bytes().all(|b| b.is_ascii_digit()), "{name}");
        assert!(text.starts_with("MSH|^~\\&|REG|") && text.ends_with("\r"), "{text}");
    }
    // Down: senders notice nothing. A kill loses nothing, and nothing is kept twice or overtaken.
    store.ask("down");
    send(&mut peer, 10);
    server.kill();
    let server = house.serve_with(&settings);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let all = send(&mut peer, 10);
    store.ask("up");
    let in_order = || {
        let ids = store.ids();
        assert_eq!(ids, all[..ids.len()]);
        ids.len() == all.len()
    };
    assert!(wait_until(PATIENCE, in_order));
    // A name that somebody else has used is left to them, and frees the way.
    let mut client = server.client();
    let sent = || outgoing(&mut client, "north/a", "sent").len() == all.len();
    assert!(wait_until(PATIENCE, sent));
    let last: u64 = store.objects().last().unwrap().0[2..14].parse().unwrap();
    let numbers: Vec<u64> =
        store.objects().iter().rev().take(2).map(|(it, _)| it[2..14].parse().unwrap()).collect();
    let next = last + numbers[0] - numbers[1];
    store.ask(&format!("put a/{next:012}.hl7 theirs"));
    let all = send(&mut peer, 2);
    let dead = || outgoing(&mut client, "north/a", "dead");
    assert!(wait_until(PATIENCE, || outgoing(&mut server.client(), "north/a", "sent").len()
        == all.len() - 1));
    assert_eq!({ dead }(), [all[all.len() - 2].clone()]);
    assert!(store.objects().iter().any(|(_, text)| text == "theirs"));
    assert_eq!(store.ids().last(), all.last());
    // Who cannot sign is not let in; what waits for it waits.
    assert_eq!(outgoing(&mut client, "north/b", "waiting"), all);
}
