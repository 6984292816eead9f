//! The audit log as FHIR AuditEvent: read and searched by auditors, written by nobody.

mod render;

use jiff::Timestamp;
use ward_core::{
    Ctx, FhirId, Kind, RecordKey, ResourceType,
    limits::{PAGE_DEFAULT, PAGE_MAX},
};
use ward_fhir::{
    outcome::{Issue, IssueCode},
    search::{
        Clause, ClauseOp, Conditions, Handling, Prefix, SearchRequest, SummaryMode, Test,
        TotalMode, extract_at, param, parse_search_at,
    },
};
use ward_store::{AuditEntry, AuditFilter, HistoryPlace, Method, Stored};

use crate::{Records, RecordsError, Reply, search};

/// Pages of the log that are read for one page of a search.
/// LIMIT: 20,000 entries, about a tenth of a second; a page that ends early says where to go on.
const LOOKS_MAX: usize = 20;

/// Most ids of one search.
/// LIMIT: each is a look of its own into the log.
const IDS_MAX: usize = 100;

const KIND: ResourceType = ResourceType::AUDIT_EVENT;

/// Refuses to write what only Ward itself writes.
///
/// - Errors: 403; the log is made by what is done, not by what is said.
pub(crate) fn may_write(kind: ResourceType) -> Result<(), RecordsError> {
    if kind != KIND {
        return Ok(());
    }
    let issue = Issue::error(
        IssueCode::Forbidden,
        "AuditEvent is Ward's own log: it is read and searched, never written",
    );
    Err(RecordsError::with_issues(Kind::Refused, vec![issue]))
}

impl Records {
    /// One entry of the log.
    ///
    /// - Errors: 403 for whoever may not read the log, 404 when there is no such entry.
    /// - Audit: `audit-read`, durable before the answer.
    pub(crate) async fn read_audit(&self, cx: &Ctx, id: &FhirId) -> Result<Reply, RecordsError> {
        let entry = match number_of(id) {
            Some(n) => self.chart.audit_entry(cx, n).await?,
            // No entry has such an id; that it was asked for is still on the log.
            None => self.chart.audit_entry(cx, u64::MAX).await?.filter(|_| false),
        };
        let entry = entry.ok_or_else(RecordsError::not_found)?;
        Ok(Reply::stored(200, stored(&entry)?))
    }

    /// One page of the log, newest first.
    ///
    /// - Shape: every parameter of AuditEvent but chains, `_has` and includes; within one patient's
    ///   compartment when `patient` is given.
    /// - Errors: 403 for whoever may not read the log; 400 for an order other than `-date`.
    /// - Audit: `audit-read` for each look into the log, durable before the answer.
    pub(crate) async fn search_audit(
        &self,
        cx: &Ctx,
        here: &str,
        patient: Option<&FhirId>,
        query: &str,
        handling: Handling,
    ) -> Result<Reply, RecordsError> {
        let request = parse_search_at(Some(KIND), query, handling, &self.base)
            .map_err(|issues| RecordsError::with_issues(Kind::Invalid, issues))?;
        let part = request.parts.first().ok_or_else(|| RecordsError::bug("no type"))?;
        let conditions = &part.conditions;
        refuse_unsupported(&request, conditions)?;
        let before = match &request.cursor {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| damaged())?),
        };
        let asked = Asked {
            clauses: &conditions.clauses,
            patient: patient.cloned().or_else(|| patient_in(&conditions.clauses)),
            since: since(&conditions.clauses),
            count: request.count.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX),
            before,
        };
        let (entries, next) = match &conditions.ids {
            Some(ids) => (self.audit_by_id(cx, ids, &asked).await?, None),
            None => self.audit_page(cx, &asked).await?,
        };
        let entries: Result<Vec<_>, _> =
            entries.iter().map(|entry| stored(entry).map(search::Entry::matched)).collect();
        let links = search::links_of(here, &request, next.map(|n| n.to_string()));
        Ok(Reply::body(200, search::bundle(&self.base, &request, &links, None, entries?)))
    }

    async fn audit_page(
        &self,
        cx: &Ctx,
        asked: &Asked<'_>,
    ) -> Result<(Vec<AuditEntry>, Option<u64>), RecordsError> {
        let mut found = Vec::new();
        let mut before = asked.before;
        for _ in 0..LOOKS_MAX {
            let filter = AuditFilter {
                patient: asked.patient.clone(),
                since: asked.since,
                before,
                // Without a test of our own the first look is the page.
                limit: if asked.clauses.is_empty() { asked.count + 1 } else { PAGE_MAX },
            };
            let page = self.chart.audit_entries(cx, &filter).await?;
            for entry in page.entries {
                if found.len() == asked.count {
                    return Ok((found, before));
                }
                before = Some(entry.n);
                if asked.accepts(&entry) {
                    found.push(entry);
                }
            }
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok((found, before))
    }

    async fn audit_by_id(
        &self,
        cx: &Ctx,
        ids: &[FhirId],
        asked: &Asked<'_>,
    ) -> Result<Vec<AuditEntry>, RecordsError> {
        if IDS_MAX < ids.len() {
            let says = format!("more than {IDS_MAX} ids of the audit log");
            return Err(RecordsError::new(Kind::Invalid, says));
        }
        let mut numbers: Vec<u64> = ids.iter().filter_map(number_of).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.dedup();
        // Whoever may not read the log hears so whatever the ids are.
        if numbers.is_empty() {
            numbers.push(u64::MAX);
        }
        let mut found = Vec::new();
        for n in numbers {
            let entry = self.chart.audit_entry(cx, n).await?;
            found.extend(entry.filter(|entry| asked.accepts(entry)));
        }
        Ok(found)
    }
}

