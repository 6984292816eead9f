use std::{fmt::Write as _, fs, path::PathBuf, str::FromStr as _};

use proptest::prelude::*;
use ward_core::ResourceType;

use super::{Issue, has_errors, narrative, validate};
use crate::{definitions::schema, json::Json, outcome::Severity};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data").join(name)
}

fn shown(issues: &[Issue]) -> String {
    let mut out = String::new();
    for issue in issues {
        let (severity, code) = (issue.severity.as_str(), issue.code.as_str());
        let place = issue.expression.as_deref().unwrap_or("-");
        writeln!(out, "{severity} {code} {place}: {}", issue.diagnostics).unwrap();
    }
    if issues.is_empty() {
        out.push_str("all is well\n");
    }
    out
}

/// Each `NAME.json` is validated and the findings compared with `NAME.txt`.
#[test]
fn findings_of_the_cases() {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder("validate")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "json"));
    names.sort();
    assert!(40 <= names.len(), "the cases are gone");
    for path in names {
        let text = fs::read(&path).unwrap();
        let json = Json::parse(&text).unwrap();
        expect_test::expect_file![path.with_extension("txt")]
            .assert_eq(&shown(&validate(&json, None)));
    }
}

#[test]
fn the_expected_type_is_checked() {
    let json = Json::parse(br#"{"resourceType":"Patient"}"#).unwrap();
    let observation = ResourceType::from_str("Observation").unwrap();
    assert_eq!(
        shown(&validate(&json, Some(observation))),
        "error invalid Patient: `resourceType` must be Observation here\n"
    );
    assert!(validate(&json, Some(ResourceType::PATIENT)).is_empty());
}

#[test]
fn findings_are_limited() {
    let many = format!(r#"{{"resourceType":"Patient","name":[{}{{}}]}}"#, "{},".repeat(5000));
    let issues = validate(&Json::parse(many.as_bytes()).unwrap(), None);
    assert_eq!(issues.len(), super::ISSUES_MAX);
    assert!(has_errors(&issues));
}

/// Every resource of the shared population is valid.
#[test]
fn a_real_population_is_valid() {
    let shared = std::env::var_os("WARD_SHARED_DATA").map_or_else(
        || PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared/data"),
        PathBuf::from,
    );
    let root = shared.join("fhir");
    if !root.is_dir() {
        eprintln!("SKIPPED: no population in {}", root.display());
        return;
    }
    let mut counted = std::collections::BTreeMap::<String, usize>::new();
    let mut resources = 0;
    for folder in ["synthea-r4-smart", "synthea-iris", "synthea-bulk10"] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let Some(kind) = path.extension().and_then(|e| e.to_str()) else { continue };
            let text = fs::read(&path).unwrap();
            let lines: Vec<&[u8]> = match kind {
                "ndjson" => text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect(),
                _ => vec![&text],
            };
            if path.ends_with("log.ndjson") {
                continue;
            }
            for line in lines {
                let json = Json::parse(line).unwrap();
                let entries = json.get("entry").and_then(Json::as_array).unwrap_or_default();
                let of_bundle = entries.iter().filter_map(|e| e.get("resource"));
                let alone = entries.is_empty().then_some(&json);
                for resource in of_bundle.chain(alone) {
                    resources += 1;
                    for issue in validate(resource, None) {
                        let mut place = issue.expression.unwrap_or_default();
                        place.retain(|c| !c.is_ascii_digit());
                        let severity = issue.severity.as_str();
                        let line = format!("{folder} {severity} {place}: {}", issue.diagnostics);
                        *counted.entry(line).or_default() += 1;
                    }
                }
            }
        }
    }
    let mut found = String::new();
    for (line, count) in counted {
        writeln!(found, "{line} ({count})").unwrap();
    }
    assert!(15_000 < resources, "{resources}");
    assert_eq!(found, "");
}

#[test]
fn narratives() {
    use narrative::Fault as F;
    let xmlns = "xmlns=\"http://www.w3.org/1999/xhtml\"";
    let cases: &[(&str, Result<(), F>)] = &[
        ("<div>a &lt; b &amp; &#160;c<br/><p class='x'>d</p></div>", Ok(())),
        (&format!("<div {xmlns}><!-- <script> --><ul><li>a</li></ul></div>"), Ok(())),
        ("<div><img src=\"data:image/png;base64,AAAA\" alt=\"x\"/></div>", Ok(())),
        ("<div><a href=\"#a\">x</a><a href=\"https://example.org/\">y</a></div>", Ok(())),
        ("<p>a</p>", Err(F::NotDiv)),
        ("<div>a</div><div>b</div>", Err(F::NotDiv)),
        ("<divx>a</divx>", Err(F::Element)),
        ("<div>a", Err(F::Unbalanced)),
        ("<div><b>a</div></b>", Err(F::Unbalanced)),
        ("<div><br></div>", Err(F::Unbalanced)),
        ("<div><script>x</script></div>", Err(F::Element)),
        ("<div><SCRIPT>x</SCRIPT></div>", Err(F::Element)),
        ("<div><svg/></div>", Err(F::Element)),
        ("<div onclick=\"x()\">a</div>", Err(F::Attribute)),
        ("<div><a href=\"javascript:x()\">a</a></div>", Err(F::Link)),
        ("<div><a href=\" JaVaScript:x()\">a</a></div>", Err(F::Link)),
        ("<div><a href=\"&#106;avascript:x()\">a</a></div>", Err(F::Link)),
        ("<div><a href=\"javascript&colon;x()\">a</a></div>", Err(F::Link)),
        ("<div><a href=\"data:text/html,x\">a</a></div>", Err(F::Link)),
        ("<div><a href=\"data:image/svg+xml,x\">a</a></div>", Err(F::Link)),
        ("<div class=a>b</div>", Err(F::Syntax)),
        ("<div>a & b</div>", Err(F::Syntax)),
        ("<div><![CDATA[x]]></div>", Err(F::Syntax)),
        ("<!DOCTYPE div><div/>", Err(F::NotDiv)),
    ];
    for (text, expected) in cases {
        assert_eq!(narrative::check(text), *expected, "{text}");
    }
    assert_eq!(narrative::check(&"<div>".repeat(1000)), Err(F::Depth));
}

fn any_member() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> =
        schema().types().iter().flat_map(|def| def.elements().iter().map(|e| e.name)).collect();
    prop_oneof![
        8 => prop::sample::select(names).prop_map(str::to_owned),
        1 => Just("resourceType".to_owned()),
        1 => "_[a-z]{1,4}|value[A-Z][a-z]{3}",
    ]
}

fn any_tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[ -~]{0,12}|Patient|Patient/a|#a|<div>a</div>|2020-01-01".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any_member(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_gets_an_answer_without_its_content(mut tree in any_tree(), at in 1u16..140) {
        let kind = ResourceType::from_number(at).unwrap();
        if let Some(object) = tree.as_object_mut() {
            object.insert("resourceType".to_owned(), kind.name().into());
            object.insert("language".to_owned(), "MARKER \u{1}".into());
        }
        let text = serde_json::to_vec(&tree).unwrap();
        let issues = validate(&Json::parse(&text).unwrap(), None);
        prop_assert!(tree.as_object().is_none() || has_errors(&issues));
        prop_assert!(issues.iter().all(|issue| issue.severity <= Severity::Warning));
        prop_assert!(!shown(&issues).contains("MARKER"));
    }
}
