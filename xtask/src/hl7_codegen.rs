//! `cargo xtask hl7-codegen [FOLDER]`: a dictionary of HL7 v2 to Ward's compact tables.
//!
//! FOLDER is `shared/data/hl7v2`: the dictionary of panates (MIT) and the code lists of HL7's
//! v2-to-FHIR guide (CC0). Facts are taken, in Ward's own form; the result is committed, so a build
//! needs neither. The form is described in `ward-hl7`'s `dictionary/load.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::run::root;

const DICTIONARY: &str = "schema-panates-mit/hl7v2-dictionary.json.gz";
const CODES: &str = "hl7-v2-to-fhir/mappings/codesystems";

/// Small tables that neither source lists.
const OWN_TABLES: &[(u16, &str)] =
    &[(8, "AA AE AR CA CE CR"), (155, "AL ER NE SU"), (516, "E F I W")];

/// Writes `hl7v2.tables.zst`.
pub fn run(args: &[&str]) -> Result<(), String> {
    let folder = match args {
        [] => root().join("../shared/data/hl7v2"),
        [folder] => PathBuf::from(folder),
        _ => return Err("usage: cargo xtask hl7-codegen [FOLDER]".to_owned()),
    };
    let text = tables(&folder)?;
    let packed = zstd::bulk::compress(text.as_bytes(), 22).map_err(|e| e.to_string())?;
    println!("HL7 v2: {} bytes, {} packed", text.len(), packed.len());
    let data = root().join("crates/ward-hl7/data/hl7v2.tables.zst");
    fs::write(data, packed).map_err(|e| e.to_string())
}

fn tables(folder: &Path) -> Result<String, String> {
    let dictionary = read_dictionary(&folder.join(DICTIONARY))?;
    let mut out = String::from(
        "# HL7 v2.1 to v2.8: facts of hl7v2-dictionary (MIT) and HL7's v2-to-FHIR guide (CC0), in \
         Ward's own form. Written by `cargo xtask hl7-codegen`.\n",
    );
    write_codes(&folder.join(CODES), &mut out)?;
    for (version, content) in members(&dictionary) {
        let _ = writeln!(out, "V\t{version}");
        for (name, def) in members(&content["types"]) {
            let _ = writeln!(out, "T\t{name}\t{}", words(def));
            for (_, component) in in_order(&def["fields"]) {
                let _ = writeln!(out, "C\t{}", facts(component));
            }
        }
        // 2.6 and later list a data type, ED, among the segments too.
        for (name, def) in members(&content["segments"]).filter(|(name, _)| name.len() == 3) {
            let _ = writeln!(out, "S\t{name}\t{}", words(def));
            for (_, field) in in_order(&def["fields"]) {
                let _ = writeln!(out, "F\t{}", facts(field));
            }
        }
        let choices = choices(&content["messages"]);
        for (name, def) in members(&content["messages"]) {
            let mut structure = Vec::new();
            write_structure(&def["segments"], &choices, &mut structure);
            // Four structures of 2.6 have lost their first segments; each message has this one.
            if structure.first().is_none_or(|first| first != "MSH") {
                structure.insert(0, "MSH".to_owned());
            }
            let _ = writeln!(out, "M\t{name}\t{}", structure.join(" "));
        }
    }
    Ok(out)
}

/// Type, usage, repetitions, length, table, name; what the source does not say stays empty.
fn facts(def: &Value) -> String {
    let number = |name: &str| def[name].as_u64().map(|n| n.to_string()).unwrap_or_default();
    let kind = def["type"].as_str().unwrap_or_default();
    let usage = def["opt"].as_str().unwrap_or("O");
    // `infinite` is no number.
    let repetitions = number("rep");
    let (length, table) = (number("len"), number("table"));
    format!("{kind}\t{usage}\t{repetitions}\t{length}\t{table}\t{}", words(def))
}

