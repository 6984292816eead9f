//! Calls of CDS Hooks, feedback, and answers of services of others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_pharmacy::cds::{call, feedback, remote::read_cards, services::Hook};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_cards("x", bytes);
    let Ok(body) = serde_json::from_slice(bytes) else { return };
    let _ = feedback::read(&body);
    for hook in Hook::ALL {
        if let Ok(call) = call::read(hook, &body) {
            assert!(call.selected.len() <= call.drafts.len());
        }
    }
});
