use std::{fmt::Write as _, fs, path::Path};

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2024-05-31T10:00:00Z".parse().unwrap()
}

fn in_words(item: &Item<'_>) -> String {
    match item {
        Item::Node(node) => {
            let steps: Vec<String> = node
                .steps()
                .iter()
                .map(|step| match step {
                    Step::Member(name) => (*name).to_owned(),
                    Step::Index(index) => index.to_string(),
                })
                .collect();
            let json = String::from_utf8(node.json.to_bytes()).unwrap();
            format!("{} {json}", steps.join("."))
        }
        other => format!("{other:?}"),
    }
}

/// One case is two files: `NAME.path`, a resource on the first line and an expression on each of
/// the others, and `NAME.txt`, what each selects.
#[test]
fn golden() {
    let dir = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/fhirpath");
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "path") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (resource, expressions) = text.split_once('\n').unwrap();
        let resource = Json::parse(resource.as_bytes()).unwrap();
        let env = Env { resource: &resource, now: now(), variables: &[] };
        let mut out = String::new();
        for line in expressions.lines() {
            writeln!(out, "{line}").unwrap();
            match Expression::parse(line).map(|expr| expr.eval(&env)) {
                Err(error) => writeln!(out, "    syntax: {error}").unwrap(),
                Ok(Err(error)) => writeln!(out, "    error: {error}").unwrap(),
                Ok(Ok(items)) => {
                    for item in items {
                        writeln!(out, "    {}", in_words(&item)).unwrap();
                    }
                }
            }
        }
        expect_file![path.with_extension("txt")].assert_eq(&out);
        n_cases += 1;
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

#[test]
fn work_and_depth_are_bounded() {
    let resource = Json::parse(br#"{"resourceType":"List","a":[1,2,3,4,5,6,7,8,9,10]}"#).unwrap();
    let env = Env { resource: &resource, now: now(), variables: &[] };
    let eval = |text: &str| Expression::parse(text).unwrap().eval(&env).map(|_| ());
    let wide = "a.select(%resource.a.select(%resource.a.select(%resource.a.select(%resource.a.select(%resource.a.select(%resource.a))))))";
    assert_eq!(eval(wide), Err(EvalError::Steps));
    let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
    assert!(Expression::parse(&deep).is_err());
    let chain = format!("{}1", "a.where(true) or ".repeat(40));
    assert_eq!(eval(&chain), Err(EvalError::Several));
    let nested = format!("{}1{}", "(a.a.a.a.a.a.a.a.a or ".repeat(25), ")".repeat(25));
    assert_eq!(eval(&nested), Ok(()));
    assert!(Expression::parse(&"a".repeat(EXPRESSION_BYTES_MAX + 1)).is_err());
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[a-c.()\\[\\]'0-9 |&=<>+*/-]{0,40}|(a|b|where|is|as|select|\\(|\\)|\\.|=|'x'|1|and|repeat|children|descendants|-){0,14}|\\PC{0,30}") {
        let resource = Json::parse(br#"{"resourceType":"List","a":[{"b":1},{"b":"x","a":[2]}],"b":"2024"}"#).unwrap();
        let env = Env { resource: &resource, now: now(), variables: &[] };
        if let Ok(expr) = Expression::parse(&text) {
            let _ = expr.eval(&env);
        }
    }

    #[test]
    fn numbers_print_as_they_are_read(whole in -1_000_000_i64..1_000_000, part in 0_u32..1000) {
        let text = format!("{whole}.{part:03}1");
        prop_assert_eq!(Number::parse(&text).unwrap().to_string(), text);
        let n = Number::from_integer(whole);
        prop_assert_eq!(n.plus(n), n.times(Number::from_integer(2)));
    }
}
