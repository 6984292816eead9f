//! Every tree gets an answer of limited length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::{Json, validate};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(json) = Json::parse(bytes) {
        assert!(validate::validate(&json, None).len() <= validate::ISSUES_MAX);
    }
});
