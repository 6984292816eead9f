//! How many messages of each interface are in each state: kept with every change, so that nobody
//! has to look at the messages to know.
//!
//! A batch of the writer adds its changes up and writes them once. There is a row for each hour in
//! which messages came, and one for all hours together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Direction, MessageId, MessageState, rows,
    sealing::{self, Tokens, direction_of, number_of_direction, number_of_state},
};
use crate::{
    keys::Keyring,
    truth::{TruthError, rows::sql_int},
};

/// The row that stands for all hours.
pub(crate) const ALL_HOURS: i64 = -1;

const HOUR_US: i64 = 3_600_000_000;

/// How far back messages are counted by the hour.
/// LIMIT: some tens of thousands of rows for a large house, a few milliseconds.
const BACK_HOURS_MAX: i64 = 31 * 24;

/// Messages of one interface in one direction and state. Nothing of a patient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageCount {
    /// `None` where the name was of messages that can no longer be read.
    pub channel: Option<String>,
    pub direction: Direction,
    pub state: MessageState,
    pub n: u64,
    /// Those that came since the hour that was asked for.
    pub n_since: u64,
    /// When the newest of them came.
    pub last: Option<Timestamp>,
}

/// What a row of counts stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hour: i64,
    channel: [u8; 16],
    direction: u8,
    state: u8,
}

/// What one batch changes.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<Key, (i64, u64)>);

/// What of a message is counted.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) id: u64,
    pub(crate) time_us: i64,
    pub(crate) channel: [u8; 16],
    pub(crate) direction: Direction,
    pub(crate) state: MessageState,
}

impl Tally {
    pub(crate) fn more(&mut self, of: Counted) {
        self.add(of, 1);
    }

    pub(crate) fn less(&mut self, of: Counted) {
        self.add(of, -1);
    }

    fn add(&mut self, of: Counted, n: i64) {
        for hour in [ALL_HOURS, hour_of(of.time_us)] {
            let key = Key {
                hour,
                channel: of.channel,
                direction: number_of_direction(of.direction),
                state: number_of_state(of.state),
            };
            let (sum, last) = self.0.entry(key).or_default();
            *sum += n;
            *last = (*last).max(if 0 < n { of.id } else { 0 });
        }
    }

    /// Writes the changes of a batch, and forgets them.
    pub(crate) fn write(&mut self, db: &Connection) -> Result<(), TruthError> {
        let sql = "INSERT INTO message_count (hour, channel, direction, state, n, last) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE \
                   SET n = n + excluded.n, last = max(last, excluded.last)";
        for (key, (n, last)) in std::mem::take(&mut self.0) {
            if n == 0 && last == 0 {
                continue;
            }
            let of = params![key.hour, key.channel, key.direction, key.state, n, sql_int(last)];
            db.prepare_cached(sql)?.execute(of)?;
            if n < 1 {
                let sql = "DELETE FROM message_count WHERE hour = ?1 AND channel = ?2 \
                           AND direction = ?3 AND state = ?4 AND n < 1";
                let of = params![key.hour, key.channel, key.direction, key.state];
                db.prepare_cached(sql)?.execute(of)?;
            }
        }
        Ok(())
    }
}

/// Hours since 1970; what has no place there is of its first.
fn hour_of(time_us: i64) -> i64 {
    (time_us / HOUR_US).max(0)
}

/// Messages by state, in the order of [`MessageState::ALL`].
pub(crate) fn by_state(db: &Connection) -> Result<Vec<u64>, TruthError> {
    let mut counts = vec![0; MessageState::ALL.len()];
    let sql = "SELECT state, sum(n) FROM message_count WHERE hour = ?1 GROUP BY state";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([ALL_HOURS])?;
    while let Some(row) = rows.next()? {
        if let Some(count) = counts.get_mut(usize::from(row.get::<_, u8>(0)?)) {
            *count = row.get(1)?;
        }
    }
    Ok(counts)
}

/// Messages by interface, direction and state. Names that are not among `names` are read from the
/// newest message.
///
/// - Cost: a row for each interface and state, and as many for each hour since `since`, 31 days at
///   most; the newest message of each.
pub(crate) fn by_channel(
    db: &Connection,
    keyring: &Keyring,
    names: &[String],
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<MessageCount>, TruthError> {
    let tokens = Tokens(keyring);
    let known: BTreeMap<[u8; 16], &String> =
        names.iter().map(|name| (tokens.channel(name), name)).collect();
    let first = hour_of(now.as_microsecond()).saturating_sub(BACK_HOURS_MAX);
    let first = hour_of(since.as_microsecond()).max(first);
    let mut recent: BTreeMap<([u8; 16], u8, u8), u64> = BTreeMap::new();
    let sql = "SELECT channel, direction, state, sum(n) FROM message_count \
               WHERE hour >= max(?1, 0) GROUP BY channel, direction, state";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([first])?;
    while let Some(row) = found.next()? {
        recent.insert((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?);
    }
    let sql = "SELECT channel, direction, state, n, last FROM message_count WHERE hour = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([ALL_HOURS])?;
    let mut counts = Vec::new();
    while let Some(row) = found.next()? {
        let channel: [u8; 16] = row.get(0)?;
        let (direction, state): (u8, u8) = (row.get(1)?, row.get(2)?);
        let last = rows::by_id(db, MessageId(row.get(4)?), false)?;
        let name = match (known.get(&channel), &last) {
            (Some(name), _) => Some((*name).clone()),
            // Of a patient who was destroyed: the name went with the message.
            (None, Some(last)) => sealing::open_head(keyring, last)
                .map_err(|_| TruthError::Row("a kept message does not open"))?
                .map(|head| head.channel),
            (None, None) => None,
        };
        let time = |last: &rows::MessageRow| Timestamp::from_microsecond(last.columns.time_us).ok();
        counts.push(MessageCount {
            channel: name,
            direction: direction_of(direction).ok_or(TruthError::Row("unknown direction"))?,
            state: *MessageState::ALL
                .get(usize::from(state))
                .ok_or(TruthError::Row("unknown message state"))?,
            n: row.get(3)?,
            n_since: recent.get(&(channel, direction, state)).copied().unwrap_or(0),
            last: last.as_ref().and_then(time),
        });
    }
    Ok(counts)
}

#[cfg(test)]
#[path = "count_tests.rs"]
pub(crate) mod tests;
