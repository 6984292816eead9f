//! FHIR R4 without storage and without HTTP.
//!
//! The JSON tree, the definition tables, validation, search parameters, FHIRPath and patches.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

pub mod definitions;
pub mod fhirpath;
pub mod fhirpath_patch;
pub mod json;
pub mod json_patch;
pub mod outcome;
pub mod search;
pub mod subscription;
pub mod validate;

pub use json::Json;
