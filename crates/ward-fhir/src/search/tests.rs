use std::{fmt::Write as _, fs, path::Path};

use expect_test::expect_file;
use proptest::prelude::*;
use ward_core::ResourceType;

use super::*;
use crate::json::Json;

fn golden(folder: &str, extension: &str, answer: impl Fn(&[u8]) -> String) {
    let dir =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data").join(folder);
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == extension) {
            let actual = answer(&fs::read(&path).unwrap());
            expect_file![path.with_extension("txt")].assert_eq(&actual);
            n_cases += 1;
        }
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

#[test]
fn every_line_of_the_table_is_read() {
    let text = include_str!("../../data/search-params.txt");
    let n_lines = text.lines().filter(|line| !line.starts_with('#')).count();
    let n_defs: usize = ResourceType::fhir().map(|kind| params_of(kind).count()).sum();
    assert_eq!(n_defs, n_lines);
    for kind in ResourceType::fhir() {
        for def in params_of(kind) {
            assert_eq!(param(kind, def.code).unwrap().id, def.id);
            assert_eq!(param_by_id(def.id).unwrap().code, def.code);
            assert!(!def.program.paths.is_empty(), "{kind}.{}", def.code);
            let is_composite = def.kind == ParamKind::Composite;
            assert_eq!(is_composite, !def.components.is_empty(), "{kind}.{}", def.code);
            assert!(def.components.iter().all(|c| !c.program.paths.is_empty()));
        }
    }
    let left_out = include_str!("../../data/search-params.left-out.txt");
    assert_eq!(left_out, "", "every R4 parameter compiles");
}

/// One case is two files: `NAME.json`, a resource, and `NAME.txt`, its terms.
#[test]
fn extraction() {
    golden("extract", "json", |bytes| {
        let resource = Json::parse(bytes).unwrap();
        let kind = resource.get("resourceType").unwrap().as_str().unwrap().parse().unwrap();
        let found = extract(kind, &resource);
        let mut out = String::new();
        for term in &found.terms {
            let code = param_by_id(term.param).unwrap().code;
            writeln!(out, "{code} {:?}", term.value).unwrap();
        }
        let patients: Vec<&str> = found.patients.iter().map(|id| id.as_str()).collect();
        writeln!(out, "patients {patients:?} restricted {}", found.restricted).unwrap();
        for problem in found.problems {
            writeln!(out, "{problem:?}").unwrap();
        }
        out
    });
}

/// One case is two files: `NAME.query`, a query a line, and `NAME.txt`, what each is read as.
#[test]
fn queries() {
    golden("query", "query", |bytes| {
        let mut out = String::new();
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            let (kind, query) = line.split_once('?').unwrap();
            writeln!(out, "{line}").unwrap();
            match parse_search(kind.parse().ok(), query, Handling::Strict) {
                Ok(request) => out.push_str(&in_words(&request)),
                Err(issues) => {
                    for issue in issues {
                        let at = issue.expression.as_deref().unwrap_or("-");
                        let text: String = issue.diagnostics.chars().take(100).collect();
                        writeln!(out, "    {} {at}: {text}", issue.code.as_str()).unwrap();
                    }
                }
            }
        }
        out
    });
}

fn in_words(request: &SearchRequest) -> String {
    let mut out = String::new();
    for part in &request.parts {
        conditions_in_words(part.kind, &part.conditions, 1, &mut out);
    }
    let SearchRequest { sort, count, total, summary, elements, cursor, .. } = request;
    let codes = |include: &Include| {
        let codes = include.params.iter().map(|id| param_by_id(*id).unwrap().code);
        let codes: Vec<&str> = codes.collect();
        format!("{}:{codes:?}:{:?}:{}", include.source, include.target, include.iterate)
    };
    for sort in sort {
        writeln!(out, "    sort {} descending {}", sort.code, sort.descending).unwrap();
    }
    for include in &request.includes {
        writeln!(out, "    include {}", codes(include)).unwrap();
    }
    for include in &request.revincludes {
        writeln!(out, "    revinclude {}", codes(include)).unwrap();
    }
    if count.is_some() || !elements.is_empty() || cursor.is_some() {
        writeln!(out, "    count {count:?} elements {elements:?} cursor {cursor:?}").unwrap();
    }
    if *total != TotalMode::Unsaid || *summary != SummaryMode::False {
        writeln!(out, "    total {total:?} summary {summary:?}").unwrap();
    }
    out
}

