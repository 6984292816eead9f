//! Structured Product Labeling: the XML of DailyMed.
//!
//! - Source: HL7 SPL Release 8; FDA SPL Implementation Guide with Validation Procedures.

mod read;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

pub use read::read;

use super::{
    intake::{Intake, ReadFailed, whole},
    label::Label,
};

/// Largest label, in bytes.
/// LIMIT: the largest of DailyMed have some 20 million, pictures apart.
pub const LABEL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Deepest nesting of elements.
/// LIMIT: sections in sections with lists in tables stay below 60.
pub const DEPTH_MAX: usize = 256;

/// Most labels of one import.
/// LIMIT: all of DailyMed has some 150,000.
pub const LABELS_MAX: usize = 500_000;

/// Reads a file, or every `.xml` of a folder and of the folders in it.
///
/// - Errors: the folder cannot be read. A file that is no label is noted and left out.
pub fn read_path(path: &Path, intake: &mut Intake<'_>) -> Result<Vec<Label>, ReadFailed> {
    let mut files = Vec::new();
    collect(path, "xml", 0, &mut files)?;
    let mut labels = Vec::new();
    for path in files.into_iter().take(LABELS_MAX) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file =
            File::open(&path).map_err(|source| ReadFailed::Io { file: name.clone(), source })?;
        match whole(file, &name, LABEL_BYTES_MAX, intake) {
            Ok(bytes) => labels.extend(read(&bytes, &name, intake)),
            Err(error @ ReadFailed::TooLarge { .. }) => {
                intake.problems.note(&name, 0, "", error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(labels)
}

/// Folders in folders that are looked into.
/// LIMIT: DailyMed's archives have two.
const FOLDERS_MAX: usize = 6;

/// Files below a path, by name.
pub fn collect(
    path: &Path,
    extension: &str,
    depth: usize,
    files: &mut Vec<PathBuf>,
) -> Result<(), ReadFailed> {
    let failed = |source| ReadFailed::Io { file: path.display().to_string(), source };
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut below: Vec<PathBuf> = fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    below.sort();
    for it in below {
        let is_it = it.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
        if it.is_dir() && depth < FOLDERS_MAX {
            collect(&it, extension, depth + 1, files)?;
        } else if is_it && it.is_file() {
            files.push(it);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
