//! Which files are loaded, and in which order.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::Failure;

/// One file to load.
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Files of a lower rank are loaded before the first of this one: others refer to them.
    pub(super) rank: usize,
}

impl SourceFile {
    /// Whether each line is a resource.
    pub(super) fn is_lines(&self) -> bool {
        has_extension(&self.path, &["ndjson", "jsonl"])
    }
}

/// The files in order: what others refer to comes first. A file that is named twice is loaded once.
pub(super) fn files_of(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    let (mut files, mut known) = (Vec::new(), BTreeSet::new());
    for path in paths {
        gather(path, &mut files, &mut known)?;
    }
    files.sort_by_cached_key(|file: &SourceFile| (file.rank, file.path.clone()));
    Ok(files)
}

fn gather(
    path: &Path,
    files: &mut Vec<SourceFile>,
    known: &mut BTreeSet<PathBuf>,
) -> Result<(), Failure> {
    let failed = |e| Failure::Io("reading a file or folder to import", e);
    if !known.insert(fs::canonicalize(path).map_err(failed)?) {
        return Ok(());
    }
    let meta = fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_ours = path.is_dir() || has_extension(&path, &["json", "ndjson", "jsonl"]);
            // The log of a bulk export is no resource.
            let is_log = path.file_name().is_some_and(|name| name == "log.ndjson");
            if is_ours && !is_log {
                gather(&path, files, known)?;
            }
        }
        return Ok(());
    }
    files.push(SourceFile { path: path.to_owned(), bytes: meta.len(), rank: rank_of(path) });
    Ok(())
}

fn rank_of(path: &Path) -> usize {
    const FIRST: [&[&str]; 3] =
        [&["hospital", "organization"], &["location", "practitioner"], &["patient"]];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let fits = |words: &&[&str]| words.iter().any(|word| name.starts_with(word));
    FIRST.iter().position(fits).unwrap_or(FIRST.len())
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension().is_some_and(|ext| known.iter().any(|it| ext.eq_ignore_ascii_case(it)))
}
