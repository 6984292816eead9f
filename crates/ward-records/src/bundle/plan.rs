//! What each entry of a transaction will do, decided before anything is written.

use rustc_hash::FxHashSet;
use ward_core::{Ctx, Kind, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};
use ward_store::{Absent, Reader, WriteKind};

use super::{
    conditions::{Answers, Looked, Made, text_of},
    entry::{Entry, Request},
    rewrite::Links,
};
use crate::{Records, RecordsError, patch, write};

/// What an entry will do, once its conditions have been looked up.
pub(super) enum Planned {
    /// Write this record.
    Write {
        key: RecordKey,
        kind: WriteKind,
        is_new: bool,
    },
    /// `ifNoneExist` found this one: nothing is written.
    Found {
        key: RecordKey,
    },
    Delete {
        key: RecordKey,
        base: u32,
    },
    /// There is nothing to delete.
    NothingToDelete,
    /// A read or search, answered after the commit.
    Later,
}

/// Everything the entries will do.
pub(super) struct Plan {
    pub(super) planned: Vec<Planned>,
    pub(super) links: Links,
    /// Conditional references that several records match.
    pub(super) ambiguous: FxHashSet<String>,
    /// What must stay absent until the commit.
    pub(super) unless: Vec<Absent>,
}

/// What planning reads.
pub(super) struct Planner<'p> {
    pub(super) records: &'p Records,
    pub(super) cx: &'p Ctx,
    pub(super) reader: Option<&'p Reader<'p>>,
    pub(super) answers: &'p Answers,
    /// Records that turned out not to be there for this caller.
    pub(super) hidden: &'p FxHashSet<RecordKey>,
}

