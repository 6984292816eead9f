//! The event feed: what happened, in commit order, for consumers that remember where they stand.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use ward_core::{EventPriority, FhirId, MedicalEventType, Phi, ResourceType, ids::EventId};
use ward_crypto::Random;

use crate::{
    Seq,
    error::{CommitError, ReadError},
    keys::{Keyring, Scope},
    reader,
    record::Stored,
    seal::SealError,
    truth::{
        Truth, TruthError,
        rows::{limit, sql_int},
    },
    unit::NewEvent,
};

/// A place on the feed: what comes after it has not been seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct FeedPlace {
    pub seq: Seq,
    /// The event within the commit, from 0.
    pub n: u32,
}

impl FeedPlace {
    /// After every event of commit `seq`.
    pub fn after(seq: Seq) -> FeedPlace {
        FeedPlace { seq, n: u32::MAX }
    }
}

/// The name of a consumer: 1 to 64 characters from `a-z 0-9 - .`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConsumerName(Box<str>); // INVARIANT: as the sentence above says.

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a consumer's name is 1 to 64 of `a-z 0-9 - .`")]
pub struct ParseConsumerError;

impl FromStr for ConsumerName {
    type Err = ParseConsumerError;

    fn from_str(text: &str) -> Result<ConsumerName, ParseConsumerError> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(ConsumerName(text.into())) } else { Err(ParseConsumerError) }
    }
}

