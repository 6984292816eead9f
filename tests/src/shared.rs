//! Real input that is not part of the project.

use std::path::PathBuf;

/// The folder of a set of real input, if it is on this machine.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    // Asked while running: a build of another clone may have left its own path behind.
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let root = here.parent()?;
    let base = std::env::var_os("WARD_SHARED_DATA")
        .map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let path = base.join(name);
    path.exists().then_some(path)
}

/// Says loudly that a test has not been made.
pub fn skip(what: &str) {
    eprintln!("!! SKIPPED: {what}");
}
