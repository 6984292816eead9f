#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_rules::medication::{sig, timing::pace, units::Unit};

fuzz_target!(|text: &str| {
    let (_, sig) = sig::parse_order(text);
    let _ = pace(&sig.dosing.timing);
    let _ = Unit::parse(text);
});
