//! HL7 v2 without sockets and without storage.
//!
//! Bytes come in, values and located problems come out: the character set of each message, an
//! index of its fields, escapes, paths, edits that leave everything else byte for byte as it was,
//! the dictionary of versions 2.1 to 2.8, validation with site profiles, acknowledgement rules,
//! batches and MLLP framing. Values of a message are patient data: nothing here prints them.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

pub mod ack;
pub mod batch;
pub mod charset;
pub mod dictionary;
pub mod draft;
pub mod escape;
pub mod header;
pub mod location;
pub mod map;
pub mod message;
pub mod mllp;
pub mod path;
pub mod problem;
pub mod profile;
pub mod separators;
pub mod structure;
pub mod time;
pub mod validate;
pub mod version;

pub use charset::Charset;
pub use draft::{Draft, Put};
pub use header::Header;
pub use location::{Location, SegmentId};
pub use message::{Message, Presence, ReadSettings, Segment};
pub use path::Path;
pub use problem::{ErrorCode, Problem, ProblemKind, Severity};
pub use profile::Profile;
pub use separators::Separators;
pub use time::Dtm;
pub use validate::{Rules, validate};
pub use version::Version;
