//! `cargo xtask web`: the interface, for the binary to take in.

use std::{fs, path::Path, time::SystemTime};

use crate::run::{Run, Stop, root};

/// What the interface is made of.
const SOURCES: &[&str] =
    &["src", "scripts", "index.html", "package.json", "package-lock.json", "vite.config.ts"];

/// Builds it when it was not built since it last changed.
///
/// - Errors: there is no Node.js, or its code has a mistake.
pub fn build() -> Result<(), Stop> {
    let web = root().join("web");
    let built = web.join("dist/index.html");
    let newest = SOURCES.iter().filter_map(|name| newest(&web.join(name))).max();
    let is_fresh = written(&built).zip(newest).is_some_and(|(built, newest)| newest < built);
    if is_fresh {
        return Ok(());
    }
    if !Run::new("npm").arg("--version").works() {
        return Err(Stop::Why("the interface needs Node.js and npm".to_owned()));
    }
    packages()?;
    let npm = ["run", "--silent", "build", "--prefix"];
    Run::new("npm").args(npm).arg(&web).go()
}

/// Brings the packages that `package-lock.json` names, and nothing newer.
pub fn packages() -> Result<(), Stop> {
    let web = root().join("web");
    let (lock, marker) =
        (web.join("package-lock.json"), web.join("node_modules/.package-lock.json"));
    if written(&marker).zip(written(&lock)).is_some_and(|(marker, lock)| lock <= marker) {
        return Ok(());
    }
    let npm = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
    Run::new("npm").args(npm).arg(&web).go()
}

fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else { return written(path) };
    entries.filter_map(Result::ok).filter_map(|entry| newest(&entry.path())).max()
}

fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|it| it.modified()).ok()
}
