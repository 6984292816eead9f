//! CDS Hooks, both ways: other systems ask what Ward's checks say, and Ward asks services that know
//! more.
//!
//! - Source: CDS Hooks 2.0.1 (HL7, STU 2 R2); hooks order-select, order-sign, patient-view,
//!   encounter-start.

pub mod answer;
pub mod call;
pub mod cards;
pub mod feedback;
pub mod gather;
pub mod overrides;
pub mod remote;
pub mod services;
pub mod shown;

#[cfg(test)]
mod tests;
