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
fn what_would_be_open_to_others_is_said() {
    let of = |from: &str, to: &str| format!("[from]\n{from}\n[[to]]\nname='a'\n{to}");
    let tls = "tls={ca='c'}";
    let http = "http='127.0.0.1:1'";
    assert!(of(http, "folder='x'").parse::<Channel>().is_ok());
    assert!(refused(&of("mllp='0.0.0.0:1'", "folder='x'")).contains("allow_plaintext"));
    assert!(of("mllp='0.0.0.0:1'\nallow_plaintext=true", "folder='x'").parse::<Channel>().is_ok());
    assert!(refused(&of(&format!("mllp='127.0.0.1:1'\n{http}"), "folder='x'")).contains("exactly"));
    assert!(refused(&of("mllp='127.0.0.1:1'\ntoken_file='t'", "folder='x'")).contains("HTTP"));
    assert!(refused(&of("folder='i'\ntls={cert='c',key='k'}", "folder='x'")).contains("listener"));
    assert!(refused(&of(http, "http='lab'")).contains("https://host"));
    assert!(refused(&of(http, "http='https://lab/'")).contains("tls.ca"));
    assert!(refused(&of(http, &format!("http='http://lab/'\n{tls}"))).contains("`https`"));
    assert!(refused(&of(http, "http='http://lab/'\ntoken_file='t'")).contains("secret"));
    assert!(of(http, "http='http://[::1]/'\ntoken_file='t'").parse::<Channel>().is_ok());
    assert!(refused(&of(http, "mllp='lab:1'\ntls={ca='c',cert='c'}")).contains("together"));
    assert!(refused(&of(http, &format!("folder='x'\n{tls}"))).contains("network"));
}

#[test]
fn paths_are_taken_from_where_the_file_is() {
    let text = "[from]\nhttp='127.0.0.1:1'\ntoken_file='t'\ntls={cert='c',key='/k'}\n\
                [[to]]\nname='a'\nfolder='out'\n[[to]]\nname='b'\nmllp='l:1'\ntls={ca='ca'}";
    let channel = text.parse::<Channel>().unwrap().rooted(std::path::Path::new("/etc/ward"));
    let files: Vec<_> = channel.files().into_iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(files, ["/etc/ward/c", "/k", "/etc/ward/t", "/etc/ward/ca"]);
    assert_eq!(channel.to[0].folder.as_deref(), Some(std::path::Path::new("/etc/ward/out")));
}

#[test]
fn pauses_grow_and_end() {
    assert_eq!(backoff(0, 255), Duration::from_millis(500));
    assert_eq!(backoff(0, 0), Duration::from_millis(375));
    assert_eq!(backoff(3, 255), Duration::from_secs(4));
    assert_eq!(backoff(u32::MAX, 255), Duration::from_secs(60));
}
