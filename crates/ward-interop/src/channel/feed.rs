//! What happens in the chart, as messages for the destinations of a channel.
//!
//! Each commit is read once, in order; its messages and the place on the feed are one commit, so
//! that nothing is told twice or left out, whatever stops in between.

use std::collections::BTreeSet;

use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, Phi, RecordKey, ResourceType};
use ward_fhir::{Json, json::Object};
use ward_hl7::{Message, ReadSettings};
use ward_store::{
    CommitError, CommitUnit, ConsumerName, Direction, FeedPlace, Filter, Interaction, MessageState,
    NewMessage, Part, Query, ReadError, Reader, Reuse, Seq, Stored,
};

use super::{Forward, happened::event_of};
use crate::{
    contract::{Note, Receiver, is_from_message},
    to_v2::{Event, Header, Party},
};

/// Versions looked at in one round.
const STEP: usize = 256;

/// Most records that one message is written from.
/// LIMIT: a report of hundreds of results; more is a bundle for the FHIR interface.
const RECORDS_MAX: usize = 2_000;

/// How far references are followed.
/// LIMIT: a result, its order, its stay, their people and places.
const DEPTH_MAX: usize = 4;

/// Of which changes messages are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changes {
    /// Of those that no message brought: what comes by an interface is passed on as it came.
    #[default]
    Own,
    All,
}

impl Changes {
    pub const fn as_str(self) -> &'static str {
        match self {
            Changes::Own => "own",
            Changes::All => "all",
        }
    }
}

