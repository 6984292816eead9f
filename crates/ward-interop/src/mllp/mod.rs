//! MLLP over TCP and TLS: listeners and senders.
//!
//! - Source: HL7 Implementation Support Guide, appendix C.4; IHE ITI TF-2, 3.3 MLLP; ATNA ITI-19.

mod connection;
mod listener;
mod sender;

pub use listener::Listening;
pub use sender::{SendError, SendSettings, Sender, Sent};
