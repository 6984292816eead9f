//! One try to bring a message to its destination.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ward_hl7::{
    Header, ReadSettings,
    ack::{Answer, Next},
};
use ward_store::MessageId;

use super::Fault;
use crate::{
    http::{HttpSender, HttpSent},
    mllp::{SendError, Sender},
    s3::{Bucket, Stored},
};

/// Where messages are brought.
pub enum Target {
    Mllp(Box<Sender>),
    Http(Box<HttpSender>),
    /// Each message becomes an object, named by its number.
    S3(Box<Bucket>),
    /// Each message becomes a file, named by its number.
    Folder(PathBuf),
    /// What is there cannot be used, such as a certificate that cannot be read: messages wait.
    Closed,
}

/// What became of one try.
pub(super) enum Try {
    /// With the answer.
    Arrived(Vec<u8>),
    /// The receiver will never have this message: its answer, and why where that says nothing.
    Refused(Vec<u8>, Option<String>),
    /// The receiver would not have it now.
    Rejected(Vec<u8>),
    /// The destination is not there.
    Later(Fault),
}

impl Target {
    pub(super) async fn attempt(
        &mut self,
        name: &str,
        (id, raw): (MessageId, &[u8]),
        now: Timestamp,
    ) -> Try {
        match self {
            Target::Closed => Try::Later(Fault::new("unusable")),
            Target::Folder(folder) => match write(folder, id, raw) {
                Ok(()) => Try::Arrived(Vec::new()),
                Err(error) => later(name, &error),
            },
            Target::Mllp(sender) => {
                let Some(control_id) = control_id(raw) else { return without_id() };
                match sender.send(&control_id, raw).await {
                    Ok(sent) => followed(&sent.answer, sent.raw),
                    Err(SendError::Unframeable) => {
                        Try::Refused(Vec::new(), Some("not to be framed".to_owned()))
                    }
                    Err(error) => later(name, &error),
                }
            }
            Target::S3(bucket) => match bucket.put(&file_name(id), raw, now).await {
                Ok(Stored::Stored) => Try::Arrived(Vec::new()),
                Ok(Stored::Other) => {
                    let why = "there is another object of this name";
                    Try::Refused(Vec::new(), Some(why.to_owned()))
                }
                Err(error) => later(name, &error),
            },
            Target::Http(sender) => {
                let Some(control_id) = control_id(raw) else { return without_id() };
                match sender.send(&control_id, raw).await {
                    Ok(HttpSent::Answered(answer, raw)) => followed(&answer, raw),
                    Ok(HttpSent::Wrong(status)) => {
                        Try::Refused(Vec::new(), Some(format!("status {status}")))
                    }
                    Err(error) => later(name, &error),
                }
            }
        }
    }
}

fn followed(answer: &Answer, raw: Vec<u8>) -> Try {
    match answer.next() {
        Next::Done => Try::Arrived(raw),
        Next::SetAside => Try::Refused(raw, None),
        Next::Resend => Try::Rejected(raw),
    }
}

fn later<E>(destination: &str, error: &E) -> Try
where
    E: std::error::Error,
    for<'e> Fault: From<&'e E>,
{
    let cause = error.source().map(ToString::to_string);
    tracing::warn!(destination, %error, cause, "destination not reached");
    Try::Later(error.into())
}

/// MSH-10 as it is written.
fn control_id(raw: &[u8]) -> Option<String> {
    let header = Header::scan(raw, &ReadSettings::default()).0?;
    Some(header.raw(10).to_owned()).filter(|id| !id.is_empty())
}

/// No answer could be matched.
fn without_id() -> Try {
    Try::Refused(Vec::new(), Some("without MSH-10".to_owned()))
}

/// Whole or not at all, and under the same name when it is written again.
fn write(folder: &Path, id: MessageId, raw: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let part = folder.join(format!("{:012}.part", id.0));
    let mut file = std::fs::File::create(&part)?;
    std::io::Write::write_all(&mut file, raw)?;
    file.sync_all()?;
    std::fs::rename(part, folder.join(file_name(id)))
}

/// Numbers only: what a message says does not belong into the name of a file.
fn file_name(id: MessageId) -> String {
    format!("{:012}.hl7", id.0)
}