fn conditions_in_words(
    kind: ResourceType,
    conditions: &Conditions,
    depth: usize,
    out: &mut String,
) {
    let pad = "    ".repeat(depth);
    if let Some(ids) = &conditions.ids {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        writeln!(out, "{pad}{kind} ids {ids:?}").unwrap();
    }
    for Clause { param, op, any } in &conditions.clauses {
        let code = param_by_id(*param).unwrap().code;
        writeln!(out, "{pad}{kind}.{code} {op:?} {any:?}").unwrap();
    }
    for Chain { param, any } in &conditions.chains {
        writeln!(out, "{pad}{kind}.{} points at", param_by_id(*param).unwrap().code).unwrap();
        for link in any {
            conditions_in_words(link.target, &link.then, depth + 1, out);
        }
    }
    for has in &conditions.has {
        let code = param_by_id(has.reference).unwrap().code;
        writeln!(out, "{pad}{kind} is pointed at by {}.{code}", has.source).unwrap();
        conditions_in_words(has.source, &has.then, depth + 1, out);
    }
}

#[test]
fn dates_are_half_open_intervals_in_utc() {
    let day = 86_400_000_000_i64;
    let of = |text: &str| interval(text).map(|i| (i.from_us, i.to_us));
    assert_eq!(of("1970"), Some((0, 365 * day)));
    assert_eq!(of("1972-02"), Some((761 * day, 790 * day)));
    assert_eq!(of("1970-01-02"), Some((day, 2 * day)));
    assert_eq!(of("1970-01-02T00:00"), Some((day, day + 60_000_000)));
    assert_eq!(of("1970-01-02T00:00:01+01:00"), Some((day - 3_599_000_000, day - 3_598_000_000)));
    assert_eq!(of("1970-01-01T00:00:00.250Z"), Some((250_000, 251_000)));
    assert_eq!(of("1969-12-31"), Some((-day, 0)));
    for wrong in ["", "19", "1970-13", "1970-02-29", "1970-01-01T", "1970-1-1", "2000-01-01x"] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}

#[test]
fn numbers_have_the_precision_of_their_text() {
    let of = |text: &str| decimal(text).map(|d| (d.value, d.low, d.high));
    assert_eq!(of("100"), Some((100.0, 99.5, 100.5)));
    assert_eq!(of("100.00"), Some((100.0, 99.995, 100.005)));
    assert_eq!(of("1e2"), Some((100.0, 95.0, 105.0)));
    assert_eq!(of("-0.1"), Some((-0.1, -0.150_000_000_000_000_02, -0.05)));
    for wrong in ["", ".", "1x", "inf", "NaN", "1e999", "--1"] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}

#[test]
fn text_is_folded() {
    assert_eq!(fold("  Müller-LÜDENSCHEIDT \t Straße "), "muller-ludenscheidt strasse");
    assert_eq!(fold("\u{FB01}n I\u{307}"), "fin i");
}

/// Date prefixes on periods: FHIR R4, 3.1.1.4.7.
#[test]
fn date_prefixes_compare_intervals() {
    let matches = |query: &str, from: &str, to: &str| {
        let request =
            parse_search(Some(ResourceType::ENCOUNTER), &format!("date={query}"), Handling::Strict);
        let (from_us, to_us) = (interval(from).unwrap().from_us, interval(to).unwrap().to_us);
        let value = TermValue::Date { from_us, to_us };
        request.unwrap().parts[0].conditions.clauses[0].any[0].matches(&value)
    };
    assert!(matches("2013-01-14", "2013-01-14T00:00:00Z", "2013-01-14T10:00:00Z"));
    assert!(!matches("2013-01-14", "2013-01-14", "2013-01-15"));
    assert!(matches("ne2013-01-14", "2013-01-15", "2013-01-15"));
    assert!(matches("lt2013-01-14", "2013-01-13", "2013-01-15"));
    assert!(!matches("lt2013-01-14", "2013-01-14", "2013-01-15"));
    assert!(matches("gt2013-01-14", "2013-01-14", "2013-01-15"));
    assert!(!matches("gt2013-01-14", "2013-01-14", "2013-01-14"));
    assert!(matches("ge2013-01-14", "2013-01-14", "2013-01-14"));
    assert!(matches("le2013-01-14", "2013-01-14", "2013-01-14"));
    assert!(matches("sa2013-01-14", "2013-01-15", "2013-01-16"));
    assert!(!matches("sa2013-01-14", "2013-01-14", "2013-01-16"));
    assert!(matches("eb2013-01-14", "2013-01-12", "2013-01-13"));
    assert!(matches("ap2013-01-14", "2013-01-15", "2013-01-15"));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abAB]{1,2}",
        "[aäÄéßİ]{0,4} ?[b ]{0,8}",
        "http://x/[ab](/[ab])?(\\|1)?",
        "\\PC{0,12}",
    ]
}

