//! The workspace is tidy, and tidy sees what is not.

use std::{fs, path::Path};

use super::{check, floors, manifests, members, source};
use crate::run::root;

#[test]
fn the_workspace_is_tidy() {
    let breaches = check(&root()).unwrap();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn a_planted_dependency_is_found() {
    let folder = tempfile::tempdir().unwrap();
    copy_manifests(folder.path());
    assert_eq!(floors::check(folder.path()).unwrap(), Vec::<String>::new());
    plant(folder.path(), "crates/ward-store/Cargo.toml", "ward-records.workspace = true");
    plant(folder.path(), "crates/ward-fhir/Cargo.toml", "rusqlite.workspace = true");
    let found = floors::check(folder.path()).unwrap();
    assert_eq!(found, ["ward-store (floor 1) uses ward-records (floor 2)"]);
    let found = manifests::check(folder.path()).unwrap();
    assert_eq!(found, ["ward-fhir uses rusqlite, which belongs to another crate"]);
}

#[test]
fn services_do_not_use_services() {
    let folder = tempfile::tempdir().unwrap();
    copy_manifests(folder.path());
    let other = folder.path().join("crates/ward-patient");
    fs::create_dir_all(&other).unwrap();
    let text = "[package]\nname = \"ward-patient\"\n[package.metadata.ward]\nfloor = 2\n\
                [dependencies]\nward-records.workspace = true\n";
    fs::write(other.join("Cargo.toml"), text).unwrap();
    let found = floors::check(folder.path()).unwrap();
    assert_eq!(found, ["ward-patient uses ward-records: services never use services"]);
}

#[test]
fn planted_lines_are_found() {
    let limit = "const SIZE_MAX: usize = 3;";
    let with_reason = format!("/// Size.\n/// LIMIT: three is a crowd.\n{limit}");
    assert_eq!(source::breaches_of("a.rs", &with_reason).len(), 0);
    assert_eq!(source::breaches_of("a.rs", limit).len(), 1);
    assert_eq!(source::breaches_of("a.rs", &format!("// {}: later", concat!("TO", "DO"))).len(), 1);
    assert_eq!(source::breaches_of("a.rs", &format!("\"{}x\"", concat!("/ho", "me/"))).len(), 1);
    assert_eq!(source::breaches_of("a.rs", &"\n".repeat(601)).len(), 1);
}

fn copy_manifests(to: &Path) {
    let root = root();
    fs::copy(root.join("Cargo.toml"), to.join("Cargo.toml")).unwrap();
    fs::create_dir_all(to.join("crates")).unwrap();
    for member in members(&root).unwrap() {
        let copy = to.join(member.strip_prefix(&root).unwrap());
        fs::create_dir_all(&copy).unwrap();
        fs::copy(member.join("Cargo.toml"), copy.join("Cargo.toml")).unwrap();
    }
}

fn plant(root: &Path, manifest: &str, line: &str) {
    let path = root.join(manifest);
    let text = fs::read_to_string(&path).unwrap();
    let planted = text.replace("[dependencies]\n", &format!("[dependencies]\n{line}\n"));
    assert_ne!(text, planted);
    fs::write(path, planted).unwrap();
}
