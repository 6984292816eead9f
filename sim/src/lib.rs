//! The simulated hospital: a deterministic population as FHIR R4 transactions.
//!
//! The same seed and number give the same bytes on every machine, so a demo, a test and a bench
//! speak of the same people. Nobody in it exists.

mod chart;
mod day;
mod entry;
mod house;
mod node;
mod person;
mod rng;
mod rrf;
mod terms;
#[cfg(test)]
mod tests;
mod words;

use jiff::Timestamp;

pub use day::Sent;
pub use rrf::{Drug, Rrf};

/// How much of a patient's chart is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// About ten resources: who somebody is, one visit, a few values.
    Small,
    /// About 20 to 80 resources.
    #[default]
    Full,
}

/// One simulated hospital.
#[derive(Clone, Debug)]
pub struct Hospital {
    seed: u64,
    now: Timestamp,
    depth: Depth,
}

impl Hospital {
    /// A hospital on the morning of 2026-01-01.
    pub fn new(seed: u64) -> Hospital {
        let now = Timestamp::from_second(1_767_261_600).unwrap_or(Timestamp::UNIX_EPOCH);
        Hospital { seed, now, depth: Depth::Full }
    }

    /// The same hospital at another time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Hospital {
        Hospital { now, ..self }
    }

    /// The same hospital, told in more or fewer resources.
    #[must_use]
    pub fn with_depth(self, depth: Depth) -> Hospital {
        Hospital { depth, ..self }
    }

    /// The transaction with the organization, its places and its people; load it first.
    ///
    /// - Shape: every entry is a conditional create, so loading it twice adds nothing.
    pub fn base_bundle(&self) -> Vec<u8> {
        house::bundle(self.seed)
    }

    /// The HL7 v2 messages about the first `n_patients` people on the day that begins at
    /// `midnight`, in the order of the day.
    ///
    /// - Shape: a pure function of seed, time, day and number. It speaks of the same people as
    ///   [`Hospital::patient_bundle`], by the same medical record numbers.
    pub fn day(&self, midnight: Timestamp, n_patients: u64) -> Vec<Sent> {
        day::messages(self.seed, self.now, midnight, n_patients)
    }

    /// The transaction with everything about patient `n`.
    ///
    /// - Shape: a pure function of seed, time, depth and `n`. It refers to the house by
    ///   identifier, and to its own entries by `urn:uuid:`.
    pub fn patient_bundle(&self, n: u64) -> Vec<u8> {
        chart::bundle(self.seed, self.now, self.depth, n)
    }
}
