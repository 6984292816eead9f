//! What is shown of a message.

use std::borrow::Cow;

use serde::Serialize;

use super::place::Levels;

/// Most characters of one value that are shown.
/// LIMIT: a page of text; documents inside a message are megabytes.
const TEXT_MAX: usize = 2_000;

/// A message read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tree {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) charset: &'static str,
    pub(super) problems: Vec<Wrong>,
    pub(super) segments: Vec<SegmentLine>,
    /// How many more segments there are.
    pub(super) left: usize,
}

/// A problem, and whether it stands beside what it points to.
#[derive(Serialize)]
pub(super) struct Wrong {
    pub(super) severity: String,
    pub(super) kind: String,
    pub(super) at: String,
    pub(super) says: String,
    pub(super) placed: bool,
    #[serde(skip)]
    pub(super) place: Option<Levels>,
}

#[derive(Serialize)]
pub(super) struct SegmentLine {
    pub(super) at: String,
    pub(super) line: usize,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<usize>,
    /// As it is written, where the line has no valid name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) raw: Option<String>,
    pub(super) fields: Vec<FieldLine>,
}

#[derive(Serialize)]
pub(super) struct FieldLine {
    #[serde(flatten)]
    pub(super) is: Is,
    pub(super) values: Vec<PartLine>,
}

/// One repetition, component or sub-component: a text, or parts.
#[derive(Serialize, Default)]
pub(super) struct PartLine {
    #[serde(flatten)]
    pub(super) is: Is,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// How many characters there are, where not all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<usize>,
    /// `""`: the receiver deletes its value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<PartLine>,
}

/// What a part is called, and what is wrong there.
#[derive(Serialize, Default)]
pub(super) struct Is {
    pub(super) n: usize,
    pub(super) at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<usize>,
}

impl PartLine {
    /// - Shape: what has no plain text is shown as it is written.
    pub(super) fn put(&mut self, text: Option<Cow<'_, str>>, raw: &str) {
        let Some((shown, length)) =
            text.as_deref().or(Some(raw)).filter(|it| !it.is_empty()).map(cut)
        else {
            return;
        };
        if !self.deleted {
            self.text = Some(shown);
            self.length = length;
        }
    }
}

/// The beginning of a text, and how long it is where that is not all.
pub(super) fn cut(text: &str) -> (String, Option<usize>) {
    match text.char_indices().nth(TEXT_MAX) {
        None => (text.to_owned(), None),
        Some((end, _)) => {
            (text.get(..end).unwrap_or_default().to_owned(), Some(text.chars().count()))
        }
    }
}
