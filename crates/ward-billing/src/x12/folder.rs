//! The folder of a partner: `in`, `out`, `done` and `failed`.
//!
//! A file that comes is moved when everything that follows from it is in the chart; one that goes
//! appears under its name whole. Killed at any moment, the next round goes on: a file that is still
//! there is known by its number, and one that is written again has the same name and bytes.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use ward_core::{AuditAction, Phi};
use ward_store::{
    CommitUnit, Direction, Interaction, MessageFilter, MessageState, NewMessage, Restated,
};
use ward_x12::{DOCUMENT_BYTES_MAX, read};

use super::{receive::Received, send::channel};
use crate::{
    Billing, BillingError,
    payers::{Payer, X12Way},
    tell::Desk,
};

/// Files of one partner that are looked at in one round.
/// LIMIT: others have their turn after so many.
const FILES_MAX: usize = 64;

/// Interchanges that are put into a folder in one round.
/// LIMIT: others have their turn after so many.
const OUT_MAX: usize = 64;

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Exchanged {
    pub n_in: u64,
    pub n_failed: u64,
    pub n_out: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("the folder of a partner")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Billing(#[from] BillingError),
}

impl From<ward_store::ReadError> for ExchangeError {
    fn from(error: ward_store::ReadError) -> ExchangeError {
        BillingError::from(error).into()
    }
}

impl From<ward_store::CommitError> for ExchangeError {
    fn from(error: ward_store::CommitError) -> ExchangeError {
        BillingError::from(error).into()
    }
}

impl Billing {
    /// One round over the folders of all partners.
    ///
    /// - Errors: of one partner are logged; the others have their turn.
    /// - Repeat: safe.
    pub async fn exchange(&self) -> Exchanged {
        let mut all = Exchanged::default();
        for (payer, way) in self.settings().payers.by_x12() {
            match self.exchange_with(payer, way).await {
                Ok(one) => {
                    all.n_in += one.n_in;
                    all.n_failed += one.n_failed;
                    all.n_out += one.n_out;
                }
                Err(error) => {
                    tracing::error!(partner = %payer.name, %error, "folder not looked at");
                }
            }
        }
        all
    }

    async fn exchange_with(&self, payer: &Payer, way: &X12Way) -> Result<Exchanged, ExchangeError> {
        let mut exchanged = Exchanged::default();
        for name in ["in", "out", "done", "failed"] {
            fs::create_dir_all(way.folder.join(name))?;
        }
        for file in waiting(&way.folder.join("in"))? {
            let (to, n_failed) = match self.take((payer, way), &file).await? {
                true => ("done", 0),
                false => ("failed", 1),
            };
            move_to(&way.folder.join("in").join(&file), &way.folder.join(to), &file)?;
            exchanged.n_in += 1;
            exchanged.n_failed += n_failed;
        }
        exchanged.n_out = self.put_out(payer, way).await?;
        Ok(exchanged)
    }

    /// Works on one file; answers whether all of it was understood.
    async fn take(&self, partner: (&Payer, &X12Way), file: &str) -> Result<bool, ExchangeError> {
        let path = partner.1.folder.join("in").join(file);
        let len = usize::try_from(fs::metadata(&path)?.len()).unwrap_or(usize::MAX);
        let document = match len <= DOCUMENT_BYTES_MAX {
            true => read(&fs::read(&path)?),
            false => read(b""),
        };
        let mut is_good = document.problems.is_empty();
        for it in &document.interchanges {
            let received = self.receive(partner, file, it).await?;
            tracing::info!(partner = %partner.0.name, ?received, "interchange received");
            is_good &= matches!(received, Received::Accepted | Received::Again);
        }
        if let Some(problem) = document.problems.first() {
            self.unreadable(partner.0, &problem.to_string()).await?;
        }
        Ok(is_good)
    }

    /// Somebody has to look at a file that has no interchange to be answered.
    async fn unreadable(&self, payer: &Payer, why: &str) -> Result<(), BillingError> {
        let cx = self.context();
        let act = Interaction::new(AuditAction::Import)
            .with_detail(format!("x12 from {}: unreadable", payer.name));
        let reader = self.chart().reader(&cx, act);
        let writes = {
            let desk =
                Desk { chart: self.chart(), reader: &reader, base: self.base(), now: cx.now };
            desk.of_partner(&payer.name, "x12-unreadable", why)?
        };
        reader.commit(&cx, CommitUnit { writes, ..CommitUnit::default() }).await?;
        Ok(())
    }

    /// Puts what waits into the folder.
    async fn put_out(&self, payer: &Payer, way: &X12Way) -> Result<u64, ExchangeError> {
        let own = self.context();
        let filter = MessageFilter {
            direction: Some(Direction::Out),
            states: vec![MessageState::Waiting],
            channel: Some(channel(&payer.name)),
            after: Some(ward_store::MessageId(0)),
            limit: OUT_MAX,
            ..MessageFilter::default()
        };
        let mut n_out = 0;
        for id in self.chart().messages_to_work_on(&own, &filter)? {
            let Some(message) = self.chart().message_to_work_on(&own, id)? else { continue };
            let head = &message.head;
            // Taken out to be sent: the number is the file's name, the bytes what is in it.
            let name = format!("{}.x12", head.control_id.reveal());
            appear(&way.folder.join("out"), &name, message.raw.reveal())?;
            let to =
                NewMessage { answer: Phi::new(Vec::new()), ..message.in_state(MessageState::Sent) };
            let restated = Restated { id: head.id, from: head.state, to };
            let unit = CommitUnit { restated: vec![restated], ..CommitUnit::default() };
            let act =
                Interaction::new(AuditAction::Export).with_detail(format!("x12 to {}", payer.name));
            self.chart().commit(&own, act, unit).await?;
            n_out += 1;
        }
        Ok(n_out)
    }
}

/// Files that are whole, by name. Those that are being written begin with a dot, or end with
/// `.tmp` or `.part`.
fn waiting(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_partial =
            name.starts_with('.') || [".tmp", ".part"].iter().any(|end| name.ends_with(end));
        if !is_partial && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort();
    names.truncate(FILES_MAX);
    Ok(names)
}

/// Writes a file that is there whole or not at all.
fn appear(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!(".{name}.tmp"));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Moves a file; one of the same name that is there already is kept.
fn move_to(from: &Path, folder: &Path, name: &str) -> io::Result<()> {
    let mut to = folder.join(name);
    let mut n = 1_u32;
    while to.try_exists()? {
        let stem = Path::new(name).file_stem().and_then(OsStr::to_str).unwrap_or(name);
        let end = Path::new(name).extension().and_then(OsStr::to_str);
        let end = end.map_or(String::new(), |end| format!(".{end}"));
        to = folder.join(format!("{stem}-{n}{end}"));
        n = n.saturating_add(1);
    }
    fs::rename(from, &to)?;
    File::open(folder)?.sync_all()
}