/// The feed of one channel.
pub struct Feed {
    receiver: Receiver,
    name: String,
    consumer: ConsumerName,
    changes: Changes,
    from: Party,
    forwards: Vec<Forward>,
    /// Commits up to this one have been looked at and had nothing to tell.
    seen: Seq,
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fed {
    pub n_messages: usize,
    /// Whether there may be more at once.
    pub has_more: bool,
}

/// The feed cannot go on now.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("the chart was not read")]
    Read(#[from] ReadError),
    #[error("the chart was not searched")]
    Search(#[from] ward_store::SearchError),
    #[error("the messages were not kept")]
    Commit(#[from] CommitError),
    #[error("the name of the channel is too long")]
    Name,
}

impl Feed {
    /// - Shape: a channel that is new begins with what happens from now on.
    pub fn new(
        receiver: Receiver,
        name: &str,
        changes: Changes,
        from: Party,
        forwards: Vec<Forward>,
    ) -> Result<Feed, FeedError> {
        let consumer = format!("hl7.{name}").parse().map_err(|_| FeedError::Name)?;
        let name = name.to_owned();
        Ok(Feed { receiver, name, consumer, changes, from, forwards, seen: Seq::default() })
    }

    /// Looks at the next commits, and keeps their messages for the destinations.
    ///
    /// - Audit: one entry for each commit that has messages.
    /// - Repeat: safe; the place on the feed is kept with the messages.
    pub async fn round(&mut self) -> Result<Fed, FeedError> {
        let chart = self.receiver.chart().clone();
        let own = self.receiver.system_context();
        let place = chart.position(&self.consumer)?;
        if place == FeedPlace::default() {
            let now = chart.reader(&own, Interaction::new(AuditAction::Search)).seq();
            self.keep(&own, FeedPlace::after(now), Vec::new()).await?;
            return Ok(Fed::default());
        }
        let from = place.seq.max(self.seen);
        let (versions, last) = chart.changes_since(&own, from, STEP)?;
        if versions.is_empty() {
            self.seen = last;
            return Ok(Fed { n_messages: 0, has_more: last != from });
        }
        chart.wait_for(last).await;
        let mut fed = Fed { has_more: true, ..Fed::default() };
        let mut rest = versions.as_slice();
        while let Some(first) = rest.first() {
            let n = rest.iter().take_while(|it| it.seq == first.seq).count();
            let (commit, after) = rest.split_at(n);
            rest = after;
            let outgoing = self.commit(commit).await?;
            let is_last = rest.is_empty();
            // Commits without messages are passed together with the next one.
            if is_last || !outgoing.is_empty() {
                fed.n_messages += outgoing.len();
                let seq = commit.last().map(|it| it.seq).filter(|_| !is_last);
                let at = FeedPlace::after(seq.unwrap_or(last));
                self.keep(&own, at, outgoing).await?;
            }
        }
        Ok(fed)
    }

    async fn keep(
        &self,
        own: &Ctx,
        place: FeedPlace,
        outgoing: Vec<NewMessage>,
    ) -> Result<(), FeedError> {
        let has_messages = !outgoing.is_empty();
        let unit = CommitUnit {
            position: Some((self.consumer.clone(), place)),
            outgoing,
            ..CommitUnit::default()
        };
        let act = Interaction::new(AuditAction::Export).with_detail(format!("hl7 {}", self.name));
        self.receiver.chart().commit(own, act, unit).await?;
        if has_messages {
            self.receiver.wake_outgoing();
        }
        Ok(())
    }

    /// The messages of one commit.
    async fn commit(&self, versions: &[Stored]) -> Result<Vec<NewMessage>, FeedError> {
        let is_wanted = |it: &&Stored| {
            let is_own = || Json::parse(&it.body).is_ok_and(|json| !is_from_message(&json));
            !it.deleted && (self.changes == Changes::All || is_own())
        };
        let versions: Vec<&Stored> = versions.iter().filter(is_wanted).collect();
        if versions.is_empty() {
            return Ok(Vec::new());
        }
        let cx = self.receiver.interface_context(&self.name);
        let act = Interaction::new(AuditAction::Export).with_detail(format!("hl7 {}", self.name));
        let reader = self.receiver.chart().reader(&cx, act);
        let mut changed: Vec<(ResourceType, Json<'static>, Event)> = Vec::new();
        for stored in versions {
            let Ok(now) = Json::parse(&stored.body) else { continue };
            let version = stored.version.checked_sub(1).filter(|version| *version != 0);
            let before = match version {
                Some(version) => reader.version(&stored.key, version)?,
                None => None,
            };
            let before = before.filter(|it| !it.deleted);
            let before = before.as_ref().and_then(|it| Json::parse(&it.body).ok());
            if let Some(event) = event_of(stored.key.kind, before.as_ref(), &now) {
                changed.push((stored.key.kind, now.into_owned(), event));
            }
        }
        let mut outgoing = Vec::new();
        for (kind, focus, event) in &changed {
            if !is_told_elsewhere(*kind, focus, &changed) {
                self.message(&reader, focus, event, &mut outgoing)?;
            }
        }
        reader.finish(AuditOutcome::Success).await?;
        Ok(outgoing)
    }

    fn message(
        &self,
        reader: &Reader<'_>,
        focus: &Json<'static>,
        event: &Event,
        outgoing: &mut Vec<NewMessage>,
    ) -> Result<(), FeedError> {
        let now = self.receiver.now();
        let bundle = gather(reader, focus, event)?;
        let control_id = self.receiver.fresh_control_id();
        let header = Header {
            event: Some(event.clone()),
            from: Some(self.from.clone()),
            control_id: Some(control_id.clone().ok_or(CommitError::Unavailable("no randomness"))?),
            happened: happened(focus),
            ..Header::default()
        };
        let written = match self.receiver.converter().to_v2(&bundle, &header, now) {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(channel = %self.name, %error, "a change makes no message");
                return Ok(());
            }
        };
        let (message, _) = Message::read(&written.bytes, &ReadSettings::default());
        let Some(message) = message else { return Ok(()) };
        for forward in self.forwards.iter().filter(|forward| forward.takes(&message)) {
            let raw = match forward.bytes(&message) {
                Ok(raw) => raw,
                Err(error) => {
                    tracing::error!(channel = %self.name, %error, "a change makes no message");
                    continue;
                }
            };
            outgoing.push(NewMessage {
                direction: Direction::Out,
                state: MessageState::Waiting,
                channel: forward.destination.clone(),
                kind: format!("{}^{}", event.code, event.event),
                control_id: Phi::new(control_id.clone().unwrap_or_default()),
                sender: Phi::new(self.from.application.clone()),
                patient: patient_of(focus),
                time: now,
                raw: Phi::new(raw),
                detail: Phi::new(Note::default().to_bytes()),
                answer: Phi::new(Vec::new()),
                reuse: Reuse::Accept,
            });
        }
        Ok(())
    }
}

/// Whether the message of another change of the same commit says it too.
fn is_told_elsewhere(
    kind: ResourceType,
    focus: &Json<'_>,
    changed: &[(ResourceType, Json<'static>, Event)],
) -> bool {
    let id = focus.get("id").and_then(Json::as_str).unwrap_or_default();
    let own = format!("{kind}/{id}");
    let names = |path: &str, json: &Json<'_>| {
        let found = json.get(path).map(Json::items).unwrap_or_default();
        found.iter().any(|it| it.get("reference").and_then(Json::as_str) == Some(own.as_str()))
    };
    changed.iter().any(|(other, json, _)| match kind {
        ResourceType::PATIENT => *other == ResourceType::ENCOUNTER && names("subject", json),
        ResourceType::OBSERVATION => {
            *other == ResourceType::DIAGNOSTIC_REPORT && names("result", json)
        }
        _ => false,
    })
}

/// The record and what it refers to, and what an admission tells of its patient.
fn gather(
    reader: &Reader<'_>,
    focus: &Json<'static>,
    event: &Event,
) -> Result<Json<'static>, FeedError> {
    let mut records = vec![focus.clone()];
    let mut seen = BTreeSet::from([name_of(focus)]);
    let mut from = 0;
    for _ in 0..DEPTH_MAX {
        let mut names = Vec::new();
        for record in records.iter().skip(from) {
            references(record, &mut names);
        }
        from = records.len();
        for name in names {
            if RECORDS_MAX <= records.len() || !seen.insert(name.clone()) {
                continue;
            }
            let Some(key) = key_of(&name) else { continue };
            let stored = match reader.get(&key) {
                Err(ReadError::Destroyed) => None,
                other => other?,
            };
            let stored = stored.filter(|it| !it.deleted);
            if let Some(json) = stored.as_ref().and_then(|it| Json::parse(&it.body).ok()) {
                records.push(json.into_owned());
            }
        }
    }
    if matches!(event.code.as_str(), "ADT" | "ORM" | "RDE")
        && let Some(patient) = patient_of(focus)
    {
        let kinds: &[&str] = match event.code.as_str() {
            "ADT" => &["AllergyIntolerance", "Coverage", "RelatedPerson", "Account"],
            _ => &["AllergyIntolerance"],
        };
        beside(reader, &patient, kinds, &mut seen, &mut records)?;
    }
    let entries = records.into_iter().map(|resource| {
        let mut entry = Object::new();
        entry.insert("resource", resource);
        Json::Object(entry)
    });
    let mut bundle = Object::new();
    bundle.insert("resourceType", Json::string("Bundle"));
    bundle.insert("type", Json::string("collection"));
    bundle.insert("entry", Json::Array(entries.collect()));
    Ok(Json::Object(bundle))
}

/// What else is known of the patient.
fn beside(
    reader: &Reader<'_>,
    patient: &FhirId,
    kinds: &[&str],
    seen: &mut BTreeSet<String>,
    records: &mut Vec<Json<'static>>,
) -> Result<(), FeedError> {
    let part = |kind: &ResourceType| Part { kind: *kind, filter: Filter::All(Vec::new()) };
    let kinds: Vec<ResourceType> = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
    let found = reader.search(&Query {
        parts: kinds.iter().map(part).collect(),
        patient: Some(patient.clone()),
        sort: Vec::new(),
        count: 100,
        after: None,
        total: false,
    })?;
    for hit in &found.hits {
        let stored = reader.fetch(hit)?;
        if let Ok(json) = Json::parse(&stored.body)
            && seen.insert(name_of(&json))
        {
            records.push(json.into_owned());
        }
    }
    Ok(())
}

/// `Patient/1` as the key of a record.
fn key_of(name: &str) -> Option<RecordKey> {
    let (kind, id) = name.split_once('/')?;
    Some(RecordKey::new(kind.parse().ok()?, id.parse().ok()?))
}

fn name_of(record: &Json<'_>) -> String {
    let text = |name: &str| record.get(name).and_then(Json::as_str).unwrap_or_default();
    format!("{}/{}", text("resourceType"), text("id"))
}

fn references(json: &Json<'_>, names: &mut Vec<String>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| references(item, names)),
        Json::Object(object) => {
            for (name, value) in object.iter() {
                match (name, value.as_str()) {
                    ("reference", Some(text)) => names.push(text.to_owned()),
                    _ => references(value, names),
                }
            }
        }
        _ => {}
    }
}

/// Whom a record is about.
fn patient_of(record: &Json<'_>) -> Option<FhirId> {
    if record.get("resourceType").and_then(Json::as_str) == Some("Patient") {
        return record.get("id")?.as_str()?.parse().ok();
    }
    let named = ["subject", "patient", "beneficiary"].iter().find_map(|name| record.get(name));
    let actors = || {
        let all = record.get("participant").map(Json::items).unwrap_or_default();
        all.iter().find_map(|it| {
            let actor = it.get("actor")?;
            let name = actor.get("reference")?.as_str()?;
            name.starts_with("Patient/").then_some(actor)
        })
    };
    let reference = named.or_else(actors)?.get("reference")?.as_str()?;
    reference.strip_prefix("Patient/")?.parse().ok()
}

/// When a change took place: of a stay its begin or end, else when it was written.
fn happened(record: &Json<'_>) -> Option<jiff::Timestamp> {
    let text = |path: &[&str]| {
        let mut at = record;
        for name in path {
            at = at.get(name)?;
        }
        at.as_str()?.parse::<jiff::Timestamp>().ok()
    };
    let is_over = record.get("status").and_then(Json::as_str) == Some("finished");
    let of_stay = if is_over { text(&["period", "end"]) } else { None };
    of_stay.or_else(|| text(&["meta", "lastUpdated"]))
}