/// One line, single spaces.
fn words(def: &Value) -> String {
    let text = def["desc"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `MSH SFT* PATIENT_RESULT(PATIENT(PID PD1?)? <OBR|RXO>+)+`.
fn write_structure(segments: &Value, choices: &Choices, out: &mut Vec<String>) {
    let mut items: Vec<(&str, &Value)> = members(segments).collect();
    items.sort_by_key(|(_, item)| item["idx"].as_u64());
    for (name, item) in items {
        let mark = match (item["min"].as_u64(), item["max"].as_u64()) {
            (Some(_), Some(_)) => "",
            (Some(_), None) => "+",
            (None, Some(_)) => "?",
            (None, None) => "*",
        };
        if item["segments"].is_object() {
            let mut inside = Vec::new();
            write_structure(&item["segments"], &choices.within(name), &mut inside);
            // A path can name it.
            let words = name.split(|c: char| !c.is_ascii_alphanumeric());
            let words: Vec<String> =
                words.filter(|word| !word.is_empty()).map(str::to_uppercase).collect();
            let name = words.join("_");
            out.push(format!("{name}({}){mark}", inside.join(" ")));
            continue;
        }
        match name {
            "GenericSegment" => out.push(format!("@{mark}")),
            name if name.contains(',') => {
                let named = choices.named(name).replace(',', "|");
                // A choice whose names the source has lost anywhere is any segment.
                let choice = if named.is_empty() { "@".to_owned() } else { format!("<{named}>") };
                out.push(format!("{choice}{mark}"));
            }
            name => out.push(format!("{name}{mark}")),
        }
    }
}

/// Choices of segments by the group they stand in: one message of the source has lost the names in
/// them (`,,,`), and others have the same group.
struct Choices {
    known: BTreeMap<(String, usize), String>,
    group: String,
}

impl Choices {
    fn within(&self, group: &str) -> Choices {
        Choices { known: self.known.clone(), group: group.to_owned() }
    }

    fn named(&self, name: &str) -> String {
        if name.trim_matches(',').is_empty() {
            let key = (self.group.clone(), name.len());
            return self.known.get(&key).cloned().unwrap_or_default();
        }
        name.to_owned()
    }
}

fn choices(messages: &Value) -> Choices {
    fn collect(segments: &Value, group: &str, known: &mut BTreeMap<(String, usize), String>) {
        for (name, item) in members(segments) {
            collect(&item["segments"], name, known);
            if name.contains(',') && !name.trim_matches(',').is_empty() {
                let commas = name.matches(',').count();
                known.insert((group.to_owned(), commas), name.to_owned());
            }
        }
    }
    let mut known = BTreeMap::new();
    for (_, message) in members(messages) {
        collect(&message["segments"], "", &mut known);
    }
    Choices { known, group: String::new() }
}

/// `K` the codes of a table, `A` the events of a message structure.
fn write_codes(folder: &Path, out: &mut String) -> Result<(), String> {
    let mut tables: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for (table, codes) in OWN_TABLES {
        tables.insert(*table, codes.split(' ').map(str::to_owned).collect());
    }
    let mut structures = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for row in rows(&text).into_iter().skip(2) {
            let [code, words, system, ..] = row.as_slice() else { continue };
            let (code, system) = (code.trim(), system.trim());
            if system == "HL7-0354" {
                structures.insert(code.to_owned(), words.clone());
            } else if let Some(number) = system.strip_prefix("HL7").and_then(|n| n.parse().ok())
                && !code.is_empty()
                && !code.contains('\t')
            {
                tables.entry(number).or_default().insert(code.to_owned());
            }
        }
    }
    for (number, codes) in tables {
        let codes: Vec<String> = codes.into_iter().collect();
        let _ = writeln!(out, "K\t{number}\t{}", codes.join("\t"));
    }
    for (structure, words) in structures {
        let events = words.split(|c: char| !c.is_ascii_alphanumeric());
        let events = events.filter(|w| w.len() == 3 && w.ends_with(|c: char| c.is_ascii_digit()));
        let events: Vec<&str> = events.collect();
        if !events.is_empty() && structure.contains('_') {
            let _ = writeln!(out, "A\t{structure}\t{}", events.join("\t"));
        }
    }
    Ok(())
}

/// The rows of a CSV text.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut all = vec![vec![String::new()]];
    let mut quoted = false;
    for c in text.trim_start_matches('\u{feff}').chars() {
        let Some(row) = all.last_mut() else { break };
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => all.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => row.last_mut().into_iter().for_each(|cell| cell.push(other)),
        }
    }
    all
}

fn read_dictionary(file: &Path) -> Result<Value, String> {
    let fail = |why: String| format!("{}: {why}", file.display());
    let bytes = fs::read(file).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    let mut reader = flate2::read::GzDecoder::new(bytes.as_slice());
    reader.read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| fail(e.to_string()))
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

/// Members whose names are numbers, by number.
fn in_order(value: &Value) -> Vec<(u64, &Value)> {
    let mut all: Vec<(u64, &Value)> =
        members(value).filter_map(|(name, member)| Some((name.parse().ok()?, member))).collect();
    all.sort_by_key(|(n, _)| *n);
    all
}
