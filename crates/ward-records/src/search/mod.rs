//! search, in all its targets.

mod include;
mod links;
mod page;
mod period;
mod resolve;
mod subset;

use ward_core::{
    AuditAction, AuditOutcome, Ctx, FhirId, Kind, RecordKey, ResourceType,
    limits::{PAGE_DEFAULT, PAGE_MAX},
};
use ward_fhir::search::{
    Conditions, Handling, Interval, SearchRequest, SummaryMode, Test, TotalMode, param,
    param_by_id, parse_search_at,
};
use ward_store::{Absent, Filter, Interaction, Part, Query, Reader, SortBy};

pub(crate) use self::{
    links::{encode, of as links_of},
    page::{Entry, bundle},
    resolve::references_in,
};
use crate::{Records, RecordsError, Reply};

/// What is searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchTarget {
    Type(ResourceType),
    /// All types, or those of `_type`.
    System,
    /// What belongs to one record, such as `Patient/1/Observation`; `None` is every type (`*`).
    Compartment {
        of: RecordKey,
        kind: Option<ResourceType>,
    },
}

impl Records {
    /// One page of a search.
    ///
    /// - Shape: `query` is what comes after `?`, still encoded.
    /// - Errors: an unknown parameter is 400 unless `is_lenient`, and then left out of the self
    ///   link; a chain or include that grows too large is refused, never cut short.
    /// - Audit: `search` with the query and every patient shown, durable before the answer.
    /// - Source: FHIR R4, 3.1.1 Search.
    pub async fn search(
        &self,
        cx: &Ctx,
        target: &SearchTarget,
        query: &str,
        is_lenient: bool,
    ) -> Result<Reply, RecordsError> {
        if let Some(answer) = self.audit_of(cx, target, query, is_lenient).await {
            return answer;
        }
        self.search_narrowed(cx, target, query, is_lenient, &Narrowed::default()).await
    }

    /// A search that an operation has narrowed.
    pub(crate) async fn search_narrowed(
        &self,
        cx: &Ctx,
        target: &SearchTarget,
        query: &str,
        is_lenient: bool,
        narrowed: &Narrowed,
    ) -> Result<Reply, RecordsError> {
        let act = match target {
            SearchTarget::Type(kind) => Interaction::of(AuditAction::Search, *kind),
            SearchTarget::System => Interaction::new(AuditAction::Search),
            SearchTarget::Compartment { of, .. } => {
                Interaction::on(AuditAction::Search, of.clone())
            }
        };
        let reader = self.chart.reader(cx, act.with_detail(query.to_owned()));
        let answer = self.search_page(&reader, target, query, is_lenient, narrowed);
        let outcome = match &answer {
            Ok(_) => AuditOutcome::Success,
            Err(error) if error.kind == Kind::Bug => AuditOutcome::SeriousFailure,
            Err(_) => AuditOutcome::MinorFailure,
        };
        reader.finish(outcome).await?;
        answer
    }

    fn search_page(
        &self,
        reader: &Reader<'_>,
        target: &SearchTarget,
        query: &str,
        is_lenient: bool,
        narrowed: &Narrowed,
    ) -> Result<Reply, RecordsError> {
        let handling = if is_lenient { Handling::Lenient } else { Handling::Strict };
        let kind = match target {
            SearchTarget::Type(kind) => Some(*kind),
            SearchTarget::System => None,
            SearchTarget::Compartment { kind, .. } => *kind,
        };
        let mut request = parse_search_at(kind, query, handling, &self.base)
            .map_err(|issues| RecordsError::with_issues(Kind::Invalid, issues))?;
        request.applied.retain(|(name, _)| !narrowed.hides.contains(&name.as_str()));
        request.applied.splice(0..0, narrowed.said.iter().cloned());
        let mut store_query = query_of(reader, target, &request)?;
        if let Some(within) = narrowed.within {
            period::narrow(&mut store_query, within);
        }
        let found = reader.search(&store_query)?;
        let mut entries = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            entries.push(page::Entry::matched(reader.fetch(hit)?));
        }
        include::add(reader, &request, &found.hits, &mut entries, &self.base)?;
        let next = found.next.as_ref().map(ToString::to_string);
        let here = narrowed.here.clone().unwrap_or_else(|| self.address_of(target));
        let links = links::of(&here, &request, next);
        let total = found.total.filter(|_| request.total != TotalMode::None);
        Ok(Reply::body(200, page::bundle(&self.base, &request, &links, total, entries)))
    }

    fn address_of(&self, target: &SearchTarget) -> String {
        match target {
            SearchTarget::Type(kind) => format!("{}/{kind}", self.base),
            SearchTarget::System => self.base.to_string(),
            SearchTarget::Compartment { of, kind } => {
                format!("{}/{of}/{}", self.base, kind.map_or("*", ResourceType::name))
            }
        }
    }

    /// The answer of the audit log, when that is what is searched.
    async fn audit_of(
        &self,
        cx: &Ctx,
        target: &SearchTarget,
        query: &str,
        is_lenient: bool,
    ) -> Option<Result<Reply, RecordsError>> {
        let handling = if is_lenient { Handling::Lenient } else { Handling::Strict };
        let patient = match target {
            SearchTarget::Type(ResourceType::AUDIT_EVENT) => None,
            SearchTarget::Compartment { of, kind: Some(ResourceType::AUDIT_EVENT) }
                if of.kind == ResourceType::PATIENT =>
            {
                Some(&of.id)
            }
            _ => return None,
        };
        Some(self.search_audit(cx, &self.address_of(target), patient, query, handling).await)
    }

    /// The records a condition matches (at most two are told apart), and what must stay absent.
    pub(crate) async fn matches_of(
        &self,
        cx: &Ctx,
        kind: ResourceType,
        query: &str,
    ) -> Result<Matched, RecordsError> {
        let act = Interaction::of(AuditAction::Search, kind).with_detail(query.to_owned());
        let reader = self.chart.reader(cx, act);
        let answer = matches(&reader, kind, query, 2, &self.base);
        let outcome =
            if answer.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        answer
    }
}

