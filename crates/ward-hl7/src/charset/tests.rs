use proptest::prelude::*;

use super::{Charset, Declared};

#[test]
fn every_name_of_the_table_is_known() {
    for charset in Charset::all() {
        let declared = Declared::read(charset.name().as_bytes(), Some(b'~'));
        let Declared::Set(found) = declared else { panic!("{charset:?} {declared:?}") };
        assert_eq!(found.name(), charset.name());
    }
    let read = |field: &[u8]| Declared::read(field, Some(b'~'));
    assert_eq!(read(b""), Declared::Nothing);
    assert_eq!(read(b"~ISO IR87"), Declared::Set(Charset::Iso2022Jp));
    assert_eq!(read(b"ISO IR6~ISO IR14~ISO IR87"), Declared::Set(Charset::Iso2022Jp));
    assert_eq!(read(b"8859/1~UNICODE UTF-8"), Declared::Set(Charset::Iso8859Part1));
    assert_eq!(read(b"ISO-8859-15"), Declared::Alias(Charset::Iso8859Part15));
    assert_eq!(read(b"UTF-8~UNICODE"), Declared::Alias(Charset::Utf8));
    assert_eq!(read(b"ISO IR159"), Declared::Unsupported);
    assert_eq!(read(b"8859/12"), Declared::Unknown);
    assert_eq!(read(b"\xff"), Declared::Unknown);
}

#[test]
fn what_a_set_does_not_have_is_refused_with_its_place() {
    let at = |charset: Charset, text: &str| charset.encode(text).unwrap_err().at;
    assert_eq!(at(Charset::Ascii, "aé"), 1);
    assert_eq!(at(Charset::Iso8859Part1, "é€"), 2);
    assert_eq!(at(Charset::Iso8859Part2, "aŁß検"), 5);
    assert_eq!(Charset::Iso8859Part9.encode("ğş").unwrap().as_ref(), b"\xf0\xfe");
    // Encoders of the web would write a backslash, a full-width letter, a look-alike.
    assert_eq!(at(Charset::ShiftJis, "a¥"), 1);
    assert_eq!(at(Charset::Iso2022Jp, "検ﾔ"), 3);
    assert_eq!(at(Charset::ShiftJis, "検−"), 3);
}

#[test]
fn the_first_bad_byte_is_named() {
    let at = |charset: Charset, bytes: &[u8]| charset.decode(bytes).unwrap_err().at;
    assert_eq!(at(Charset::Ascii, b"ab\xe9"), 2);
    assert_eq!(at(Charset::Utf8, b"ab\xc3"), 2);
    assert_eq!(at(Charset::Gb18030, b"ab\xb1"), 2);
    assert_eq!(at(Charset::ShiftJis, b"ab\x82|"), 2);
    assert_eq!(at(Charset::Utf16Be, b"\0a\xd8\0\0b"), 2);
    assert_eq!(at(Charset::Utf16Le, b"a\0b"), 2);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in "[ -~éŁß€Жδ検체样\u{20000}\r]{0,30}") {
        for charset in Charset::all() {
            if let Ok(bytes) = charset.encode(&text) {
                prop_assert_eq!(charset.decode(&bytes).unwrap(), text.as_str());
            }
        }
    }

    #[test]
    fn every_byte_sequence_gets_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for charset in Charset::all() {
            match charset.decode(&bytes) {
                // What was read can be written, so that an edit elsewhere in the line is possible.
                Ok(text) if charset != Charset::Iso2022Jp => {
                    let _ = charset.encode_as_read(&text);
                }
                Ok(_) => {}
                Err(bad) => prop_assert!(bad.at <= bytes.len()),
            }
        }
    }
}
