//! From what a message says to the writes that say it in the chart.

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use ward_core::{Ctx, FhirId, RecordKey, ResourceType};
use ward_fhir::{Json, json::Object, outcome::Severity};
use ward_hl7::{Location, ProblemKind};
use ward_store::{Absent, Reader, Write, WriteKind};

use super::{
    Receiver,
    apply::Trouble,
    join, merge,
    place::{self, Place, Whom},
    status::{self, How},
};
use crate::convert::{Converted, Drafted, Identity};

/// What a message is in the chart.
#[derive(Default)]
pub(super) struct Composed {
    pub(super) writes: Vec<Write>,
    pub(super) unless: Vec<Absent>,
    /// Whom it is about.
    pub(super) patient: Option<FhirId>,
}

/// A record while it is put together.
struct Work<'c> {
    place: Place,
    /// What it will say; `None` while that is what it says.
    next: Option<Json<'static>>,
    drafts: Vec<&'c Drafted>,
}

pub(super) fn compose(
    receiver: &Receiver,
    reader: &Reader<'_>,
    cx: &Ctx,
    converted: &Converted,
    when: Option<Timestamp>,
) -> Result<Composed, Trouble> {
    let mut composed = Composed::default();
    let mut works: Vec<Work<'_>> = Vec::new();
    let mut slots: FxHashMap<&str, RecordKey> = FxHashMap::default();
    let mut named: FxHashMap<(ResourceType, &(String, String)), usize> = FxHashMap::default();
    let drafts = || converted.resources.iter().filter(|draft| !is_envelope(draft));
    let is_patient = |draft: &&Drafted| draft.kind == ResourceType::PATIENT.name();
    // Patients first: whose a record is decides whether it is the one that is meant.
    for draft in drafts().filter(is_patient).chain(drafts().filter(|draft| !is_patient(draft))) {
        let Ok(kind) = draft.kind.parse::<ResourceType>() else { continue };
        let identifiers: &[(String, String)] = match &draft.identity {
            Identity::Message | Identity::Key(_) => &[],
            Identity::Identifiers(identifiers) => identifiers,
        };
        let same = identifiers.iter().find_map(|it| named.get(&(kind, it)).copied());
        let at = match same {
            Some(at) => at,
            None => {
                let whose = place::subject_of(&draft.resource).and_then(|slot| slots.get(slot));
                let whose = whose.map(|key| &key.id);
                let mut place =
                    place_of(receiver, reader, cx, (kind, draft), whose, &mut composed.unless)?;
                // A second one that nothing tells from the first is still another.
                let is_taken = |place: &Place| works.iter().any(|it| it.place.key == place.key);
                if matches!(draft.identity, Identity::Key(_)) && whose.is_some() {
                    let mut nth = 1_u32;
                    while is_taken(&place) {
                        nth += 1;
                        let id = place.key.id.as_str().to_owned();
                        let parts = ["hl7v2", kind.name(), &id, &nth.to_string()];
                        let id = receiver.chart().derived_id(&parts);
                        place = place::by_key(reader, RecordKey::new(kind, id))?;
                    }
                }
                let known = works.iter().position(|work| work.place.key == place.key);
                known.unwrap_or_else(|| {
                    works.push(Work { place, next: None, drafts: Vec::new() });
                    works.len() - 1
                })
            }
        };
        named.extend(identifiers.iter().map(|it| ((kind, it), at)));
        if let Some(work) = works.get_mut(at) {
            slots.insert(&draft.slot, work.place.key.clone());
            if kind == ResourceType::PATIENT && composed.patient.is_none() {
                composed.patient = Some(work.place.key.id.clone());
            }
            work.drafts.push(draft);
        }
    }
    for work in &mut works {
        for draft in std::mem::take(&mut work.drafts) {
            let mut told = draft.resource.clone();
            link(&mut told, &slots);
            let so_far = work.next.as_ref().or(work.place.existing.as_deref());
            if let Some(next) = said(converted, draft, so_far, told, when) {
                work.next = Some(next);
            }
        }
    }
    let mut moves = Vec::new();
    for work in works {
        let joined = work.next.as_ref().filter(|_| work.place.key.kind == ResourceType::PATIENT);
        let to =
            joined.and_then(|next| join::newly_replaced_by(next, work.place.existing.as_deref()));
        let was_active = work.place.existing.as_deref().and_then(|it| it.get("active")?.as_bool());
        moves.extend(to.map(|to| (work.place.key.id.clone(), to, was_active)));
        composed.writes.extend(write(receiver, cx, converted, work)?);
    }
    for (from, to, was_active) in moves {
        let written = composed.writes.iter().map(|write| write.key.clone()).collect();
        let moved = join::move_records(receiver, reader, cx, (&from, &to, was_active), &written)?;
        composed.writes.extend(moved);
    }
    Ok(composed)
}

/// Whether a draft speaks of the message alone; the message itself is kept, and says more.
pub(super) fn is_envelope(draft: &Drafted) -> bool {
    let mut rows = draft.rows.iter().map(|(_, row)| row.as_str());
    draft.identity == Identity::Message
        || (!draft.rows.is_empty() && rows.all(|row| row.starts_with("MSH[")))
}

