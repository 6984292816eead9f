//! Bringing what is in the log to the file, beside the writer: while the disk works on it, commits
//! go on.
//!
//! The thread here brings most of it; what came meanwhile is left to the writer, because only when
//! nothing is left can the log begin anew.

use std::{
    ffi::c_int,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use rusqlite::{Connection, hooks::Wal};

use crate::{
    error::OpenError,
    truth::{self, TruthError},
};

/// Pages by which the log grows before they are brought to the file.
/// LIMIT: 4 MB, which hold up the writer's own flush for a few milliseconds.
const STEP_PAGES: u32 = if cfg!(test) { 32 } else { 1_000 };

/// Pages of the log from which on the writer brings what is left, so that it begins anew.
/// LIMIT: 16 MB, which a start reads again; readers look up each page in an index of all.
const LOG_PAGES_MAX: u32 = 4 * STEP_PAGES;

/// Pages between two tries to begin anew, while a reader stands in the way.
const RETRY_PAGES: u32 = STEP_PAGES / 8;

/// The writer's side.
pub(super) struct Fold {
    /// Pages of the log after the last commit, as SQLite says.
    n_pages: Arc<AtomicU32>,
    shared: Arc<Shared>,
    /// Taken only by `drop`.
    wake: Option<mpsc::SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    n_asked: u64,
    /// Pages of the log when the thread was last asked, and when the writer itself last tried.
    asked_at: u32,
    tried_at: u32,
}

#[derive(Default)]
struct Shared {
    /// Held while pages are brought to the file.
    turn: Mutex<()>,
    n_done: AtomicU64,
}

impl Fold {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(path: &Path) -> Result<Fold, OpenError> {
        let db = truth::open_beside(path)?;
        let shared = Arc::new(Shared::default());
        let (wake, woken) = mpsc::sync_channel(1);
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("ward-fold".to_owned())
            .spawn(move || run(&db, &of_thread, &woken))
            .map_err(OpenError::Thread)?;
        Ok(Fold {
            n_pages: Arc::default(),
            shared,
            wake: Some(wake),
            thread: Some(thread),
            n_asked: 0,
            asked_at: 0,
            tried_at: 0,
        })
    }

    /// Has the writer's connection tell how long the log is.
    pub(super) fn watch(&self, db: &mut Connection) -> Result<(), TruthError> {
        let n_pages = Arc::clone(&self.n_pages);
        let hook = move |_: &mut Wal, n: c_int| {
            n_pages.store(u32::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        Ok(db.wal_hook(Some(hook))?)
    }

    /// After a commit, when its callers have been answered.
    pub(super) fn committed(&mut self, db: &Connection) {
        let n_pages = self.n_pages.load(Ordering::Relaxed);
        // The log has begun anew.
        if n_pages < self.asked_at {
            (self.asked_at, self.tried_at) = (0, 0);
        }
        if STEP_PAGES <= n_pages - self.asked_at {
            self.asked_at = n_pages;
            let asked = self.wake.as_ref().map(|wake| wake.try_send(()));
            self.n_asked += u64::from(matches!(asked, Some(Ok(()))));
            return;
        }
        let is_idle = self.n_asked == self.shared.n_done.load(Ordering::Acquire);
        if LOG_PAGES_MAX <= n_pages && is_idle && self.tried_at + RETRY_PAGES <= n_pages {
            self.tried_at = n_pages;
            let _turn = self.shared.turn();
            fold(db);
        }
    }

    /// Brings all of it, after whoever is at it now, and makes the log empty. Readers may keep a
    /// part of it for a moment; then it comes with the next time.
    pub(super) fn whole(&self, db: &Connection) {
        let _turn = self.shared.turn();
        let _left = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

impl Drop for Fold {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(db: &Connection, shared: &Shared, woken: &mpsc::Receiver<()>) {
    while woken.recv().is_ok() {
        let turn = shared.turn();
        fold(db);
        drop(turn);
        shared.n_done.fetch_add(1, Ordering::Release);
    }
}

/// Brings to the file what no reader still needs in the log. What fails stays in the log, where it
/// is as safe, and comes with the next try.
fn fold(db: &Connection) {
    let folded: Result<(), TruthError> = db
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut it| it.query_row([], |_| Ok(())))
        .map_err(TruthError::from);
    if let Err(error) = folded {
        tracing::warn!(%error, "log not brought to the file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        db: Connection,
        fold: Fold,
        n_commits: u32,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("truth.db");
            let mut db = truth::open_writer(&path, None).unwrap();
            db.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB NOT NULL)").unwrap();
            let fold = Fold::start(&path).unwrap();
            fold.watch(&mut db).unwrap();
            Bench { folder, db, fold, n_commits: 0 }
        }

        fn commit(&mut self) -> u32 {
            let sql = "INSERT INTO t (b) VALUES (randomblob(3000))";
            self.db.prepare_cached(sql).unwrap().execute([]).unwrap();
            self.n_commits += 1;
            self.fold.committed(&self.db);
            self.fold.n_pages.load(Ordering::Relaxed)
        }

        /// Commits until the log begins anew, and answers how many pages it had.
        fn until_anew(&mut self) -> Option<u32> {
            let mut before = self.commit();
            for _ in 0..200 * LOG_PAGES_MAX {
                let now = self.commit();
                if now < before {
                    return Some(before);
                }
                before = now;
            }
            None
        }

        fn log_bytes(&self) -> u64 {
            std::fs::metadata(self.folder.path().join("truth.db-wal")).map_or(0, |it| it.len())
        }
    }

    #[test]
    fn the_log_begins_anew_again_and_again() {
        let mut bench = Bench::new();
        for _ in 0..4 {
            // Where the thread brings all of it before the next commit, before it is at its longest.
            assert!(STEP_PAGES <= bench.until_anew().unwrap());
        }
        let n: u32 = bench.db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(n, bench.n_commits);
    }

    #[test]
    fn a_reader_in_the_way_loses_nothing_and_is_waited_for() {
        let mut bench = Bench::new();
        let reader = truth::open_reader(&bench.folder.path().join("truth.db")).unwrap();
        bench.commit();
        reader.execute_batch("BEGIN").unwrap();
        let count = |db: &Connection| -> u32 {
            db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(&reader), 1);
        for _ in 0..2 * LOG_PAGES_MAX {
            assert!(bench.commit() != 0);
        }
        assert!(LOG_PAGES_MAX < bench.fold.n_pages.load(Ordering::Relaxed), "the reader needs it");
        assert_eq!(count(&reader), 1);
        reader.execute_batch("COMMIT").unwrap();
        assert!(bench.until_anew().is_some());
        assert_eq!(count(&reader), count(&bench.db));
    }

    #[test]
    fn whole_leaves_an_empty_log() {
        let mut bench = Bench::new();
        for _ in 0..2 * STEP_PAGES {
            bench.commit();
        }
        assert_ne!(bench.log_bytes(), 0);
        bench.fold.whole(&bench.db);
        assert_eq!(bench.log_bytes(), 0);
    }
}
