//! Rules about source files: length, limits with reasons, patient data, open ends.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{members, read};

/// Lines past which a file is mentioned.
/// LIMIT: what a reader holds in mind at once.
const WARN_MAX: usize = 400;
/// Lines past which a file is refused.
/// LIMIT: half again as much, for tables and state machines.
const LINES_MAX: usize = 600;
/// Files that were longer before the rule; this list only shrinks.
const LONG: &[&str] = &["xtask/src/codegen.rs"];
/// Files that may take patient data out of its wrapper.
const REVEAL: &str = "xtask/data/reveal.txt";

pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for member in members(root)? {
        collect(&member, &mut files)?;
    }
    files.sort();
    let allowed = read(&root.join(REVEAL)).unwrap_or_default();
    let allowed: BTreeSet<&str> =
        allowed.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let mut breaches = Vec::new();
    let mut revealing = BTreeSet::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let text = read(&path)?;
        breaches.extend(breaches_of(&name, &text));
        let reveal = concat!(".rev", "eal()");
        if text.contains(reveal) && !name.starts_with("crates/ward-core/") {
            if !allowed.contains(name.as_str()) {
                breaches
                    .push(format!("{name}: takes patient data out; if it must, add to {REVEAL}"));
            }
            revealing.insert(name);
        }
    }
    for stale in allowed.iter().filter(|name| !revealing.contains(**name)) {
        breaches.push(format!("{REVEAL}: {stale} takes nothing out any more"));
    }
    Ok(breaches)
}

/// What is wrong with one file.
pub fn breaches_of(name: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let n_lines = text.lines().count();
    let is_long = LONG.contains(&name);
    if LINES_MAX < n_lines && !is_long {
        breaches.push(format!("{name}: {n_lines} lines, {LINES_MAX} at most"));
    } else if WARN_MAX < n_lines && !is_long {
        eprintln!("tidy: {name} has {n_lines} lines; think of cutting it");
    }
    let open_end = concat!("TO", "DO");
    // Folders of machines on which parts were written.
    let machine = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    let mut covered = false;
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", at + 1);
        let line = line.trim();
        if line.contains(open_end) && !line.contains('#') {
            breaches.push(format!("{place}: an open end without an issue number"));
        }
        if line.contains(concat!("to", "do!(")) {
            breaches.push(format!("{place}: unfinished code"));
        }
        if machine.iter().any(|folder| line.contains(folder)) {
            breaches.push(format!("{place}: a path of one machine"));
        }
        let constant = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let constant = constant.trim_start_matches("pub ").strip_prefix("const ");
        let constant = constant.and_then(|c| c.split_once(':')).map(|(name, _)| name);
        let is_limit = constant.is_some_and(|c| c.ends_with("_MAX")) && !name.contains("/tests/");
        if is_limit && !covered && !line.contains("LIMIT:") {
            breaches.push(format!("{place}: a limit without a `LIMIT:` that gives its reason"));
        }
        let is_comment = line.starts_with("//");
        // One reason may stand above several limits, and above their attributes.
        let goes_on = line.starts_with("#[") || constant.is_some();
        covered = covered && (is_comment || goes_on) || is_comment && line.contains("LIMIT:");
    }
    breaches
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
