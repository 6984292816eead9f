//! Real input that is not part of the project.

use std::path::{Path, PathBuf};

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

/// The folder of the public clients that `cargo xtask setup` installs, if it is there.
pub fn clients() -> Option<PathBuf> {
    // CLIENTS/bin/python, or TARGET/debug/deps/it-HASH -> TARGET/clients
    let said = std::env::var_os("WARD_PYTHON").map(PathBuf::from);
    let above = |path: PathBuf, n: usize| path.ancestors().nth(n).map(Path::to_owned);
    let folder = match said {
        Some(python) => above(python, 2)?,
        None => above(std::env::current_exe().ok()?, 3)?.join("clients"),
    };
    folder.exists().then_some(folder)
}

/// Says loudly that a test has not been made.
pub fn skip(what: &str) {
    eprintln!("!! SKIPPED: {what}");
}
