//! The HL7 v2 engine: listeners, the contract behind an acknowledgment, conversion between v2
//! and FHIR, destinations, replay.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

pub mod channel;
pub mod contract;
pub mod convert;
pub mod figures;
pub mod http;
pub mod listen;
pub mod mllp;
pub mod s3;
pub mod script;
pub mod to_v2;
