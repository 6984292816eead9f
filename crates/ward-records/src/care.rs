//! Whom a practitioner cares for, remembered for a minute.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use ward_core::{
    AuditAction, AuditOutcome, Ctx, FhirId, Kind, RecordKey, ResourceType, limits::CHAIN_KEYS_MAX,
};
use ward_fhir::{
    outcome::{Issue, IssueCode},
    search::{Handling, parse_search_at},
};
use ward_store::{Interaction, Reader, Write, WriteKind};

use crate::{
    Records, RecordsError, SearchTarget,
    search::{query_of, references_in},
};

/// Seconds for which an answer is kept.
/// LIMIT: a clerk who moves a patient by a way that Ward does not see is heard within a minute.
const KEPT_S: i64 = 60;

/// Most practitioners remembered.
/// LIMIT: the staff of a large hospital on shift; a few megabytes.
const PRACTITIONERS_MAX: usize = 5_000;

/// The kinds of record that say who cares for whom, and the parameter that names the practitioner.
const RELATIONS: [(ResourceType, &str); 3] = [
    (ResourceType::ENCOUNTER, "participant"),
    (ResourceType::CARE_TEAM, "participant"),
    (ResourceType::PATIENT, "general-practitioner"),
];

/// Answers that still hold.
#[derive(Default)]
pub(crate) struct Care(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_practitioner: HashMap<FhirId, (Timestamp, Arc<BTreeSet<FhirId>>)>,
    /// Raised by every change: an answer looked up before it is not kept.
    changes: u64,
}

/// Whose answers a commit may have changed.
pub(crate) enum Touched {
    Nobody,
    These(BTreeSet<FhirId>),
    /// A new version replaces one whose relations are not at hand.
    Everybody,
}

impl Touched {
    pub(crate) fn by(writes: &[Write]) -> Touched {
        let mut these = BTreeSet::new();
        for write in writes {
            let Some((kind, code)) = RELATIONS.iter().find(|(kind, _)| *kind == write.key.kind)
            else {
                continue;
            };
            match write.kind {
                WriteKind::Create | WriteKind::Update { base: None } => {
                    these.extend(references_in(
                        &write.terms,
                        *kind,
                        code,
                        ResourceType::PRACTITIONER,
                    ));
                }
                WriteKind::Update { .. } | WriteKind::Delete { .. } => return Touched::Everybody,
            }
        }
        if these.is_empty() { Touched::Nobody } else { Touched::These(these) }
    }
}

impl Care {
    pub(crate) fn forget(&self, touched: &Touched) {
        let mut known = self.lock();
        match touched {
            Touched::Nobody => return,
            Touched::These(these) => these.iter().for_each(|id| {
                known.by_practitioner.remove(id);
            }),
            Touched::Everybody => known.by_practitioner.clear(),
        }
        known.changes = known.changes.wrapping_add(1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// The patients whom a practitioner cares for: encounters that go on, care teams, and those
    /// who name them their general practitioner.
    ///
    /// - Shape: kept for a minute, unless a record that says who cares for whom is written.
    /// - Errors: `too-costly` past the limit; a part of them would hide the others in silence.
    /// - Audit: `operation`, for each look into the chart.
    pub async fn patients_in_care(
        &self,
        cx: &Ctx,
        practitioner: &FhirId,
    ) -> Result<Arc<BTreeSet<FhirId>>, RecordsError> {
        let changes = {
            let known = self.care.lock();
            if let Some((since, patients)) = known.by_practitioner.get(practitioner)
                && (SignedDuration::ZERO..SignedDuration::from_secs(KEPT_S))
                    .contains(&cx.now.duration_since(*since))
            {
                return Ok(Arc::clone(patients));
            }
            known.changes
        };
        let key = RecordKey::new(ResourceType::PRACTITIONER, practitioner.clone());
        let act = Interaction::on(AuditAction::Operation, key);
        let reader = self.chart.reader(cx, act.with_detail("care relationships".to_owned()));
        let found = self.look_up_care(&reader, practitioner);
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        let patients = Arc::new(found?);
        let mut known = self.care.lock();
        if known.changes == changes {
            if PRACTITIONERS_MAX <= known.by_practitioner.len() {
                known.by_practitioner.clear();
            }
            known.by_practitioner.insert(practitioner.clone(), (cx.now, Arc::clone(&patients)));
        }
        Ok(patients)
    }

    fn look_up_care(
        &self,
        reader: &Reader<'_>,
        practitioner: &FhirId,
    ) -> Result<BTreeSet<FhirId>, RecordsError> {
        let mut patients = BTreeSet::new();
        for (kind, code) in RELATIONS {
            let status = match kind {
                ResourceType::ENCOUNTER => "&status=arrived,triaged,in-progress,onleave,planned",
                ResourceType::CARE_TEAM => "&status=active",
                _ => "",
            };
            let query = format!("{code}=Practitioner/{practitioner}{status}");
            let request = parse_search_at(Some(kind), &query, Handling::Strict, &self.base)
                .map_err(|issues| RecordsError::with_issues(Kind::Bug, issues))?;
            let mut query = query_of(reader, &SearchTarget::Type(kind), &request)?;
            query.count = CHAIN_KEYS_MAX + 1;
            let hits = reader.search(&query)?.hits;
            if CHAIN_KEYS_MAX < hits.len() {
                return Err(too_many());
            }
            for hit in hits {
                if kind == ResourceType::PATIENT {
                    patients.insert(reader.key(&hit)?.id);
                } else {
                    let terms = reader.terms(&hit)?;
                    patients.extend(references_in(&terms, kind, "patient", ResourceType::PATIENT));
                }
            }
        }
        Ok(patients)
    }
}

fn too_many() -> RecordsError {
    let issue = Issue::error(
        IssueCode::TooCostly,
        format!("the practitioner stands in more than {CHAIN_KEYS_MAX} records of care"),
    );
    RecordsError::with_issues(Kind::Unprocessable, vec![issue])
}
