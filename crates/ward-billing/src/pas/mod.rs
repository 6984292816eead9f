//! Da Vinci PAS: Claims as FHIR operations, asked of a payer and answered to others.
//!
//! - Source: HL7 Da Vinci Prior Authorization Support 2.0, `Claim/$submit` and `Claim/$inquire`.

mod ask;
mod serve;
#[cfg(test)]
mod tests;

use std::pin::Pin;

pub(crate) use self::ask::{answer_in, request};
pub use self::serve::{PasError, Submission};

/// Where an operation goes at a payer's server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Submit,
    Inquire,
}

impl Operation {
    pub const fn path(self) -> &'static str {
        match self {
            Operation::Submit => "Claim/$submit",
            Operation::Inquire => "Claim/$inquire",
        }
    }
}

/// A payer could not be asked. It is asked again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct WireError(pub String);

/// A status and a body.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(u16, Vec<u8>), WireError>> + Send + 'a>>;

/// The way to payers' servers, given from above: nothing here knows a socket.
pub trait Wire: Send + Sync {
    /// Sends a body to an operation of a payer, by the payer's name in the file of payers.
    fn post<'a>(&'a self, payer: &'a str, operation: Operation, body: Vec<u8>) -> Sending<'a>;
}
