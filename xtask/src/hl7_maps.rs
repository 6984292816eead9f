//! `cargo xtask hl7-maps [FOLDER]`: HL7's v2-to-FHIR tables to Ward's own text form.
//!
//! FOLDER is `shared/data/hl7v2`. Each row keeps its facts: element, condition, target, map, codes,
//! assignment. What cannot be said in the form (a target with no syntax, an assignment in words) is
//! kept as a comment, for the overlay to decide. The result is committed.

mod csv;
mod message;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use ward_hl7::map::{Condition, Expression, Target};

use crate::run::root;

const SOURCE: &str = "# Facts of HL7's v2-to-FHIR guide (github.com/HL7/v2-to-fhir, commit 8c9b414b,\n\
    # CC0-1.0) in Ward's own form. Written by `cargo xtask hl7-maps`; corrections go into\n\
    # `overlay/`, never here. The form is described in `src/map/load.rs`.\n";

/// Slips of the sheets in targets.
const SLIPS: &[(&str, &str)] = &[
    ("Practioner", "Practitioner"),
    ("practioner", "practitioner"),
    ("organziation", "organization"),
    ("occurneceTiming", "occurrenceTiming"),
    ("occurenceTiming", "occurrenceTiming"),
    ("occurrenceTIming", "occurrenceTiming"),
    ("sytem", "system"),
    (".(", "("),
    ("Annotation.", ""),
    ("[3.version", "[3].version"),
    ("suffix[2}", "suffix[2]"),
    ("value.CodeableConcept", "valueCodeableConcept"),
    ("payer", "payor"),
    ("[each]", "[1*]"),
];

pub fn run(args: &[&str]) -> Result<(), String> {
    let folder = match args {
        [] => root().join("../shared/data/hl7v2"),
        [folder] => PathBuf::from(folder),
        _ => return Err("usage: cargo xtask hl7-maps [FOLDER]".to_owned()),
    };
    let from = folder.join("hl7-v2-to-fhir/mappings");
    let to = root().join("crates/ward-hl7/data/maps");
    for (name, text) in [
        ("segments.map", parts(&from.join("segments"), "segment")?),
        ("types.map", parts(&from.join("datatypes"), "type")?),
        ("messages.map", message::maps(&sheets(&from.join("messages"))?)),
        ("codes.map", codes(&from.join("codesystems"))?),
    ] {
        let unread = text.lines().filter(|line| line.starts_with("# unread")).count();
        let rows = text.lines().filter(|line| line.contains(" -> ") && !line.starts_with('#'));
        println!("{name}: {} rows, {unread} not read, {} bytes", rows.count(), text.len());
        fs::write(to.join(name), format!("{SOURCE}{text}")).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// The sheets of a folder by the names of their maps.
fn sheets(folder: &Path) -> Result<BTreeMap<String, Vec<Vec<String>>>, String> {
    let mut sheets = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = file.split("_ ").nth(1).and_then(|rest| rest.split(" - ").next()) else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(|e| e.to_string())?;
        let rows = csv::rows(text.trim_start_matches('\u{feff}'));
        sheets.insert(name.replace(' ', ""), rows.into_iter().skip(2).collect());
    }
    Ok(sheets)
}

fn cell(row: &[String], at: usize) -> &str {
    row.get(at).map(|text| text.trim()).unwrap_or_default()
}

/// Words on one line, without the signs that the form uses.
fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(['{', '}', '[', ']'], "").replace("->", "to")
}

/// What stands before the arrow, or why it cannot be said.
fn head(element: &str, condition: &str, narrative: &str) -> Result<String, &'static str> {
    if condition.is_empty() && narrative.is_empty() {
        return Ok(element.to_owned());
    }
    if condition.is_empty() {
        let mut short = words(narrative);
        if let Some((at, _)) = short.char_indices().nth(120) {
            short.truncate(at);
        }
        return Ok(format!("{element} {{{short}}}"));
    }
    let condition = words(condition);
    if Condition::parse(&condition).is_none() {
        return Err("condition");
    }
    Ok(format!("{element} [{condition}]"))
}

fn target(text: &str) -> Option<String> {
    let mut text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for (slip, right) in SLIPS {
        text = text.replace(slip, right);
    }
    if let Some(rest) = text.strip_prefix("Quantity.") {
        text = rest.to_owned();
    }
    let (open, close) = (text.matches('(').count(), text.matches(')').count());
    text.push_str(&")".repeat(open.saturating_sub(close)));
    if text.ends_with(".reference") {
        text.truncate(text.len() - ".reference".len());
    }
    Target::parse(&text).map(|_| text)
}

/// Text in quotes or values put together; words in slashes are for people.
fn assignment(text: &str) -> Option<String> {
    let text = text.replace(['“', '”'], "\"");
    if text.starts_with('/') || text.starts_with('#') {
        return None;
    }
    let is_plain = !text.contains(['"', '+', ' ']);
    let text = if is_plain { format!("\"{text}\"") } else { text };
    Expression::parse(&text).map(|_| text)
}

fn parts(folder: &Path, what: &str) -> Result<String, String> {
    let mut out = String::new();
    for (name, rows) in sheets(folder)? {
        let _ = writeln!(out, "\n{what} {name}");
        for row in rows {
            let (mut to, mut assign) = (cell(&row, 9).to_owned(), cell(&row, 16).to_owned());
            if to.is_empty() || to.starts_with("local ") {
                continue;
            }
            if let Some((path, value)) = to.clone().split_once('=') {
                (to, assign) = (path.to_owned(), value.to_owned());
            }
            let element = match cell(&row, 1) {
                "" => "*",
                element => element,
            };
            let line = (|| {
                let head = head(element, cell(&row, 6), cell(&row, 8))?;
                let mut line = format!("{head} -> {}", target(&to).ok_or("target")?);
                if !cell(&row, 14).is_empty() {
                    let _ = write!(line, " : {}", cell(&row, 14).replace(' ', ""));
                }
                if !cell(&row, 15).is_empty() {
                    let _ = write!(line, " % {}", cell(&row, 15).replace(' ', ""));
                }
                if !assign.is_empty() {
                    let _ = write!(line, " = {}", assignment(&assign).ok_or("assignment")?);
                }
                Ok::<String, &'static str>(line)
            })();
            match line {
                Ok(line) => out.push_str(&line),
                Err(why) => {
                    let _ = write!(out, "# unread ({why}): {element} {}", words(&to));
                }
            }
            out.push('\n');
        }
    }
    Ok(out)
}

fn codes(folder: &Path) -> Result<String, String> {
    let mut out = String::new();
    for (name, rows) in sheets(folder)? {
        let _ = writeln!(out, "\ncodes {name}");
        let mut seen = std::collections::BTreeSet::new();
        for row in rows {
            let (from, to) = (cell(&row, 0), cell(&row, 6));
            if from.is_empty() || to.is_empty() || from.contains(char::is_whitespace) {
                continue;
            }
            if seen.insert(from.to_owned()) {
                let (system, display) = (cell(&row, 9), words(cell(&row, 8)));
                let _ = writeln!(out, "{from} -> {} | {} | {display}", words(to), words(system));
            }
        }
    }
    Ok(out)
}
