//! Messages in and out of their seals.
//!
//! - Shape of a sealed column: whose key 1 (0 the house's, 1 the patient's) | seal of (codec 1 |
//!   packed). The seal is bound to tenant, patient, column and the message's digest.

use jiff::Timestamp;
use ward_core::{FhirId, Phi};
use ward_crypto::Random;

use super::{
    Direction, KeptMessage, MessageHead, MessageId, MessageState, NewMessage, Reuse, rows,
};
use crate::{
    Seq,
    codec::{self, Codec},
    error::{CommitError, ReadError},
    keys::{KeyError, Keyring, Scope},
    seal::SealError,
    truth::TruthError,
};

/// A message that only needs its number.
pub(crate) struct PreparedMessage {
    pub(crate) columns: rows::Columns,
    pub(crate) reuse: Reuse,
}

const HEAD: &str = "message head";
const RAW: &str = "message raw";

const OF_HOUSE: u8 = 0;
const OF_PATIENT: u8 = 1;

/// What a message may be found by.
pub(crate) struct Tokens<'k>(pub(crate) &'k Keyring);

impl Tokens<'_> {
    pub(crate) fn channel(&self, name: &str) -> [u8; 16] {
        self.0.token_of_word("message channel", name.as_bytes())
    }

    pub(crate) fn kind(&self, kind: &str) -> [u8; 16] {
        self.0.token_of_word("message kind", kind.as_bytes())
    }

    pub(crate) fn control(&self, control_id: &str) -> [u8; 16] {
        self.0.tenant_tokens().token16("message control id", control_id.as_bytes())
    }

    fn sender(&self, channel: &[u8; 16], sender: &str) -> [u8; 16] {
        let mut bytes = channel.to_vec();
        bytes.extend_from_slice(sender.as_bytes());
        self.0.token_of_word("message sender", &bytes)
    }

    /// The same for the same bytes from the same sender, and for nothing else.
    fn digest(&self, sender: &[u8; 16], raw: &[u8]) -> [u8; 16] {
        let mut bytes = sender.to_vec();
        bytes.extend_from_slice(raw);
        self.0.tenant_tokens().token16("message digest", &bytes)
    }
}

/// By what the same message is known when it comes again.
pub(crate) fn trace_of(keyring: &Keyring, message: &NewMessage) -> rows::Trace {
    let tokens = Tokens(keyring);
    let sender = tokens.sender(&tokens.channel(&message.channel), message.sender.reveal());
    rows::Trace {
        direction: message.direction,
        control: tokens.control(message.control_id.reveal()),
        sender,
        digest: tokens.digest(&sender, message.raw.reveal()),
    }
}

pub(crate) fn prepare(
    keyring: &Keyring,
    random: &dyn Random,
    message: &NewMessage,
) -> Result<PreparedMessage, CommitError> {
    let tokens = Tokens(keyring);
    let channel = tokens.channel(&message.channel);
    let trace = trace_of(keyring, message);
    let digest = trace.digest;
    let scope = message.patient.as_ref().map(|patient| keyring.scope_of(patient));
    let seal = |label, plain: &[u8]| {
        let (codec, packed) =
            codec::compress(Codec::MESSAGE, plain).map_err(|e| CommitError::Seal(e.into()))?;
        let mut bytes = vec![codec.number()];
        bytes.extend_from_slice(&packed);
        seal_under(keyring, scope.as_ref(), label, digest, &bytes, random)
    };
    let patient = message.patient.as_ref().map_or("", FhirId::as_str);
    let head = head_of([
        message.channel.as_bytes(),
        message.kind.as_bytes(),
        message.control_id.reveal().as_bytes(),
        message.sender.reveal().as_bytes(),
        patient.as_bytes(),
        message.detail.reveal(),
        message.answer.reveal(),
    ])?;
    let columns = rows::Columns {
        time_us: message.time.as_microsecond(),
        trace,
        state: message.state,
        channel,
        kind: tokens.kind(&message.kind),
        scope,
        head: seal(HEAD, &head)?,
        raw: seal(RAW, message.raw.reveal())?,
    };
    Ok(PreparedMessage { columns, reuse: message.reuse })
}

