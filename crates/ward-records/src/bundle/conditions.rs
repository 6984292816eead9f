//! What a transaction asks before it writes: every condition once, in one audited look, and then
//! of what the transaction itself makes.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use ward_core::{FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{ClauseOp, IndexKey, Lookup, Term, extract_at, index_keys},
};
use ward_store::{Absent, Reader};

use super::{
    entry::{Entry, Request},
    rewrite,
};
use crate::{RecordsError, search::matches};

/// Each condition as `Type?query`, with the first entry that makes it.
pub(super) type Wanted = BTreeMap<String, usize>;

/// What the chart answered to one condition.
pub(super) struct Looked {
    pub(super) kind: ResourceType,
    pub(super) keys: Vec<RecordKey>,
    pub(super) absent: Absent,
    /// The ids that the condition names by `_id`, which is no clause.
    pub(super) ids: Option<Vec<FhirId>>,
}

pub(super) type Answers = FxHashMap<String, Looked>;

pub(super) fn text_of(kind: ResourceType, query: &str) -> String {
    format!("{kind}?{query}")
}

/// Every condition of the entries.
pub(super) fn wanted_of(entries: &[Entry<'_>]) -> Wanted {
    let mut wanted = Wanted::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some((kind, query)) = entry.request.condition() {
            wanted.entry(text_of(kind, query)).or_insert(at);
        }
        if let (Some(resource), true) = (&entry.resource, entry.request.writes_resource()) {
            rewrite::conditional_references(resource, &mut |text| {
                if !wanted.contains_key(text) {
                    wanted.insert(text.to_owned(), at);
                }
            });
        }
    }
    wanted
}

/// Asks the chart.
///
/// - Errors: that of the first condition that cannot be asked, in its entry.
pub(super) fn look_up(
    reader: &Reader<'_>,
    wanted: &Wanted,
    entries: &[Entry<'_>],
    base: &str,
) -> Result<Answers, RecordsError> {
    // What a deletion takes away may stand between two matches that stay.
    let n_deletions = entries.iter().filter(|entry| entry.request.is_deletion()).count();
    let mut answers = Answers::default();
    for (text, at) in wanted {
        let looked = look(reader, text, 2 + n_deletions, base);
        answers.insert(text.clone(), looked.map_err(|error| error.in_entry(*at))?);
    }
    Ok(answers)
}

fn look(
    reader: &Reader<'_>,
    text: &str,
    n_wanted: usize,
    base: &str,
) -> Result<Looked, RecordsError> {
    let not_a_condition = || RecordsError::new(Kind::Invalid, "not a condition");
    let (kind, query) = text.split_once('?').ok_or_else(not_a_condition)?;
    let kind: ResourceType = kind.parse().map_err(|_| not_a_condition())?;
    let found = matches(reader, kind, query, n_wanted, base)?;
    Ok(Looked { kind, keys: found.keys, absent: found.absent, ids: found.ids })
}

/// What the transaction makes, findable as the chart's records are.
#[derive(Default)]
pub(super) struct Made {
    rows: Vec<Row>,
    by_key: FxHashMap<(ResourceType, u16, IndexKey), Vec<usize>>,
    by_kind: FxHashMap<ResourceType, Vec<usize>>,
    keys: FxHashSet<RecordKey>,
}

struct Row {
    at: usize,
    key: RecordKey,
    terms: Vec<Term>,
}

impl Made {
    /// Adds what entry `at` makes.
    pub(super) fn add(&mut self, at: usize, key: &RecordKey, resource: &Json<'_>, base: &str) {
        let terms = extract_at(key.kind, resource, base).terms;
        let place = self.rows.len();
        for term in &terms {
            index_keys(term, &mut |index_key| {
                let row = self.by_key.entry((key.kind, term.param.0, index_key)).or_default();
                if row.last() != Some(&place) {
                    row.push(place);
                }
            });
        }
        self.by_kind.entry(key.kind).or_default().push(place);
        self.keys.insert(key.clone());
        self.rows.push(Row { at, key: key.clone(), terms });
    }

    /// Whether the transaction writes this record.
    pub(super) fn holds(&self, key: &RecordKey) -> bool {
        self.keys.contains(key)
    }

    /// The entries that make a match, with its key.
    pub(super) fn matching(&self, looked: &Looked) -> Vec<(usize, &RecordKey)> {
        let clauses = &looked.absent.clauses;
        let keyed = clauses.iter().filter(|clause| clause.op == ClauseOp::Any).find_map(|clause| {
            let mut places = Vec::new();
            for test in &clause.any {
                let Lookup::Keys(keys) = test.lookup() else { return None };
                for key in keys {
                    places.extend(self.by_key.get(&(looked.kind, clause.param.0, key)));
                }
            }
            Some(places.into_iter().flatten().copied().collect::<Vec<usize>>())
        });
        let mut places =
            keyed.unwrap_or_else(|| self.by_kind.get(&looked.kind).cloned().unwrap_or_default());
        places.sort_unstable();
        places.dedup();
        let rows = places.into_iter().filter_map(|place| self.rows.get(place));
        rows.filter(|row| {
            looked.ids.as_ref().is_none_or(|ids| ids.contains(&row.key.id))
                && clauses.iter().all(|clause| clause.matches(&row.terms))
        })
        .map(|row| (row.at, &row.key))
        .collect()
    }
}

impl Request {
    /// The condition under which the entry acts.
    pub(super) fn condition(&self) -> Option<(ResourceType, &str)> {
        match self {
            Request::Create { kind, if_none_exist: Some(query) }
            | Request::ConditionalUpdate { kind, query }
            | Request::ConditionalDelete { kind, query } => Some((*kind, query)),
            _ => None,
        }
    }

    /// The type of what the entry writes or deletes.
    pub(super) fn writes(&self) -> Option<ResourceType> {
        match self {
            Request::Create { kind, .. }
            | Request::ConditionalUpdate { kind, .. }
            | Request::ConditionalDelete { kind, .. } => Some(*kind),
            Request::Update { key, .. }
            | Request::Patch { key, .. }
            | Request::Delete { key, .. } => Some(key.kind),
            Request::Read { .. } | Request::Vread { .. } | Request::Search { .. } => None,
        }
    }

    /// Whether the entry's resource becomes a record.
    pub(super) fn writes_resource(&self) -> bool {
        matches!(
            self,
            Request::Create { .. } | Request::Update { .. } | Request::ConditionalUpdate { .. }
        )
    }

    pub(super) fn is_deletion(&self) -> bool {
        matches!(self, Request::Delete { .. } | Request::ConditionalDelete { .. })
    }
}