fn small_word() -> impl Strategy<Value = Box<str>> {
    "[abA]{1,2}".prop_map(String::into_boxed_str)
}

fn instant() -> impl Strategy<Value = i64> {
    let day = 86_400_000_000_i64;
    prop_oneof![
        (0..80_i64).prop_map(move |n| n * day / 2),
        (-40..40_i64).prop_map(move |n| n * day * 200),
        Just(i64::MIN),
        Just(i64::MAX),
        any::<i64>(),
    ]
}

fn plain_value() -> impl Strategy<Value = TermValue> {
    let maybe = || proptest::option::of(small_word());
    let number = || (-5..5_i32).prop_map(f64::from);
    let kind = || prop_oneof![Just(ResourceType::PATIENT), Just(ResourceType::GROUP)];
    prop_oneof![
        (maybe(), maybe(), maybe()).prop_map(|(system, code, text)| TermValue::Token {
            system,
            code,
            text
        }),
        (kind(), small_word(), proptest::option::of(0..2_u32))
            .prop_map(|(kind, id, version)| TermValue::Reference { kind, id, version }),
        word().prop_map(|url| TermValue::Url(url.into())),
        (maybe(), maybe()).prop_map(|(system, value)| TermValue::Identified { system, value }),
        word().prop_map(|text| TermValue::String(text.into())),
        (instant(), instant()).prop_map(|(from_us, to_us)| TermValue::Date { from_us, to_us }),
        number().prop_map(|value| TermValue::Number { value, low: value, high: value }),
        (number(), number(), maybe(), maybe(), maybe()).prop_map(
            |(low, high, system, code, unit)| TermValue::Quantity {
                value: low,
                low,
                high,
                system,
                code,
                unit
            }
        ),
    ]
}

fn value() -> impl Strategy<Value = TermValue> {
    prop_oneof![
        8 => plain_value(),
        1 => prop::collection::vec(plain_value(), 2..4).prop_map(TermValue::Composite),
    ]
}

/// A test that is likely to accept the value, by how it is made from it.
fn test_near(value: &TermValue, pick: u8, other: &str, width: i64) -> Test {
    let other = || Box::from(other);
    match value {
        TermValue::Token { system, code, text } => match pick % 5 {
            0 => Test::Token { system: SystemMatch::Any, code: code.clone() },
            1 => Test::Token { system: SystemMatch::None, code: code.clone() },
            2 => Test::Token {
                system: SystemMatch::Is(system.clone().unwrap_or_else(other)),
                code: code.as_ref().map(|code| code.to_uppercase().into()),
            },
            3 => Test::TokenText(fold(text.as_deref().unwrap_or("a")).into()),
            _ => Test::Token { system: SystemMatch::Any, code: Some(other()) },
        },
        TermValue::Reference { kind, id, version } => Test::Reference {
            kind: pick.is_multiple_of(2).then_some(*kind),
            id: id.clone(),
            version: version.filter(|_| pick.is_multiple_of(3)),
        },
        TermValue::Url(url) => match pick % 4 {
            0 => Test::Url { url: url.clone(), how: UriMatch::Same },
            1 => Test::Url { url: url.split('|').next().unwrap().into(), how: UriMatch::Same },
            2 => Test::Url { url: other(), how: UriMatch::Below },
            _ => Test::Url { url: other(), how: UriMatch::Above },
        },
        TermValue::Identified { system, value } => Test::Identified {
            system: match (pick % 3, system) {
                (0, Some(system)) => SystemMatch::Is(system.clone()),
                (1, _) => SystemMatch::None,
                _ => SystemMatch::Any,
            },
            value: value.clone(),
        },
        TermValue::String(text) => match pick % 4 {
            0 => Test::String { text: text.clone(), how: TextMatch::Exact },
            1 => Test::String { text: fold(text).into(), how: TextMatch::Contains },
            n => {
                let start: String = text.chars().take(usize::from(n) * 3).collect();
                Test::String { text: fold(&start).into(), how: TextMatch::Starts }
            }
        },
        TermValue::Date { from_us, to_us } => {
            let prefix = [Prefix::Eq, Prefix::Ap, Prefix::Gt, Prefix::Le][usize::from(pick % 4)];
            let from_us = from_us.saturating_sub(width);
            let to_us = to_us.saturating_add(width).max(from_us.saturating_add(1));
            Test::Date { prefix, interval: Interval { from_us, to_us } }
        }
        TermValue::Number { value, .. } => {
            Test::Number { prefix: Prefix::Eq, decimal: decimal(&format!("{value}")).unwrap() }
        }
        TermValue::Quantity { value, system, code, .. } => Test::Quantity {
            prefix: Prefix::Ge,
            decimal: decimal(&format!("{value}")).unwrap(),
            system: system.clone(),
            unit: code.clone(),
        },
        TermValue::Composite(parts) => {
            let test = |part: &TermValue| test_near(part, pick, &other(), width);
            Test::Composite(parts.iter().map(test).collect())
        }
    }
}

