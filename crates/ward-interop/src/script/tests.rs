//! What scripts do to messages, and what is done to scripts that do too much.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use ward_hl7::{Draft, Message, ReadSettings};

use super::{Call, Limits, Outcome, Script, ScriptError, Stopwatch};

const MESSAGE: &str = "MSH|^~\\&|A|HOSP|W|H|||ORU^R01|7|P|2.5\r\
                       PID|1||7^^^X~8^^^Y||M\\T\\M^Anna|\"\"\r\
                       OBR|1\rOBX|1|NM|K||4.1\rOBX|2|ST|N||x\rZZZ|odd| \n\r";

fn draft(text: &str) -> Draft<'static> {
    let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
    Draft::of(&message.unwrap()).into_owned()
}

/// A clock that goes on by a microsecond whenever it is looked at.
fn clock() -> Stopwatch {
    let now = AtomicU64::new(0);
    Arc::new(move || Duration::from_micros(now.fetch_add(1, Ordering::Relaxed)))
}

fn run_on(text: &str, body: &str) -> Outcome {
    let script = Script::read(&format!("fn out(message, to) {{ {body} }}")).unwrap();
    script.run(Call::Out("lab"), draft(text), &Limits::default(), &clock())
}

/// What goes out, or why nothing does.
fn run(body: &str) -> String {
    match run_on(MESSAGE, body) {
        Outcome::Goes(bytes) => String::from_utf8(bytes).unwrap(),
        Outcome::Dropped(why) => format!("dropped: {why}"),
        Outcome::Failed(why) => format!("failed: {why}"),
        Outcome::Late => "late".to_owned(),
    }
}

#[test]
fn what_is_not_touched_stays_as_it_came() {
    assert_eq!(run(""), MESSAGE);
    assert_eq!(run("message.get(`PID-5`); message.count(`OBX`);"), MESSAGE);
    assert_eq!(run("message.set(`MSH-5`, to)"), MESSAGE.replace("|W|", "|lab|"));
}

#[test]
fn a_message_is_read_and_changed_by_its_places() {
    for (body, says) in [
        ("fail(message.get(`PID-5`) + `/` + message.raw(`PID-5.1`))", "M&M/M\\T\\M"),
        ("fail(message.get(`PID-3[2]`) + message.get(`PID-3[2].4`) + message.get(`PID-99`))", "8Y"),
        ("fail(`${message.count(`OBX`)}${message.count(`PID-3`)}${message.count(`NK1`)}`)", "220"),
        (
            "fail(`${message.has(`PID-3`)}${message.has(`PID-6`)}${message.has(`PID-7`)}`)",
            "truefalsefalse",
        ),
        ("fail(message.get(`MSH-1`) + message.get(`MSH-2`) + message.get(`OBX[2]-5`))", "|^~\\&x"),
    ] {
        assert_eq!(run(body), format!("failed: {says}"), "{body}");
    }
    for (body, old, new) in [
        ("message.set(`PID-3[2].4`, `a^b`)", "8^^^Y", "8^^^a\\S\\b"),
        ("message.set(`OBX[2]-5`, 42)", "|x", "|42"),
        ("message.set_raw(`OBX-3`, `K^P`)", "|K|", "|K^P|"),
        ("message.clear(`PID-3`)", "7^^^X~8^^^Y", ""),
        ("message.delete(`OBX-5`)", "4.1", "\"\""),
        ("message.remove(`OBX[2]`)", "OBX|2|ST|N||x\r", ""),
        (
            "let n = message.add(`NTE`, `OBX`); message.set(`NTE[${n}]-3`, `low`)",
            "4.1\r",
            "4.1\rNTE|||low\r",
        ),
        (
            "for n in 1..=message.count(`OBX`) { message.set(`OBX[${n}]-4`, `s`) }",
            "K||4.1\rOBX|2|ST|N||",
            "K|s|4.1\rOBX|2|ST|N|s|",
        ),
        (
            "let k = message.get(`OBX-3`); k.replace(`K`, `Kk`); message.set(`OBX-3`, k)",
            "|K|",
            "|Kk|",
        ),
        ("message.set(`OBX-3`, switch to { `lab` => `L`, _ => `?` })", "|K|", "|L|"),
        (
            "message.set(`OBX-3`, `a-b-c`.part(`-`, 2) + `a`.part(``, 1) + `a`.part(`a`, 9))",
            "|K|",
            "|b|",
        ),
    ] {
        assert_eq!(run(body), MESSAGE.replace(old, new), "{body}");
    }
    assert_eq!(
        run("message.set(`ZZ1[${message.add(`ZZ1`)}]-1`, to)"),
        format!("{MESSAGE}ZZ1|lab\r")
    );
    // Edits that cannot be made are errors, and not half made.
    for body in [
        "message.set(`NK1-3`, `x`)",
        "message.set(`PID`, `x`)",
        "message.set(`MSH-2`, `x`)",
        "message.set_raw(`PID-3`, `a|b`)",
        "message.set(`OBX-5`, `\u{20ac}`)",
        "message.set(`OBX-1001`, `x`)",
        "message.set(`nonsense`, `x`)",
        "message.remove(`NK1`)",
        "message.remove(`MSH`)",
        "message.remove(`PID-3`)",
        "message.add(`MSH`)",
        "message.add(`NTE`, `NK1`)",
        "message.nothing()",
        "1 / 0",
        "throw message.get(`PID-5`)",
    ] {
        let said = run(body);
        assert!(said.starts_with("failed: ") && said.ends_with("in line 1"), "{body}: {said}");
        assert!(!said.contains("M&M"), "{said}");
    }
}

