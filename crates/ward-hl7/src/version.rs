//! Versions of the standard.

use std::{fmt, str::FromStr};

/// A version that the dictionary knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Version {
    V2_1,
    V2_2,
    V2_3,
    V2_3_1,
    V2_4,
    V2_5,
    V2_5_1,
    V2_6,
    V2_7,
    V2_7_1,
    V2_8,
}

impl Version {
    pub const ALL: [Version; 11] = [
        Version::V2_1,
        Version::V2_2,
        Version::V2_3,
        Version::V2_3_1,
        Version::V2_4,
        Version::V2_5,
        Version::V2_5_1,
        Version::V2_6,
        Version::V2_7,
        Version::V2_7_1,
        Version::V2_8,
    ];

    /// As MSH-12 says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::V2_1 => "2.1",
            Version::V2_2 => "2.2",
            Version::V2_3 => "2.3",
            Version::V2_3_1 => "2.3.1",
            Version::V2_4 => "2.4",
            Version::V2_5 => "2.5",
            Version::V2_5_1 => "2.5.1",
            Version::V2_6 => "2.6",
            Version::V2_7 => "2.7",
            Version::V2_7_1 => "2.7.1",
            Version::V2_8 => "2.8",
        }
    }

    /// The version whose rules are used for a message of version `text`.
    ///
    /// - Shape: versions after 2.8 are read as 2.8, which is what their receivers were promised.
    /// - Source: HL7 v2.8, 2.6.2 Rules for the recipient; 2.8 Version compatibility definition.
    pub fn nearest(text: &str) -> Option<Version> {
        match text {
            "2.8.1" | "2.8.2" | "2.9" | "2.9.1" => Some(Version::V2_8),
            other => other.parse().ok(),
        }
    }
}

/// Text is not a version that the dictionary knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a version from 2.1 to 2.8")]
pub struct UnknownVersion;

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Version, UnknownVersion> {
        Version::ALL.into_iter().find(|v| v.as_str() == text).ok_or(UnknownVersion)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
