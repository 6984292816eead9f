//! Checkpoints kept outside: what finds a database that was put back as a whole.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// Files outside the data folder that checkpoints are appended to.
pub(crate) struct Anchors(Vec<PathBuf>);

/// The file written in an anchor that is a folder.
pub(crate) const FILE: &str = "ward-audit.checkpoints";

impl Anchors {
    pub(crate) fn new(anchors: Vec<PathBuf>) -> Anchors {
        Anchors(anchors)
    }

    /// Appends a signed checkpoint everywhere. An anchor that fails is logged, and the next
    /// checkpoint covers what this one did.
    pub(crate) fn keep(&self, text: &str) {
        for anchor in &self.0 {
            if let Err(error) = append(anchor, text) {
                tracing::error!(%error, "anchor not written");
            }
        }
    }
}

fn append(anchor: &Path, text: &str) -> std::io::Result<()> {
    let path = file_of(anchor);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    // A blank line ends the header of a signed note, so a line of its own stands between two.
    file.write_all(format!("{text}{SEPARATOR}\n").as_bytes())?;
    file.sync_data()
}

const SEPARATOR: &str = "----";

fn file_of(anchor: &Path) -> PathBuf {
    if anchor.is_dir() { anchor.join(FILE) } else { anchor.to_owned() }
}

/// The checkpoints in an anchor, as text.
pub(crate) fn read(anchor: &Path) -> std::io::Result<Vec<String>> {
    let text = fs::read_to_string(file_of(anchor))?;
    let separator = format!("{SEPARATOR}\n");
    Ok(text.split(&separator).filter(|it| !it.trim().is_empty()).map(str::to_owned).collect())
}
