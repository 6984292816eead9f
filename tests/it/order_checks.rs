//! The same orders asked in every way: the command line, `$check` with a Bundle, `$check` over the
//! chart, a card. Everybody hears the same.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use ward_tests::House;

use crate::knowledge::put;

const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

fn order(id: &str, status: &str, drug: &str, sig: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "subject": { "reference": "Patient/p" },
        "medicationCodeableConcept": { "text": drug },
        "dosageInstruction": [{ "text": sig }],
    })
}

fn patient(birth: &str) -> Value {
    json!({ "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": birth })
}

fn value(id: &str, loinc: &str, value: f64, unit: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "subject": { "reference": "Patient/p" },
        "code": { "coding": [{ "system": "http://loinc.org", "code": loinc }] },
        "effectiveDateTime": today(),
        "valueQuantity": {
            "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
        },
    })
}

/// What is measured has to be young enough to count.
fn today() -> String {
    ward_web::now().to_string().split('T').next().unwrap().to_owned()
}

fn cases() -> Vec<(&'static str, Vec<Value>)> {
    let allergy = json!({
        "resourceType": "AllergyIntolerance",
        "id": "al",
        "patient": { "reference": "Patient/p" },
        "type": "allergy",
        "criticality": "high",
        "code": { "coding": [{ "system": RXNORM, "code": "723" }], "text": "amoxicillin" },
        "reaction": [{ "manifestation": [{ "text": "anaphylaxis" }], "severity": "severe" }],
    });
    let none_known = json!({
        "resourceType": "List",
        "id": "none",
        "status": "current",
        "mode": "working",
        "subject": { "reference": "Patient/p" },
        "code": { "coding": [{ "system": "http://loinc.org", "code": "48765-2" }] },
        "emptyReason": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/list-empty-reason",
            "code": "nilknown",
        }] },
    });
    let by_reference = json!({
        "resourceType": "MedicationRequest",
        "id": "ref",
        "status": "active",
        "intent": "order",
        "subject": { "reference": "Patient/p" },
        "medicationReference": { "reference": "Medication/m" },
        "dosageInstruction": [{ "text": "15 mg PO TID" }],
    });
    let medication = json!({
        "resourceType": "Medication",
        "id": "m",
        "code": { "text": "phenelzine" },
    });
    vec![
        (
            "onc-high-04@",
            vec![
                patient("1970-01-01"),
                medication,
                by_reference,
                order("new", "draft", "sertraline", "50 mg PO daily"),
            ],
        ),
        (
            "check.allergy",
            vec![
                patient("1980-01-01"),
                allergy,
                order("new", "draft", "amoxicillin", "500 mg PO TID"),
            ],
        ),
        (
            "enoxaparin",
            vec![
                patient("1938-05-01"),
                none_known,
                value("w", "29463-7", 52.0, "kg"),
                value("h", "8302-2", 160.0, "cm"),
                value("cr", "2160-0", 2.4, "mg/dL"),
                order("new", "draft", "enoxaparin", "50 mg subcut BID"),
            ],
        ),
        (
            "check.",
            vec![patient("2024-01-01"), order("new", "draft", "frobnicain", "10 mg PO BID")],
        ),
    ]
}

/// What an issue says, apart from the values it went by, whose age goes on.
type Said = BTreeSet<(String, String, String, Vec<String>)>;

fn of_command(house: &House, bundle: &Value) -> Said {
    let file = house.data().with_extension("bundle.json");
    fs::write(&file, bundle.to_string()).unwrap();
    let printed = house_less(&["meds", "check", file.to_str().unwrap()]);
    let printed: Value = serde_json::from_slice(&printed).unwrap();
    let issues = printed["issues"].as_array().unwrap();
    let list = |it: &Value| -> Vec<String> {
        let all = it.as_array().into_iter().flatten();
        all.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    issues
        .iter()
        .map(|it| {
            let rule = format!("{}@{}", it["rule"]["id"].as_str().unwrap(), it["rule"]["version"]);
            let about = [list(&it["orders"]), list(&it["others"])].concat();
            let text = |it: &Value| it.as_str().unwrap().to_owned();
            (rule, text(&it["tier"]), text(&it["message"]["summary"]), about)
        })
        .collect()
}

/// The command line, which needs no chart for this.
fn house_less(args: &[&str]) -> Vec<u8> {
    let output = std::process::Command::new(ward_tests::ward()).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn of_operation(answer: &Value) -> Said {
    let all = answer["parameter"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    let issues = all.filter(|it| it["name"] == "issue").map(|it| &it["resource"]);
    issues
        .map(|it| {
            let codings = it["code"]["coding"].as_array().unwrap();
            let tier = codings.iter().find(|it| it["system"] == "urn:ward:check-tier").unwrap();
            let about = it["implicated"].as_array().into_iter().flatten().map(|it| {
                let text = it["reference"].as_str().or(it["display"].as_str());
                text.unwrap().to_owned()
            });
            (
                it["identifier"][0]["value"].as_str().unwrap().to_owned(),
                tier["code"].as_str().unwrap().to_owned(),
                it["code"]["text"].as_str().unwrap().to_owned(),
                about.collect(),
            )
        })
        .collect()
}

#[test]
fn every_way_of_asking_hears_the_same() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    for (expected, resources) in cases() {
        let entries: Vec<Value> = resources.iter().map(|it| json!({ "resource": it })).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
        let said = of_command(&house, &bundle);
        assert!(said.iter().any(|it| it.0.contains(expected)), "{expected}: {said:#?}");

        let path = "/fhir/MedicationRequest/$check";
        let reply = client.post(path, &bundle);
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(of_operation(&reply.json()), said, "{expected}: a Bundle");

        let (drafts, known): (Vec<&Value>, Vec<&Value>) =
            resources.iter().partition(|it| it["status"] == "draft");
        for it in &known {
            put(&mut client, it);
        }
        let reply = client.post(path, drafts[0]);
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(of_operation(&reply.json()), said, "{expected}: over the chart");

        let call = json!({
            "hook": "order-sign",
            "hookInstance": "1",
            "context": {
                "userId": "Practitioner/1",
                "patientId": "p",
                "draftOrders": { "resourceType": "Bundle", "entry": [{ "resource": drafts[0] }] },
            },
        });
        let answer = client.post("/cds-services/medication-order-sign", &call).json();
        let cards: BTreeSet<String> = answer["cards"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|it| it["detail"].as_str().unwrap().replace('\\', ""))
            .map(|it| it.rsplit_once("Rule ").unwrap().1.split(',').next().unwrap().to_owned())
            .collect();
        let shown = said.iter().filter(|it| it.1 != "log").map(|it| it.0.clone()).collect();
        assert_eq!(cards, shown, "{expected}: cards");
        for it in known {
            let path = format!(
                "/fhir/{}/{}",
                it["resourceType"].as_str().unwrap(),
                it["id"].as_str().unwrap()
            );
            // The next patient has the same id and nothing of this one but what is written anew.
            if it["resourceType"] != "Patient" {
                assert!(client.send("DELETE", &path, &[], b"").unwrap().status < 300);
            }
        }
    }
}
