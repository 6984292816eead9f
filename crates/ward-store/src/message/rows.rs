//! The rows of messages.

use rusqlite::{Connection, Row, ToSql, params, params_from_iter};

use super::{
    Direction, MessageFilter, MessageId, MessageState,
    control::{self, Newest},
    count::{Counted, Tally},
    sealing::{self, Tokens, direction_of, number_of_direction, number_of_state},
};
use crate::{
    Seq,
    keys::{Keyring, Scope},
    truth::{
        TruthError,
        rows::{limit, sql_int},
    },
};

/// Most messages read at once.
/// LIMIT: heads of a kilobyte or two.
pub(crate) const PAGE_MAX: usize = 1_000;

/// What a row holds besides its numbers.
pub(crate) struct Columns {
    pub(crate) time_us: i64,
    pub(crate) trace: Trace,
    pub(crate) state: MessageState,
    pub(crate) channel: [u8; 16],
    pub(crate) kind: [u8; 16],
    pub(crate) scope: Option<Scope>,
    pub(crate) head: Vec<u8>,
    /// Empty where it was not asked for.
    pub(crate) raw: Vec<u8>,
}

/// By what the same message is known when it comes again.
#[derive(Clone, Copy)]
pub(crate) struct Trace {
    pub(crate) direction: Direction,
    pub(crate) control: [u8; 16],
    pub(crate) sender: [u8; 16],
    pub(crate) digest: [u8; 16],
}

impl Columns {
    fn counted(&self, id: MessageId) -> Counted {
        Counted {
            id: id.0,
            time_us: self.time_us,
            channel: self.channel,
            direction: self.trace.direction,
            state: self.state,
        }
    }
}

pub(crate) struct MessageRow {
    pub(crate) id: u64,
    pub(crate) seq: u64,
    pub(crate) columns: Columns,
}

pub(crate) fn insert(
    db: &Connection,
    (newest, tally): (&Newest, &mut Tally),
    (id, seq): (MessageId, Seq),
    columns: &Columns,
) -> Result<(), TruthError> {
    let sql = "INSERT INTO message (id, seq, time, direction, state, channel, kind, control, sender, \
               digest, scope, head, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
               ?13)";
    db.prepare_cached(sql)?.execute(params![
        sql_int(id.0),
        seq.0,
        columns.time_us,
        number_of_direction(columns.trace.direction),
        number_of_state(columns.state),
        columns.channel,
        columns.kind,
        columns.trace.control,
        columns.trace.sender,
        columns.trace.digest,
        columns.scope.as_ref().map(|scope| scope.0),
        columns.head,
        columns.raw,
    ])?;
    newest.put(&columns.trace, id.0);
    tally.more(columns.counted(id));
    Ok(())
}

/// Puts other columns into the row of a message; its number and its time stay.
pub(crate) fn replace(
    db: &Connection,
    tally: &mut Tally,
    seq: Seq,
    id: MessageId,
    columns: &Columns,
) -> Result<bool, TruthError> {
    let Some(before) = counted(db, id)? else { return Ok(false) };
    let sql = "UPDATE message SET seq = ?2, state = ?3, kind = ?4, digest = ?5, scope = ?6, \
               head = ?7, raw = ?8 WHERE id = ?1";
    let n = db.prepare_cached(sql)?.execute(params![
        sql_int(id.0),
        seq.0,
        number_of_state(columns.state),
        columns.kind,
        columns.trace.digest,
        columns.scope.as_ref().map(|scope| scope.0),
        columns.head,
        columns.raw,
    ])?;
    tally.less(before);
    tally.more(Counted { state: columns.state, ..before });
    Ok(n == 1)
}

/// What of the message is counted as it is now.
fn counted(db: &Connection, id: MessageId) -> Result<Option<Counted>, TruthError> {
    let sql = "SELECT id, time, channel, direction, state FROM message WHERE id = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([sql_int(id.0)])?;
    rows.next()?.map(counted_of).transpose()
}

/// The same of a row with number, time, interface, direction and state in front.
fn counted_of(row: &Row<'_>) -> Result<Counted, TruthError> {
    let state = MessageState::ALL.get(usize::from(row.get::<_, u8>(4)?));
    Ok(Counted {
        id: row.get(0)?,
        time_us: row.get(1)?,
        channel: row.get(2)?,
        direction: direction_of(row.get(3)?).ok_or(TruthError::Row("unknown direction"))?,
        state: *state.ok_or(TruthError::Row("unknown message state"))?,
    })
}

/// The state of a message, if it is there.
pub(crate) fn state(db: &Connection, id: MessageId) -> Result<Option<MessageState>, TruthError> {
    Ok(counted(db, id)?.map(|it| it.state))
}

pub(crate) fn by_id(
    db: &Connection,
    id: MessageId,
    with_raw: bool,
) -> Result<Option<MessageRow>, TruthError> {
    let raw = if with_raw { "raw" } else { "x''" };
    let sql = format!("SELECT {COLUMNS}, {raw} FROM message WHERE id = ?1");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([sql_int(id.0)])?;
    rows.next()?.map(read).transpose()
}

const COLUMNS: &str =
    "id, seq, time, direction, state, channel, kind, control, sender, digest, scope, head";

