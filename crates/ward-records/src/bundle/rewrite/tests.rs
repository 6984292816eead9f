use proptest::prelude::*;

use super::*;

fn rewritten(links: &[(&str, &str)], full_url: Option<&str>, text: &str) -> String {
    let links = links.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let mut tree = Json::parse(text.as_bytes()).unwrap();
    rewrite(&mut tree, full_url, &links);
    String::from_utf8(tree.to_bytes()).unwrap()
}

#[test]
fn links_are_replaced_where_the_standard_says() {
    let links = [
        ("urn:uuid:1", "Patient/a"),
        ("urn:oid:1.2.3", "Organization/o"),
        ("Practitioner?identifier=x", "Practitioner/b"),
    ];
    let told = rewritten(
        &links,
        Some("urn:uuid:9"),
        r##"{"resourceType":"Observation","text":{"status":"generated","div":"<div><a href=\"urn:uuid:1\">urn:uuid:1</a><img src='urn:uuid:1#x'/><a title=\"urn:uuid:1\" href = \"urn:uuid:8\">x</a></div>"},
        "identifier":[{"system":"urn:uuid:1","value":"urn:uuid:1"}],
        "code":{"text":"urn:uuid:1"},
        "subject":{"reference":"urn:uuid:1","display":"urn:uuid:1","_display":{"extension":[{"url":"x","valueReference":{"reference":"urn:uuid:1"}}]}},
        "performer":[{"reference":"Practitioner?identifier=x"},{"reference":"urn:oid:1.2.3"}],
        "hasMember":[{"reference":"urn:uuid:1#part"},{"reference":"#inner"},{"reference":"urn:uuid:2"}],
        "note":[{"text":"urn:uuid:1"}],
        "extension":[{"url":"x","valueCanonical":"urn:uuid:1"},{"url":"x","valueUri":"urn:uuid:1"},{"url":"x","valueString":"urn:uuid:1"}]}"##,
    );
    expect_test::expect![[r##"{"resourceType":"Observation","text":{"status":"generated","div":"<div><a href=\"Patient/a\">urn:uuid:1</a><img src='Patient/a#x'/><a title=\"urn:uuid:1\" href = \"urn:uuid:8\">x</a></div>"},"identifier":[{"system":"Patient/a","value":"urn:uuid:1"}],"code":{"text":"urn:uuid:1"},"subject":{"reference":"Patient/a","display":"urn:uuid:1","_display":{"extension":[{"url":"x","valueReference":{"reference":"Patient/a"}}]}},"performer":[{"reference":"Practitioner/b"},{"reference":"Organization/o"}],"hasMember":[{"reference":"Patient/a#part"},{"reference":"#inner"},{"reference":"urn:uuid:2"}],"note":[{"text":"urn:uuid:1"}],"extension":[{"url":"x","valueCanonical":"urn:uuid:1"},{"url":"x","valueUri":"Patient/a"},{"url":"x","valueString":"urn:uuid:1"}]}"##]]
    .assert_eq(&told);
}

#[test]
fn a_relative_reference_is_read_at_the_root_of_its_entry() {
    let links = [("http://ward/fhir/Patient/1", "Patient/new")];
    let text = r#"{"resourceType":"Observation","subject":{"reference":"Patient/1"}}"#;
    let told = |full_url| rewritten(&links, full_url, text);
    assert!(told(Some("http://ward/fhir/Observation/5")).contains("Patient/new"));
    assert!(told(Some("http://other/fhir/Observation/5")).contains("Patient/1"));
    assert!(told(Some("urn:uuid:5")).contains("Patient/1"));
    assert!(told(None).contains("Patient/1"));
}

/// A place in an Observation where a text can stand, and whether a link is replaced there.
const PLACES: [(&str, bool); 8] = [
    (r#""subject":{"reference":"@"}"#, true),
    (r#""hasMember":[{"reference":"Observation/0"},{"reference":"@"}]"#, true),
    (r#""valueString":"@""#, false),
    (r#""identifier":[{"system":"urn:mrn","value":"@"}]"#, false),
    (r#""implicitRules":"@""#, true),
    (r#""note":[{"authorReference":{"reference":"@"},"text":"plain"}]"#, true),
    (r#""device":{"display":"@"}"#, false),
    (r#""contained":[{"resourceType":"Specimen","id":"s","subject":{"reference":"@"}}]"#, true),
];

proptest! {
    #[test]
    fn every_link_and_nothing_else_is_replaced(
        n_links in 1usize..6,
        chosen in prop::sample::subsequence((0..PLACES.len()).collect::<Vec<_>>(), 1..PLACES.len()),
        targets in prop::collection::vec(0usize..9, PLACES.len()),
    ) {
        let links: Links =
            (0..n_links).map(|n| (format!("urn:uuid:{n}"), format!("Patient/made-{n}"))).collect();
        let build = |text: &dyn Fn(usize, bool) -> String| {
            let members: Vec<String> = chosen
                .iter()
                .zip(&targets)
                .map(|(at, n)| PLACES[*at].0.replace('@', &text(*n, PLACES[*at].1)))
                .collect();
            format!(r#"{{"resourceType":"Observation",{}}}"#, members.join(","))
        };
        let sent = build(&|n, _| format!("urn:uuid:{n}"));
        let wanted = build(&|n, is_link| match is_link && n < n_links {
            true => format!("Patient/made-{n}"),
            false => format!("urn:uuid:{n}"),
        });
        let mut tree = Json::parse(sent.as_bytes()).unwrap();
        rewrite(&mut tree, None, &links);
        prop_assert_eq!(String::from_utf8(tree.to_bytes()).unwrap(), wanted);
    }
}
