//! RxNorm in its Rich Release Format, prescribable or full.
//!
//! - Source: RxNorm technical documentation, section 12 (RXNCONSO, RXNREL, RXNSAT, RXNCUI,
//!   RXNATOMARCHIVE).

mod conso;
mod moved;
mod rel;
mod sat;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use ward_rules::medication::knowledge::Rxcui;

use super::{
    intake::{Intake, Lines, ReadFailed},
    problem::said,
    release::Release,
};

/// Most concepts of a release.
/// LIMIT: a full release has some 300,000 under SAB=RXNORM, retired ones counted.
pub const CONCEPTS_MAX: usize = 2_000_000;

/// Most relations that are kept of one release.
/// LIMIT: of the 7 million rows of a full release, some 800,000 lead toward ingredients.
pub const RELATIONS_MAX: usize = 8_000_000;

/// The name under which RxNorm's own atoms stand.
pub(super) const SAB: &str = "RXNORM";

/// Reads a release from the folder it was unpacked into.
///
/// - Shape: the folder with `RXNCONSO.RRF`, or the one above it (`rrf/`, `prescribe/rrf/`).
///   `RXNREL` and `RXNSAT` may be absent: without them drugs have no ingredients and no NDC.
/// - Errors: no `RXNCONSO.RRF`, or a file that cannot be read. A bad row is noted and left out.
/// - Cost: one pass over each file; memory grows with the concepts kept, not with the files.
pub fn read_folder(folder: &Path, intake: &mut Intake<'_>) -> Result<Release, ReadFailed> {
    let at = ["", "rrf", "prescribe/rrf", "RRF"]
        .iter()
        .map(|below| folder.join(below))
        .find(|it| it.join("RXNCONSO.RRF").is_file());
    let Some(at) = at else {
        let file = folder.display().to_string();
        return Err(ReadFailed::Format { file, why: "no RXNCONSO.RRF in it".to_owned() });
    };
    let mut builder = Builder::default();
    builder.read("RXNCONSO.RRF", open(&at, "RXNCONSO.RRF")?, intake)?;
    for name in ["RXNREL.RRF", "RXNSAT.RRF", "RXNCUI.RRF", "RXNATOMARCHIVE.RRF"] {
        if at.join(name).is_file() {
            builder.read(name, open(&at, name)?, intake)?;
        } else if matches!(name, "RXNREL.RRF" | "RXNSAT.RRF") {
            intake.problems.note(name, 0, "", "the file is not there");
        }
    }
    Ok(builder.finish())
}

fn open(folder: &Path, name: &str) -> Result<BufReader<File>, ReadFailed> {
    let path: PathBuf = folder.join(name);
    let file =
        File::open(path).map_err(|source| ReadFailed::Io { file: name.to_owned(), source })?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

/// A release that is being read; its files come in the order of [`read_folder`].
#[derive(Default)]
pub struct Builder {
    release: Release,
    /// From a concept to those that say less.
    toward: HashMap<Rxcui, Vec<Rxcui>>,
    n_relations: usize,
}

impl Builder {
    /// Reads one file by its name; others are passed over.
    pub fn read(
        &mut self,
        name: &str,
        source: impl BufRead,
        intake: &mut Intake<'_>,
    ) -> Result<(), ReadFailed> {
        let mut lines = Lines::new(source, name);
        let (n_columns, take): (usize, Take) = match name {
            "RXNCONSO.RRF" => (conso::COLUMNS, conso::take),
            "RXNREL.RRF" => (rel::COLUMNS, rel::take),
            "RXNSAT.RRF" => (sat::COLUMNS, sat::take),
            "RXNCUI.RRF" => (moved::CUI_COLUMNS, moved::take_cui),
            "RXNATOMARCHIVE.RRF" => (moved::ARCHIVE_COLUMNS, moved::take_archive),
            _ => return Ok(()),
        };
        while let Some(line) = lines.next(intake)? {
            if line.text.is_empty() {
                continue;
            }
            let mut columns: Vec<&str> = line.text.split('|').collect();
            // A row ends with a bar, after which nothing stands.
            if columns.len() == n_columns + 1 && columns.last() == Some(&"") {
                columns.pop();
            }
            if columns.len() != n_columns {
                let says = format!("{} columns instead of {n_columns}", columns.len());
                intake.problems.note(name, line.number, "", says);
                continue;
            }
            if let Err((place, says)) = take(self, &Row(&columns)) {
                intake.problems.note(name, line.number, place, says);
            }
        }
        Ok(())
    }

    /// Works out what each concept is made of.
    pub fn finish(self) -> Release {
        let Builder { mut release, toward, .. } = self;
        release.resolve(&toward);
        let present = |release: &Release, it: &Rxcui| release.concepts.contains_key(it);
        let keep: Vec<Rxcui> =
            release.moved.keys().filter(|it| !present(&release, it)).copied().collect();
        release.moved.retain(|it, _| keep.binary_search(it).is_ok());
        for codes in release.atc.values_mut() {
            codes.sort_unstable();
            codes.dedup();
        }
        release.index();
        release
    }
}

/// The columns of one row.
pub(super) struct Row<'r>(&'r [&'r str]);

/// Column and what is wrong there.
pub(super) type Wrong = (&'static str, String);

type Take = fn(&mut Builder, &Row<'_>) -> Result<(), Wrong>;

impl<'r> Row<'r> {
    fn get(&self, at: usize) -> &'r str {
        self.0.get(at).copied().unwrap_or_default()
    }

    fn rxcui(&self, at: usize, place: &'static str) -> Result<Rxcui, Wrong> {
        let text = self.get(at);
        text.parse().map_err(|error| (place, format!("{}: {error}", said(text))))
    }
}
