//! A patient who was registered twice: what the chart holds of one goes to the other.
//!
//! - Source: HL7 v2.8, 3.6.2.1 merging two patients; FHIR R4, Patient.link `replaced-by`.

use rustc_hash::FxHashSet;
use ward_core::{Ctx, FhirId, RecordKey, ResourceType, limits::BUNDLE_ENTRIES_MAX};
use ward_fhir::Json;
use ward_hl7::{Location, ProblemKind};
use ward_store::{Cursor, Filter, Part, Query, Reader, Write, WriteKind};

use super::{Receiver, apply::Trouble};

/// Records looked at once.
const STEP: usize = 500;

/// Whether a draft says that its patient is another from now on.
pub(super) fn is_replaced(draft: &Json<'_>) -> bool {
    links(draft).any(|(kind, _)| kind == "replaced-by")
}

/// The patient that `patient` is from now on, when `before` did not say so yet.
pub(super) fn newly_replaced_by(patient: &Json<'_>, before: Option<&Json<'_>>) -> Option<FhirId> {
    let target = |json: &Json<'_>| {
        let found = links(json).find(|(kind, _)| *kind == "replaced-by");
        found.and_then(|(_, target)| target.rsplit_once("Patient/")?.1.parse::<FhirId>().ok())
    };
    let now = target(patient)?;
    (before.and_then(target).as_ref() != Some(&now)).then_some(now)
}

/// Writes that make every record about `from` a record about `to`.
///
/// - Errors: more records than one commit takes.
/// - Cost: reads and seals each of them anew, under the key of `to`.
pub(super) fn move_records(
    receiver: &Receiver,
    reader: &Reader<'_>,
    cx: &Ctx,
    (from, to): (&FhirId, &FhirId),
    written: &FxHashSet<RecordKey>,
) -> Result<Vec<Write>, Trouble> {
    let (old, new) = (format!("Patient/{from}"), format!("Patient/{to}"));
    let mut writes = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let part = |kind| Part { kind, filter: Filter::All(Vec::new()) };
        let found = reader.search(&Query {
            parts: ResourceType::fhir()
                .filter(|kind| *kind != ResourceType::PATIENT)
                .map(part)
                .collect(),
            patient: Some(from.clone()),
            sort: Vec::new(),
            count: STEP,
            after,
            total: false,
        })?;
        for hit in &found.hits {
            let stored = reader.fetch(hit)?;
            if written.contains(&stored.key) {
                continue;
            }
            let Ok(json) = Json::parse(&stored.body) else {
                return Err(Trouble::content(ProblemKind::InvalidRecord, Location::MESSAGE));
            };
            let mut json = json.into_owned();
            if point(&mut json, &old, &new) == 0 {
                continue;
            }
            let kind = WriteKind::Update { base: Some(stored.version) };
            writes.push(Write::of(json, &stored.key, kind, cx.now, &receiver.inner.base));
            if BUNDLE_ENTRIES_MAX / 2 < writes.len() {
                return Err(Trouble::content(ProblemKind::TooLarge, Location::MESSAGE));
            }
        }
        after = found.next;
        if after.is_none() {
            return Ok(writes);
        }
    }
}

/// Turns references to `old` into references to `new`, and answers how many.
fn point(json: &mut Json<'static>, old: &str, new: &str) -> usize {
    match json {
        Json::Array(items) => items.iter_mut().map(|item| point(item, old, new)).sum(),
        Json::Object(object) => {
            let mut n = 0;
            let is_old = object.get("reference").and_then(Json::as_str).is_some_and(|reference| {
                reference == old || reference.ends_with(&format!("/{old}"))
            });
            if is_old {
                object.insert("reference", Json::string(new.to_owned()));
                n += 1;
            }
            n + object.iter_mut().map(|(_, value)| point(value, old, new)).sum::<usize>()
        }
        _ => 0,
    }
}

/// Kind and target of each link.
fn links<'j>(patient: &'j Json<'_>) -> impl Iterator<Item = (&'j str, &'j str)> {
    let links = patient.get("link").map(Json::items).unwrap_or_default();
    links.iter().filter_map(|link| {
        let kind = link.get("type")?.as_str()?;
        Some((kind, link.get("other")?.get("reference")?.as_str()?))
    })
}
