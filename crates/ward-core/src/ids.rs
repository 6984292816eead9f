//! Identifiers: FHIR logical ids, and time-ordered typed ids of our own.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::ResourceType;

/// A FHIR logical id: 1 to 64 characters from `A-Z a-z 0-9 - .`.
///
/// - Source: FHIR R4, Datatypes, `id`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FhirId(Box<str>); // INVARIANT: never empty, never longer than `MAX`, only the set above.

/// Text is not a FHIR id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseIdError {
    #[error("an id has 1 to 64 characters, this has {len}")]
    Length { len: usize },
    #[error("an id is made of letters, digits, `-` and `.`; byte {at} is none of these")]
    Character { at: usize },
}

impl FhirId {
    /// LIMIT: FHIR R4 allows no longer id.
    pub const MAX: usize = 64;

    /// A fresh id, ordered by `now`: a UUIDv7 in its usual form.
    pub fn at(now: Timestamp, random: [u8; 10]) -> FhirId {
        FhirId(uuid_v7(now, random).to_string().into_boxed_str())
    }

    /// An id made of bytes that were derived from something: a UUIDv8.
    pub fn derived(bytes: [u8; 16]) -> FhirId {
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        FhirId(id.to_string().into_boxed_str())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FhirId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<FhirId, ParseIdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if let Some(at) = text.bytes().position(|b| !allowed(b)) {
            return Err(ParseIdError::Character { at });
        }
        match text.len() {
            1..=Self::MAX => Ok(FhirId(text.into())),
            len => Err(ParseIdError::Length { len }),
        }
    }
}

impl fmt::Display for FhirId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a record is found: its type and its logical id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RecordKey {
    pub kind: ResourceType,
    pub id: FhirId,
}

impl RecordKey {
    pub fn new(kind: ResourceType, id: FhirId) -> RecordKey {
        RecordKey { kind, id }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// A UUIDv7 from a time and ten random bytes, both passed in.
///
/// - Source: RFC 9562, section 5.7.
pub fn uuid_v7(now: Timestamp, random: [u8; 10]) -> uuid::Uuid {
    let ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
}

/// Makes a newtype around a UUIDv7 so that ids of different things cannot be swapped.
macro_rules! typed_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A fresh id, ordered by `now`.
            pub fn at(now: Timestamp, random: [u8; 10]) -> $name {
                $name(uuid_v7(now, random))
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> $name {
                $name(uuid::Uuid::from_bytes(bytes))
            }

            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                text.parse().map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

typed_id! {
    /// Who acts: an account, a client or a part of Ward. Opaque, never a name.
    ActorId,
    /// One medical event on the feed.
    EventId,
    /// One request or message, from its arrival to its answer.
    TraceId,
    /// One hospital; names the key hierarchy its data is sealed under.
    TenantId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fhir_id_takes_what_the_standard_allows() {
        for good in ["a", "A-1.b", &"x".repeat(64)] {
            assert_eq!(good.parse::<FhirId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        assert_eq!("".parse::<FhirId>(), Err(ParseIdError::Length { len: 0 }));
        assert_eq!("x".repeat(65).parse::<FhirId>(), Err(ParseIdError::Length { len: 65 }));
        assert_eq!("a/b".parse::<FhirId>(), Err(ParseIdError::Character { at: 1 }));
        assert_eq!("a b".parse::<FhirId>(), Err(ParseIdError::Character { at: 1 }));
    }

    #[test]
    fn fresh_ids_are_ordered_by_time() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let first = FhirId::at(at(1_000), [0xff; 10]);
        let second = FhirId::at(at(1_001), [0; 10]);
        assert!(first < second);
        assert_eq!(uuid_v7(at(1_000), [7; 10]).get_version_num(), 7);
    }
}
