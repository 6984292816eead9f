use serde_json::json;
use ward_rules::payer::{Origin, Verdict};

use super::{Operation, PasError, Submission, answer_in, request};
use crate::facts::Facts;

fn facts() -> Facts {
    let id = "c1".parse().unwrap();
    Facts {
        claim: json!({
            "resourceType": "Claim", "id": "c1", "meta": { "versionId": "1" },
            "status": "active", "use": "preauthorization", "created": "2026-01-02",
            "identifier": [{ "system": "urn:ward:admission", "value": "a1" }],
            "insurance": [{ "coverage": { "reference": "Coverage/v1" } }],
            "item": [{ "sequence": 1 }],
        }),
        key: ward_store::values::key(ward_core::ResourceType::CLAIM, &id),
        patient_id: "p1".parse().unwrap(),
        patient: json!({ "resourceType": "Patient", "id": "p1" }),
        coverage: json!({ "resourceType": "Coverage", "id": "v1", "subscriberId": "M-1" }),
        payer: serde_json::Value::Null,
        encounter: serde_json::Value::Null,
    }
}

#[test]
fn what_is_asked_is_what_a_server_understands() {
    let facts = facts();
    for operation in [Operation::Submit, Operation::Inquire] {
        let bundle = request(&facts, "http://here/fhir", operation);
        assert_eq!(bundle["entry"].as_array().unwrap().len(), 3);
        let claim = &bundle["entry"][0];
        assert_eq!(claim["fullUrl"], "http://here/fhir/Claim/c1");
        assert_eq!(claim["resource"]["identifier"][0]["value"], "c1");
        assert_eq!(claim["resource"].get("meta"), None);
        Submission::of(&bundle, operation).unwrap();
    }
    let lost = json!({ "resourceType": "Bundle", "entry": [{ "resource": { "resourceType": "Patient" } }] });
    let error = Submission::of(&lost, Operation::Submit).unwrap_err();
    assert!(
        matches!(error, PasError::Request { place, .. } if place == "Bundle.entry[0].resource")
    );
}

#[test]
fn answers_are_taken_for_their_own_claim_alone() {
    let facts = facts();
    let said = |id: &str, outcome: &str, actions: &[&str]| {
        let items = actions
            .iter()
            .map(|code| json!({ "adjudication": [crate::answer::review_action(code)] }));
        let response = json!({
            "resourceType": "ClaimResponse", "outcome": outcome, "preAuthRef": "N-1",
            "request": { "identifier": { "value": id } }, "item": items.collect::<Vec<_>>(),
        });
        let bundle = json!({ "resourceType": "Bundle", "entry": [{ "resource": response }] });
        answer_in(bundle.to_string().as_bytes(), &facts)
    };
    for (outcome, actions, verdict) in [
        ("complete", &["A1"][..], Verdict::Granted),
        ("complete", &["A1", "A3"][..], Verdict::Denied),
        ("complete", &["A1", "A4"][..], Verdict::Pended),
        ("queued", &[][..], Verdict::Pended),
        ("queued", &["A4"][..], Verdict::Pended),
        // The payer could not work on it: nobody has said no.
        ("error", &[][..], Verdict::Pended),
    ] {
        let answer = said("c1", outcome, actions).unwrap();
        assert_eq!(
            (answer.verdict, answer.origin),
            (verdict, Origin::Pas),
            "{outcome} {actions:?}"
        );
        assert_eq!(answer.reference.as_deref(), Some("N-1"));
    }
    assert_eq!(said("c2", "complete", &["A1"]), None);
    for bytes in [&b"{}"[..], b"", b"[1]", b"{\"resourceType\":\"Bundle\"}"] {
        assert_eq!(answer_in(bytes, &facts), None);
    }
}
