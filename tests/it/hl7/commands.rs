//! `ward hl7` as a person uses it.

use std::fs;

use ward_tests::House;

use super::{adt, total};

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn messages_are_sent_listed_shown_and_worked_on_again() {
    let house = House::new();
    let server = house.serve();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.hl7");
    let day: String =
        ["K1", "K2"].iter().map(|id| adt("A01", id, "55", "20260101080000")).collect();
    fs::write(&file, &day).unwrap();
    let file = file.to_str().unwrap();
    let ward =
        |args: &[&str]| std::process::Command::new(ward_tests::ward()).args(args).output().unwrap();
    let sent = ward(&["hl7", "send", &server.mllp, file]);
    assert!(sent.status.success(), "{sent:?}");
    assert!(stdout(&sent).ends_with("2 accepted, 0 not\n"), "{}", stdout(&sent));
    let mut client = server.client();
    assert_eq!(total(&mut client, "Patient?identifier=55"), 1);

    let listed = stdout(&house.must(&["hl7", "log"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("in applied mllp ADT^A01 K1"), "{listed}");
    let one = house.must(&["hl7", "log", "--raw", "1"]);
    assert_eq!(one.stdout, adt("A01", "K1", "55", "20260101080000").into_bytes());
    let nothing = stdout(&house.must(&["hl7", "log", "--state", "dead"]));
    assert_eq!(nothing, "");

    // It is in the chart already: nothing would change, and nothing does.
    let said = stdout(&house.must(&["hl7", "replay", "--dry-run", "1"]));
    assert!(said.starts_with("1: {\"changes\":[]"), "{said}");
    let said = stdout(&house.must(&["hl7", "replay", "1"]));
    assert!(said.starts_with("1: applied"), "{said}");

    let parsed = stdout(&ward(&["hl7", "parse", "--path", "PID-3.1", file]));
    assert_eq!(parsed.lines().filter(|line| line.ends_with("PID-3.1 = 55")).count(), 2);
    let converted = stdout(&ward(&["hl7", "convert", file]));
    assert_eq!(converted.lines().count(), 2);
    for line in converted.lines() {
        let bundle: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(bundle["resourceType"], "Bundle");
    }
    assert!(ward(&["hl7", "validate", file]).status.success());
    drop(server);
    // Without a server, the same from the folder itself.
    assert_eq!(stdout(&house.must(&["hl7", "log"])).lines().count(), 2);
}