/// The order is ours, the members are the definition's.
#[test]
fn patient_compartment_is_the_definitions() {
    let defined = crate::definitions::schema().compartment("Patient").unwrap();
    for kind in ResourceType::fhir().filter(|kind| *kind != ResourceType::PATIENT) {
        let mut ours = extract::compartment_params(kind).to_vec();
        let mut theirs = defined.params(kind.name()).to_vec();
        ours.sort_unstable();
        theirs.sort_unstable();
        if kind == ResourceType::TASK {
            // R4 forgot the task; it is about a patient all the same.
            assert!(theirs.is_empty());
        } else {
            assert_eq!(ours, theirs, "{kind}");
        }
        assert!(ours.iter().all(|code| param(kind, code).is_some()), "{kind}");
    }
}

/// Bytes are whose they are said to be, and of nobody where that is not a patient.
#[test]
fn a_binary_is_of_the_patient_of_its_security_context() {
    let of = |reference: &str| {
        let text = format!(
            r#"{{"resourceType":"Binary","contentType":"image/png","data":"AA==","securityContext":{reference}}}"#
        );
        let json = Json::parse(text.as_bytes()).unwrap();
        let found = extract::extract_at(ResourceType::BINARY, &json, "http://ward.test/fhir");
        found.patients.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(r#"{"reference":"Patient/anna"}"#), ["anna"]);
    assert_eq!(of(r#"{"reference":"http://ward.test/fhir/Patient/anna"}"#), ["anna"]);
    for other in [r#"{"reference":"Patient/a b"}"#, r#"{"reference":"Group/g"}"#, "{}", "7"] {
        assert!(of(other).is_empty(), "{other}");
    }
}

#[test]
fn only_single_valued_dates_are_bounded() {
    let clauses = |kind: ResourceType, query: &str| {
        let request = parse_search(Some(kind), query, Handling::Strict).unwrap();
        request.parts[0].conditions.clauses.len()
    };
    assert_eq!(clauses(ResourceType::OBSERVATION, "date=ge2024-01&date=lt2024-02"), 3);
    assert_eq!(clauses(ResourceType::OBSERVATION, "value-date=gt2024-01&value-date=le2024-02"), 3);
    assert_eq!(clauses(ResourceType::PATIENT, "_lastUpdated=ge2024&_lastUpdated=lt2025"), 3);
    assert_eq!(clauses(ResourceType::OBSERVATION, "date=ge2024-01&date=ge2024-02"), 2);
    assert_eq!(clauses(ResourceType::OBSERVATION, "date=ge2024-01,2020&date=lt2024-02"), 2);
    assert_eq!(clauses(ResourceType::CARE_PLAN, "activity-date=ge2024&activity-date=lt2025"), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The property the whole index stands on.
    #[test]
    fn whatever_matches_is_found(
        value in value(),
        near in value(),
        pick in any::<u8>(),
        other in word(),
        width in prop_oneof![Just(0_i64), 0..400_000_000_000_000_i64],
    ) {
        for source in [&value, &near] {
            let test = test_near(source, pick, &other, width);
            if test.matches(&value)
                && let Lookup::Keys(wanted) = test.lookup()
            {
                let mut keys = Vec::new();
                let term = Term { param: ParamId(1), value: value.clone() };
                index_keys(&term, &mut |key| keys.push(key));
                prop_assert!(keys.iter().any(|key| wanted.contains(key)), "{test:?} {value:?}");
            }
        }
    }

    /// The clause that two bounds imply accepts whatever both accept.
    #[test]
    fn bounds_take_away_no_match(
        from in instant(),
        width in prop_oneof![1..200_000_000_000_i64, 1..40_000_000_000_000_000_i64],
        lower in 0..28_u32,
        upper in 0..28_u32,
        low in 0..3_usize,
        high in 0..3_usize,
    ) {
        let (low, high) = (["ge", "gt", "sa"][low], ["le", "lt", "eb"][high]);
        let query = format!("date={low}1970-01-{:02}&date={high}1970-02-{:02}", lower + 1, upper + 1);
        let request = parse_search(Some(ResourceType::OBSERVATION), &query, Handling::Strict);
        let clauses = &request.unwrap().parts[0].conditions.clauses;
        prop_assert_eq!(clauses.len(), 3);
        let to_us = from.saturating_add(width);
        prop_assume!(from < to_us);
        let value = TermValue::Date { from_us: from, to_us };
        let passes = |clause: &Clause| clause.any[0].matches(&value);
        if clauses.iter().skip(1).all(passes) {
            prop_assert!(passes(&clauses[0]));
            let Lookup::Keys(wanted) = clauses[0].any[0].lookup() else { panic!("no lookup") };
            let mut keys = Vec::new();
            let term = Term { param: clauses[0].param, value: value.clone() };
            index_keys(&term, &mut |key| keys.push(key));
            prop_assert!(keys.iter().any(|key| wanted.contains(key)));
        }
    }

    #[test]
    fn packed_terms_come_back(values in prop::collection::vec((any::<u16>(), value()), 0..8)) {
        let term = |(param, value)| Term { param: ParamId(param), value };
        let terms: Vec<Term> = values.into_iter().map(term).collect();
        let mut bytes = Vec::new();
        pack(&terms, &mut bytes);
        prop_assert_eq!(unpack(&bytes).unwrap(), terms.clone());
        if let Some(term) = terms.first() {
            let any = Vec::from([test_near(&term.value, 0, "a", 0)]);
            for op in [ClauseOp::Any, ClauseOp::None, ClauseOp::Missing, ClauseOp::Present] {
                let clause = Clause { param: term.param, op, any: any.clone() };
                let view = TermsView::new(&bytes).unwrap();
                prop_assert_eq!(clause.matches_view(&view), Ok(clause.matches(&terms)));
            }
        }
        let cut = bytes.len() / 2;
        let _ = unpack(&bytes[..cut]);
    }

    #[test]
    fn damaged_bytes_are_an_error_not_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = unpack(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let _ = unpack(&bytes);
    }

    #[test]
    fn any_query_is_answered(query in "[a-z_:.&=%0-9|$,\\\\-]{0,60}|\\PC{0,40}") {
        let _ = parse_search(Some(ResourceType::PATIENT), &query, Handling::Lenient);
        let named = format!("name={query}&birthdate={query}&_sort={query}&_has:{query}");
        let _ = parse_search(Some(ResourceType::PATIENT), &named, Handling::Strict);
    }
}

/// Real records, when the folder is there: every one is walked, and found again by its own keys.
#[test]
fn real_records() {
    let beside =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared/data");
    let data = std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into);
    let folder = data.join("fhir/synthea-bulk10");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no real records in {}", folder.display());
        return;
    };
    let mut n_records = 0;
    for file in files {
        let path = file.unwrap().path();
        for line in fs::read(&path).unwrap().split(|b| *b == b'\n').take(200) {
            let Ok(resource) = Json::parse(line) else { continue };
            let kind = resource.get("resourceType").and_then(Json::as_str);
            let Some(kind) = kind.and_then(|kind| kind.parse().ok()) else { continue };
            let found = extract(kind, &resource);
            assert!(!found.terms.is_empty(), "{kind}");
            assert!(found.problems.is_empty());
            let mut bytes = Vec::new();
            pack(&found.terms, &mut bytes);
            assert!(unpack(&bytes).unwrap() == found.terms);
            n_records += 1;
        }
    }
    assert!(0 < n_records);
}

/// Family names of one character are common; searching for one must not read every patient.
#[test]
fn short_names_have_lists() {
    for (text, has_list) in [("王", true), ("Lee", true), ("Ли", true), ("Li", false), ("É", false)]
    {
        let test = Test::String { text: fold(text).into(), how: TextMatch::Starts };
        assert_eq!(matches!(test.lookup(), Lookup::Keys(_)), has_list, "{text}");
    }
}
