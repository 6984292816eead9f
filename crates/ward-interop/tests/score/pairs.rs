//! The pairs of the shared corpus: a message, and what another engine makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub struct Pair {
    pub corpus: &'static str,
    pub path: PathBuf,
    pub message: Vec<u8>,
    pub expected: Vec<u8>,
}

impl Pair {
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

pub fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into).join("hl7v2")
}

/// Every pair from v2 to FHIR; `None`, said loudly, where the corpus is not there.
pub fn all() -> Option<Vec<Pair>> {
    let folder = folder();
    let Ok(list) = fs::read_to_string(folder.join("PAIRS.tsv")) else {
        eprintln!("!! SKIPPED: no HL7 v2 corpus; set WARD_SHARED_DATA to score the converter");
        return None;
    };
    let mut pairs = Vec::new();
    for line in list.lines() {
        let mut cells = line.split('\t');
        let (Some(way), Some(from), Some(to)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        if way == "fhir->v2" {
            continue;
        }
        let corpus = if from.starts_with("cdc") { "cdc" } else { "microsoft" };
        let path = folder.join(from);
        let (Ok(message), Ok(expected)) = (fs::read(&path), fs::read(folder.join(to))) else {
            continue;
        };
        pairs.push(Pair { corpus, path, message, expected });
    }
    assert!(!pairs.is_empty(), "PAIRS.tsv names no file that is there");
    Some(pairs)
}

/// Every message file below `folder`.
pub fn messages(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            messages(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "hl7") {
            files.push(path);
        }
    }
}