impl Planner<'_> {
    /// Plans every entry. A patch leaves the patched resource in its entry.
    ///
    /// - Source: FHIR R4, 3.1.0.11.2: DELETE, then POST, then PUT and PATCH, then GET; it fails
    ///   when two entries are about one record.
    pub(super) fn plan(&self, entries: &mut [Entry<'_>]) -> Result<Plan, RecordsError> {
        let mut unless = Vec::new();
        let mut planned: Vec<Planned> = entries.iter().map(|_| Planned::Later).collect();
        let mut going = FxHashSet::default();
        for ((at, entry), plan) in entries.iter().enumerate().zip(&mut planned) {
            if entry.request.is_deletion() {
                *plan = self.deletion(&entry.request).map_err(|error| error.in_entry(at))?;
                if let Planned::Delete { key, .. } = plan {
                    going.insert(key.clone());
                }
            }
        }
        for ((at, entry), plan) in entries.iter_mut().enumerate().zip(&mut planned) {
            if !entry.request.is_deletion() {
                let of = self.entry(entry, &going, &mut unless);
                *plan = of.map_err(|error| error.in_entry(at))?;
            }
        }
        refuse_doubles(&planned)?;
        let made = self.made(entries, &planned);
        self.refuse_overlaps(entries, &planned, &made)?;
        let mut links = links_of(entries, &planned);
        let ambiguous = self.references(&going, &made, &mut links, &mut unless);
        Ok(Plan { planned, links, ambiguous, unless })
    }

    fn entry(
        &self,
        entry: &mut Entry<'_>,
        going: &FxHashSet<RecordKey>,
        unless: &mut Vec<Absent>,
    ) -> Result<Planned, RecordsError> {
        Ok(match &entry.request {
            Request::Create { kind, if_none_exist: None } => self.new_record(*kind)?,
            Request::Create { kind, if_none_exist: Some(query) } => {
                let looked = self.answer(*kind, query)?;
                match staying(looked, going).as_slice() {
                    [] => {
                        unless.push(looked.absent.clone());
                        self.new_record(*kind)?
                    }
                    [key] => Planned::Found { key: (*key).clone() },
                    _ => return Err(write::several_match()),
                }
            }
            Request::Update { key, if_match } => {
                let current = self.records.chart.current(key)?;
                let base = current.map(|(version, _)| version);
                let is_hidden = self.hidden.contains(key);
                if if_match.is_some_and(|wanted| is_hidden || base != Some(wanted)) {
                    return Err(write::wrong_version());
                }
                if is_hidden {
                    return Err(write::not_yours());
                }
                let is_new = current.is_none_or(|(_, deleted)| deleted);
                Planned::Write { key: key.clone(), kind: WriteKind::Update { base }, is_new }
            }
            Request::ConditionalUpdate { kind, query } => {
                let looked = self.answer(*kind, query)?;
                match staying(looked, going).as_slice() {
                    [] => {
                        unless.push(looked.absent.clone());
                        self.new_record(*kind)?
                    }
                    [key] => {
                        let base = self.records.chart.current(key)?.map(|(version, _)| version);
                        let kind = WriteKind::Update { base };
                        Planned::Write { key: (*key).clone(), kind, is_new: false }
                    }
                    _ => return Err(write::several_match()),
                }
            }
            Request::Patch { key, if_match } => {
                let (key, if_match) = (key.clone(), *if_match);
                let reader = self.reader.ok_or_else(|| RecordsError::bug("no reader"))?;
                let stored = reader.get(&key)?.ok_or_else(RecordsError::not_found)?;
                if stored.deleted {
                    return Err(RecordsError::new(Kind::Gone, "the resource was deleted"));
                }
                if if_match.is_some_and(|wanted| wanted != stored.version) {
                    return Err(write::wrong_version());
                }
                let sent = entry.resource.take().unwrap_or(Json::Null);
                let patched = patch::entry_patched(&sent, &stored.body, &key, self.cx.now)?;
                entry.resource = Some(patched);
                let kind = WriteKind::Update { base: Some(stored.version) };
                Planned::Write { key, kind, is_new: false }
            }
            Request::Delete { .. }
            | Request::ConditionalDelete { .. }
            | Request::Read { .. }
            | Request::Vread { .. }
            | Request::Search { .. } => Planned::Later,
        })
    }

    fn new_record(&self, kind: ResourceType) -> Result<Planned, RecordsError> {
        let key = RecordKey::new(kind, self.records.fresh_id(self.cx.now)?);
        Ok(Planned::Write { key, kind: WriteKind::Create, is_new: true })
    }

    fn deletion(&self, request: &Request) -> Result<Planned, RecordsError> {
        let (key, if_match) = match request {
            Request::Delete { key, if_match } => (key, *if_match),
            Request::ConditionalDelete { kind, query } => {
                match self.answer(*kind, query)?.keys.as_slice() {
                    [] => return Ok(Planned::NothingToDelete),
                    [key] => (key, None),
                    _ => return Err(write::several_match()),
                }
            }
            _ => return Ok(Planned::Later),
        };
        Ok(match self.records.chart.current(key)? {
            Some((base, false)) if !self.hidden.contains(key) => {
                if if_match.is_some_and(|wanted| wanted != base) {
                    return Err(write::wrong_version());
                }
                Planned::Delete { key: key.clone(), base }
            }
            _ => Planned::NothingToDelete,
        })
    }

    fn answer(&self, kind: ResourceType, query: &str) -> Result<&Looked, RecordsError> {
        let looked = self.answers.get(&text_of(kind, query));
        looked.ok_or_else(|| RecordsError::bug("a condition was not looked up"))
    }

    /// What is written, as far as a condition asks for records of its type.
    fn made(&self, entries: &[Entry<'_>], planned: &[Planned]) -> Made {
        let mut made = Made::default();
        let kinds: FxHashSet<ResourceType> = self.answers.values().map(|it| it.kind).collect();
        for ((at, entry), plan) in entries.iter().enumerate().zip(planned) {
            if let (Planned::Write { key, .. }, Some(resource)) = (plan, &entry.resource)
                && kinds.contains(&key.kind)
            {
                made.add(at, key, resource, &self.records.base);
            }
        }
        made
    }

    /// SPEC: R4 refuses a transaction whose entries overlap once their conditions are resolved. A
    /// condition that another entry makes true would depend on the order of the entries.
    fn refuse_overlaps(
        &self,
        entries: &[Entry<'_>],
        planned: &[Planned],
        made: &Made,
    ) -> Result<(), RecordsError> {
        for ((at, entry), plan) in entries.iter().enumerate().zip(planned) {
            if let (Planned::Write { .. }, Some((kind, query))) = (plan, entry.request.condition())
                && made.matching(self.answer(kind, query)?).iter().any(|(other, _)| *other != at)
            {
                let issue = Issue::error(
                    IssueCode::MultipleMatches,
                    "another entry writes what this entry's condition asks for",
                );
                return Err(RecordsError::with_issues(Kind::Invalid, vec![issue]).in_entry(at));
            }
        }
        Ok(())
    }

    /// Turns each conditional reference into a link: to the one match among what stays in the
    /// chart and what the transaction makes.
    fn references(
        &self,
        going: &FxHashSet<RecordKey>,
        made: &Made,
        links: &mut Links,
        unless: &mut Vec<Absent>,
    ) -> FxHashSet<String> {
        let mut ambiguous = FxHashSet::default();
        for (text, looked) in self.answers {
            let mut found = staying(looked, going);
            found.retain(|key| !made.holds(key));
            let in_chart = !found.is_empty();
            found.extend(made.matching(looked).into_iter().map(|(_, key)| key));
            match found.as_slice() {
                [] => {}
                [key] => {
                    links.insert(text.clone(), key.to_string());
                    // Until the commit nobody may add a second match. `_id` can have no second.
                    if in_chart && !looked.absent.clauses.is_empty() {
                        unless.push(looked.absent.clone());
                    }
                }
                _ => {
                    ambiguous.insert(text.clone());
                }
            }
        }
        ambiguous
    }
}

/// The matches that are not deleted by the transaction itself.
fn staying<'l>(looked: &'l Looked, going: &FxHashSet<RecordKey>) -> Vec<&'l RecordKey> {
    looked.keys.iter().filter(|key| !going.contains(*key)).collect()
}

/// - Source: FHIR R4, 3.1.0.11.2: one record may be changed once in a transaction.
fn refuse_doubles(planned: &[Planned]) -> Result<(), RecordsError> {
    let mut seen = FxHashSet::default();
    for (at, plan) in planned.iter().enumerate() {
        if let Planned::Write { key, .. } | Planned::Delete { key, .. } = plan
            && !seen.insert(key)
        {
            let error = RecordsError::new(Kind::Invalid, "another entry changes the same resource");
            return Err(error.in_entry(at));
        }
    }
    Ok(())
}

fn links_of(entries: &[Entry<'_>], planned: &[Planned]) -> Links {
    let mut links = Links::default();
    for (entry, plan) in entries.iter().zip(planned) {
        if let (Some(url), Planned::Write { key, .. } | Planned::Found { key }) =
            (&entry.full_url, plan)
        {
            links.insert(url.clone(), key.to_string());
        }
    }
    links
}
