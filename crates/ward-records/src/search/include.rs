//! `_include` and `_revinclude`: what comes along with the matches.

use std::collections::BTreeSet;

use ward_core::{Kind, RecordKey, limits::INCLUDE_MAX};
use ward_fhir::{
    outcome::{Issue, IssueCode},
    search::{Clause, ClauseOp, Include, SearchRequest, Term, TermValue, Test},
};
use ward_store::{Filter, Hit, Part, Query, Reader};

use super::page::Entry;
use crate::RecordsError;

/// Rounds of `:iterate`.
/// LIMIT: R4's longest chain of references (Location.partOf and the like) is far shorter.
const ROUNDS_MAX: usize = 16;

/// Adds the included records to the page, each once.
///
/// - Errors: `too-costly` past the limit.
pub(super) fn add(
    reader: &Reader<'_>,
    request: &SearchRequest,
    hits: &[Hit],
    entries: &mut Vec<Entry>,
    base: &str,
) -> Result<(), RecordsError> {
    if request.includes.is_empty() && request.revincludes.is_empty() {
        return Ok(());
    }
    let mut seen: BTreeSet<RecordKey> = entries.iter().map(|it| it.stored.key.clone()).collect();
    let mut new: Vec<(RecordKey, Vec<Term>)> = Vec::with_capacity(hits.len());
    for (hit, entry) in hits.iter().zip(entries.iter()) {
        new.push((entry.stored.key.clone(), reader.terms(hit)?));
    }
    for round in 0..ROUNDS_MAX {
        let follows = |include: &&Include| round == 0 || include.iterate;
        let mut wanted = BTreeSet::new();
        for include in request.includes.iter().filter(follows) {
            for (key, terms) in new.iter().filter(|(key, _)| key.kind == include.source) {
                let _ = key;
                wanted.extend(referred(terms, include));
            }
        }
        let mut found = Vec::new();
        for key in wanted.difference(&seen.clone()) {
            if let Some(stored) = reader.get(key)?.filter(|stored| !stored.deleted) {
                found.push(stored);
            }
        }
        for include in request.revincludes.iter().filter(follows) {
            for stored in referring(reader, &new, include)? {
                found.push(stored);
            }
        }
        new.clear();
        for stored in found {
            if !seen.insert(stored.key.clone()) {
                continue;
            }
            if INCLUDE_MAX < seen.len() {
                return Err(too_costly());
            }
            let tree = ward_fhir::Json::parse(&stored.body)
                .map_err(|_| RecordsError::bug("a stored body is not JSON"))?;
            let terms = ward_fhir::search::extract_at(stored.key.kind, &tree, base).terms;
            new.push((stored.key.clone(), terms));
            entries.push(Entry::included(stored));
        }
        if new.is_empty() {
            break;
        }
    }
    Ok(())
}

fn referred<'t>(terms: &'t [Term], include: &'t Include) -> impl Iterator<Item = RecordKey> + 't {
    terms.iter().filter(|term| include.params.contains(&term.param)).filter_map(|term| match &term
        .value
    {
        TermValue::Reference { kind, id, .. }
            if include.target.is_none_or(|target| target == *kind) =>
        {
            Some(RecordKey::new(*kind, id.parse().ok()?))
        }
        _ => None,
    })
}

fn referring(
    reader: &Reader<'_>,
    to: &[(RecordKey, Vec<Term>)],
    include: &Include,
) -> Result<Vec<ward_store::Stored>, RecordsError> {
    let any: Vec<Test> = to
        .iter()
        .filter(|(key, _)| include.target.is_none_or(|target| target == key.kind))
        .map(|(key, _)| Test::Reference {
            kind: Some(key.kind),
            id: key.id.as_str().into(),
            version: None,
        })
        .collect();
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let clause = |param: &ward_fhir::search::ParamId| {
        Filter::Clause(Clause { param: *param, op: ClauseOp::Any, any: any.clone() })
    };
    let filter = Filter::Any(include.params.iter().map(clause).collect());
    let query = Query {
        parts: vec![Part { kind: include.source, filter }],
        patient: None,
        sort: Vec::new(),
        count: INCLUDE_MAX + 1,
        after: None,
        total: false,
    };
    let hits = reader.search(&query)?.hits;
    if INCLUDE_MAX < hits.len() {
        return Err(too_costly());
    }
    let fetched: Result<Vec<_>, _> = hits.iter().map(|hit| reader.fetch(hit)).collect();
    Ok(fetched?)
}

fn too_costly() -> RecordsError {
    let issue = Issue::error(
        IssueCode::TooCostly,
        format!("more than {INCLUDE_MAX} resources would come along; ask for smaller pages"),
    );
    RecordsError::with_issues(Kind::Unprocessable, vec![issue])
}
