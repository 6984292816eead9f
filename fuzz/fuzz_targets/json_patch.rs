//! The first line is a document, the rest a patch; the result is still JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::{Json, json_patch};

fuzz_target!(|bytes: &[u8]| {
    let Some(at) = bytes.iter().position(|b| *b == b'\n') else { return };
    let (document, patch) = bytes.split_at(at);
    let (Ok(document), Ok(patch)) = (Json::parse(document), Json::parse(patch)) else { return };
    if let Ok(result) = json_patch::apply(&document, &patch) {
        let written = result.to_bytes();
        assert_eq!(Json::parse(&written).expect("the result is JSON"), result);
    }
});