/// Channel, kind, control id, sender, patient, detail and answer, each after its length.
pub(crate) fn head_of(parts: [&[u8]; 7]) -> Result<Vec<u8>, CommitError> {
    let mut head = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let too_long = |_| CommitError::TooLarge { what: "bytes in a part", max: 1 << 32 };
        head.extend_from_slice(&u32::try_from(part.len()).map_err(too_long)?.to_be_bytes());
        head.extend_from_slice(part);
    }
    Ok(head)
}

fn seal_under(
    keyring: &Keyring,
    scope: Option<&Scope>,
    label: &'static str,
    digest: [u8; 16],
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, CommitError> {
    let bound = u128::from_be_bytes(digest);
    let of_patient = match scope {
        Some(scope) => keyring.seal_for(scope, label, bound, plain, random)?,
        None => None,
    };
    let (whose, sealed) = match of_patient {
        Some(sealed) => (OF_PATIENT, sealed),
        None => (OF_HOUSE, keyring.seal_own(label, bound, plain, random)?),
    };
    let mut out = Vec::with_capacity(1 + sealed.len());
    out.push(whose);
    out.extend(sealed);
    Ok(out)
}

/// `None` when the patient was destroyed.
pub(crate) fn open_head(
    keyring: &Keyring,
    row: &rows::MessageRow,
) -> Result<Option<MessageHead>, ReadError> {
    let Some(plain) = open(keyring, row, HEAD, &row.columns.head)? else { return Ok(None) };
    let mut rest = plain.as_slice();
    let mut part = || -> Result<&[u8], ReadError> {
        let (len, after) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| damaged())?;
        let (part, after) = after.split_at_checked(len).ok_or_else(damaged)?;
        rest = after;
        Ok(part)
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| damaged());
    let columns = &row.columns;
    Ok(Some(MessageHead {
        id: MessageId(row.id),
        seq: Seq(row.seq),
        time: Timestamp::from_microsecond(columns.time_us).map_err(|_| damaged())?,
        direction: columns.trace.direction,
        state: columns.state,
        channel: text(part()?)?,
        kind: text(part()?)?,
        control_id: Phi::new(text(part()?)?),
        sender: Phi::new(text(part()?)?),
        patient: match text(part()?)?.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| damaged())?),
        },
        detail: Phi::new(part()?.to_vec()),
        answer: Phi::new(part()?.to_vec()),
    }))
}

/// `None` when the patient was destroyed.
pub(crate) fn open_whole(
    keyring: &Keyring,
    row: &rows::MessageRow,
) -> Result<Option<KeptMessage>, ReadError> {
    let Some(head) = open_head(keyring, row)? else { return Ok(None) };
    let raw = open(keyring, row, RAW, &row.columns.raw)?;
    Ok(raw.map(|raw| KeptMessage { head, raw: Phi::new(raw) }))
}

fn open(
    keyring: &Keyring,
    row: &rows::MessageRow,
    label: &'static str,
    column: &[u8],
) -> Result<Option<Vec<u8>>, ReadError> {
    let bound = u128::from_be_bytes(row.columns.trace.digest);
    let plain = match (column.split_first(), &row.columns.scope) {
        (Some((&OF_HOUSE, sealed)), _) => keyring
            .open_own(label, bound, sealed)
            .map_err(|source| ReadError::Seal(SealError::Open(source)))?,
        (Some((&OF_PATIENT, sealed)), Some(scope)) => {
            match keyring.open_for(scope, label, bound, sealed) {
                Ok(Some(plain)) => plain,
                Ok(None) | Err(KeyError::Destroyed) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        _ => return Err(damaged()),
    };
    let (codec, packed) = plain.split_first().ok_or_else(damaged)?;
    let codec = Codec::from_number(*codec).ok_or_else(damaged)?;
    let mut out = Vec::new();
    codec::decompress(codec, packed, &mut out).map_err(|e| ReadError::Seal(e.into()))?;
    Ok(Some(out))
}

fn damaged() -> ReadError {
    ReadError::Truth(TruthError::Row("damaged message"))
}

/// A number on disk.
pub(super) fn direction_of(number: u8) -> Option<Direction> {
    match number {
        0 => Some(Direction::In),
        1 => Some(Direction::Out),
        _ => None,
    }
}

pub(super) fn number_of_direction(direction: Direction) -> u8 {
    match direction {
        Direction::In => 0,
        Direction::Out => 1,
    }
}

pub(super) fn number_of_state(state: MessageState) -> u8 {
    let at = MessageState::ALL.iter().position(|it| *it == state);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}
