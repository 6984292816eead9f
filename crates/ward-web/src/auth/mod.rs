//! Who is asking: accounts, sessions and bearer tokens, kept in the chart like everything else.

pub mod accounts;
mod behalf;
mod changes;
mod gate;
mod look_after;
mod sessions;
mod set_up;
mod sign_in;
pub mod tokens;
mod tries;

use std::sync::Arc;

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, Kind, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{CryptoFailed, Random};
use ward_store::{CommitError, ReadError};

pub use self::{accounts::NewAccount, behalf::Principals, tokens::NewToken};
pub(crate) use gate::{Gate, Principal};
pub(crate) use sign_in::{Credentials, Witness};

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("sign-in is needed")]
    Needed,
    #[error("name or password is wrong")]
    Wrong,
    #[error("the old password is wrong")]
    WrongOld,
    #[error("the password is temporary: send `newPassword` with it to take its place")]
    Temporary,
    #[error("tried again too soon; wait a minute at most")]
    TooSoon,
    #[error("set-up is done or its token is wrong")]
    SetUp,
    #[error("an account of that name exists")]
    Exists,
    #[error("{0}")]
    Invalid(&'static str),
    #[error("no such account, session or token")]
    NotFound,
    #[error("the last active administrator cannot be deactivated or given another role")]
    LastAdministrator,
    #[error("keeping it")]
    Commit(#[from] CommitError),
    #[error("reading it")]
    Read(#[from] ReadError),
    #[error("the kept record cannot be read")]
    Kept(#[from] serde_json::Error),
    #[error("cryptography")]
    Crypto(#[from] CryptoFailed),
    #[error("a task ended early")]
    Task,
}

impl AuthError {
    pub fn kind(&self) -> Kind {
        match self {
            AuthError::Needed | AuthError::Wrong => Kind::Unauthenticated,
            AuthError::TooSoon => Kind::Busy,
            // The caller is signed in: 401 would say that the session ended.
            AuthError::SetUp | AuthError::Temporary | AuthError::WrongOld => Kind::Refused,
            AuthError::Exists | AuthError::LastAdministrator => Kind::Conflict,
            AuthError::Invalid(_) => Kind::Invalid,
            AuthError::NotFound => Kind::NotFound,
            AuthError::Commit(source) => source.kind(),
            AuthError::Read(source) => source.kind(),
            AuthError::Kept(_) | AuthError::Crypto(_) | AuthError::Task => Kind::Bug,
        }
    }
}

/// The context of Ward itself, and of the operator on the data's own machine.
pub fn system_ctx(now: Timestamp, random: &dyn Random, source: &str) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::SystemAdministration,
        care: CareScope::Everyone,
        now,
        trace: trace_id(now, random),
        source: Arc::from(source),
    }
}

/// A fresh trace; without randomness its time alone must do, because tracing refuses nobody.
pub(crate) fn trace_id(now: Timestamp, random: &dyn Random) -> TraceId {
    let mut bytes = [0; 10];
    let _time_alone = random.fill(&mut bytes);
    TraceId::at(now, bytes)
}

/// Bytes as lower-case hex, which is a valid record id.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