fn place_of(
    receiver: &Receiver,
    reader: &Reader<'_>,
    cx: &Ctx,
    (kind, draft): (ResourceType, &Drafted),
    whose: Option<&FhirId>,
    unless: &mut Vec<Absent>,
) -> Result<Place, Trouble> {
    let chart = receiver.chart();
    let derived = |parts: &[&str]| {
        let mut all = vec!["hl7v2", kind.name()];
        all.extend_from_slice(parts);
        let known = receiver.known();
        let place = known.place(reader, RecordKey::new(kind, chart.derived_id(&all)))?;
        // A number that stands for something of another patient is another number.
        match whose.filter(|whose| place.is_of_other(reader, whose)) {
            None => Ok(place),
            Some(whose) => {
                all.push(whose.as_str());
                known.place(reader, RecordKey::new(kind, chart.derived_id(&all)))
            }
        }
    };
    match &draft.identity {
        Identity::Key(parts) => derived(&parts.iter().map(String::as_str).collect::<Vec<_>>()),
        Identity::Identifiers(identifiers) if identifiers.is_empty() => {
            // Without a number it is the same when everything that is said of it is.
            let said = draft.resource.to_bytes();
            derived(&["content", &String::from_utf8_lossy(&said)])
        }
        Identity::Identifiers(identifiers) => {
            let is_replaced = join::is_replaced(&draft.resource);
            let whom = Whom { kind, is_replaced, whose };
            match place::by_identifiers(receiver, reader, whom, identifiers, unless)? {
                Some(place) => Ok(place),
                None => Ok(Place::new(RecordKey::new(kind, receiver.fresh_id(cx)?))),
            }
        }
        Identity::Message => Err(Trouble::content(ProblemKind::InvalidRecord, Location::MESSAGE)),
    }
}

/// What a record says after a draft; `None` where that is what it says already.
fn said(
    converted: &Converted,
    draft: &Drafted,
    existing: Option<&Json<'static>>,
    mut told: Json<'static>,
    when: Option<Timestamp>,
) -> Option<Json<'static>> {
    let how = status::settle(converted, draft, existing, &mut told, when);
    let Some(existing) = existing else { return Some(told) };
    match how {
        How::Replace => Some(merge::merge(existing, &told, &draft.cleared)),
        How::Fill if merge::fills_nothing(existing, &told) => None,
        How::Fill => Some(merge::fill(existing, &told)),
    }
}

fn write(
    receiver: &Receiver,
    cx: &Ctx,
    converted: &Converted,
    work: Work<'_>,
) -> Result<Option<Write>, Trouble> {
    let Place { key, base, existing } = work.place;
    let Some(next) = work.next else { return Ok(None) };
    if existing.as_deref().is_some_and(|existing| merge::is_same(existing, &next)) {
        return Ok(None);
    }
    let issues = ward_fhir::validate::validate(&next, Some(key.kind));
    if let Some(issue) = issues.iter().find(|issue| issue.severity <= Severity::Error) {
        tracing::warn!(kind = %key.kind, place = ?issue.expression, "message makes no valid record");
        return Err(Trouble::content(ProblemKind::InvalidRecord, Location::MESSAGE));
    }
    let kind = match base {
        None => WriteKind::Create,
        Some(base) => WriteKind::Update { base: Some(base) },
    };
    let mut next = next;
    set_source(&mut next, kind.base().map_or(1, |base| base.saturating_add(1)));
    let mut write = Write::of(next, &key, kind, cx.now, &receiver.inner.base);
    if let Some(event) = status::event_of(converted, key.kind) {
        write.event = Some(event);
    }
    Ok(Some(write))
}

/// What `meta.source` of a version begins with that a message wrote; the version follows, so that
/// it says nothing of a later one that somebody else writes.
const SOURCE: &str = "urn:ward:hl7v2#";

/// Whether a message wrote this version of a record.
pub(crate) fn is_from_message(record: &Json<'_>) -> bool {
    let meta = |name: &str| record.get("meta")?.get(name)?.as_str();
    meta("source").and_then(|source| source.strip_prefix(SOURCE)) == meta("versionId")
        && meta("versionId").is_some()
}

fn set_source(record: &mut Json<'static>, version: u32) {
    let Some(object) = record.as_object_mut() else { return };
    let source = Json::string(format!("{SOURCE}{version}"));
    match object.get_mut("meta").and_then(Json::as_object_mut) {
        Some(meta) => meta.insert("source", source),
        None => {
            let mut meta = Object::new();
            meta.insert("source", source);
            object.insert("meta", Json::Object(meta));
        }
    }
}

/// Puts the records' own addresses in the place of slots. A link to what is not kept goes.
fn link(json: &mut Json<'static>, slots: &FxHashMap<&str, RecordKey>) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| link(item, slots)),
        Json::Object(object) => {
            let slot = object.get("reference").and_then(Json::as_str);
            if let Some(slot) = slot.filter(|slot| slot.starts_with("urn:uuid:")) {
                match slots.get(slot) {
                    Some(key) => object.insert("reference", Json::string(key.to_string())),
                    None => {
                        object.remove("reference");
                    }
                }
            }
            object.iter_mut().for_each(|(_, value)| link(value, slots));
        }
        _ => {}
    }
}
