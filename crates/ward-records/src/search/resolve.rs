//! Chains, `_has` and compartments, looked up under the caller's own rights.

use std::collections::BTreeSet;

use ward_core::{FhirId, Kind, RecordKey, ResourceType, limits::CHAIN_KEYS_MAX};
use ward_fhir::{
    outcome::{Issue, IssueCode},
    search::{Clause, ClauseOp, Conditions, ParamId, Term, TermValue, Test, param},
};
use ward_store::{Filter, Hit, Part, Query, ReadError, Reader};

use crate::RecordsError;

/// The filter of one type's conditions.
pub(super) fn filter(
    reader: &Reader<'_>,
    kind: ResourceType,
    conditions: &Conditions,
) -> Result<Filter, RecordsError> {
    let mut all = Vec::new();
    if let Some(ids) = &conditions.ids {
        all.push(keys(ids.iter().map(|id| RecordKey::new(kind, id.clone()))));
    }
    for chain in &conditions.chains {
        let mut any = Vec::new();
        for link in &chain.any {
            let found = matches(reader, link.target, &link.then, &mut |hit, found| {
                found.insert(reader.key(hit)?);
                Ok(())
            })?;
            for key in found {
                any.push(Test::Reference {
                    kind: Some(key.kind),
                    id: key.id.as_str().into(),
                    version: None,
                });
            }
        }
        all.push(match any.is_empty() {
            true => Filter::Any(Vec::new()),
            false => Filter::Clause(Clause { param: chain.param, op: ClauseOp::Any, any }),
        });
    }
    for has in &conditions.has {
        let found = matches(reader, has.source, &has.then, &mut |hit, found| {
            let terms = reader.terms(hit)?;
            let ids = references(&terms, has.reference, kind);
            found.extend(ids.map(|id| RecordKey::new(kind, id)));
            Ok(())
        })?;
        all.push(keys(found));
    }
    all.extend(conditions.clauses.iter().cloned().map(Filter::Clause));
    Ok(Filter::All(all))
}

/// Adds what one match of an inner search leads to.
type Give<'a> = dyn FnMut(&Hit, &mut BTreeSet<RecordKey>) -> Result<(), ReadError> + 'a;

/// What every match of an inner search gives, all of it.
///
/// - Errors: `too-costly` past the limit; an answer from a part of them would be a wrong answer.
fn matches(
    reader: &Reader<'_>,
    kind: ResourceType,
    conditions: &Conditions,
    give: &mut Give<'_>,
) -> Result<BTreeSet<RecordKey>, RecordsError> {
    let query = Query {
        parts: vec![Part { kind, filter: filter(reader, kind, conditions)? }],
        patient: None,
        sort: Vec::new(),
        count: CHAIN_KEYS_MAX + 1,
        after: None,
        total: false,
    };
    let hits = reader.search(&query)?.hits;
    if CHAIN_KEYS_MAX < hits.len() {
        let issue = Issue::error(
            IssueCode::TooCostly,
            format!("a chained step matches more than {CHAIN_KEYS_MAX} resources; narrow it"),
        );
        return Err(RecordsError::with_issues(Kind::Unprocessable, vec![issue]));
    }
    let mut found = BTreeSet::new();
    for hit in &hits {
        give(hit, &mut found)?;
    }
    Ok(found)
}

fn keys(keys: impl IntoIterator<Item = RecordKey>) -> Filter {
    Filter::Keys(keys.into_iter().collect())
}

/// Ids of the records of type `target` that a parameter refers to.
fn references(
    terms: &[Term],
    by: ParamId,
    target: ResourceType,
) -> impl Iterator<Item = FhirId> + '_ {
    terms.iter().filter(move |term| term.param == by).filter_map(move |term| match &term.value {
        TermValue::Reference { kind, id, .. } if *kind == target => id.parse().ok(),
        _ => None,
    })
}

pub(crate) fn references_in(
    terms: &[Term],
    kind: ResourceType,
    code: &str,
    target: ResourceType,
) -> Vec<FhirId> {
    param(kind, code).map_or(Vec::new(), |def| references(terms, def.id, target).collect())
}

/// Records of `kind` that belong to `of`, by the parameters of its compartment; `None` when the
/// type is not in that compartment.
pub(super) fn in_compartment(of: &RecordKey, kind: ResourceType) -> Option<Filter> {
    let codes = ward_fhir::definitions::schema().compartment(of.kind.name())?.params(kind.name());
    let test = Test::Reference { kind: Some(of.kind), id: of.id.as_str().into(), version: None };
    let any: Vec<Filter> = codes
        .iter()
        .filter_map(|code| param(kind, code))
        .map(|def| {
            Filter::Clause(Clause { param: def.id, op: ClauseOp::Any, any: vec![test.clone()] })
        })
        .collect();
    let itself = (kind == of.kind).then(|| keys([of.clone()]));
    let any: Vec<Filter> = any.into_iter().chain(itself).collect();
    (!any.is_empty()).then_some(Filter::Any(any))
}

/// Whether a parameter, or one that means the same, places a record in the Patient compartment.
pub(super) fn is_compartment_param(kind: ResourceType, id: ParamId) -> bool {
    let Some(compartment) = ward_fhir::definitions::schema().compartment("Patient") else {
        return false;
    };
    let codes = compartment.params(kind.name());
    let is_one = codes.iter().any(|code| param(kind, code).is_some_and(|def| def.id == id));
    // SPEC: where the compartment names `subject`, `patient` is the same reference narrowed to
    // patients, and the other way round.
    let pair =
        |a: &str, b: &str| codes.contains(&a) && param(kind, b).is_some_and(|def| def.id == id);
    is_one || pair("subject", "patient") || pair("patient", "subject")
}
