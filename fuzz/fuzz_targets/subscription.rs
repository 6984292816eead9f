//! Every Subscription has an answer: what it asks for, or what is wrong with a place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::{
    Json,
    subscription::{self, Rules},
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = Json::parse(bytes) else { return };
    for allow_plaintext in [false, true] {
        match subscription::read(&json, "https://ward.test/fhir", Rules { allow_plaintext }) {
            Ok(read) => assert!(!read.wanted.kinds().is_empty() || read.wanted.topic().is_some()),
            Err(issues) => {
                assert!(!issues.is_empty());
                for issue in issues {
                    assert!(issue.expression.unwrap_or_default().starts_with("Subscription."));
                }
            }
        }
    }
});
