//! How the chart stands and what it has done since it was opened, in numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{chart::Chart, error::ReadError, message::MessageState, truth::TruthError};

/// Numbers for whoever watches the machine. Nothing of any patient is in them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Figures {
    /// The last durable commit.
    pub seq: u64,
    /// The last commit that searches see.
    pub searchable_seq: u64,
    pub versions: u64,
    pub audit_entries: u64,
    /// Batches made durable since the chart was opened, and units in them.
    pub batches: u64,
    pub units: u64,
    /// Batches that the disk refused.
    pub batches_failed: u64,
    /// Units that wait for the writer.
    pub units_waiting: u64,
    pub commands_waiting: u64,
    pub commands_leased: u64,
    pub commands_dead: u64,
    /// Messages of interfaces that were given up, set aside, or wait to go out.
    pub messages_dead: u64,
    pub messages_quarantined: u64,
    pub messages_waiting: u64,
    /// Rows kept in memory, sealed, and how often one was there and was not.
    pub cached_bytes: u64,
    pub cache_hits: u64,
    pub cache_misses: u64,
    /// Layers of the index in memory, and the number of the last run on its way to disk.
    pub index_layers: u64,
    pub index_runs: u64,
}

/// Counts kept where things happen.
#[derive(Default)]
pub(crate) struct Counters {
    batches: AtomicU64,
    units: AtomicU64,
    batches_failed: AtomicU64,
}

impl Counters {
    pub(crate) fn committed(&self, n_units: usize) {
        self.batches.fetch_add(1, Relaxed);
        self.units.fetch_add(u64::try_from(n_units).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.batches_failed.fetch_add(1, Relaxed);
    }
}

impl Chart {
    /// The figures now.
    ///
    /// - Cost: a few small queries; each figure is right by itself, together they are of about the
    ///   same moment.
    pub fn figures(&self) -> Result<Figures, ReadError> {
        let inner = &self.inner;
        let truth = &inner.truth;
        let [commands_waiting, commands_leased, commands_dead] = self.queue_counts()?;
        let audit_entries = truth.read(|db| {
            let sql = "SELECT coalesce(max(n) + 1, 0) FROM audit";
            db.prepare_cached(sql)?.query_row([], |row| row.get(0)).map_err(TruthError::from)
        })?;
        let messages = self.message_counts()?;
        let n = |state| messages.iter().find(|it| it.0 == state).map_or(0, |it| it.1);
        let cache = truth.cache_figures();
        let (index_layers, index_runs) =
            inner.index.current().map_or((0, 0), |index| index.figures());
        let counters = &truth.counters;
        Ok(Figures {
            seq: truth.last_seq()?.0,
            searchable_seq: self.seq().0,
            versions: truth.last_vid()?,
            audit_entries,
            batches: counters.batches.load(Relaxed),
            units: counters.units.load(Relaxed),
            batches_failed: counters.batches_failed.load(Relaxed),
            units_waiting: inner.writer.waiting(),
            commands_waiting,
            commands_leased,
            commands_dead,
            messages_dead: n(MessageState::Dead),
            messages_quarantined: n(MessageState::Quarantined),
            messages_waiting: n(MessageState::Waiting),
            cached_bytes: cache.bytes,
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            index_layers,
            index_runs,
        })
    }
}
