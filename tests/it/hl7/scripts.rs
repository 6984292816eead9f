//! Scripts of channels: what they do to messages, and what bad ones cannot do to the server.

use std::{fs, path::Path, thread, time::Duration};

use ward_tests::{House, Peer, wait_until};

use super::{adt, channel, free_address, kept, outgoing, total};

const PATIENCE: Duration = Duration::from_secs(30);
const TIME: &str = "20260101080000";

/// A channel with a listener of its own, a script, and a folder that it brings messages to.
fn scripted(folder: &Path, address: &str, script: &str) {
    let out = folder.join("out");
    fs::write(folder.join("east.rhai"), script).unwrap();
    channel(
        folder,
        "east",
        &format!(
            "script = \"east.rhai\"\n[from]\nmllp = \"{address}\"\n\
             [[to]]\nname = \"lab\"\nfolder = {out:?}\n"
        ),
    );
}

fn brought(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("out")).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|it| it.path()).collect();
    files.retain(|it| it.extension().is_some_and(|e| e == "hl7"));
    files.sort();
    files.iter().map(|it| fs::read_to_string(it).unwrap()).collect()
}

#[test]
fn a_script_says_what_the_chart_gets_and_what_goes_out() {
    let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
    scripted(
        folder.path(),
        &address,
        "fn chart(message) {\n\
            if message.get(`PV1-2`) == `T` { drop(`a stay for tests`); }\n\
            if message.get(`PV1-2`) == `X` { fail(`no such class`); }\n\
            message.set(`PID-5.2`, message.get(`PID-5.2`).to_upper());\n\
         }\n\
         fn out(message, to) {\n\
            if message.get(`PV1-2`) == `O` { drop(`not for outpatients`); }\n\
            if message.get(`PV1-2`) == `E` { fail(`nobody there at night`); }\n\
            message.set(`MSH-5`, to);\n\
         }\n",
    );
    let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
    let server = house.serve_with(&settings);
    let mut peer = Peer::connect(&address).unwrap();
    let of = |id: &str, mrn: &str, class: &str| {
        adt("A01", id, mrn, TIME).replace("PV1|1|I", &format!("PV1|1|{class}"))
    };
    let mut send = |id: &str, mrn: &str, class: &str| {
        let ack = peer.send(&of(id, mrn, class)).unwrap();
        format!("{}{}", ack.code, ack.error)
    };
    assert_eq!(send("R1", "1001", "I"), "AA");
    assert_eq!(send("R2", "1002", "T"), "AA");
    assert_eq!(send("R3", "1003", "X"), "AE199");
    assert_eq!(send("R4", "1004", "O"), "AA");
    assert_eq!(send("R5", "1005", "E"), "AA");
    assert_eq!(send("R6", "1006", "I"), "AA");
    let mut client = server.client();
    assert_eq!(total(&mut client, "Patient"), 4);
    let found = client.get("/fhir/Patient?identifier=1001").json();
    assert_eq!(found["entry"][0]["resource"]["name"][0]["given"][0], "ANNA");
    let mut line = |id: &str| {
        let all = kept(&mut client, id);
        let of = |way: &str| all.iter().find(|it| it["direction"] == way).cloned();
        (of("in").unwrap(), of("out"))
    };
    let why = |line: &serde_json::Value| line["why"].as_str().unwrap_or_default().to_owned();
    let (came, went) = line("R2");
    assert_eq!(
        (came["state"].as_str(), why(&came).as_str()),
        (Some("ignored"), "chart: a stay for tests")
    );
    assert!(went.is_some(), "what the chart does not get may still go out");
    let (came, went) = line("R3");
    assert_eq!((came["state"].as_str(), why(&came).as_str()), (Some("refused"), "no such class"));
    assert!(went.is_none(), "what is refused goes nowhere");
    let (came, went) = line("R4");
    assert_eq!(
        (came["state"].as_str(), why(&came).as_str()),
        (Some("applied"), "east/lab: not for outpatients")
    );
    assert!(went.is_none());
    let (_, went) = line("R5");
    let went = went.unwrap();
    assert_eq!(
        (went["state"].as_str(), why(&went).as_str()),
        (Some("dead"), "nobody there at night")
    );
    // What goes out is changed; what is kept is as it came.
    assert!(wait_until(PATIENCE, || brought(folder.path()).len() == 3));
    let first = of("R1", "1001", "I");
    assert_eq!(brought(folder.path())[0], first.replace("|WARD|HOSP|", "|lab|HOSP|"));
    let number = kept(&mut client, "R1").iter().find(|it| it["direction"] == "in").unwrap()["id"]
        .as_u64()
        .unwrap();
    let raw = house.must(&["hl7", "log", "--raw", &number.to_string()]).stdout;
    assert_eq!(String::from_utf8(raw).unwrap(), first);
    // The same bytes are answered as before, and a corrected script takes what was refused.
    assert_eq!(peer.send(&of("R3", "1003", "X")).unwrap().code, "AE");
    scripted(folder.path(), &address, "fn chart(message) { message.set(`PV1-2`, `I`); }");
    let number = kept(&mut client, "R3")[0]["id"].as_u64().unwrap();
    let mut is_taken = || {
        let said = client.send("POST", &format!("/api/messages/{number}/replay"), &[], b"{}");
        said.unwrap().json()["applied"] == true
    };
    assert!(wait_until(PATIENCE, &mut is_taken));
    assert_eq!(total(&mut client, "Patient?identifier=1003"), 1);
}

