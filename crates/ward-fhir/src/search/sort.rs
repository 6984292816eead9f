//! What a record is sorted by.

use std::cmp::Ordering;

use super::{
    fold::fold,
    term::{ParamId, Term, TermValue},
};

/// One sort key. Keys of one parameter are of one variant, but for mixed types of a choice.
#[derive(Clone, PartialEq, Debug)]
pub enum SortValue {
    /// Microseconds since 1970 UTC.
    Date(i64),
    /// Never a NaN.
    Number(f64),
    /// Folded.
    Text(Box<str>),
}

impl Eq for SortValue {}

impl PartialOrd for SortValue {
    fn partial_cmp(&self, other: &SortValue) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortValue {
    fn cmp(&self, other: &SortValue) -> Ordering {
        let rank = |value: &SortValue| match value {
            SortValue::Date(_) => 0,
            SortValue::Number(_) => 1,
            SortValue::Text(_) => 2,
        };
        match (self, other) {
            (SortValue::Date(a), SortValue::Date(b)) => a.cmp(b),
            (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(b),
            (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

/// The key of a record under one parameter: the least of its values ascending, the greatest
/// descending.
///
/// - Shape: a date counts by its start ascending and by its end descending; tokens by text if they
///   have one, else by code; `None` when the parameter has no value.
pub fn sort_value(param: ParamId, terms: &[Term], descending: bool) -> Option<SortValue> {
    let own = terms.iter().filter(|term| term.param == param);
    let values = own.filter_map(|term| key_of(&term.value, descending));
    if descending { values.max() } else { values.min() }
}

fn key_of(value: &TermValue, descending: bool) -> Option<SortValue> {
    let text = |text: &str| Some(SortValue::Text(fold(text).into()));
    match value {
        TermValue::Token { text: Some(t), .. } => text(t),
        TermValue::Token { code: Some(code), .. } => text(code),
        TermValue::Token { .. } => None,
        TermValue::Reference { kind, id, .. } => {
            Some(SortValue::Text(format!("{kind}/{id}").into()))
        }
        TermValue::Url(url) => Some(SortValue::Text(url.clone())),
        TermValue::Identified { value, .. } => value.as_deref().and_then(text),
        TermValue::String(t) => text(t),
        TermValue::Date { from_us, to_us } => {
            Some(SortValue::Date(if descending { *to_us } else { *from_us }))
        }
        TermValue::Number { value, .. } | TermValue::Quantity { value, .. } => {
            Some(SortValue::Number(*value))
        }
        TermValue::Composite(parts) => parts.first().and_then(|part| key_of(part, descending)),
    }
}
