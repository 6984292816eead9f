//! The sheets of messages: which segment becomes which resource, and who refers to whom.

use std::{collections::BTreeMap, fmt::Write as _};

use ward_hl7::map::{Slot, Target};

use super::{cell, head, words};

pub fn maps(sheets: &BTreeMap<String, Vec<Vec<String>>>) -> String {
    let mut out = String::new();
    for (name, rows) in sheets {
        let _ = writeln!(out, "\nmessage {name}");
        for row in rows {
            let (element, to) = (cell(row, 1), cell(row, 9));
            if to.is_empty() || element.starts_with('/') {
                continue;
            }
            match line(name, row) {
                Ok(line) => out.push_str(&line),
                Err(why) => {
                    let _ = write!(out, "# unread ({why}): {} {}", words(element), words(to));
                }
            }
            out.push('\n');
        }
    }
    out
}

fn line(name: &str, row: &[String]) -> Result<String, &'static str> {
    let element = element(name, cell(row, 1)).ok_or("element")?;
    let own = slot(cell(row, 9)).ok_or("target")?;
    let mut line = format!("{} -> {own}", head(&element, cell(row, 6), cell(row, 8))?);
    if !cell(row, 10).is_empty() {
        let _ = write!(line, " : {}", cell(row, 10).replace(' ', ""));
    }
    for text in cell(row, 11).split([';', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
        let _ = write!(line, " ; {}", link(text, &own).ok_or("link")?);
    }
    Ok(line)
}

/// `ADT_A01:follow:PID.ROL` as `PID>ROL`; other names without that of the message.
fn element(message: &str, text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once(":follow:") {
        return Some(rest.replace('.', ">"));
    }
    text.strip_prefix(message)?.strip_prefix('.').map(str::to_owned)
}

/// `Patient[PID]`, `Specimen[n]` and `Observation[2].note` name a resource too.
fn slot(text: &str) -> Option<Slot> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (kind, rest) = match text.split_once('[') {
        Some((kind, rest)) => (kind, rest.split(']').next().unwrap_or_default()),
        None => (text.split('.').next().unwrap_or_default(), "1"),
    };
    if text.contains('(') || text.contains('=') {
        return None;
    }
    let label: u16 = rest.parse().unwrap_or(1);
    Slot::parse(&format!("{kind}[{label}]"))
}

fn link(text: &str, own: &Slot) -> Option<String> {
    let (path, to) = text.split_once('=')?;
    let (path, to) = (path.trim(), to.trim());
    let (from, path) = path.split_once('.')?;
    let from = slot(from)?;
    let path = path.trim_end_matches(".reference").trim_end_matches(".id");
    Target::parse(path)?;
    let path = if from.kind == own.kind { path.to_owned() } else { format!("{from}.{path}") };
    if to.starts_with('"') {
        return Some(format!("{path} = {to}"));
    }
    Some(format!("{path} @ {}", slot(to.trim_end_matches(".id"))?))
}
