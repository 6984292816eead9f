//! Programs that were not written here: two clients, and a reader of what goes over the wire.

use std::{
    fs,
    process::{Command, Output},
};

use ward_tests::{House, Peer, clients, frame, skip};

use super::{adt, total};

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_python_client_is_understood() {
    let Some(clients) = clients() else {
        return skip("no public clients; `cargo xtask setup` installs them");
    };
    let python = clients.join("bin/python");
    let has = Command::new(&python).args(["-c", "import hl7"]).output();
    if !has.is_ok_and(|it| it.status.success()) {
        return skip("the Python package hl7 is not installed: its client is NOT tested");
    }
    let house = House::new();
    let server = house.serve();
    let script = "import sys, hl7.client\n\
         host, port = sys.argv[1].split(':')\n\
         with hl7.client.MLLPClient(host, int(port)) as client:\n    \
             answer = client.send_message(sys.argv[2].replace('\\n', '\\r'))\n\
         print(hl7.parse(answer[1:-2].decode()).segment('MSA'))\n";
    let text = adt("A01", "PY1", "56", "20260101080000").replace('\r', "\n");
    let said = Command::new(python).args(["-c", script, &server.mllp, &text]).output().unwrap();
    assert_eq!(stdout(&said).trim(), "MSA|AA|PY1");
    assert_eq!(total(&mut server.client(), "Patient?identifier=56"), 1);
}

#[test]
fn the_node_client_is_understood() {
    let modules = clients().map(|it| it.join("node_modules")).filter(|it| it.exists());
    let Some(modules) = modules else {
        return skip("node-hl7-client is not installed: it is NOT tested");
    };
    let house = House::new();
    let server = house.serve();
    let script = format!("{}/data/hl7_client.cjs", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let said = Command::new("node")
        .args([&script, &server.mllp])
        .env("NODE_PATH", modules)
        .output()
        .unwrap();
    assert_eq!(stdout(&said), "AA NODE1\nAA NODE2\n");
    let mut client = server.client();
    assert_eq!(total(&mut client, "Patient?family=Node"), 2);
    assert_eq!(total(&mut client, "Encounter?identifier=V58"), 1);
}

/// Wireshark's own reader of MLLP and HL7 v2, over an exchange with Ward.
#[test]
fn wireshark_reads_the_exchange() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("tshark") || !has("text2pcap") {
        return skip("tshark is not installed: what goes over the wire is NOT read by it");
    }
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (dump, capture) = (folder.path().join("dump"), folder.path().join("capture"));
    let mut text = String::new();
    let mut add = |way: &str, bytes: &[u8]| {
        text.push_str(way);
        for (n, line) in bytes.chunks(16).enumerate() {
            text.push_str(&format!("\n{:06x}", 16 * n));
            line.iter().for_each(|byte| text.push_str(&format!(" {byte:02x}")));
        }
        text.push('\n');
    };
    for sent in [
        adt("A01", "TS1", "59", "20260101080000"),
        adt("A03", "TS2", "59", "20260101090000"),
        adt("A01", "", "59", "20260101080000"),
    ] {
        let block = frame(sent.as_bytes());
        peer.write(&block).unwrap();
        let answer = frame(&peer.read().unwrap());
        add("I", &block);
        add("O", &answer);
    }
    fs::write(&dump, text).unwrap();
    let made = Command::new("text2pcap")
        .args(["-q", "-D", "-T", "50000,2575"])
        .args([&dump, &capture])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |what: &[&str]| {
        let mut tshark = Command::new("tshark");
        tshark.args(["-d", "tcp.port==2575,hl7", "-T", "fields"]).arg("-r").arg(&capture);
        what.iter().for_each(|field| {
            tshark.args(["-e", field]);
        });
        stdout(&tshark.output().unwrap())
    };
    let types = read(&["tcp.dstport", "hl7.message.type", "hl7.event.type"]);
    let types: Vec<&str> = types.lines().collect();
    let expected = [
        "2575\tADT\tA01",
        "50000\tACK\tA01",
        "2575\tADT\tA03",
        "50000\tACK\tA03",
        "2575\tADT\tA01",
        "50000\tACK\tA01",
    ];
    assert_eq!(types, expected);
    assert_eq!(read(&["hl7.malformed"]).trim(), "");
    // Framed as it has to be, and the answers in words that it knows.
    let mut whole = Command::new("tshark");
    whole
        .args(["-o", "hl7.display_llp:TRUE", "-d", "tcp.port==2575,hl7", "-V", "-r"])
        .arg(&capture);
    let whole = stdout(&whole.output().unwrap());
    let count = |line: &str| whole.lines().filter(|it| it.trim_start().starts_with(line)).count();
    assert_eq!((count("LLP Start Of Block"), count("LLP End Of Block")), (6, 6), "{whole}");
    assert_eq!((count("field 1: MSA"), count("field 2: AA"), count("field 2: AE")), (3, 2, 1));
    assert_eq!(whole.matches("Type: General acknowledgment").count(), 3);
}
