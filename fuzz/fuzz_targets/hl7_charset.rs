//! The first byte is a character set, the rest text in it: what is written is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_hl7::{Charset, Separators, escape};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let n = usize::from(*first) % Charset::all().count();
    let charset = Charset::all().nth(n).expect("a set");
    match charset.decode(rest) {
        Ok(text) => {
            if let Ok(written) = charset.encode(&text) {
                assert_eq!(charset.decode(&written).expect("what was written is text"), text);
            }
            let written = escape::escape(&text, &Separators::RECOMMENDED).expect("an escape");
            assert_eq!(escape::plain(&written, &Separators::RECOMMENDED, charset), text);
            let _ = escape::plain(&text, &Separators::RECOMMENDED, charset);
        }
        Err(bad) => assert!(bad.at <= rest.len()),
    }
});