#[test]
fn a_script_drops_and_fails_with_a_reason() {
    assert_eq!(run("drop(`no results`)"), "dropped: no results");
    assert_eq!(run("message.clear(`OBX-5`); fail(`b\r\nc`)"), "failed: bc");
    let long = run("let a = `x`; for n in 0..10 { a += a; } fail(a)");
    assert_eq!(long.len(), "failed: ".len() + 200);
}

#[test]
fn too_much_of_anything_ends_a_script() {
    let large = "the script holds is too large";
    for (body, why) in [
        ("loop {}", "too many steps"),
        ("while true { message.get(`OBX-5`); }", "too many steps"),
        ("let a = `x`; loop { a += a; }", large),
        ("let a = `x`; loop { a = `${a}${a}`; }", large),
        ("let a = ``; a.pad(1000000000, 'x');", large),
        ("let a = `x`; for n in 0..15 { a += a; } a.replace(`x`, a);", large),
        ("let a = `x`; for n in 0..15 { a += a; } a.replace('x', a);", large),
        ("let a = `x`; for n in 0..15 { a += a; } a.replace(``, a);", large),
        ("loop { message.set(`OBX-5[1000].1000`, `x`); }", large),
        ("loop { message.add(`NTE`); }", large),
    ] {
        let said = run(body);
        assert!(said.starts_with("failed: ") && said.contains(why), "{body}: {said}");
    }
    let deep = Script::read("fn chart(message) { f(1) } fn f(n) { 1 + f(n + 1) }").unwrap();
    let ended = deep.run(Call::Chart, draft(MESSAGE), &Limits::default(), &clock());
    assert!(matches!(ended, Outcome::Failed(why) if why.contains("too deep")));
    let vars: String = (0..40).map(|n| format!("let v{n} = {n}; ")).collect();
    assert!(run(&vars).contains("too many variables"), "{}", run(&vars));
    let document = MESSAGE.replace("4.1", &"x".repeat(70_000));
    let of = |body: &str| run_on(&document, body);
    assert!(matches!(of("message.get(`OBX-5`)"), Outcome::Failed(why) if why.contains(large)));
    assert!(
        matches!(of("message.set(`OBX-4`, `d`)"), Outcome::Goes(bytes) if bytes.len() > 70_000)
    );
}