/// What is asked of the log.
struct Asked<'r> {
    clauses: &'r [Clause],
    patient: Option<FhirId>,
    since: Option<Timestamp>,
    count: usize,
    before: Option<u64>,
}

impl Asked<'_> {
    /// Tests the entry as the resource that it is shown as.
    fn accepts(&self, entry: &AuditEntry) -> bool {
        if self.clauses.is_empty() {
            return true;
        }
        let terms = extract_at(KIND, &render::render(entry), "").terms;
        self.clauses.iter().all(|clause| clause.matches(&terms))
    }
}

fn refuse_unsupported(
    request: &SearchRequest,
    conditions: &Conditions,
) -> Result<(), RecordsError> {
    let refused = |says: &str| {
        let issue = Issue::error(IssueCode::NotSupported, says);
        Err(RecordsError::with_issues(Kind::Invalid, vec![issue]))
    };
    if !conditions.chains.is_empty() || !conditions.has.is_empty() {
        return refused("the audit log is searched without chains and `_has`");
    }
    if !request.includes.is_empty() || !request.revincludes.is_empty() {
        return refused("the audit log brings nothing along");
    }
    let in_order = |by: &ward_fhir::search::SortBy| {
        by.descending && matches!(&*by.code, "date" | "_lastUpdated")
    };
    if !request.sort.iter().all(in_order) {
        return refused("the audit log is told newest first: `_sort=-date`");
    }
    if request.total == TotalMode::Accurate || request.summary == SummaryMode::Count {
        return refused("the entries of the audit log are not counted");
    }
    Ok(())
}

/// The one patient that a clause stays with.
fn patient_in(clauses: &[Clause]) -> Option<FhirId> {
    let def = param(KIND, "patient")?;
    clauses.iter().find_map(|clause| match (clause.op, clause.any.as_slice()) {
        (ClauseOp::Any, [Test::Reference { id, .. }]) if clause.param == def.id => id.parse().ok(),
        _ => None,
    })
}

/// Before this nothing can match.
fn since(clauses: &[Clause]) -> Option<Timestamp> {
    let def = param(KIND, "date")?;
    let starts = clauses.iter().filter(|clause| clause.param == def.id).filter_map(|clause| {
        let (ClauseOp::Any, [Test::Date { prefix, interval }]) = (clause.op, clause.any.as_slice())
        else {
            return None;
        };
        let has_start = matches!(prefix, Prefix::Eq | Prefix::Ge | Prefix::Gt | Prefix::Sa);
        has_start.then(|| Timestamp::from_microsecond(interval.from_us).ok()).flatten()
    });
    starts.max()
}

fn number_of(id: &FhirId) -> Option<u64> {
    let n: u64 = id.as_str().parse().ok()?;
    // One id for each entry: `007` is none.
    (n.to_string() == id.as_str()).then_some(n)
}

fn stored(entry: &AuditEntry) -> Result<Stored, RecordsError> {
    let id = entry.n.to_string().parse().map_err(|_| RecordsError::bug("a number is no id"))?;
    Ok(Stored {
        key: RecordKey::new(KIND, id),
        version: 1,
        seq: entry.seq,
        last_updated: entry.time,
        deleted: false,
        method: Method::Create,
        place: HistoryPlace(0),
        body: render::render(entry).to_bytes(),
    })
}

fn damaged() -> RecordsError {
    RecordsError::new(Kind::Invalid, "the page link is damaged")
}