/// What an operation adds to a search.
#[derive(Default)]
pub(crate) struct Narrowed {
    /// The address of the operation, for its links.
    pub(crate) here: Option<String>,
    /// Only what belongs to this time, by [`period`].
    pub(crate) within: Option<Interval>,
    /// Parameters of the operation, as they were said.
    pub(crate) said: Vec<(String, String)>,
    /// Parameters of the search that stand for one of those.
    pub(crate) hides: Vec<&'static str>,
}

/// What a condition matches.
pub(crate) struct Matched {
    pub(crate) keys: Vec<RecordKey>,
    /// What must stay as it is for the answer to hold.
    pub(crate) absent: Absent,
    /// The ids that the condition names by `_id`, which is no clause.
    pub(crate) ids: Option<Vec<FhirId>>,
}

/// The first `n_wanted` records that a condition matches.
pub(crate) fn matches(
    reader: &Reader<'_>,
    kind: ResourceType,
    query: &str,
    n_wanted: usize,
    base: &str,
) -> Result<Matched, RecordsError> {
    let request = parse_search_at(Some(kind), query, Handling::Strict, base)
        .map_err(|issues| RecordsError::with_issues(Kind::Invalid, issues))?;
    let Some(part) = request.parts.first() else {
        return Err(RecordsError::bug("a search without a type"));
    };
    let Conditions { ids, clauses, chains, has } = &part.conditions;
    if clauses.is_empty() && ids.is_none() || !chains.is_empty() || !has.is_empty() {
        return Err(RecordsError::new(
            Kind::Invalid,
            "a condition names at least one parameter, without chains",
        ));
    }
    let absent = Absent { kind, clauses: clauses.clone(), seen: reader.seq() };
    let ids = ids.clone();
    let mut query = query_of(reader, &SearchTarget::Type(kind), &request)?;
    query.count = n_wanted;
    let mut keys = Vec::new();
    for hit in reader.search(&query)?.hits {
        keys.push(reader.key(&hit)?);
    }
    Ok(Matched { keys, absent, ids })
}

/// The request in the chart's words, chains and `_has` looked up.
pub(crate) fn query_of(
    reader: &Reader<'_>,
    target: &SearchTarget,
    request: &SearchRequest,
) -> Result<Query, RecordsError> {
    let mut patient = None;
    let mut compartment = None;
    match target {
        SearchTarget::Compartment { of, .. } if of.kind == ResourceType::PATIENT => {
            patient = Some(of.id.clone());
        }
        SearchTarget::Compartment { of, .. } => compartment = Some(of),
        SearchTarget::Type(_) | SearchTarget::System => patient = patient_of(request),
    }
    let mut parts = Vec::with_capacity(request.parts.len());
    for part in &request.parts {
        let mut filter = resolve::filter(reader, part.kind, &part.conditions)?;
        if let Some(of) = compartment {
            match resolve::in_compartment(of, part.kind) {
                None => continue,
                Some(within) => filter = Filter::All(vec![within, filter]),
            }
        }
        parts.push(Part { kind: part.kind, filter });
    }
    let only_total = request.summary == SummaryMode::Count || request.count == Some(0);
    let count = match request.count {
        _ if only_total => 0,
        None => PAGE_DEFAULT,
        Some(count) => count.min(PAGE_MAX),
    };
    let sort =
        request.sort.iter().map(|by| SortBy { code: by.code.clone(), descending: by.descending });
    let after = match &request.cursor {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| RecordsError::new(Kind::Invalid, "the page link is damaged"))?,
        ),
    };
    Ok(Query {
        parts,
        patient,
        sort: sort.collect(),
        count,
        after,
        total: only_total || matches!(request.total, TotalMode::Accurate | TotalMode::Estimate),
    })
}

/// The one patient a search stays with, when a parameter of its type's compartment says so.
fn patient_of(request: &SearchRequest) -> Option<FhirId> {
    let [part] = request.parts.as_slice() else { return None };
    part.conditions.clauses.iter().find_map(|clause| {
        let [test] = clause.any.as_slice() else { return None };
        let id = match (clause.op, test) {
            (ward_fhir::search::ClauseOp::Any, Test::Reference { .. }) => {
                test.patient_reference()?
            }
            _ => return None,
        };
        // `patient` and `subject` are what places a record in a patient's compartment.
        let is_membership = ["patient", "subject"]
            .iter()
            .any(|code| param(part.kind, code).is_some_and(|def| def.id == clause.param));
        let only_patients = param_by_id(clause.param)
            .is_some_and(|def| *def.targets == [ResourceType::PATIENT])
            || matches!(test, Test::Reference { kind: Some(ResourceType::PATIENT), .. });
        (is_membership && only_patients && resolve::is_compartment_param(part.kind, clause.param))
            .then_some(id)
    })
}