#[test]
fn a_script_that_takes_too_much_is_ended_and_holds_up_nobody() {
    let bad = [
        ("loop {}", "too many steps"),
        ("let a = `x`; loop { a += a; }", "too large"),
        (
            "let a = `x`; for n in 0..16 { a += a; } let b = `y`; for n in 0..16 { b += b; } \
          loop { a.replace(`x`, b); }",
            "too large",
        ),
        ("f(1) } fn f(n) { f(n + 1) + 1", "too deep"),
        // Long, however many steps: each looks through the whole message.
        ("for n in 0..100000 { message.count(`ZZZ`); message.get(`NTE[10000]-3`); }", "too"),
    ];
    for (body, why) in bad {
        let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
        let script = format!(
            "fn chart(message) {{ g(message, ``); }} fn out(message, to) {{ if to == `lab` {{ g(message, to); }} }} fn g(message, to) {{ {body} }}"
        );
        scripted(folder.path(), &address, &script);
        let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
        let mut server = house.serve_with(&settings);
        let (before, _) = server.memory_kib();
        // Long messages, by many connections at once; others are answered meanwhile.
        let notes = "NTE|1||x\r".repeat(20_000);
        let senders: Vec<_> = (0..8)
            .map(|n| {
                let (address, notes) = (address.clone(), notes.clone());
                thread::spawn(move || {
                    let mut peer = Peer::connect(&address).unwrap();
                    let text = adt("A01", &format!("L{n}"), &format!("11{n}"), TIME) + &notes;
                    peer.send(&text).unwrap()
                })
            })
            .collect();
        let mut good = Peer::connect(&server.mllp).unwrap();
        for n in 0..20 {
            let text = adt("A01", &format!("G{n}"), &format!("12{n}"), TIME);
            assert_eq!(good.send(&text).unwrap().code, "AA");
        }
        for sender in senders {
            let ack = sender.join().unwrap();
            assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AE", "199"), "{body}");
        }
        let mut client = server.client();
        let refused = client.get("/api/messages?interface=east&state=refused").json();
        let refused = refused["messages"].as_array().unwrap();
        assert_eq!(refused.len(), 8);
        for line in refused {
            assert!(line["why"].as_str().unwrap().contains(why), "{line}");
        }
        let (_, peak) = server.memory_kib();
        assert!(peak - before < 400_000, "{body}: {before} {peak}");
        assert!(server.is_up());
    }
}

#[test]
fn what_a_script_cannot_bring_out_is_set_aside_and_the_chart_has_it() {
    let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
    let script = "fn out(message, to) { if message.get(`MSH-10`) == `P2` { loop {} } }";
    scripted(folder.path(), &address, script);
    let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
    let server = house.serve_with(&settings);
    let mut peer = Peer::connect(&address).unwrap();
    for n in 1..4 {
        let text = adt("A01", &format!("P{n}"), "1201", TIME);
        assert_eq!(peer.send(&text).unwrap().code, "AA");
    }
    let mut client = server.client();
    assert!(wait_until(PATIENCE, || outgoing(&mut client, "east/lab", "sent") == ["P1", "P3"]));
    assert_eq!(outgoing(&mut client, "east/lab", "dead"), ["P2"]);
    assert_eq!(brought(folder.path()).len(), 2);
    let lines = kept(&mut client, "P2");
    let states: Vec<_> = lines.iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"applied") && states.contains(&"dead"), "{lines:?}");
    let why = lines.iter().find(|it| it["state"] == "dead").unwrap()["why"].as_str().unwrap();
    assert!(why.starts_with("the script takes too many steps"), "{why}");
}

#[test]
fn the_cases_beside_a_channel_run_its_script() {
    let folder = tempfile::tempdir().unwrap();
    scripted(
        folder.path(),
        "127.0.0.1:1",
        "fn chart(message) { message.set(`PID-8`, `U`); }\n\
         fn out(message, to) {\n\
            switch message.get(`MSH-9.2`) {\n\
                `A02` => drop(`no transfers`),\n\
                `A03` => fail(`no discharges`),\n\
                _ => message.set(`MSH-5`, to)\n\
            }\n\
         }\n",
    );
    let cases = folder.path().join("east");
    fs::create_dir_all(&cases).unwrap();
    for event in ["A01", "A02", "A03"] {
        fs::write(cases.join(format!("{event}.hl7")), adt(event, "1", "1", TIME)).unwrap();
    }
    let run = |accept: &[&str]| {
        let file = folder.path().join("east.toml");
        let mut command = std::process::Command::new(ward_tests::ward());
        let out = command.args(["hl7", "test-channel"]).arg(file).args(accept).output().unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap())
    };
    let (good, said) = run(&[]);
    assert!(!good && said.contains("lab: failed: no discharges"), "{said}");
    assert!(said.ends_with("1 as expected, 5 not\n"), "{said}");
    assert!(run(&["--accept"]).0);
    assert_eq!(run(&[]), (true, "6 as expected, 0 not\n".to_owned()));
    let out = fs::read_to_string(cases.join("A01.lab.out")).unwrap();
    assert_eq!(out, adt("A01", "1", "1", TIME).replace("|WARD|HOSP|", "|lab|HOSP|"));
    let chart = fs::read_to_string(cases.join("A01.chart.out")).unwrap();
    assert_eq!(chart, adt("A01", "1", "1", TIME).replace("|19700102|F", "|19700102|U"));
    assert_eq!(fs::read_to_string(cases.join("A03.lab.failed")).unwrap(), "no discharges\n");
    fs::write(cases.join("A03.lab.failed"), "something else\n").unwrap();
    assert!(!run(&[]).0);
    // A script that cannot be read is told with its place.
    fs::write(folder.path().join("east.rhai"), "fn out(message, to) { sleep(1\n}").unwrap();
    let file = folder.path().join("east.toml");
    let out = std::process::Command::new(ward_tests::ward())
        .args(["hl7", "test-channel"])
        .arg(file)
        .output()
        .unwrap();
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("line 2"), "{out:?}");
}
