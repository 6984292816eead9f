//! A patient who was registered twice: what the chart holds of one goes to the other.
//!
//! - Source: HL7 v2.8, 3.6.2.1 merging two patients; FHIR R4, Patient.link `replaced-by`.

use rustc_hash::FxHashSet;
use ward_core::{Ctx, FhirId, RecordKey};
use ward_fhir::Json;
use ward_hl7::{Location, ProblemKind};
use ward_store::{
    Reader, Write,
    join::{self, JoinError, JoinKept, Joining, join},
    workflow::own_read,
};

use super::{Receiver, apply::Trouble};

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

/// Writes that make every record about `from` a record about `to`, and one that says how to part
/// them again.
///
/// - Errors: more records than one commit takes.
/// - Cost: reads and seals each of them anew, under the key of `to`.
pub(super) fn move_records(
    receiver: &Receiver,
    reader: &Reader<'_>,
    cx: &Ctx,
    (from, to, was_active): (&FhirId, &FhirId, Option<bool>),
    written: &FxHashSet<RecordKey>,
) -> Result<Vec<Write>, Trouble> {
    let trouble = |error| match error {
        JoinError::Read(error) => error.into(),
        JoinError::Search(error) => error.into(),
        JoinError::TooMany => Trouble::content(ProblemKind::TooLarge, Location::MESSAGE),
        JoinError::Json | JoinError::Own(_) => {
            Trouble::content(ProblemKind::InvalidRecord, Location::MESSAGE)
        }
    };
    let made = join(reader, (from, to), written, (cx.now, &receiver.inner.base));
    let Joining { mut writes, moved } = made.map_err(trouble)?;
    let own = own_read::<JoinKept>(reader, &join::key(from))?;
    let kept = JoinKept { into: to.to_string(), at: cx.now, was_active, moved, undone: None };
    let kept = join::kept_write(from, own.map(|(_, version)| version), &kept);
    writes.push(kept.map_err(|error| trouble(JoinError::Own(error)))?);
    Ok(writes)
}

/// Kind and target of each link.
fn links<'j>(patient: &'j Json<'_>) -> impl Iterator<Item = (&'j str, &'j str)> {
    let links = patient.get("link").map(Json::items).unwrap_or_default();
    links.iter().filter_map(|link| {
        let kind = link.get("type")?.as_str()?;
        Some((kind, link.get("other")?.get("reference")?.as_str()?))
    })
}
