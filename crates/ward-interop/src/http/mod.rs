//! HL7 v2 over HTTP: a message is the body of a POST, its acknowledgment that of the response.
//!
//! - Source: HAPI, HL7 over HTTP, 1.0 Basic profile.

mod client;
mod endpoint;
mod listener;
mod respond;
mod sender;

pub use client::{Client, ClientSettings, HttpError, Reply, json_request};
pub use endpoint::{Endpoint, EndpointError};
pub use listener::{HttpListening, Token};
pub use sender::{ANSWER_BYTES_MAX, HttpSender, HttpSent, NotSent};

use ward_hl7::{Header, ReadSettings};

/// The media type of messages.
///
/// - Source: HL7 over HTTP, 1.2.
pub(crate) const MEDIA_TYPE: &str = "application/hl7-v2";

/// The media type of a message, with its character set where that has a name in MIME.
pub(crate) fn media_of(message: &[u8]) -> String {
    let header = Header::scan(message, &ReadSettings::default()).0;
    match header.and_then(|it| it.charset().mime()) {
        Some(charset) => format!("{MEDIA_TYPE}; charset={charset}"),
        None => MEDIA_TYPE.to_owned(),
    }
}
