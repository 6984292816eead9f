use std::time::Duration;

use ward_hl7::{Message, ReadSettings};

use super::{Channel, backoff};
use crate::script::{Call, Limits, Outcome, Stopwatch};

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

/// What stands between lines that open and close a block of `language`.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let open = format!("```{language}\n");
    let ends = |part: &'t str| part.split("```").next().unwrap();
    text.split(open.as_str()).skip(1).map(ends).collect()
}

#[test]
fn the_examples_of_the_documentation_can_be_used() {
    let text = include_str!("../../../../docs/hl7.md");
    let (files, scripts) = (blocks(text, "toml"), blocks(text, "rhai"));
    assert_eq!((files.len(), scripts.len()), (4, 1));
    for file in &files {
        file.parse::<Channel>().unwrap();
    }
    let channel = files[0].parse::<Channel>().unwrap().with_script(scripts[0]).unwrap();
    let script = channel.chart_script().unwrap();
    let watch: Stopwatch = std::sync::Arc::new(|| Duration::ZERO);
    let message = "MSH|^~\\&|A|HOSP|W|H|||ORU^R01|1|P|2.5\rPID|1||7~8^^^X\rPV1|1|I|3B^1\r\
                   OBX|1|NM|K||4.1\rOBX|2|NM|K||4.2|mol\r";
    let (read, _) = Message::read(message.as_bytes(), &ReadSettings::default());
    let read = read.unwrap();
    let draft = ward_hl7::Draft::of(&read).into_owned();
    let outcome = script.run(Call::Chart, draft, &Limits::default(), &watch);
    let Outcome::Goes(bytes) = outcome else { panic!("the chart gets nothing") };
    assert_eq!(String::from_utf8(bytes).unwrap(), message.replace("3B^", "W32^"));
    let forwards = channel.forwards("north");
    let Outcome::Goes(bytes) = forwards[0].outcome(&read, &watch) else { panic!("nothing goes") };
    let out = String::from_utf8(bytes).unwrap();
    for part in ["|LAB|H|", "PID|1||7~|", "||4.1|mmol/L\rNTE|||unit added\rOBX|2|NM|K||4.2|mol\r"] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn scripts_have_their_place() {
    let own = LAB.replace("interface = \"mllp\"", "mllp = \"127.0.0.1:1\"");
    let with = |text: &str, script: &str| {
        text.parse::<Channel>().unwrap().with_script(script).map_err(|error| error.to_string())
    };
    let (chart, out) = ("fn chart(message) {}", "fn out(message, to) {}");
    assert!(with(&own, chart).unwrap().chart_script().is_some());
    assert!(with(LAB, out).unwrap().chart_script().is_none());
    assert!(with(LAB, chart).unwrap_err().contains("source of its own"));
    let kept = own.replace("[take]", "[take]\nchart = false");
    assert!(with(&kept, chart).unwrap_err().contains("source of its own"));
    let named = own.replace("name = \"lab\"", "name = \"chart\"");
    assert!(with(&named, out).unwrap_err().contains("`chart`"));
    assert!(with(&own, "fn f() {}").is_err());
}

#[test]
fn pauses_grow_and_end() {
    assert_eq!(backoff(0, 255), Duration::from_millis(500));
    assert_eq!(backoff(0, 0), Duration::from_millis(375));
    assert_eq!(backoff(3, 255), Duration::from_secs(4));
    assert_eq!(backoff(u32::MAX, 255), Duration::from_secs(60));
}
