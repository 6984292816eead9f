use std::time::Duration;

use ward_hl7::{Message, ReadSettings};

use super::{Channel, backoff};

const LAB: &str = r#"
[from]
interface = "mllp"
[take]
types = ["ORU^R01", "ADT^*"]
[take.where]
"MSH-4" = ["HOSP"]
[set]
"MSH-5" = "LAB^X"
"PID-19" = ""
[[to]]
name = "lab"
mllp = "10.1.2.3:2575"
"#;

fn refused(text: &str) -> String {
    text.parse::<Channel>().unwrap_err().to_string()
}

#[test]
fn a_channel_takes_what_it_is_for_and_sets_what_it_says() {
    let forwards = LAB.parse::<Channel>().unwrap().forwards("north");
    assert_eq!(forwards.len(), 1);
    assert_eq!(forwards[0].destination, "north/lab");
    let read = |text: &str| {
        let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
        message.unwrap().into_owned()
    };
    let text = "MSH|^~\\&|A|HOSP|W|H|||ADT^A08|1|P|2.5\rPID|1||7||A^B||||||||||||||999\rZZZ|x|\r";
    let message = read(text);
    assert!(forwards[0].takes(&message));
    assert!(!forwards[0].takes(&read(&text.replace("HOSP", "OTHER"))));
    assert!(!forwards[0].takes(&read(&text.replace("ADT^A08", "ORU^R30"))));
    let out = String::from_utf8(forwards[0].bytes(&message).unwrap()).unwrap();
    assert!(out.starts_with("MSH|^~\\&|A|HOSP|LAB\\S\\X|H|"), "{out}");
    assert!(!out.contains("999") && out.ends_with("ZZZ|x|\r"), "{out}");
}

#[test]
fn what_a_file_cannot_mean_is_said() {
    assert!(refused("[from]").contains("exactly one"));
    assert!(refused("[from]\nmllp='1.2.3.4:1'\nfolder='x'").contains("exactly one"));
    assert!(refused(&LAB.replace("10.1.2.3:2575\"", "x\"\nfolder=\"y\"")).contains("[[to]]"));
    assert!(refused(&LAB.replace("MSH-5", "5")).contains("path"));
    assert!(refused(&LAB.replace("ADT^*", "ADT")).contains("ADT^A01"));
    assert!(refused(&LAB.replace("name = \"lab\"", "name = \"L b\"")).contains("a-z"));
    assert!(refused(&LAB.replace("[set]", "[sett]")).contains("TOML"));
}

#[test]
fn pauses_grow_and_end() {
    assert_eq!(backoff(0, 255), Duration::from_millis(500));
    assert_eq!(backoff(0, 0), Duration::from_millis(375));
    assert_eq!(backoff(3, 255), Duration::from_secs(4));
    assert_eq!(backoff(u32::MAX, 255), Duration::from_secs(60));
}
