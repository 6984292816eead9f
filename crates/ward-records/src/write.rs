//! create, update, delete, and their conditional forms.

use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};
use ward_policy::Action;
use ward_store::{Absent, CommitError, CommitUnit, Interaction, Write, WriteKind};

use crate::{Prefer, Records, RecordsError, Reply, audit_event, now_of, prepare, search::Matched};

/// Most times an interaction is tried again when others write the same record.
/// LIMIT: past this the caller hears 409 and decides for itself.
pub(crate) const TRIES_MAX: usize = 8;

impl Records {
    /// Creates a resource under a fresh id.
    ///
    /// - Shape: with `if_none_exist`, one match is answered with 200 and nothing is written.
    /// - Audit: `create`, in the same commit.
    /// - Source: FHIR R4, 3.1.0.8 create, 3.1.0.8.1 conditional create.
    pub async fn create(
        &self,
        cx: &Ctx,
        kind: ResourceType,
        body: &[u8],
        if_none_exist: Option<&str>,
        prefer: Prefer,
    ) -> Result<Reply, RecordsError> {
        let resource = prepare::parse(body)?;
        audit_event::may_write(kind)?;
        prepare::check(&resource, kind)?;
        self.may_subscribe(cx, kind, &resource)?;
        for _ in 0..TRIES_MAX {
            let mut unless = Vec::new();
            if let Some(query) = if_none_exist {
                let Matched { keys, absent, .. } = self.matches_of(cx, kind, query).await?;
                match keys.as_slice() {
                    [] => unless.push(absent),
                    [key] => {
                        let found = self.read(cx, key).await?;
                        return Ok(Reply {
                            location: found.etag.map(|version| self.location(key, version)),
                            body: found.body.and_then(|body| prefer.body(body)),
                            ..found
                        });
                    }
                    _ => return Err(several_match()),
                }
            }
            let key = RecordKey::new(kind, self.fresh_id(cx.now)?);
            let kind = WriteKind::Create;
            match self.put(cx, AuditAction::Create, &key, kind, resource.clone(), unless).await {
                Err(CommitError::Changed) => {}
                Err(error) => return Err(error.into()),
                Ok(write) => return Ok(self.written(cx, 201, write, prefer)),
            }
        }
        Err(contended())
    }

    /// Replaces a resource, or creates it under the id the caller chose.
    ///
    /// - Shape: with `if_match`, only on that version.
    /// - Source: FHIR R4, 3.1.0.4 update, 3.1.0.4.1 update as create.
    pub async fn update(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        body: &[u8],
        if_match: Option<u32>,
        prefer: Prefer,
    ) -> Result<Reply, RecordsError> {
        let resource = prepare::parse(body)?;
        audit_event::may_write(key.kind)?;
        prepare::check(&resource, key.kind)?;
        match resource.get("id").map(Json::as_str) {
            Some(Some(id)) if id == key.id.as_str() => {}
            _ => {
                let issue = Issue::error(
                    IssueCode::Invalid,
                    "`id` must be there and be the one in the address",
                );
                let place = format!("{}.id", key.kind);
                return Err(RecordsError::with_issues(Kind::Invalid, vec![issue.at(place)]));
            }
        }
        self.replace(cx, AuditAction::Update, key, resource, if_match, prefer).await
    }

    pub(crate) async fn replace(
        &self,
        cx: &Ctx,
        action: AuditAction,
        key: &RecordKey,
        resource: Json<'_>,
        if_match: Option<u32>,
        prefer: Prefer,
    ) -> Result<Reply, RecordsError> {
        self.may_subscribe(cx, key.kind, &resource)?;
        for _ in 0..TRIES_MAX {
            let current = self.chart.current(key)?;
            let base = current.map(|(version, _)| version);
            let is_new = current.is_none_or(|(_, deleted)| deleted);
            if let Some(wanted) = if_match
                && base != Some(wanted)
            {
                return Err(wrong_version());
            }
            let write = WriteKind::Update { base };
            match self.put(cx, action, key, write, resource.clone(), Vec::new()).await {
                Err(CommitError::Stale { .. } | CommitError::Exists { .. }) => {}
                // A version of what is hidden is as wrong as that of what is absent.
                Err(CommitError::Refused { .. })
                    if if_match.is_some() && !self.is_visible(cx, key).await? =>
                {
                    return Err(wrong_version());
                }
                Err(error) => return Err(error.into()),
                Ok(write) => {
                    let status = if is_new { 201 } else { 200 };
                    return Ok(self.written(cx, status, write, prefer));
                }
            }
        }
        Err(contended())
    }

    /// Updates the one match of a query, or creates when there is none.
    ///
    /// - Source: FHIR R4, 3.1.0.4.3 conditional update.
    pub async fn conditional_update(
        &self,
        cx: &Ctx,
        kind: ResourceType,
        query: &str,
        body: &[u8],
        prefer: Prefer,
    ) -> Result<Reply, RecordsError> {
        let resource = prepare::parse(body)?;
        audit_event::may_write(kind)?;
        prepare::check(&resource, kind)?;
        self.may_subscribe(cx, kind, &resource)?;
        let own_id = resource.get("id").and_then(Json::as_str);
        let own_id = own_id.and_then(|id| id.parse::<FhirId>().ok());
        for _ in 0..TRIES_MAX {
            let Matched { keys, absent, .. } = self.matches_of(cx, kind, query).await?;
            match (keys.as_slice(), &own_id) {
                ([key], own) if own.as_ref().is_none_or(|own| *own == key.id) => {
                    let key = key.clone();
                    return self
                        .replace(cx, AuditAction::Update, &key, resource, None, prefer)
                        .await;
                }
                ([_], _) => {
                    return Err(RecordsError::new(
                        Kind::Invalid,
                        "the match has another id than the resource",
                    ));
                }
                ([], own) => {
                    let id = match own {
                        Some(id) => id.clone(),
                        None => self.fresh_id(cx.now)?,
                    };
                    let key = RecordKey::new(kind, id);
                    let write = WriteKind::Update { base: None };
                    let unless = vec![absent];
                    match self
                        .put(cx, AuditAction::Update, &key, write, resource.clone(), unless)
                        .await
                    {
                        Err(CommitError::Changed) => {}
                        Err(error) => return Err(error.into()),
                        Ok(write) => return Ok(self.written(cx, 201, write, prefer)),
                    }
                }
                _ => return Err(several_match()),
            }
        }
        Err(contended())
    }

