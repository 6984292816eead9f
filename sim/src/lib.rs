//! The simulated hospital: a deterministic population as FHIR transactions.
//!
//! The same seed gives the same bytes, for demos, tests and benchmarks. Everybody in it is made
//! up; names come from short lists of common ones, identifiers from ranges nobody is issued.

mod bundle;
mod clinical;
mod dice;
mod hospital;
mod people;

pub use hospital::Hospital;

#[cfg(test)]
mod tests;
