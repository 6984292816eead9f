//! Heavy dependencies hang off one crate each, and every dependency says what it is for.

use std::path::Path;

use super::{members, read, table};

/// A dependency, and the only crates that may name it.
const WALLS: &[(&str, &[&str])] = &[
    ("cedar-policy", &["ward-policy"]),
    ("miette", &["ward-policy"]),
    ("argon2", &["ward-crypto"]),
    ("aws-lc-rs", &["ward-crypto"]),
    ("rustls", &["ward-crypto", "ward-events", "ward-interop", "ward-web"]),
    ("tokio-rustls", &["ward-events", "ward-interop", "ward-web"]),
    // The binary's bench measures bare SQLite beside the store.
    ("rusqlite", &["ward-store", "ward"]),
    ("fjall", &["ward-store"]),
    ("axum", &["ward-web"]),
    ("rhai", &["ward-interop"]),
    ("csv", &["ward-pharmacy"]),
    ("quick-xml", &["ward-pharmacy"]),
    ("lettre", &["ward-events"]),
    ("tokio-tungstenite", &["ward-web"]),
    ("clap", &["ward"]),
    ("indicatif", &["ward"]),
    ("mimalloc", &["ward"]),
];

pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut breaches = uncommented(&read(&root.join("Cargo.toml"))?);
    for member in members(root)? {
        let manifest = table(&member.join("Cargo.toml"))?;
        let name = manifest.get("package").and_then(|p| p.get("name")).and_then(|n| n.as_str());
        let name = name.unwrap_or_default();
        let on = manifest.get("dependencies").and_then(|d| d.as_table());
        for (on, _) in on.into_iter().flatten() {
            let wall = WALLS.iter().find(|(heavy, _)| heavy == on);
            if wall.is_some_and(|(_, allowed)| !allowed.contains(&name)) {
                breaches.push(format!("{name} uses {on}, which belongs to another crate"));
            }
        }
    }
    Ok(breaches)
}

/// Dependencies of the root manifest with no comment above them; one comment covers the lines
/// that follow it without a gap.
fn uncommented(manifest: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let (mut inside, mut covered) = (false, false);
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
            covered = false;
        } else if line.trim().is_empty() {
            covered = false;
        } else if line.starts_with('#') {
            covered = true;
        } else if inside && !covered && !line.starts_with(' ') {
            breaches.push(format!("Cargo.toml: no comment says what this is for: {line}"));
        }
    }
    breaches
}
