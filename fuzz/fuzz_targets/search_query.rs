//! Every query string gets an answer, and what it tests is found by its own keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::search::{Handling, parse_search};

fuzz_target!(|text: &str| {
    for kind in ["Patient", "Observation"] {
        let kind = kind.parse().ok();
        if let Ok(request) = parse_search(kind, text, Handling::Strict) {
            for clause in request.parts.iter().flat_map(|part| &part.conditions.clauses) {
                for test in &clause.any {
                    let _ = test.lookup();
                }
            }
            assert!(request.warnings.is_empty());
            assert!(parse_search(kind, text, Handling::Lenient).is_ok());
        }
    }
});
