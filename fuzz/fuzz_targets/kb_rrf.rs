//! The first line names a file of RxNorm; whatever follows is read without a panic, and what was
//! understood comes down to ingredients.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use ward_pharmacy::knowledge::{intake::Intake, rxnorm::Builder};

fuzz_target!(|bytes: &[u8]| {
    let mut tell = |_: ward_pharmacy::knowledge::intake::Step<'_>| {};
    let mut intake = Intake::new(&mut tell);
    let mut builder = Builder::default();
    for part in bytes.split(|b| *b == 0) {
        let at = part.iter().position(|b| *b == b'\n').unwrap_or(part.len());
        let name = match part.get(..at) {
            Some(b"REL") => "RXNREL.RRF",
            Some(b"SAT") => "RXNSAT.RRF",
            Some(b"CUI") => "RXNCUI.RRF",
            Some(b"ARCHIVE") => "RXNATOMARCHIVE.RRF",
            _ => "RXNCONSO.RRF",
        };
        builder.read(name, Cursor::new(part.get(at..).unwrap_or_default()), &mut intake).expect("memory");
    }
    let release = builder.finish();
    for concept in release.concepts.values() {
        for it in &concept.ingredients {
            assert!(release.concepts.contains_key(it));
        }
    }
});