impl ConsumerName {
    /// - Shape: an id that was derived is a UUID in lower case, and so a name.
    pub(crate) fn derived(id: &FhirId) -> ConsumerName {
        ConsumerName(id.as_str().to_ascii_lowercase().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event of the feed.
#[derive(Clone, Debug)]
pub struct Event {
    pub place: FeedPlace,
    pub id: EventId,
    pub kind: MedicalEventType,
    pub priority: EventPriority,
    pub patient: Option<FhirId>,
    pub time: Timestamp,
    pub source: Phi<String>,
    pub data: Phi<Vec<u8>>,
    /// The record version that it is the event of, when a write is.
    pub record: Option<Stored>,
}

/// Which events a consumer wants. Empty lists mean all.
#[derive(Clone, Default, Debug)]
pub struct EventFilter {
    pub kinds: Vec<MedicalEventType>,
    pub priorities: Vec<EventPriority>,
    /// Types of the records that they are the events of.
    pub records: Vec<ResourceType>,
}

impl EventFilter {
    pub fn wants(&self, kind: MedicalEventType, priority: EventPriority) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.priorities.is_empty() || self.priorities.contains(&priority))
    }
}

/// An event that only needs its place.
pub(crate) struct PreparedEvent {
    pub(crate) kind: u8,
    pub(crate) priority: u8,
    /// Whose key seals it (0 the house's; 1 a patient's, with the pseudonym after it), the event's
    /// id, then its seal.
    pub(crate) sealed: Vec<u8>,
}

/// How the feed names what a write is.
pub(crate) fn numbers_of((kind, priority): (MedicalEventType, EventPriority)) -> (u8, u8) {
    (number_of(MedicalEventType::ALL, &kind), number_of(EventPriority::ALL, &priority))
}

/// The column of the event of version `vid`.
pub(crate) fn of_write(vid: u64) -> [u8; 9] {
    let mut column = [OF_WRITE; 9];
    for (to, from) in column.iter_mut().skip(1).zip(vid.to_be_bytes()) {
        *to = from;
    }
    column
}

const LABEL: &str = "event";

const OF_HOUSE: u8 = 0;
const OF_PATIENT: u8 = 1;
/// Nothing is sealed: the number of a version follows, and the event is read from there.
const OF_WRITE: u8 = 2;

/// Where the events of writes say they come from.
const CHART: &str = "chart";

/// Most events read at once.
/// LIMIT: a few megabytes for events of the usual size.
const PAGE_MAX: usize = 1_000;

pub(crate) fn prepare(
    keyring: &Keyring,
    random: &dyn Random,
    event: NewEvent,
) -> Result<PreparedEvent, CommitError> {
    let patient = event.patient.as_ref().map_or("", FhirId::as_str).as_bytes();
    let source = event.source.reveal().as_bytes();
    let too_long = |_| CommitError::TooLarge { what: "bytes in an event's source", max: 65_535 };
    let mut plain = event.time.as_microsecond().to_be_bytes().to_vec();
    for part in [patient, source] {
        plain.extend_from_slice(&u16::try_from(part.len()).map_err(too_long)?.to_be_bytes());
        plain.extend_from_slice(part);
    }
    plain.extend_from_slice(event.data.reveal());
    let id = event.id.as_bytes();
    let bound = u128::from_be_bytes(*id);
    let scope = event.patient.as_ref().map(|patient| keyring.scope_of(patient));
    let of_patient = match &scope {
        Some(scope) => keyring.seal_for(scope, LABEL, bound, &plain, random)?,
        None => None,
    };
    let mut sealed = Vec::with_capacity(1 + 16 + 16 + plain.len() + 64);
    match (scope, of_patient) {
        (Some(scope), Some(bytes)) => {
            sealed.push(OF_PATIENT);
            sealed.extend_from_slice(&scope.0);
            sealed.extend_from_slice(id);
            sealed.extend(bytes);
        }
        _ => {
            sealed.push(OF_HOUSE);
            sealed.extend_from_slice(id);
            sealed.extend(keyring.seal_own(LABEL, bound, &plain, random)?);
        }
    }
    let (kind, priority) = numbers_of((event.kind, event.priority));
    Ok(PreparedEvent { kind, priority, sealed })
}

/// The events after `place`, oldest first, and where to go on.
pub(crate) fn events_after(
    truth: &Truth,
    keyring: &Keyring,
    place: FeedPlace,
    filters: &[EventFilter],
    n: usize,
) -> Result<(Vec<Event>, FeedPlace), ReadError> {
    let wanted = n.min(PAGE_MAX);
    let rows = truth.read(|db| {
        let sql = "SELECT seq, n, kind, priority, sealed FROM event \
                   WHERE (seq, n) > (?1, ?2) ORDER BY seq, n LIMIT ?3";
        let mut query = db.prepare_cached(sql)?;
        let rows =
            query.query_map(params![sql_int(place.seq.0), place.n, limit(wanted)], |row| {
                let place = FeedPlace { seq: Seq(row.get(0)?), n: row.get(1)? };
                Ok((place, row.get::<_, u8>(2)?, row.get::<_, u8>(3)?, row.get::<_, Vec<u8>>(4)?))
            })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut events = Vec::with_capacity(rows.len());
    let mut last = place;
    for (place, kind, priority, sealed) in rows {
        last = place;
        let (kind, priority) = words_of(kind, priority)?;
        let mut wanting = filters.iter().filter(|it| it.wants(kind, priority)).peekable();
        if wanting.peek().is_none() {
            continue;
        }
        // What is not wanted for its record is not opened.
        let records: Vec<&[ResourceType]> = wanting.map(|it| it.records.as_slice()).collect();
        let is_any = records.iter().any(|it| it.is_empty());
        if !is_any && !is_of(truth, &sealed, &records)? {
            continue;
        }
        events.extend(event_of(truth, keyring, place, (kind, priority), &sealed)?);
    }
    Ok((events, last))
}

/// Whether an event is that of a write of one of these types.
fn is_of(truth: &Truth, sealed: &[u8], records: &[&[ResourceType]]) -> Result<bool, ReadError> {
    let Some((&OF_WRITE, vid)) = sealed.split_first() else { return Ok(false) };
    let vid = u64::from_be_bytes(*vid.first_chunk().ok_or_else(damaged)?);
    let row = truth.by_vid(vid)?.ok_or_else(damaged)?;
    Ok(records.iter().any(|kinds| kinds.contains(&row.head.kind)))
}

/// The event that stands at one place.
pub(crate) fn event_at(
    truth: &Truth,
    keyring: &Keyring,
    place: FeedPlace,
) -> Result<Option<Event>, ReadError> {
    let row = truth.read(|db| {
        let sql = "SELECT kind, priority, sealed FROM event WHERE seq = ?1 AND n = ?2";
        let row =
            db.prepare_cached(sql)?.query_row(params![sql_int(place.seq.0), place.n], |row| {
                Ok((row.get::<_, u8>(0)?, row.get::<_, u8>(1)?, row.get::<_, Vec<u8>>(2)?))
            });
        Ok(row.optional()?)
    })?;
    let Some((kind, priority, sealed)) = row else { return Ok(None) };
    event_of(truth, keyring, place, words_of(kind, priority)?, &sealed)
}

fn words_of(kind: u8, priority: u8) -> Result<(MedicalEventType, EventPriority), ReadError> {
    let kind = by_number(MedicalEventType::ALL, kind);
    let priority = by_number(EventPriority::ALL, priority);
    match (kind, priority) {
        (Some(kind), Some(priority)) => Ok((kind, priority)),
        _ => Err(TruthError::Row("unknown event type").into()),
    }
}

/// Opens one event. What was of a destroyed patient is not there any more.
fn event_of(
    truth: &Truth,
    keyring: &Keyring,
    place: FeedPlace,
    (kind, priority): (MedicalEventType, EventPriority),
    sealed: &[u8],
) -> Result<Option<Event>, ReadError> {
    match sealed.split_first() {
        Some((&OF_WRITE, vid)) => written(truth, keyring, place, kind, priority, vid),
        Some((&of, sealed)) => open(keyring, place, kind, priority, of, sealed),
        None => Err(damaged()),
    }
}

/// Where a consumer stands; the beginning, when it never said.
pub(crate) fn position(truth: &Truth, name: &ConsumerName) -> Result<FeedPlace, TruthError> {
    truth.read(|db| {
        let mut query = db.prepare_cached("SELECT seq, n FROM consumer WHERE name = ?1")?;
        let place = query.query_row([name.as_str()], |row| {
            Ok(FeedPlace { seq: Seq(row.get(0)?), n: row.get(1)? })
        });
        Ok(place.optional()?.unwrap_or_default())
    })
}

fn open(
    keyring: &Keyring,
    place: FeedPlace,
    kind: MedicalEventType,
    priority: EventPriority,
    of: u8,
    sealed: &[u8],
) -> Result<Option<Event>, ReadError> {
    let (scope, sealed) = match of {
        OF_HOUSE => (None, sealed),
        OF_PATIENT => {
            let (scope, sealed) = sealed.split_first_chunk::<16>().ok_or_else(damaged)?;
            (Some(Scope(*scope)), sealed)
        }
        _ => return Err(damaged()),
    };
    let (id, sealed) = sealed.split_first_chunk::<16>().ok_or_else(damaged)?;
    let bound = u128::from_be_bytes(*id);
    let plain = match scope {
        None => keyring
            .open_own(LABEL, bound, sealed)
            .map_err(|source| ReadError::Seal(SealError::Open(source)))?,
        Some(scope) => match keyring.open_for(&scope, LABEL, bound, sealed)? {
            Some(plain) => plain,
            None => return Ok(None),
        },
    };
    let (time, rest) = plain.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (patient, rest) = part(rest).ok_or_else(damaged)?;
    let (source, data) = part(rest).ok_or_else(damaged)?;
    let time = Timestamp::from_microsecond(i64::from_be_bytes(*time)).map_err(|_| damaged())?;
    let patient = match patient {
        "" => None,
        id => Some(id.parse().map_err(|_| damaged())?),
    };
    Ok(Some(Event {
        place,
        id: EventId::from_bytes(*id),
        kind,
        priority,
        patient,
        time,
        source: Phi::new(source.to_owned()),
        data: Phi::new(data.to_vec()),
        record: None,
    }))
}

/// The event of one version, read from the version. Its id is the same whenever it is read.
fn written(
    truth: &Truth,
    keyring: &Keyring,
    place: FeedPlace,
    kind: MedicalEventType,
    priority: EventPriority,
    vid: &[u8],
) -> Result<Option<Event>, ReadError> {
    let vid = u64::from_be_bytes(*vid.first_chunk().ok_or_else(damaged)?);
    let row = truth.by_vid(vid)?.ok_or_else(damaged)?;
    let patient = match row.head.patients.first() {
        None => None,
        // What was of a destroyed patient has no name any more.
        Some(scope) => match keyring.patient_of(scope)? {
            Some(patient) => Some(patient),
            None => return Ok(None),
        },
    };
    let stored = match reader::open(keyring, &row) {
        Err(ReadError::Destroyed) => return Ok(None),
        stored => stored?,
    };
    let mut random = [0; 10];
    let token = keyring.tenant_tokens().token8_raw(&of_write(vid));
    for (to, from) in random.iter_mut().zip(token) {
        *to = from;
    }
    let data = format!(r#"{{"record":"{}","version":{}}}"#, stored.key, stored.version);
    Ok(Some(Event {
        place,
        id: EventId::at(stored.last_updated, random),
        kind,
        priority,
        patient,
        time: stored.last_updated,
        source: Phi::new(CHART.to_owned()),
        data: Phi::new(data.into_bytes()),
        record: Some(stored),
    }))
}

fn damaged() -> ReadError {
    ReadError::Truth(TruthError::Row("damaged event"))
}

fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    let (part, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    Some((std::str::from_utf8(part).ok()?, rest))
}

/// A word's number on disk: its place in its list, to which words are only ever appended.
fn number_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let at = all.iter().position(|it| it == one).unwrap_or(usize::MAX);
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn by_number<T: Copy>(all: &[T], number: u8) -> Option<T> {
    all.get(usize::from(number)).copied()
}