    /// Deletes a resource; its history stays.
    ///
    /// - Shape: deleting what is not there succeeds, as the standard says; what the caller may not
    ///   see is not there.
    /// - Source: FHIR R4, 3.1.0.7 delete.
    pub async fn delete(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        if_match: Option<u32>,
    ) -> Result<Reply, RecordsError> {
        audit_event::may_write(key.kind)?;
        self.may_delete(cx, key.kind).await?;
        for _ in 0..TRIES_MAX {
            let Some((base, false)) = self.chart.current(key)? else {
                return Ok(Reply::empty(204));
            };
            if if_match.is_some_and(|wanted| wanted != base) {
                return match self.is_visible(cx, key).await? {
                    true => Err(wrong_version()),
                    false => Ok(Reply::empty(204)),
                };
            }
            let write = Write::end(key, base);
            let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
            let act = Interaction::on(AuditAction::Delete, key.clone());
            match self.commit(cx, act, unit).await {
                Err(CommitError::Stale { .. }) => {}
                Err(CommitError::Refused { .. }) if !self.is_visible(cx, key).await? => {
                    return Ok(Reply::empty(204));
                }
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(Reply { etag: Some(base + 1), ..Reply::empty(204) }),
            }
        }
        Err(contended())
    }

    /// Whether the caller may know that a record is there.
    ///
    /// - Audit: `read`; it shows nothing of the record but that.
    pub(crate) async fn is_visible(&self, cx: &Ctx, key: &RecordKey) -> Result<bool, RecordsError> {
        let reader = self.chart.reader(cx, Interaction::on(AuditAction::Read, key.clone()));
        let found = reader.get(key);
        let is_visible = matches!(&found, Ok(Some(stored)) if !stored.deleted);
        reader.finish(AuditOutcome::MinorFailure).await?;
        found.map(|_| is_visible).map_err(RecordsError::from)
    }

    /// Deletes the one match of a query.
    ///
    /// - Source: FHIR R4, 3.1.0.7.1 conditional delete.
    pub async fn conditional_delete(
        &self,
        cx: &Ctx,
        kind: ResourceType,
        query: &str,
    ) -> Result<Reply, RecordsError> {
        audit_event::may_write(kind)?;
        self.may_delete(cx, kind).await?;
        let Matched { keys, .. } = self.matches_of(cx, kind, query).await?;
        match keys.as_slice() {
            [] => Ok(Reply::empty(204)),
            [key] => self.delete(cx, key, None).await,
            _ => Err(several_match()),
        }
    }

    /// Refuses who may never delete a record of this type, whether or not there is one.
    async fn may_delete(&self, cx: &Ctx, kind: ResourceType) -> Result<(), RecordsError> {
        if !self.chart.policy().grant(cx, Action::Delete, kind).is_none() {
            return Ok(());
        }
        let act = Interaction::of(AuditAction::Delete, kind);
        self.chart.audit(cx, act, AuditOutcome::MinorFailure).await?;
        Err(RecordsError::new(Kind::Refused, "not allowed"))
    }

    /// Commits one resource.
    async fn put(
        &self,
        cx: &Ctx,
        action: AuditAction,
        key: &RecordKey,
        kind: WriteKind,
        resource: Json<'_>,
        unless: Vec<Absent>,
    ) -> Result<Write, CommitError> {
        let mut write = Write::of(resource, key, kind, now_of(cx), &self.base);
        let terms = std::mem::take(&mut write.terms);
        let kept = write.clone();
        write.terms = terms;
        let unit = CommitUnit { writes: vec![write], unless, ..CommitUnit::default() };
        self.commit(cx, Interaction::on(action, key.clone()), unit).await?;
        Ok(kept)
    }

    fn written(&self, cx: &Ctx, status: u16, write: Write, prefer: Prefer) -> Reply {
        Reply {
            status,
            body: prefer.body(write.body),
            etag: Some(write.version),
            last_modified: Some(now_of(cx)),
            location: Some(self.location(&write.key, write.version)),
        }
    }
}

pub(crate) fn several_match() -> RecordsError {
    let issue = Issue::error(IssueCode::MultipleMatches, "several resources match the condition");
    RecordsError::with_issues(Kind::Precondition, vec![issue])
}

pub(crate) fn wrong_version() -> RecordsError {
    RecordsError::new(Kind::Precondition, "the current version is not the one in `If-Match`")
}

/// As the chart refuses to write any record that the caller may not write.
pub(crate) fn not_yours() -> RecordsError {
    RecordsError::new(Kind::Refused, "not allowed to write this record")
}

pub(crate) fn contended() -> RecordsError {
    RecordsError::new(Kind::Conflict, "others keep writing the same record; try again")
}