#[test]
fn time_is_what_the_clock_says() {
    let script =
        Script::read("fn out(message, to) { let a = 0; for n in 0..100000 { a += n; } }").unwrap();
    let limits = Limits::default();
    let slow: Stopwatch = {
        let now = AtomicU64::new(0);
        Arc::new(move || Duration::from_millis(100 * now.fetch_add(1, Ordering::Relaxed)))
    };
    assert!(matches!(script.run(Call::Out("x"), draft(MESSAGE), &limits, &slow), Outcome::Late));
    let still: Stopwatch = Arc::new(|| Duration::ZERO);
    let ended = script.run(Call::Out("x"), draft(MESSAGE), &limits, &still);
    assert!(matches!(ended, Outcome::Goes(_)));
}

#[test]
fn there_is_no_way_out_of_the_room() {
    for body in [
        "sleep(10)",
        "sleep(10.0)",
        "timestamp()",
        "open_file(`/etc/passwd`)",
        "rand()",
        "exit()",
        "call_me()",
    ] {
        let said = run(body);
        assert!(said.contains("a function that is not there"), "{body}: {said}");
    }
    for source in [
        "import `x` as y; fn out(message, to) {}",
        "fn out(message, to) { eval(`1`) }",
        "fn out(message, to) { print(`1`) }",
        "fn out(message, to) { debug(`1`) }",
        "fn out(message, to) { unknown }",
        "fn out(message, to) { [1] }",
        "fn out(message, to) { #{} }",
        "fn out(message, to) { || 1 }",
        "fn out(message, to) { Fn(`out`) }",
        "fn out(message, to) { try {} catch (e) {} }",
        "fn out(message, to) { ",
    ] {
        assert!(matches!(Script::read(source), Err(ScriptError::Parse(_))), "{source}");
    }
    assert!(matches!(Script::read("let a = 1;"), Err(ScriptError::Nothing)));
    assert!(matches!(Script::read("fn out(message) {}"), Err(ScriptError::Signature(_))));
    let long = format!("fn out(message, to) {{}} //{}", "x".repeat(64 * 1024));
    assert!(matches!(Script::read(&long), Err(ScriptError::TooLong)));
    let both = Script::read("fn out(m, to) {} fn chart(m) {}").unwrap();
    assert!(both.has_chart() && both.has_out());
}

proptest! {
    /// Whatever a script is made of, it ends with an outcome, and soon.
    #[test]
    fn every_script_ends(parts in prop::collection::vec(0..PARTS.len(), 1..12)) {
        let body: String = parts.iter().map(|part| PARTS[*part]).collect();
        let source = format!("fn out(message, to) {{ let a = `x`; let b = ``; {body} }}");
        if let Ok(script) = Script::read(&source) {
            let limits = Limits { n_steps: 20_000, ..Limits::default() };
            let watch: Stopwatch = Arc::new(|| Duration::ZERO);
            if let Outcome::Goes(bytes) = script.run(Call::Out("x"), draft(MESSAGE), &limits, &watch) {
                prop_assert!(Message::read(&bytes, &ReadSettings::default()).0.is_some());
            }
        }
    }
}

const PARTS: &[&str] = &[
    "a += a; ",
    "b = a + b; ",
    "for n in 0..1000 { a += `y`; } ",
    "loop { a += a; } ",
    "a.replace(`x`, a); ",
    "a.replace(`x`, `xx`); ",
    "a.pad(5000, `ab`); ",
    "message.set(`OBX-5`, a); ",
    "message.set(`PID-1000.1000`, `x`); ",
    "message.set_raw(`PID-3`, a); ",
    "a = message.raw(`PID`); ",
    "message.add(`NTE`, `OBX`); ",
    "message.remove(`OBX`); ",
    "message.clear(`MSH-9`); ",
    "if a.len() > 5 { ",
    "} ",
    "while b.len() < 900 { b += `z`; } ",
    "a = `${a}${b}`; ",
    "b = a.part(`y`, 2); ",
    "switch a { `x` => b += `q`, _ => a.clear() } ",
    "for c in a.chars() { b += c; } ",
    "a.truncate(100); ",
    "b = a.to_upper(); ",
];
