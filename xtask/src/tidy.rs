//! `cargo xtask tidy`: the rules of the house that compilers do not know.

mod floors;
mod manifests;
mod source;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::run::{Stop, root};

/// Checks the workspace; says every breach, not only the first.
pub fn run() -> Result<(), Stop> {
    let breaches = check(&root()).map_err(Stop::Why)?;
    if breaches.is_empty() {
        eprintln!("tidy: clean");
        return Ok(());
    }
    Err(Stop::Why(format!("tidy: {} breaches\n{}", breaches.len(), breaches.join("\n"))))
}

/// All breaches in the workspace at `root`.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut breaches = floors::check(root)?;
    breaches.extend(manifests::check(root)?);
    breaches.extend(source::check(root)?);
    Ok(breaches)
}

/// The folders of the members.
fn members(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![root.join("sim"), root.join("tests"), root.join("xtask")];
    for entry in fs::read_dir(root.join("crates")).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.join("Cargo.toml").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn table(path: &Path) -> Result<toml::Table, String> {
    read(path)?.parse().map_err(|e| format!("{}: {e}", path.display()))
}
