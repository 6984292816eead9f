//! Verifying the audit log and all rows it vouches for, without a running server.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use ward_core::Kind;
use ward_crypto::{RootKey, checkpoint, merkle::Frontier};

use super::{anchor, list, origin};
use crate::{
    chart,
    error::OpenError,
    keys::Keyring,
    truth::{
        self, Truth, TruthError,
        rows::{self, RowsDigest},
    },
};

/// What a verification found.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    pub n_entries: u64,
    pub n_versions: u64,
    /// Checkpoints of the database itself.
    pub n_checkpoints: u64,
    /// Checkpoints kept outside.
    pub n_anchored: u64,
    /// Everything that is wrong, in the order it was found; no more than a thousand.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// Entries are missing before entry `before`.
    EntryMissing { before: u64, n: u64 },
    /// The entry was changed, or stands where another did.
    EntryChanged { n: u64 },
    /// The rows that an entry vouches for are fewer than it says.
    VersionMissing { entry: u64, vid: u64 },
    /// The rows that an entry vouches for are not what was written.
    VersionChanged { entry: u64, first_vid: u64, n: u64 },
    /// No entry vouches for these rows.
    VersionUnaccounted { first_vid: u64, last_vid: u64 },
    /// The log's root at this length is not the one that was signed.
    RootDiffers { len: u64, kept: Kept },
    /// A checkpoint tells of more entries than there are: the database was put back or cut.
    LogShorter { signed: u64, found: u64, kept: Kept },
    /// A checkpoint is not signed by this chart's key.
    CheckpointForged { kept: Kept, reason: String },
    /// The log's own summary does not fit its entries.
    FrontierDiffers,
}

/// Where a checkpoint was kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kept {
    Inside,
    Outside,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kept::Inside => "in the database",
            Kept::Outside => "kept outside",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::EntryMissing { before, n } => {
                write!(f, "{n} audit entries are missing before entry {before}")
            }
            Finding::EntryChanged { n } => {
                write!(f, "audit entry {n} was changed, or stands in another's place")
            }
            Finding::VersionMissing { entry, vid } => {
                write!(f, "row {vid}, written under audit entry {entry}, is missing")
            }
            Finding::VersionChanged { entry, first_vid, n } => write!(
                f,
                "among the {n} rows from {first_vid}, written under audit entry {entry}, one was \
                 changed, moved or replaced"
            ),
            Finding::VersionUnaccounted { first_vid, last_vid } => {
                write!(f, "no audit entry vouches for the rows {first_vid} to {last_vid}")
            }
            Finding::RootDiffers { len, kept } => {
                write!(f, "the log's first {len} entries are not those of the checkpoint {kept}")
            }
            Finding::LogShorter { signed, found, kept } => write!(
                f,
                "the checkpoint {kept} tells of {signed} entries, the log has {found}: the \
                 database was put back to an older state, or cut"
            ),
            Finding::CheckpointForged { kept, reason } => {
                write!(f, "a checkpoint {kept} is not this chart's: {reason}")
            }
            Finding::FrontierDiffers => f.write_str("the log's summary does not fit its entries"),
        }
    }
}