fn read(row: &Row<'_>) -> Result<MessageRow, TruthError> {
    let direction = direction_of(row.get(3)?).ok_or(TruthError::Row("unknown direction"))?;
    let state = MessageState::ALL.get(usize::from(row.get::<_, u8>(4)?));
    Ok(MessageRow {
        id: row.get(0)?,
        seq: row.get(1)?,
        columns: Columns {
            time_us: row.get(2)?,
            trace: Trace {
                direction,
                control: row.get(7)?,
                sender: row.get(8)?,
                digest: row.get(9)?,
            },
            state: *state.ok_or(TruthError::Row("unknown message state"))?,
            channel: row.get(5)?,
            kind: row.get(6)?,
            scope: row.get::<_, Option<[u8; 16]>>(10)?.map(Scope),
            head: row.get(11)?,
            raw: row.get(12)?,
        },
    })
}

/// The heads that match; see [`MessageFilter`] for their order.
pub(crate) fn list(
    db: &Connection,
    keyring: &Keyring,
    filter: &MessageFilter,
) -> Result<Vec<MessageRow>, TruthError> {
    let tokens = Tokens(keyring);
    let mut sql = format!("SELECT {COLUMNS}, x'' FROM message WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut must = |condition: &str, value: Box<dyn ToSql>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(direction) = filter.direction {
        must("direction = ?", Box::new(number_of_direction(direction)));
    }
    if let Some(name) = &filter.channel {
        must("channel = ?", Box::new(tokens.channel(name)));
    }
    if let Some(kind) = &filter.kind {
        must("kind = ?", Box::new(tokens.kind(kind)));
    }
    if let Some(control_id) = &filter.control_id {
        let control = tokens.control(control_id.reveal());
        let ids = control::under(db, &control)?;
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        let ids = format!("[{}]", ids.join(","));
        must("id IN (SELECT value FROM json_each(?))", Box::new(ids));
        must("control = ?", Box::new(control));
    }
    if let Some(patient) = &filter.patient {
        must("scope = ?", Box::new(keyring.scope_of(patient).0));
    }
    if let Some(since) = filter.since {
        must("time >= ?", Box::new(since.as_microsecond()));
    }
    if let Some(until) = filter.until {
        must("time < ?", Box::new(until.as_microsecond()));
    }
    if let Some(after) = filter.after {
        must("id > ?", Box::new(sql_int(after.0)));
    }
    if let Some(before) = filter.before {
        must("id < ?", Box::new(sql_int(before.0)));
    }
    if !filter.states.is_empty() {
        let states: Vec<String> =
            filter.states.iter().map(|state| number_of_state(*state).to_string()).collect();
        // One state is said so that the index can be read in the order of numbers.
        match states.as_slice() {
            [state] => sql.push_str(&format!(" AND state = {state}")),
            states => sql.push_str(&format!(" AND state IN ({})", states.join(","))),
        }
        // What the index of unfinished work is limited to has to be said, or it is not used.
        if filter.states.iter().all(|state| !state.is_over() || *state == MessageState::Refused) {
            sql.push_str(" AND state <> 1 AND state <> 2 AND state <> 7");
        }
    }
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    sql.push_str(&format!(" ORDER BY id {order} LIMIT {}", limit(filter.limit.min(PAGE_MAX))));
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Takes away messages from before `before_us` about which nobody has to do anything, the oldest
/// first, and gives pages that became free back to the file system. Entries of runs follow when
/// they are merged.
pub(crate) fn prune(
    db: &Connection,
    tally: &mut Tally,
    before_us: i64,
    n: usize,
) -> Result<u64, TruthError> {
    let over: Vec<String> = MessageState::ALL
        .iter()
        .filter(|state| state.is_over())
        .map(|state| number_of_state(*state).to_string())
        .collect();
    let sql = format!(
        "SELECT id, time, channel, direction, state FROM message \
         WHERE time < ?1 AND state IN ({}) ORDER BY time LIMIT ?2",
        over.join(",")
    );
    let mut found: Vec<Counted> = Vec::new();
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params![before_us, limit(n)])?;
    while let Some(row) = rows.next()? {
        found.push(counted_of(row)?);
    }
    let last = found.iter().map(|of| of.id).max().unwrap_or(0);
    db.prepare_cached("UPDATE message_in_runs SET pruned = max(pruned, ?1)")?
        .execute([sql_int(last)])?;
    for of in &found {
        tally.less(*of);
        db.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([sql_int(of.id)])?;
    }
    let mut query = db.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_FREED_MAX})"))?;
    let mut rows = query.query([])?;
    while rows.next()?.is_some() {}
    Ok(u64::try_from(found.len()).unwrap_or(0))
}

/// Pages given back with one commit.
/// LIMIT: moving that many takes a few milliseconds.
const PAGES_FREED_MAX: u32 = 512;

/// The answer that the message with this number got; `None` when it can no longer be read.
pub(crate) fn answer_of(
    db: &Connection,
    keyring: &Keyring,
    id: u64,
) -> Result<Option<(Seq, Vec<u8>)>, TruthError> {
    let Some(row) = by_id(db, MessageId(id), false)? else { return Ok(None) };
    let head = sealing::open_head(keyring, &row)
        .map_err(|_| TruthError::Row("a kept message does not open"))?;
    Ok(head.map(|head| (head.seq, head.answer.into_revealed())))
}
