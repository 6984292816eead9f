use proptest::prelude::*;

use super::{Json, JsonErrorKind as K, parse::JsonErrorKind};

/// A text, and the error with its line and column.
type Case = (&'static [u8], (K, usize, usize));

fn kind_and_place(text: &[u8]) -> (JsonErrorKind, usize, usize) {
    let error = Json::parse(text).unwrap_err();
    (error.kind, error.line, error.column)
}

#[test]
fn what_is_not_json_is_named_with_its_place() {
    let cases: &[Case] = &[
        (b"", (K::End, 1, 1)),
        (b"  ", (K::End, 1, 3)),
        (b"{\n  \"a\": tru\n}", (K::Value, 2, 8)),
        (b"{\"a\" 1}", (K::Colon, 1, 6)),
        (b"{a:1}", (K::Name, 1, 2)),
        (b"[1 2]", (K::Comma, 1, 4)),
        (b"[1,]", (K::Value, 1, 4)),
        (b"{\"a\":1,}", (K::Name, 1, 8)),
        (b"01", (K::Trailing, 1, 2)),
        (b"-", (K::Number, 1, 2)),
        (b"1.", (K::Number, 1, 3)),
        (b"1e", (K::Number, 1, 3)),
        (b".5", (K::Value, 1, 1)),
        (b"NaN", (K::Value, 1, 1)),
        (b"\"a", (K::End, 1, 3)),
        (b"\"\\x\"", (K::Escape, 1, 3)),
        (b"\"\\ud800\"", (K::Surrogate, 1, 8)),
        (b"\"\\udc00\"", (K::Surrogate, 1, 8)),
        (b"\"a\nb\"", (K::Control, 1, 3)),
        (b"\"\xff\"", (K::Utf8, 1, 2)),
        (b"{\"a\":1,\"a\":2}", (K::Twice, 1, 11)),
        (b"1 1", (K::Trailing, 1, 3)),
        (b"\xef\xbb\xbf1", (K::Mark, 1, 1)),
    ];
    for (text, expected) in cases {
        assert_eq!(kind_and_place(text), *expected, "{}", String::from_utf8_lossy(text));
    }
    let deep = [b"[".repeat(65), b"]".repeat(65)].concat();
    assert_eq!(kind_and_place(&deep).0, K::Depth);
    let fits = [b"[".repeat(64), b"]".repeat(64)].concat();
    assert!(Json::parse(&fits).is_ok());
    assert_eq!(kind_and_place(&b"[".repeat(1_000_000)).0, K::Depth);
    assert_eq!(kind_and_place(&b"1".repeat(129)).0, K::NumberLength);
}

#[test]
fn order_number_text_and_unknown_members_survive() {
    let text = br#"{"z":1.00,"a":[1e5,-0.0,12345678901234567890.123],"q":{"x":null},"s":"\u00e9\"\\ \u0001"}"#;
    let tree = Json::parse(text).unwrap();
    assert_eq!(
        String::from_utf8(tree.to_bytes()).unwrap(),
        "{\"z\":1.00,\"a\":[1e5,-0.0,12345678901234567890.123],\"q\":{\"x\":null},\"s\":\"é\\\"\\\\ \\u0001\"}"
    );
    assert_eq!(tree.clone().into_owned(), tree);
}

#[test]
fn content_is_compared_without_order_but_with_number_text() {
    let same = |a: &str, b: &str| {
        Json::parse(a.as_bytes()).unwrap().same_content(&Json::parse(b.as_bytes()).unwrap())
    };
    assert!(same(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2],"a":1}"#));
    assert!(!same(r#"{"a":1.0}"#, r#"{"a":1}"#));
    assert!(!same("[1,2]", "[2,1]"));
    assert!(!same(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
}

#[test]
fn a_repeated_name_is_found_among_many() {
    let mut text = String::from("{");
    for n in 0..5000 {
        text.push_str(&format!("\"n{n}\":0,"));
    }
    let whole = format!("{text}\"last\":0}}");
    assert!(Json::parse(whole.as_bytes()).is_ok());
    let twice = format!("{text}\"n7\":0}}");
    assert_eq!(kind_and_place(twice.as_bytes()).0, K::Twice);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_another_reader(value in any_json()) {
        let text = serde_json::to_vec_pretty(&value).unwrap();
        let tree = Json::parse(&text).unwrap();
        let back: serde_json::Value = serde_json::from_slice(&tree.to_bytes()).unwrap();
        prop_assert_eq!(back, value);
    }

    #[test]
    fn takes_nothing_that_another_reader_refuses(text in r#"[\[\]{}",:0-9truefalsnu \\e+.\-]{0,24}"#) {
        let ours = Json::parse(text.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        if let Ok(tree) = ours {
            prop_assert!(theirs.is_ok() || text.contains(['e', 'E']), "{text}");
            let again = tree.to_bytes();
            prop_assert!(Json::parse(&again).unwrap().same_content(&tree));
        }
    }

    #[test]
    fn strings_end_where_another_reader_says(text in "[ -~é\u{0}-\u{1f}\u{7f}]{0,40}") {
        let text = format!("\"{text}\"");
        let theirs = serde_json::from_str::<String>(&text);
        let ours = Json::parse(text.as_bytes());
        prop_assert_eq!(ours.ok().and_then(|j| j.as_str().map(str::to_owned)), theirs.ok());
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
    }
}