/// The log could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("opening the chart")]
    Open(#[source] OpenError),
    #[error("reading the database")]
    Truth(#[from] TruthError),
    #[error("anchor `{path}`")]
    Anchor {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl VerifyError {
    pub fn kind(&self) -> Kind {
        match self {
            VerifyError::Open(source) => source.kind(),
            VerifyError::Truth(source) => source.kind(),
            VerifyError::Anchor { .. } => Kind::Unavailable,
        }
    }
}

impl From<rusqlite::Error> for VerifyError {
    fn from(source: rusqlite::Error) -> VerifyError {
        VerifyError::Truth(source.into())
    }
}

/// LIMIT: a list longer than this says no more than its beginning.
const FINDINGS_MAX: usize = 1_000;

/// Rows digested at once.
const STEP: u64 = 1_000;

/// Verifies the chart in `data`, which may be open elsewhere, against its own checkpoints and
/// those in `anchor`.
///
/// - Errors: only when nothing could be said; what is wrong with the chart is in the report.
/// - Cost: reads every row once.
pub fn verify(
    data: &Path,
    root: &dyn RootKey,
    anchor: Option<&Path>,
) -> Result<Report, VerifyError> {
    let path = data.join(Truth::FILE);
    if !path.is_file() {
        return Err(VerifyError::Open(OpenError::NoChart(data.to_owned())));
    }
    let truth = Arc::new(Truth::open(&path, 2));
    let tenant = truth.tenant()?;
    let keyring = chart::open_keyring(&truth, root, &tenant, 16).map_err(VerifyError::Open)?;
    let signer = chart::open_signer(root, &tenant).map_err(VerifyError::Open)?;
    let db = truth::open_reader(&path)?;
    // One snapshot, so that a server at work does not disturb.
    db.execute_batch("BEGIN")?;
    let mut walk = Walk {
        db: &db,
        keyring: &keyring,
        report: Report::default(),
        signed: BTreeMap::new(),
        frontier: Frontier::default(),
        next_vid: 1,
    };
    let public_key = signer.public_key();
    let inside = walk.checkpoints()?;
    walk.report.n_checkpoints = walk.take_signed(Kept::Inside, &inside, &public_key);
    if let Some(anchor) = anchor {
        let outside = anchor::read(anchor)
            .map_err(|source| VerifyError::Anchor { path: anchor.to_owned(), source })?;
        walk.report.n_anchored = walk.take_signed(Kept::Outside, &outside, &public_key);
    }
    walk.entries()?;
    walk.end()?;
    Ok(walk.report)
}

struct Walk<'a> {
    db: &'a Connection,
    keyring: &'a Keyring,
    report: Report,
    /// Roots that were signed, by the length of the log.
    signed: BTreeMap<u64, Vec<(Kept, [u8; 32])>>,
    frontier: Frontier,
    next_vid: u64,
}

impl Walk<'_> {
    fn find(&mut self, finding: Finding) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        }
    }

    fn checkpoints(&self) -> Result<Vec<String>, VerifyError> {
        let mut query = self.db.prepare("SELECT text FROM checkpoint ORDER BY n")?;
        let texts = query.query_map([], |row| row.get(0))?;
        Ok(texts.collect::<Result<_, _>>()?)
    }

    fn take_signed(&mut self, kept: Kept, texts: &[String], public_key: &[u8; 32]) -> u64 {
        let origin = origin(self.keyring.tenant());
        let mut n = 0;
        for text in texts {
            match checkpoint::verify(text, public_key) {
                Ok(it) if it.origin == origin => {
                    n += 1;
                    self.signed.entry(it.len).or_default().push((kept, it.root));
                }
                Ok(_) => self.find(Finding::CheckpointForged {
                    kept,
                    reason: "it is of another log".to_owned(),
                }),
                Err(error) => {
                    self.find(Finding::CheckpointForged { kept, reason: error.to_string() })
                }
            }
        }
        n
    }

    fn entries(&mut self) -> Result<(), VerifyError> {
        let db = self.db;
        let mut query = db.prepare("SELECT n, sealed FROM audit ORDER BY n")?;
        let mut entries = query.query([])?;
        let mut expected = 0;
        while let Some(entry) = entries.next()? {
            let n: u64 = entry.get(0)?;
            let sealed: Vec<u8> = entry.get(1)?;
            if n != expected {
                self.find(Finding::EntryMissing { before: n, n: n.saturating_sub(expected) });
            }
            expected = n + 1;
            self.report.n_entries += 1;
            self.frontier.push(super::leaf(n, &sealed));
            match list::open(self.keyring, n, &sealed) {
                Err(_) => self.find(Finding::EntryChanged { n }),
                Ok(decoded) if 0 < decoded.wrote.n_versions => {
                    self.versions(n, decoded.wrote)?;
                }
                Ok(_) => {}
            }
            let len = self.frontier.len();
            if let Some(signed) = self.signed.remove(&len) {
                let root = self.frontier.root();
                for (kept, expected) in signed {
                    if expected != root {
                        self.find(Finding::RootDiffers { len, kept });
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares the rows that entry `n` vouches for.
    fn versions(&mut self, n: u64, wrote: super::Wrote) -> Result<(), VerifyError> {
        if self.next_vid < wrote.first_vid {
            let last_vid = wrote.first_vid - 1;
            self.find(Finding::VersionUnaccounted { first_vid: self.next_vid, last_vid });
        }
        let end = wrote.first_vid.saturating_add(wrote.n_versions);
        self.next_vid = self.next_vid.max(end);
        let changed =
            Finding::VersionChanged { entry: n, first_vid: wrote.first_vid, n: wrote.n_versions };
        let mut digest = RowsDigest::default();
        let mut at = wrote.first_vid;
        while at < end {
            let step = usize::try_from(STEP.min(end - at)).unwrap_or(usize::MAX);
            let rows = match rows::from_vid(self.db, at, step) {
                Ok(rows) => rows,
                Err(_) => {
                    self.find(changed);
                    return Ok(());
                }
            };
            for row in &rows {
                if row.head.vid != at || end <= at {
                    self.find(Finding::VersionMissing { entry: n, vid: at });
                    return Ok(());
                }
                digest.push(&row.head, &row.content_digest());
                at += 1;
                self.report.n_versions += 1;
            }
            if rows.is_empty() {
                self.find(Finding::VersionMissing { entry: n, vid: at });
                return Ok(());
            }
        }
        if digest.finish() != wrote.digest {
            self.find(changed);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), VerifyError> {
        let found = self.frontier.len();
        for (len, signed) in std::mem::take(&mut self.signed) {
            for (kept, _) in signed {
                self.find(Finding::LogShorter { signed: len, found, kept });
            }
        }
        let last: u64 = rows::last_vid(self.db)?;
        if self.next_vid <= last {
            self.find(Finding::VersionUnaccounted { first_vid: self.next_vid, last_vid: last });
        }
        let kept: Option<Vec<u8>> = rusqlite::OptionalExtension::optional(self.db.query_row(
            "SELECT bytes FROM frontier",
            [],
            |row| row.get(0),
        ))?;
        let fits = match kept {
            None => self.frontier.is_empty(),
            Some(bytes) => bytes == self.frontier.to_bytes(),
        };
        if !fits {
            self.find(Finding::FrontierDiffers);
        }
        Ok(())
    }
}
