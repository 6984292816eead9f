//! Subscriptions as records: reading them into the book, and writing how they stand.

use std::sync::Arc;

use tokio::sync::Notify;
use ward_core::{AuditAction, AuditOutcome, FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    subscription::{self, Status},
};
use ward_store::{
    CommitError, CommitUnit, HistoryOf, Interaction, ReadError, Stored, Write, WriteKind,
    handler::{HandleError, context},
    subscriber::{self, Subscriber},
};

use super::{
    Inner,
    book::{Kept, SUBSCRIPTIONS_MAX},
};

/// Most times a status is written again when others write the same Subscription.
/// LIMIT: past this it is left to the next change.
const TRIES_MAX: usize = 8;

/// Versions read at once at the start.
const PAGE: usize = 500;

/// Reads every subscription that is not over.
///
/// - Audit: `read` of Subscriptions.
pub(super) async fn load(inner: &Inner) -> Result<(), HandleError> {
    let cx = context(inner.now(), "subscriptions");
    let act = Interaction::of(AuditAction::Read, ResourceType::SUBSCRIPTION);
    let reader = inner.chart.reader(&cx, act);
    let mut before = None;
    let mut seen = std::collections::BTreeSet::new();
    let mut current: Vec<Stored> = Vec::new();
    // Asked of the history, which is answered while the index is made anew.
    loop {
        let of = HistoryOf::Type(ResourceType::SUBSCRIPTION);
        let page = reader.history(&of, None, None, before, PAGE)?;
        let Some(last) = page.last() else { break };
        before = Some(last.place);
        current.extend(page.into_iter().filter(|it| seen.insert(it.key.clone())));
    }
    reader.finish(AuditOutcome::Success).await?;
    for stored in current {
        saw(inner, &stored).await?;
    }
    Ok(())
}

/// Enters a version of a Subscription into the book.
///
/// - Audit: `read` of who stands behind it.
pub(super) async fn saw(inner: &Inner, stored: &Stored) -> Result<(), HandleError> {
    let id = &stored.key.id;
    // One that was read again after a start may be an old one.
    let is_current = inner.chart.current(&stored.key)? == Some((stored.version, stored.deleted));
    if !is_current {
        return Ok(());
    }
    let kept = if stored.deleted { None } else { read(inner, stored).await? };
    inner.book.set(id, kept.filter(|kept| !kept.is_off()));
    Ok(())
}

async fn read(inner: &Inner, stored: &Stored) -> Result<Option<Kept>, HandleError> {
    let id = &stored.key.id;
    let cx = context(inner.now(), "subscriptions");
    let key = subscriber::key_of(id);
    let reader = inner.chart.reader(&cx, Interaction::on(AuditAction::Read, key.clone()));
    let behind = reader.get(&key);
    reader.finish(AuditOutcome::Success).await?;
    let behind = behind?.filter(|it| !it.deleted);
    let Ok(json) = Json::parse(&stored.body) else { return Ok(None) };
    let read = subscription::read(&json, &inner.settings.base, inner.settings.rules);
    let (behind, read) = match (behind, read) {
        (Some(behind), Ok(read)) => (behind, read),
        // It came by another way than FHIR, or before this was looked after.
        (None, _) => {
            let status = json.get("status").and_then(Json::as_str);
            if status != Some("off") {
                let why = "nobody stands behind it; write it again";
                set_status(inner, id, None, Status::Off, Some(why)).await?;
            }
            return Ok(None);
        }
        (_, Err(issues)) => {
            if json.get("status").and_then(Json::as_str) != Some("off") {
                let why = issues.first().map(|it| it.diagnostics.clone()).unwrap_or_default();
                set_status(inner, id, None, Status::Off, Some(&why)).await?;
            }
            return Ok(None);
        }
    };
    let by: Subscriber = serde_json::from_slice(&behind.body)?;
    let is_new = inner.book.get(id).is_none();
    if is_new && read.status != Status::Off && SUBSCRIPTIONS_MAX <= inner.book.len() {
        let why = format!("there are {SUBSCRIPTIONS_MAX} subscriptions already");
        set_status(inner, id, None, Status::Off, Some(&why)).await?;
        return Ok(None);
    }
    let consumer = inner.consumer(id);
    let told = Arc::new(Notify::new());
    Ok(Some(Kept { id: id.clone(), since: behind.seq, by, read, consumer, told }))
}

/// Writes how a Subscription stands; nothing when it stands so, or was written anew since `of`.
///
/// - Audit: `update`.
pub(super) async fn set_status(
    inner: &Inner,
    id: &FhirId,
    of: Option<&Kept>,
    status: Status,
    error: Option<&str>,
) -> Result<(), HandleError> {
    let key = RecordKey::new(ResourceType::SUBSCRIPTION, id.clone());
    for _ in 0..TRIES_MAX {
        let cx = context(inner.now(), "subscriptions");
        let act = Interaction::on(AuditAction::Update, key.clone());
        let act = act.with_detail(format!("subscription is {}", status.as_str()));
        let reader = inner.chart.reader(&cx, act);
        let found = reader.get(&key)?.filter(|it| !it.deleted);
        let behind = reader.get(&subscriber::key_of(id))?;
        let is_same = of.is_none_or(|of| behind.is_some_and(|it| it.seq == of.since));
        let Some(stored) = found.filter(|_| is_same) else {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(());
        };
        let Ok(mut json) = Json::parse(&stored.body) else { return Err(ReadError::Body.into()) };
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        if text("status").as_deref() == Some(status.as_str()) && text("error").as_deref() == error {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(());
        }
        if let Some(object) = json.as_object_mut() {
            object.insert("status", Json::string(status.as_str()));
            match error {
                Some(error) => object.insert("error", Json::string(error.to_owned())),
                None => drop(object.remove("error")),
            }
        }
        let kind = WriteKind::Update { base: Some(stored.version) };
        let write = Write::of(json, &key, kind, cx.now, &inner.settings.base);
        let heard = [write.clone()];
        let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
        match reader.commit(&cx, unit).await {
            Ok(_) => {
                (inner.heard)(&heard);
                return Ok(());
            }
            Err(CommitError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
