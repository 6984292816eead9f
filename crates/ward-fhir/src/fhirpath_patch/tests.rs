use std::{fmt::Write as _, fs, path::Path};

use expect_test::expect_file;

use super::*;

/// One case is two files: `NAME.patch`, a resource on the first line and a list of operations on
/// each of the others, and `NAME.txt`, what each makes of the resource.
///
/// An operation is written `type path [name] [index...] [value part]`, as a JSON array of parts.
#[test]
fn golden() {
    let dir =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/fhirpath-patch");
    let now = "2024-05-31T10:00:00Z".parse().unwrap();
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "patch") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (resource, patches) = text.split_once('\n').unwrap();
        let resource = Json::parse(resource.as_bytes()).unwrap();
        let mut out = String::new();
        for line in patches.lines() {
            let whole = full_form(line);
            let patch = Json::parse(whole.as_bytes()).unwrap();
            writeln!(out, "{line}").unwrap();
            match fhirpath_patch(&resource, &patch, now) {
                Ok(made) => {
                    let text = String::from_utf8(made.to_bytes()).unwrap();
                    writeln!(out, "    {text}").unwrap();
                }
                Err(error) => writeln!(out, "    {:?}: {error}", error.kind()).unwrap(),
            }
        }
        expect_file![path.with_extension("txt")].assert_eq(&out);
        n_cases += 1;
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

/// `{"type":"add","path":"Patient","name":"x","value":{...}}; ...` as Parameters.
fn full_form(line: &str) -> String {
    let operations: Vec<String> = line
        .split("; ")
        .map(|operation| {
            let short = Json::parse(operation.as_bytes()).unwrap();
            let parts: Vec<String> = short
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    let json = String::from_utf8(value.to_bytes()).unwrap();
                    match (name, value) {
                        ("type", _) => format!(r#"{{"name":"type","valueCode":{json}}}"#),
                        (_, Json::String(_)) => {
                            format!(r#"{{"name":"{name}","valueString":{json}}}"#)
                        }
                        (_, Json::Number(_)) => {
                            format!(r#"{{"name":"{name}","valueInteger":{json}}}"#)
                        }
                        (_, _) => json.replacen('{', &format!(r#"{{"name":"{name}","#), 1),
                    }
                })
                .collect();
            format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))
        })
        .collect();
    format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(","))
}

#[test]
fn what_is_no_patch_is_refused() {
    let resource = Json::parse(br#"{"resourceType":"Patient"}"#).unwrap();
    let now = "2024-05-31T10:00:00Z".parse().unwrap();
    for text in [
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Parameters"}"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"other"}]}"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"operation"}]}"#,
        "[]",
    ] {
        let patch = Json::parse(text.as_bytes()).unwrap();
        let error = fhirpath_patch(&resource, &patch, now).unwrap_err();
        assert_eq!((error.operation, error.problem), (0, PatchProblem::Shape), "{text}");
    }
}
