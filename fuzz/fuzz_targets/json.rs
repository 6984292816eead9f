//! What is read and written is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::Json;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(json) = Json::parse(bytes) {
        let written = json.to_bytes();
        let again = Json::parse(&written).expect("what was written is JSON");
        assert_eq!(again, json);
    }
});
