use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use serde_json::{Value, json};
use ward_rules::medication::{IssueKind, Tier, issue::NotCheckable};

use super::{Asking, RemoteSettings, Remotes, Transport, TransportError, read_cards};
use crate::cds::{gather::Gathered, remote::ask::Question, services::Hook};

enum Does {
    Answers(&'static str),
    Hangs,
    Fails(TransportError),
}

impl Transport for Does {
    fn post(
        &self,
        _: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, TransportError>> + Send + '_>> {
        Box::pin(async move {
            match self {
                Does::Answers(text) => Ok(text.as_bytes().to_vec()),
                Does::Fails(error) => Err(error.clone()),
                Does::Hangs => std::future::pending().await,
            }
        })
    }
}

fn settings(time_limit_ms: u64) -> RemoteSettings {
    let text = format!(
        "url = \"http://127.0.0.1:1/cds-services/x\"\nhooks = [\"order-sign\"]\n\
         time_limit_ms = {time_limit_ms}\n"
    );
    RemoteSettings::read(&text, Path::new("")).unwrap()
}

const CARD: &str = r#"{"cards":[{"summary":"Too much","indicator":"critical",
    "detail":"Because","source":{"label":"Licensed","topic":{"code":"dose"}}}]}"#;

#[tokio::test(start_paused = true)]
async fn whoever_fails_is_named_and_nobody_waits_longer_than_the_limit() {
    let services = [
        ("good", Does::Answers(CARD)),
        ("hangs", Does::Hangs),
        ("garbage", Does::Answers("<html>")),
        ("down", Does::Fails(TransportError::Unreachable)),
        ("broken", Does::Fails(TransportError::Status(500))),
    ];
    let services = services.map(|(name, does)| Asking {
        name: name.to_owned(),
        settings: settings(1_500),
        transport: Arc::new(does),
    });
    let remotes = Remotes::new(services.into());
    let drafts = [json!({ "resourceType": "MedicationRequest", "id": "d1" })];
    let gathered = Gathered::default();
    let mut question = Question {
        hook: Hook::OrderSign,
        instance: "i",
        user: "Practitioner/1",
        patient: "p",
        encounter: None,
        drafts: &drafts,
        gathered: &gathered,
    };
    let before = tokio::time::Instant::now();
    let issues = remotes.ask(question).await;
    assert_eq!(before.elapsed(), Duration::from_millis(1_500));
    let said: Vec<&str> = issues.iter().map(|it| it.message.summary.as_str()).collect();
    assert_eq!(
        said,
        [
            "Too much",
            "Not checked by hangs: it did not answer in time.",
            "Not checked by garbage: its answer is not JSON.",
            "Not checked by down: it cannot be reached.",
            "Not checked by broken: it answered with status 500.",
        ]
    );
    assert_eq!((issues[0].kind, issues[0].tier), (IssueKind::Remote, Tier::HardStop));
    assert_eq!(issues[0].rule.id, "remote.good.dose");
    for it in &issues[1..] {
        assert_eq!(it.why, Some(NotCheckable::RemoteService));
        assert_eq!(it.orders, ["MedicationRequest/d1"]);
    }
    // Who is not for a hook is not asked.
    question.hook = Hook::PatientView;
    assert_eq!(remotes.ask(question).await, []);
}

#[test]
fn what_is_sent_is_what_the_standard_asks_for() {
    let mut settings = settings(100);
    let gathered = Gathered {
        patient: Some(json!({ "resourceType": "Patient", "id": "p" })),
        records: vec![json!({ "resourceType": "AllergyIntolerance", "id": "a" })],
        ..Gathered::default()
    };
    let drafts = [json!({ "resourceType": "MedicationRequest", "id": "d1" })];
    let question = Question {
        hook: Hook::OrderSelect,
        instance: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        user: "Practitioner/1",
        patient: "p",
        encounter: Some("e"),
        drafts: &drafts,
        gathered: &gathered,
    };
    let body = super::ask::request_of(&settings, question);
    assert_eq!(body["hook"], "order-select");
    assert_eq!(body["context"]["selections"], json!(["MedicationRequest/d1"]));
    assert_eq!(body["context"]["draftOrders"]["entry"][0]["resource"]["id"], "d1");
    assert_eq!(body["prefetch"]["patient"]["id"], "p");
    assert_eq!(body["prefetch"]["allergies"]["total"], 1);
    assert!(body.get("fhirServer").is_none());
    settings.prefetch = [
        ("theirs", "Patient/{{context.patientId}}"),
        ("more", "AllergyIntolerance?patient={{context.patientId}}"),
        ("unknown", "Coverage?patient={{context.patientId}}"),
    ]
    .map(|(key, query)| (key.to_owned(), query.to_owned()))
    .into();
    let body = super::ask::request_of(&settings, question);
    assert_eq!(body["prefetch"]["theirs"]["id"], "p");
    assert_eq!(body["prefetch"]["more"]["entry"][0]["resource"]["id"], "a");
    assert_eq!(body["prefetch"]["unknown"], Value::Null);
}

#[test]
fn an_answer_that_is_not_of_the_standard_is_none() {
    for (text, says) in [
        ("", "its answer is not JSON"),
        ("[]", "its answer has no `cards`"),
        (r#"{"cards":[{}]}"#, "cards[0].summary of its answer is wrong"),
        (
            r#"{"cards":[{"summary":"a","indicator":"hard-stop","source":{"label":"x"}}]}"#,
            "cards[0].indicator of its answer is wrong",
        ),
        (
            r#"{"cards":[{"summary":"a","indicator":"info"}]}"#,
            "cards[0].source of its answer is wrong",
        ),
    ] {
        assert_eq!(read_cards("x", text.as_bytes()).unwrap_err(), says);
    }
    assert_eq!(read_cards("x", br#"{"cards":[]}"#).unwrap(), []);
}

#[test]
fn what_is_set_up_wrong_is_told() {
    let ok = "url = \"http://localhost:80/x\"\nhooks = [\"order-sign\"]\n";
    assert!(RemoteSettings::read(ok, Path::new("")).is_ok());
    for (text, says) in [
        ("url = \"http://localhost/x\"\nhooks = []", "`hooks` is empty"),
        ("url = \"http://localhost/x\"\nhooks = [\"x\"]", "`hooks` holds x"),
        ("url = \"ftp://localhost/x\"\nhooks = [\"order-sign\"]", "`url` begins"),
        ("url = \"https://kb/x\"\nhooks = [\"order-sign\"]", "`tls_ca` says"),
        ("url = \"http://kb/x\"\nhooks = [\"order-sign\"]", "patient data would go"),
        ("url = \"http://localhost.evil/x\"\nhooks = [\"order-sign\"]", "patient data would go"),
        (
            "url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\ntime_limit_ms = 0",
            "`time_limit_ms`",
        ),
        ("url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\ntls_key = \"k\"", "`tls_cert`"),
        ("url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\njwt_key = \"k\"", "`jwt_key` is"),
        ("url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\njwt_kid = \"k\"", "`jwt_key` is"),
        ("url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\nextra = 1", "not a description"),
        (
            "url = \"http://[::1]:8/x\"\nhooks = [\"order-sign\"]\n[prefetch]\na = \"http://evil/\"",
            "`prefetch.a` is a query such as `Patient/{{context.patientId}}`",
        ),
    ] {
        let error = RemoteSettings::read(text, Path::new("")).unwrap_err().to_string();
        assert!(error.starts_with(says), "{text}: {error}");
    }
}
