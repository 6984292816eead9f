//! What is wrong with a file that is read, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most problems of one import that are kept with their places; the others are counted.
/// LIMIT: past a thousand nobody reads on, and the file is not what it was taken for.
pub const PROBLEMS_MAX: usize = 1_000;

/// Most characters of a file that a problem repeats.
/// LIMIT: enough to find the line again.
const SAID_MAX: usize = 60;

/// One thing in a file that could not be taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub file: String,
    /// Counted from 1; of XML and JSON too.
    pub line: u64,
    /// The column's name or the element's path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    pub says: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.says)
    }
}

/// The problems of one import.
#[derive(Clone, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problems {
    pub kept: Vec<Problem>,
    /// Of all, also of those not kept.
    pub count: u64,
}

impl Problems {
    pub fn note(&mut self, file: &str, line: u64, place: &str, says: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.kept.len() < PROBLEMS_MAX {
            let (file, place) = (file.to_owned(), place.to_owned());
            self.kept.push(Problem { file, line, place, says: says.into() });
        }
    }
}

/// A piece of the file, short enough to be repeated.
pub fn said(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}
