use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::apply;
use crate::json::Json;

/// Each `NAME.json` holds a document and a patch; the result is compared with `NAME.txt`.
#[test]
fn results_of_the_cases() {
    let folder =
        PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/json_patch");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    assert!(30 <= paths.len(), "the cases are gone");
    for path in paths {
        let text = fs::read(&path).unwrap();
        let case = Json::parse(&text).unwrap();
        let shown = match apply(case.get("doc").unwrap(), case.get("patch").unwrap()) {
            Ok(result) => String::from_utf8(result.to_bytes()).unwrap(),
            Err(error) => format!("{:?}: {error}", error.kind()),
        };
        expect_test::expect_file![path.with_extension("txt")].assert_eq(&(shown + "\n"));
    }
}

#[test]
fn a_patch_cannot_grow_without_end() {
    let big = "x".repeat(1 << 20);
    let document = format!(r#"{{"a":["{big}"]}}"#);
    let step = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
    let patch = format!("[{}]", vec![step; 40].join(","));
    let document = Json::parse(document.as_bytes()).unwrap();
    let error = apply(&document, &Json::parse(patch.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ward_core::Kind::TooLarge);
    let many = format!("[{}]", vec![step; 1001].join(","));
    assert!(apply(&document, &Json::parse(many.as_bytes()).unwrap()).is_err());
}

proptest! {
    #[test]
    fn what_is_added_is_there_and_can_be_taken_back(name in "[a-z~/]{0,6}", n in any::<i32>()) {
        let document = Json::parse(br#"{"zz":[1,2],"other":true}"#).unwrap();
        prop_assume!(name != "zz" && name != "other");
        let pointer = serde_json::to_string(&format!("/{}", name.replace('~', "~0").replace('/', "~1"))).unwrap();
        let add = format!(r#"[{{"op":"add","path":{pointer},"value":{n}}},{{"op":"test","path":{pointer},"value":{n}}}]"#);
        let added = apply(&document, &Json::parse(add.as_bytes()).unwrap()).unwrap().into_owned();
        prop_assert_eq!(added.get(&name).unwrap().as_number().unwrap().as_str(), n.to_string());
        let back = format!(r#"[{{"op":"remove","path":{pointer}}}]"#);
        let back = apply(&added, &Json::parse(back.as_bytes()).unwrap()).unwrap().into_owned();
        prop_assert_eq!(back, document);
    }

    #[test]
    fn any_patch_gets_an_answer(
        op in "add|remove|replace|move|copy|test",
        path in "(/(a|b|0|1|-|~0|~)){0,3}",
        from in "(/(a|b|0|1|-)){0,3}",
    ) {
        let document = Json::parse(br#"{"a":[{"b":1},[2]],"b":{"a":{}}}"#).unwrap();
        let patch = format!(r#"[{{"op":"{op}","path":"{path}","from":"{from}","value":1}}]"#);
        let _ = apply(&document, &Json::parse(patch.as_bytes()).unwrap());
    }
}
