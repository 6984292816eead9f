//! Tables that a pharmacy keeps itself, as CSV with a row of names: interactions, members of
//! classes, daily maxima.

use std::io::BufRead;

use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};

use super::{
    intake::{Intake, ReadFailed, Step},
    pair::{DrugFact, PairFact},
    problem::said,
};

/// Largest table, in bytes.
/// LIMIT: the largest public one (DDInter) has some 20 million.
pub const TABLE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Most rows of one table.
/// LIMIT: the largest public one has 300,000.
pub const ROWS_MAX: u64 = 2_000_000;

/// A drug that a source counts to a class.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClassFact {
    pub class: String,
    pub member: DrugFact,
    pub source: String,
    /// `kind/name` of the import that brought it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub import: String,
    pub file: String,
    pub line: u64,
}

/// The most of a drug that a source allows in 24 hours.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DoseFact {
    pub drug: DrugFact,
    pub mg_per_day: f64,
    pub source: String,
    /// `kind/name` of the import that brought it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub import: String,
    pub file: String,
    pub line: u64,
}

/// Interactions.
///
/// - Shape: columns `left`, `right` (names), `severity`; and where known `left_rxcui`,
///   `right_rxcui`, `id`, `mechanism`, `action`, `evidence`, `source`. Others are passed over.
pub fn read_interactions(
    source: impl BufRead,
    file: &str,
    intake: &mut Intake<'_>,
) -> Result<Vec<PairFact>, ReadFailed> {
    let mut facts = Vec::new();
    rows(source, file, &["left", "right", "severity"], intake, &mut |row| {
        let drug = |name: &str, rxcui: &str| -> Result<DrugFact, Wrong> {
            let it = DrugFact { name: row.get(name).to_owned(), rxcui: row.get(rxcui).to_owned() };
            match it.name.is_empty() && it.rxcui.is_empty() {
                true => Err((name.to_owned(), "neither a name nor an RXCUI".to_owned())),
                false => Ok(it),
            }
        };
        let (left, right) = (drug("left", "left_rxcui")?, drug("right", "right_rxcui")?);
        let id = match row.get("id") {
            "" => format!("{file}-{}", row.line),
            id => id.to_owned(),
        };
        let text = |name: &str| row.get(name).to_owned();
        facts.push(PairFact {
            id,
            left,
            right,
            severity: text("severity"),
            mechanism: text("mechanism"),
            action: text("action"),
            evidence: text("evidence"),
            source: Some(text("source")).filter(|it| !it.is_empty()).unwrap_or(file.to_owned()),
            import: String::new(),
            file: file.to_owned(),
            line: row.line,
        });
        Ok(())
    })?;
    Ok(facts)
}

/// Members of classes.
///
/// - Shape: columns `class`, `member`; and where known `rxcui`, `source`.
pub fn read_classes(
    source: impl BufRead,
    file: &str,
    intake: &mut Intake<'_>,
) -> Result<Vec<ClassFact>, ReadFailed> {
    let mut facts = Vec::new();
    rows(source, file, &["class", "member"], intake, &mut |row| {
        let class = row.get("class");
        if class.is_empty() {
            return Err(("class".to_owned(), "a class without a name".to_owned()));
        }
        let member =
            DrugFact { name: row.get("member").to_owned(), rxcui: row.get("rxcui").to_owned() };
        if member.name.is_empty() && member.rxcui.is_empty() {
            return Err(("member".to_owned(), "neither a name nor an RXCUI".to_owned()));
        }
        facts.push(ClassFact {
            class: class.to_owned(),
            member,
            source: row.get("source").to_owned(),
            import: String::new(),
            file: file.to_owned(),
            line: row.line,
        });
        Ok(())
    })?;
    Ok(facts)
}

/// Daily maxima.
///
/// - Shape: columns `name`, `mg_per_day`; and where known `rxcui`, `source`.
pub fn read_doses(
    source: impl BufRead,
    file: &str,
    intake: &mut Intake<'_>,
) -> Result<Vec<DoseFact>, ReadFailed> {
    let mut facts = Vec::new();
    rows(source, file, &["name", "mg_per_day"], intake, &mut |row| {
        let value = row.get("mg_per_day");
        let mg_per_day = value.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n);
        let Some(mg_per_day) = mg_per_day else {
            return Err(("mg_per_day".to_owned(), format!("{} is no dose", said(value))));
        };
        facts.push(DoseFact {
            drug: DrugFact { name: row.get("name").to_owned(), rxcui: row.get("rxcui").to_owned() },
            mg_per_day,
            source: row.get("source").to_owned(),
            import: String::new(),
            file: file.to_owned(),
            line: row.line,
        });
        Ok(())
    })?;
    Ok(facts)
}

type Wrong = (String, String);

struct TableRow<'r> {
    names: &'r StringRecord,
    values: &'r StringRecord,
    line: u64,
}

impl<'r> TableRow<'r> {
    fn get(&self, name: &str) -> &'r str {
        let is_it = |it: &str| it.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name);
        let at = self.names.iter().position(is_it);
        at.and_then(|at| self.values.get(at)).unwrap_or_default().trim()
    }
}

fn rows(
    source: impl BufRead,
    file: &str,
    needs: &[&str],
    intake: &mut Intake<'_>,
    take: &mut dyn FnMut(&TableRow<'_>) -> Result<(), Wrong>,
) -> Result<(), ReadFailed> {
    let limited = source.take(TABLE_BYTES_MAX);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(limited);
    let format = |why: String| ReadFailed::Format { file: file.to_owned(), why };
    let names = reader.headers().map_err(|e| format(e.to_string()))?.clone();
    let head = StringRecord::new();
    let table = TableRow { names: &names, values: &head, line: 1 };
    let is_there = |need: &str| {
        let is_it = |it: &str| it.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(need);
        table.names.iter().any(is_it)
    };
    if let Some(need) = needs.iter().find(|need| !is_there(need)) {
        return Err(format(format!("no column `{need}`")));
    }
    let (mut values, mut n) = (StringRecord::new(), 0_u64);
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut values) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.is_io_error() => return Err(format(error.to_string())),
            Err(error) => {
                intake.problems.note(file, line, "", error.to_string());
                continue;
            }
        }
        n += 1;
        if ROWS_MAX < n {
            intake.problems.note(file, line, "", format!("more than {ROWS_MAX} rows"));
            break;
        }
        let line = values.position().map_or(line, csv::Position::line);
        if let Err((place, says)) = take(&TableRow { names: &names, values: &values, line }) {
            intake.problems.note(file, line, &place, says);
        }
        if n % 65_536 == 0 {
            intake.tell(Step { file, bytes: reader.position().byte(), rows: n });
        }
    }
    if reader.position().byte() == TABLE_BYTES_MAX {
        return Err(ReadFailed::TooLarge { file: file.to_owned(), max_bytes: TABLE_BYTES_MAX });
    }
    intake.tell(Step { file, bytes: reader.position().byte(), rows: n });
    Ok(())
}
