//! Who pays: coverage, eligibility, authorization of stays, X12 and FHIR claims.
//!
//! A payer who is slow or says no never holds up care.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]
