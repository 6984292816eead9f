//! The tables of truth. `docs/store.md` describes every column.

/// The layout this release reads and writes.
pub(crate) const LAYOUT: i64 = 6;

/// What brings a file of layout 1 to layout 2, and is part of every new one: messages.
pub(crate) const MESSAGES: &str = "
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    state INTEGER NOT NULL,
    channel BLOB NOT NULL,
    kind BLOB NOT NULL,
    control BLOB NOT NULL,
    sender BLOB NOT NULL,
    digest BLOB NOT NULL,
    scope BLOB,
    head BLOB NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX message_by_scope ON message (scope) WHERE scope IS NOT NULL;
CREATE INDEX message_by_time ON message (time);
";

/// What brings a file of layout 3 to layout 4, and is part of every new one: how messages are
/// found that somebody has to do something about.
///
/// The condition has no list of states: SQLite would make a table of the list for every row that
/// is written.
pub(crate) const FOUND_BY: &str = "
DROP INDEX IF EXISTS message_not_over;
CREATE INDEX message_not_over ON message (state) WHERE state <> 1 AND state <> 2 AND state <> 7;
";

/// What brings a file of layout 5 to layout 6, and is part of every new one: how messages are found
/// by interface, and by tokens, see [`crate::message::runs`]. Older layouts had a B-tree of control
/// ids.
pub(crate) const RUNS: &str = "
CREATE INDEX message_by_channel ON message (channel);
DROP INDEX IF EXISTS message_by_control;
DROP TABLE IF EXISTS message_control;
CREATE TABLE message_run (
    run INTEGER PRIMARY KEY,
    tier INTEGER NOT NULL,
    unmerged INTEGER NOT NULL,
    last INTEGER NOT NULL,
    cleared INTEGER NOT NULL DEFAULT 0,
    source_of INTEGER
) STRICT;
CREATE TABLE message_part (
    at INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
) STRICT;
CREATE TABLE message_in_runs (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
INSERT INTO message_in_runs VALUES (1, max(
    (SELECT coalesce(max(id), 0) FROM message),
    (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message')),
    (SELECT coalesce(min(id), 1) - 1 FROM message));
";

/// The numbers of messages that were given before layout 6, where no message has them.
pub(crate) const IN_TREE: &str = "
UPDATE message_in_runs SET id = max(id, (SELECT id FROM message_in_tree));
DROP TABLE message_in_tree;
";

/// What brings a file of layout 2 to layout 3, and is part of every new one: what is told to
/// whom, numbered.
pub(crate) const NUMBERS: &str = "
CREATE TABLE numbered (
    consumer TEXT NOT NULL,
    number INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (consumer, number)
) STRICT, WITHOUT ROWID;
";

/// What brings a file of layout 4 to layout 5, and is part of every new one: how many messages
/// there are, by interface and state, for each hour and (-1) for all of them.
pub(crate) const COUNTS: &str = "
CREATE TABLE message_count (
    hour INTEGER NOT NULL,
    channel BLOB NOT NULL,
    direction INTEGER NOT NULL,
    state INTEGER NOT NULL,
    n INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (hour, channel, direction, state)
) STRICT, WITHOUT ROWID;
INSERT INTO message_count (hour, channel, direction, state, n, last)
    SELECT max(0, time / 3600000000), channel, direction, state, count(*), max(id)
    FROM message GROUP BY 1, 2, 3, 4;
INSERT INTO message_count (hour, channel, direction, state, n, last)
    SELECT -1, channel, direction, state, sum(n), max(last)
    FROM message_count GROUP BY 2, 3, 4;
";

/// Every other table, as it is made in an empty file.
pub(crate) const TABLES: &str = "
CREATE TABLE tenant (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    wrapped_index BLOB NOT NULL,
    wrapped_signer BLOB NOT NULL,
    public_key BLOB NOT NULL
) STRICT;
CREATE TABLE scope_key (
    scope BLOB PRIMARY KEY,
    tenant_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    name BLOB NOT NULL,
    destroyed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE version (
    vid INTEGER PRIMARY KEY,
    rid INTEGER NOT NULL,
    kid BLOB NOT NULL,
    ver INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    patients BLOB NOT NULL,
    flags INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    terms BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX version_by_kid ON version (kid, ver);
CREATE INDEX version_by_kind ON version (kind, vid);
CREATE TABLE commit_log (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    first_vid INTEGER NOT NULL,
    n_versions INTEGER NOT NULL,
    n_events INTEGER NOT NULL,
    n_commands INTEGER NOT NULL
) STRICT;
CREATE TABLE event (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE consumer (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane BLOB NOT NULL,
    state INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX command_ready ON command (lane, state, not_before);
CREATE TABLE idempotency (
    key BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE frontier (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoint (
    n INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
";

/// What every connection is told.
pub(crate) const EVERY_CONNECTION: &str = "
PRAGMA trusted_schema = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 0;
";

/// What the writer's connection is told besides: nothing is acknowledged before it is on disk,
/// and what is deleted is overwritten. The log is brought to the file by [`crate::writer`].
pub(crate) const WRITER: &str = "
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA wal_autocheckpoint = 0;
PRAGMA cache_size = -16000;
";

/// What the connection is told that brings the log to the file: both are flushed.
pub(crate) const BESIDE: &str = "
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 0;
PRAGMA cache_size = -64;
";

pub(crate) const READER: &str = "
PRAGMA query_only = ON;
PRAGMA cache_size = -4000;
";
