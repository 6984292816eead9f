//! The order of a sorted answer.

use std::cmp::Ordering;

use ward_core::ResourceType;
use ward_fhir::search::{ParamId, SortValue, Term, param, sort_value};

use crate::{
    RowHead,
    query::{Hit, SortBy},
};

/// One match with what it is sorted by.
pub(super) struct SortRow {
    pub(super) keys: Vec<Option<SortValue>>,
    pub(super) part: u16,
    pub(super) hit: Hit,
}

/// The sort keys of one type.
pub(super) struct Order {
    by: Vec<By>,
}

enum By {
    LastUpdated,
    Param(ParamId, bool),
    /// The type has no such parameter: its records come last.
    Absent,
}

impl Order {
    pub(super) fn new(kind: ResourceType, sort: &[SortBy]) -> Order {
        let by = sort.iter().map(|by| match &*by.code {
            "_lastUpdated" => By::LastUpdated,
            code => match param(kind, code) {
                Some(def) => By::Param(def.id, by.descending),
                None => By::Absent,
            },
        });
        Order { by: by.collect() }
    }

    pub(super) fn keys_of(&self, row: &RowHead, terms: &[Term]) -> Vec<Option<SortValue>> {
        let key = |by: &By| match by {
            By::LastUpdated => Some(SortValue::Date(row.updated_us)),
            By::Param(id, descending) => sort_value(*id, terms, *descending),
            By::Absent => None,
        };
        self.by.iter().map(key).collect()
    }
}

/// Sorted, missing values last whichever way, and creation order where all keys are equal.
pub(super) fn compare(sort: &[SortBy], a: &SortRow, b: &SortRow) -> Ordering {
    for ((by, left), right) in sort.iter().zip(&a.keys).zip(&b.keys) {
        let order = match (left, right) {
            (Some(left), Some(right)) if by.descending => right.cmp(left),
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    (a.part, a.hit.rid).cmp(&(b.part, b.hit.rid))
}
