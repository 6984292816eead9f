//! Tables of pharmacies, the NDC directory, exports of VistA, and files of our own.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use ward_pharmacy::knowledge::{csv_tables, fdamdd, file::decode, intake::Intake, ndc_directory, vista};

fuzz_target!(|bytes: &[u8]| {
    let mut tell = |_: ward_pharmacy::knowledge::intake::Step<'_>| {};
    let mut intake = Intake::new(&mut tell);
    let _ = csv_tables::read_interactions(Cursor::new(bytes), "x", &mut intake);
    let _ = csv_tables::read_classes(Cursor::new(bytes), "x", &mut intake);
    let _ = csv_tables::read_doses(Cursor::new(bytes), "x", &mut intake);
    let _ = fdamdd::read(Cursor::new(bytes), "x", &mut intake);
    let _ = ndc_directory::read_products(Cursor::new(bytes), "x", &mut intake);
    let mut all = vista::Vista::default();
    let _ = vista::read(Cursor::new(bytes), "x", &mut all, &mut intake);
    let _ = decode(bytes, "x");
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(node) = vista::parse_node(text) {
            let again = vista::parse_node(&node.to_line()).expect("what we write");
            assert_eq!(again, node);
        }
    }
});
