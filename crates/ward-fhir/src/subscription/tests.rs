//! What is read, what is refused and where, what is told.

use proptest::prelude::*;
use ward_core::{EventPriority, FhirId, MedicalEventType, RecordKey, ResourceType};

use super::*;
use crate::{Json, search::extract_at};

const BASE: &str = "http://ward.test/fhir";

fn parse(text: &str) -> Result<Subscription, Vec<String>> {
    let rules = Rules { allow_plaintext: false };
    read(&Json::parse(text.as_bytes()).unwrap(), BASE, rules).map_err(|issues| {
        let line = |it: crate::outcome::Issue| {
            format!("{}: {}", it.expression.unwrap_or_default(), it.diagnostics)
        };
        issues.into_iter().map(line).collect()
    })
}

fn topic(url: &str, filters: &[&str]) -> String {
    let filters: Vec<String> = filters
        .iter()
        .map(|it| format!(r#"{{"url":"{BACKPORT}backport-filter-criteria","valueString":"{it}"}}"#))
        .collect();
    format!(
        r#"{{"resourceType":"Subscription","status":"requested","reason":"test","criteria":"{url}",
        "_criteria":{{"extension":[{}]}},"channel":{{"type":"rest-hook","endpoint":"https://a.test/x",
        "payload":"application/fhir+json","header":["Authorization: Bearer x"],
        "_payload":{{"extension":[{{"url":"{BACKPORT}backport-payload-content","valueCode":"full-resource"}}]}},
        "extension":[{{"url":"{BACKPORT}backport-heartbeat-period","valueUnsignedInt":60}}]}}}}"#,
        filters.join(",")
    )
}

fn takes(wanted: &Wanted, event: MedicalEventType, body: &str, is_delete: bool) -> bool {
    let json = Json::parse(body.as_bytes()).unwrap();
    let kind: ResourceType = json.get("resourceType").unwrap().as_str().unwrap().parse().unwrap();
    let terms = extract_at(kind, &json, BASE).terms;
    let id: FhirId = "one".parse().unwrap();
    let priority = EventPriority::Low;
    wanted.takes(&Happened { event, priority, kind, id: &id, terms: &terms, is_delete })
}

