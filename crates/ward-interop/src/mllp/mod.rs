//! MLLP over TCP and TLS: listeners and senders.
//!
//! - Source: HL7 Implementation Support Guide, appendix C.4; IHE ITI TF-2, 3.3 MLLP; ATNA ITI-19.

mod connection;
mod listener;
mod peers;
mod sender;

pub use listener::{Certificate, ListenError, ListenSettings, Listening, Tls};
pub use sender::{SendError, SendSettings, Sender, Sent};
