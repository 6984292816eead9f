//! What is told to a consumer outside, under numbers of its own: 1, 2, 3, without a gap.
//!
//! A number is given in the commit that found the event, and is kept for as long as somebody may
//! ask for it again. It names a place on the feed and holds nothing of a record.

use rusqlite::{Connection, params};

use crate::{
    Seq,
    chart::Chart,
    error::ReadError,
    feed::{ConsumerName, FeedPlace},
    truth::{
        TruthError,
        rows::{limit, sql_int},
    },
};

/// One event under the number that it has for a consumer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbered {
    pub consumer: ConsumerName,
    /// From 1.
    pub number: u64,
    pub place: FeedPlace,
}

/// Most numbers read at once.
/// LIMIT: a page of an answer; whoever wants more asks again.
const NUMBERS_MAX: usize = 1_000;

/// Keeps what a unit says of numbers.
pub(crate) fn keep(
    db: &Connection,
    new: &[Numbered],
    forgotten: Option<&(ConsumerName, u64)>,
) -> Result<(), TruthError> {
    for new in new {
        insert(db, new)?;
    }
    forgotten.map_or(Ok(()), |(consumer, number)| forget(db, consumer, *number))
}

fn insert(db: &Connection, new: &Numbered) -> Result<(), TruthError> {
    let sql = "INSERT OR IGNORE INTO numbered (consumer, number, seq, n) VALUES (?1, ?2, ?3, ?4)";
    let (consumer, FeedPlace { seq, n }) = (new.consumer.as_str(), new.place);
    db.prepare_cached(sql)?.execute(params![consumer, sql_int(new.number), sql_int(seq.0), n])?;
    Ok(())
}

fn forget(db: &Connection, consumer: &ConsumerName, number: u64) -> Result<(), TruthError> {
    let sql = "DELETE FROM numbered WHERE consumer = ?1 AND number <= ?2";
    db.prepare_cached(sql)?.execute(params![consumer.as_str(), sql_int(number)])?;
    Ok(())
}

impl Chart {
    /// The numbers of a consumer after `after`, in order, with the places of their events.
    pub fn numbers_after(
        &self,
        consumer: &ConsumerName,
        after: u64,
        n: usize,
    ) -> Result<Vec<(u64, FeedPlace)>, ReadError> {
        let sql = "SELECT number, seq, n FROM numbered WHERE consumer = ?1 AND number > ?2 \
                   ORDER BY number LIMIT ?3";
        let read = self.inner.truth.read(|db| {
            let mut query = db.prepare_cached(sql)?;
            let wanted = params![consumer.as_str(), sql_int(after), limit(n.min(NUMBERS_MAX))];
            let rows = query.query_map(wanted, |row| {
                let place = FeedPlace { seq: Seq(row.get(1)?), n: row.get(2)? };
                Ok((row.get(0)?, place))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        Ok(read?)
    }

    /// The last number of a consumer; 0 when there is none.
    pub fn last_number(&self, consumer: &ConsumerName) -> Result<u64, ReadError> {
        let sql = "SELECT coalesce(max(number), 0) FROM numbered WHERE consumer = ?1";
        let read = self.inner.truth.read(|db| {
            Ok(db.prepare_cached(sql)?.query_row([consumer.as_str()], |row| row.get(0))?)
        });
        Ok(read?)
    }
}
