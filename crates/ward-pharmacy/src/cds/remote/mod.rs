//! Services of others that are asked beside our own checks: a licensed knowledge base, or what the
//! site runs itself.
//!
//! A service that fails, answers nonsense or takes too long is an issue of its own: "not checkable",
//! with its name. Checks never wait longer than its limit.

mod ask;
mod found;
mod settings;

pub use ask::{ANSWER_BYTES_MAX, Asking, Question, Remotes, Transport, TransportError};
pub use found::read_cards;
pub use settings::{RemoteError, RemoteSettings, TIME_LIMIT_MS_MAX};

#[cfg(test)]
mod tests;