#[test]
fn a_topic_is_read_and_its_filters_hold() {
    let it = parse(&topic("urn:ward:topic:admission", &["Encounter?patient=Patient/1"])).unwrap();
    assert_eq!(it.channel.content, Content::Full);
    assert_eq!(it.channel.heartbeat_s, Some(60));
    let stay = |of: &str| {
        format!(r#"{{"resourceType":"Encounter","subject":{{"reference":"Patient/{of}"}}}}"#)
    };
    use MedicalEventType as E;
    assert!(takes(&it.wanted, E::PatientAdmission, &stay("1"), false));
    assert!(!takes(&it.wanted, E::PatientAdmission, &stay("2"), false));
    assert!(!takes(&it.wanted, E::RecordChanged, &stay("1"), false));
    let free = parse(&topic("urn:ward:topic:order", &["status=active"])).unwrap();
    let order = r#"{"resourceType":"ServiceRequest","status":"active"}"#;
    assert!(takes(&free.wanted, E::LabOrder, order, false));
    assert!(!takes(&free.wanted, E::LabOrder, &order.replace("active", "revoked"), false));
    let any = parse(&topic("urn:ward:topic:record-change", &["Flag"])).unwrap();
    assert!(takes(&any.wanted, E::RecordChanged, r#"{"resourceType":"Flag"}"#, true));
    assert!(!takes(&any.wanted, E::RecordChanged, r#"{"resourceType":"Goal"}"#, false));
}

#[test]
fn what_cannot_be_done_is_refused_in_its_place() {
    let why = |text: &str| parse(text).unwrap_err().join("\n");
    let good = topic("urn:ward:topic:admission", &[]);
    assert!(parse(&good).is_ok());
    let insecure = why(&good.replace("https://", "http://"));
    assert!(insecure.starts_with("Subscription.channel.endpoint: "), "{insecure}");
    assert!(why(&good.replace("urn:ward:topic:admission", "http://x/y")).contains("no such topic"));
    assert!(why(&good.replace("rest-hook", "sms")).starts_with("Subscription.channel.type: "));
    assert!(why(&good.replace("Authorization", "Host")).contains("header"));
    assert!(why(&good.replace(":60}", ":1}")).contains("5 to 86400"));
    for (filter, says) in [
        ("Observation?code=x", "does not speak of Observation"),
        ("Encounter?nonsense=1", "no such search parameter"),
        ("Encounter?patient.name=x", "without a chain"),
        ("Encounter?_has:Observation:encounter:code=1", "without `_has`"),
        ("Encounter?_sort=date", "without `_include`, `_sort`"),
    ] {
        let said = why(&topic("urn:ward:topic:admission", &[filter]));
        assert!(said.contains(says), "{filter}: {said}");
        assert!(said.starts_with("Subscription.criteria.extension[0].valueString: "), "{said}");
    }
    assert!(why(&topic("urn:ward:topic:record-change", &[])).contains("needs a filter"));
    let plain = good.replace("urn:ward:topic:admission", "AuditEvent?action=R");
    assert!(why(&plain).contains("cannot be subscribed to"));
}

#[test]
fn a_notification_is_a_history_with_its_status_first() {
    let id: FhirId = "0b7f2c6e".parse().unwrap();
    let key = RecordKey::new(ResourceType::ENCOUNTER, "e1".parse().unwrap());
    let body = br#"{"resourceType":"Encounter","id":"e1","extension":[{"url":"urn:x","valueDecimal":1.50}],"status":"in-progress","class":{"code":"IMP"}}"#;
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let notice = |content| Notice {
        id: &id,
        base: BASE,
        subscription: &id,
        topic: Some("urn:ward:topic:admission"),
        status: Status::Active,
        kind: NoticeKind::Event,
        n_events: 7,
        content,
        events: vec![
            Told { number: 6, time: now, focus: None, body: None },
            Told { number: 7, time: now, focus: Some((&key, Change::Create)), body: Some(body) },
        ],
        error: None,
        now,
    };
    let shown = |content| String::from_utf8(bundle(&notice(content))).unwrap();
    let mut page = String::new();
    for content in [Content::Empty, Content::IdOnly, Content::Full] {
        let bytes = shown(content);
        // What goes out is what the definitions of R4 allow.
        let json = Json::parse(bytes.as_bytes()).unwrap();
        let issues = crate::validate::validate(&json, Some(ResourceType::BUNDLE));
        let errors = issues.iter().filter(|it| it.severity <= crate::outcome::Severity::Error);
        assert_eq!(errors.count(), 0, "{issues:?}");
        page.push_str(&bytes);
        page.push('\n');
    }
    expect_test::expect_file!["notice_tests.txt"].assert_eq(&page);
}

/// A value where another was: of every kind, long, deep, and near what is read.
fn odd_value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<String>(),
        "[A-Z][a-z]{0,8}\\?[ -~]{0,40}",
        "urn:ward:topic:[a-z-]{0,16}",
        "(https?|ftp)://[ -~]{0,20}",
        "[A-Za-z-]{0,12}: ?[ -~]{0,20}",
    ];
    let text = text.prop_map(|it| serde_json_like(&it));
    let leaf = prop_oneof![
        text,
        any::<i64>().prop_map(|it| it.to_string()),
        any::<bool>().prop_map(|it| it.to_string()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| format!("[{}]", it.join(","))),
            inner.prop_map(|it| format!(r#"{{"extension":[{{"url":"x","valueString":{it}}}]}}"#)),
        ]
    })
}

fn serde_json_like(text: &str) -> String {
    String::from_utf8(Json::string(text.to_owned()).to_bytes()).unwrap()
}

proptest! {
    /// Whatever is in a Subscription, there is an answer, and what is wrong has a place in it.
    #[test]
    fn every_subscription_has_an_answer(
        criteria in odd_value(), extension in odd_value(), kind in odd_value(),
        endpoint in odd_value(), header in odd_value(), end in odd_value(), which in 0_u8..64,
    ) {
        let good = topic("urn:ward:topic:admission", &["Encounter?patient=Patient/1"]);
        let mut text = good.replace(r#""status":"requested""#, r#""status":"requested","end":"2030-01-01T00:00:00Z""#);
        for (at, old, new) in [
            (1, r#""urn:ward:topic:admission""#, &criteria),
            (2, r#""Encounter?patient=Patient/1""#, &extension),
            (4, r#""rest-hook""#, &kind),
            (8, r#""https://a.test/x""#, &endpoint),
            (16, r#"["Authorization: Bearer x"]"#, &header),
            (32, r#""2030-01-01T00:00:00Z""#, &end),
        ] {
            if which & at != 0 {
                text = text.replace(old, new);
            }
        }
        let Ok(json) = Json::parse(text.as_bytes()) else { return Ok(()) };
        match read(&json, BASE, Rules { allow_plaintext: which & 1 == 0 }) {
            Ok(it) => {
                // What is asked for can be asked of a record, and where it is sent is checked.
                let body = r#"{"resourceType":"Encounter","status":"finished"}"#;
                takes(&it.wanted, MedicalEventType::PatientDischarge, body, false);
                if let Way::RestHook { endpoint, headers } = &it.channel.way {
                    prop_assert!(endpoint.starts_with("http"));
                    prop_assert!(headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("host")));
                }
            }
            Err(issues) => {
                prop_assert!(!issues.is_empty());
                for issue in issues {
                    let place = issue.expression.unwrap_or_default();
                    prop_assert!(place.starts_with("Subscription."), "{place}: {}", issue.diagnostics);
                }
            }
        }
    }
}
