//! Which lists of the index cover a filter.
//!
//! A stream made here may bring records that do not match (tokens are short and collide, and some
//! tests have no token), but never misses one that does: every candidate is re-checked.

use std::collections::BTreeSet;

use ward_core::{RecordKey, ResourceType};
use ward_fhir::search::{Clause, ClauseOp, Lookup, type_key};

use super::{View, stream::Stream};
use crate::{
    keys::Scope,
    postings::{self, TYPE_PARAM},
    query::{Filter, SearchError},
};

/// Numbers read from each list to find a short one.
/// LIMIT: reading this many costs about as much as opening twenty records.
const SAMPLE_MAX: usize = 64;

/// A list of so few is not worth looking for a shorter one.
/// LIMIT: opening this many records costs about as much as reading from another list.
const ENOUGH: usize = 8;

/// The candidates for `filter` among the records of `kind`.
pub(super) fn candidates<'v>(
    view: &'v View<'_>,
    kind: ResourceType,
    patient: Option<&Scope>,
    filter: &Filter,
) -> Result<Stream<'v>, SearchError> {
    let plan = Plan { view, kind, patient };
    if patient.is_some() {
        // Within a compartment one list holds all records of the type. A short one is enough: every
        // candidate is opened anyway, and each list more is another way to disk.
        let (numbers, is_all) = plan.lists(&[(TYPE_PARAM, type_key())])?.sample(SAMPLE_MAX)?;
        if is_all {
            return Ok(Stream::numbers(numbers));
        }
    }
    match plan.cover(filter)? {
        Some(stream) => Ok(stream),
        None => plan.lists(&[(TYPE_PARAM, type_key())]),
    }
}

struct Plan<'v, 'q, 'x> {
    view: &'v View<'x>,
    kind: ResourceType,
    patient: Option<&'q Scope>,
}

impl<'v> Plan<'v, '_, '_> {
    /// `None`: nothing covers it, every record of the type is a candidate.
    fn cover(&self, filter: &Filter) -> Result<Option<Stream<'v>>, SearchError> {
        match filter {
            Filter::Not(_) => Ok(None),
            Filter::Keys(keys) => self.keys(keys).map(Some),
            Filter::Clause(clause) => self.clause(clause),
            Filter::All(parts) => {
                let mut covers = Vec::new();
                for part in parts {
                    covers.extend(self.cover(part)?);
                }
                self.narrowest(covers)
            }
            Filter::Any(parts) => {
                let mut covers = Vec::with_capacity(parts.len());
                for part in parts {
                    match self.cover(part)? {
                        None => return Ok(None),
                        Some(cover) => covers.push(cover),
                    }
                }
                Ok(Some(Stream::Union(covers)))
            }
        }
    }

    /// One short cover is enough, because every candidate is opened anyway; only long ones are
    /// intersected.
    fn narrowest(&self, covers: Vec<Stream<'v>>) -> Result<Option<Stream<'v>>, SearchError> {
        let mut long = Vec::new();
        let mut short: Option<Vec<u64>> = None;
        for mut cover in covers {
            let (numbers, all) = cover.sample(SAMPLE_MAX)?;
            if !all {
                // Sampling moved the stream on; its numbers come first again.
                let next = numbers.last().map_or(0, |n| n.saturating_add(1));
                long.push(Stream::Chained {
                    first: Box::new(Stream::numbers(numbers)),
                    then: Box::new(cover),
                    next,
                });
            } else if numbers.len() <= ENOUGH {
                return Ok(Some(Stream::numbers(numbers)));
            } else if short.as_ref().is_none_or(|best| numbers.len() < best.len()) {
                short = Some(numbers);
            }
        }
        Ok(match (short, long.len()) {
            (Some(numbers), _) => Some(Stream::numbers(numbers)),
            (None, 0) => None,
            (None, 1) => long.pop(),
            (None, _) => Some(Stream::Both(long)),
        })
    }

    fn clause(&self, clause: &Clause) -> Result<Option<Stream<'v>>, SearchError> {
        if clause.op != ClauseOp::Any {
            return Ok(None);
        }
        let mut wanted = Vec::new();
        let mut streams = Vec::new();
        for test in &clause.any {
            match test.lookup() {
                Lookup::Scan => return Ok(None),
                Lookup::Keys(keys) => wanted.extend(keys.into_iter().map(|k| (clause.param.0, k))),
            }
            // A record's references to its own patient have no population list; the patient's
            // list of the type covers them.
            if self.patient.is_none()
                && let Some(id) = test.patient_reference()
            {
                let scope = self.view.keyring.scope_of(&id);
                let key = type_key();
                if let Some(posting) =
                    postings::in_patient(self.view.keyring, &scope, self.kind, TYPE_PARAM, &key)?
                {
                    streams.push(Stream::List(Box::new(self.view.index.list(&posting))));
                }
            }
        }
        streams.push(self.lists(&wanted)?);
        Ok(Some(match streams.len() {
            1 => streams.pop().unwrap_or(Stream::Nothing),
            _ => Stream::Union(streams),
        }))
    }

    fn lists(
        &self,
        keys: &[(u16, ward_fhir::search::IndexKey)],
    ) -> Result<Stream<'v>, SearchError> {
        let mut streams = Vec::with_capacity(keys.len());
        for (param, key) in keys {
            let posting = match self.patient {
                None => Some(postings::population(self.view.keyring, self.kind, *param, key)),
                // A Patient stands in its own compartment by type alone.
                Some(scope) if self.kind == ResourceType::PATIENT => postings::in_patient(
                    self.view.keyring,
                    scope,
                    self.kind,
                    TYPE_PARAM,
                    &type_key(),
                )?,
                Some(scope) => {
                    postings::in_patient(self.view.keyring, scope, self.kind, *param, key)?
                }
            };
            if let Some(posting) = posting {
                streams.push(Stream::List(Box::new(self.view.index.list(&posting))));
            }
        }
        Ok(match streams.len() {
            0 => Stream::Nothing,
            1 => streams.pop().unwrap_or(Stream::Nothing),
            _ => Stream::Union(streams),
        })
    }

    fn keys(&self, keys: &BTreeSet<RecordKey>) -> Result<Stream<'v>, SearchError> {
        let mut numbers = Vec::with_capacity(keys.len());
        for key in keys.iter().filter(|key| key.kind == self.kind) {
            numbers.extend(self.view.truth.rid_of(&self.view.keyring.blind_id(key))?);
        }
        Ok(Stream::numbers(numbers))
    }
}
