//! Labels in XML and in JSON, whatever they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_pharmacy::knowledge::{intake::Intake, label::SECTION_BYTES_MAX, openfda, spl};

fuzz_target!(|bytes: &[u8]| {
    let mut tell = |_: ward_pharmacy::knowledge::intake::Step<'_>| {};
    let mut intake = Intake::new(&mut tell);
    let labels = spl::read(bytes, "x", &mut intake).into_iter();
    for label in labels.chain(openfda::read(bytes, "x", &mut intake)) {
        for section in &label.sections {
            assert!(section.text.len() <= SECTION_BYTES_MAX);
        }
    }
});
