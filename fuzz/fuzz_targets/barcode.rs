//! What a scanner sends is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_rules::medication_order::{Quantity, barcode};

fuzz_target!(|text: &str| {
    if let Ok(scan) = barcode::read(text) {
        assert!(scan.gtin.is_none_or(|gtin| gtin.len() == 14));
        let _ = scan.ndc10.as_deref().map(barcode::ndc11_of);
    }
    if let Ok(quantity) = text.parse::<Quantity>() {
        assert_eq!(quantity.to_string().parse(), Ok(quantity));
    }
});
