//! Who comes is found, however the name is spelled, and nobody is registered past a likely match.

use std::sync::Arc;

use serde_json::json;
use ward_patient::register::{RegisterError, Registered};

use crate::rig::{Rig, person};

fn unseen(answer: Registered) -> Vec<(String, &'static str)> {
    match answer {
        Registered::Unseen(found) => {
            found.into_iter().map(|it| (it.id, it.likeness.grade.as_str())).collect()
        }
        Registered::Patient(_) => Vec::new(),
    }
}

#[tokio::test]
async fn who_is_there_is_found_and_nobody_else() {
    let rig = Rig::new();
    let mut anna = person("Müller", "Anna", "1970-01-02", "female");
    anna["telecom"] = json!([{ "system": "phone", "value": "+1 202 555 0134" }]);
    anna["identifier"] = json!([{ "system": "urn:mr", "value": "47|11" }]);
    assert!(unseen(rig.register("anna", &anna, &[]).await.unwrap()).is_empty());
    for n in 0..30 {
        let other = person("Cho", &format!("Peter{n}"), "1970-01-02", "male");
        let all: Vec<String> = (0..n).map(|n| format!("p{n}")).collect();
        let seen: Vec<&str> = all.iter().map(String::as_str).collect();
        rig.register(&format!("p{n}"), &other, &seen).await.unwrap();
    }
    let cases = [
        (person("MULLER", "anna", "1970-01-02", "female"), "probable"),
        (person("Anna", "Müller", "1970-01-02", "female"), "probable"),
        (person("Muller", "Anna", "1970-02-01", "female"), "possible"),
    ];
    for (n, (who, grade)) in cases.into_iter().enumerate() {
        let found = unseen(rig.register(&format!("new{n}"), &who, &[]).await.unwrap());
        assert_eq!(found, [("anna".to_owned(), grade)], "{who}");
        assert!(rig.get(&format!("Patient/new{n}")).await.is_none());
    }
    // A number says who it is, whatever the name is now.
    let mut married = person("Okafor", "Anna", "1970-01-02", "female");
    married["identifier"] = json!([{ "system": "urn:mr", "value": "47|11" }]);
    let found = unseen(rig.register("new9", &married, &[]).await.unwrap());
    assert_eq!(found, [("anna".to_owned(), "certain")]);
    // Somebody else comes in freely.
    let other = person("Osei", "Kofi", "1991-07-09", "male");
    assert!(unseen(rig.register("kofi", &other, &[]).await.unwrap()).is_empty());
}

#[tokio::test]
async fn who_was_told_apart_is_registered_and_looked_at_again() {
    let rig = Rig::new();
    let anna = person("Meyer", "Anna", "1970-01-02", "female");
    rig.register("one", &anna, &[]).await.unwrap();
    assert!(!unseen(rig.register("two", &anna, &["another"]).await.unwrap()).is_empty());
    assert!(unseen(rig.register("two", &anna, &["one"]).await.unwrap()).is_empty());
    let task = rig.get("Task/review-two").await.unwrap();
    assert_eq!(task["status"], "requested");
    assert_eq!(task["input"][0]["valueReference"]["reference"], "Patient/one");
    assert!(rig.get("Task/review-one").await.is_none());
    // The same request again is answered with what it made.
    let again = rig.register("two", &anna, &[]).await.unwrap();
    assert!(matches!(again, Registered::Patient(it) if it["id"] == "two"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_desks_do_not_register_one_person_at_once() {
    let rig = Arc::new(Rig::new());
    let mut tasks = Vec::new();
    for n in 0..16 {
        let rig = Arc::clone(&rig);
        tasks.push(tokio::spawn(async move {
            let anna = person("Meyer", "Anna", "1970-01-02", "female");
            match rig.register(&format!("anna{n}"), &anna, &[]).await {
                Ok(Registered::Patient(_)) => 1,
                Ok(Registered::Unseen(_)) | Err(RegisterError::Contended) => 0,
                Err(error) => panic!("{error:?}"),
            }
        }));
    }
    let mut n_made = 0;
    for task in tasks {
        n_made += task.await.unwrap();
    }
    assert_eq!(n_made, 1);
}

#[tokio::test]
async fn what_is_no_patient_is_said_where() {
    let rig = Rig::new();
    let cases = [
        (json!({ "resourceType": "Patient" }), "Patient.name"),
        (person("Meyer", "Anna", "2031-01-02", "female"), "Patient.birthDate"),
        (person("Meyer", "Anna", "1970-13-02", "female"), "Patient.birthDate"),
        (person("Meyer", "Anna", "1970-01-02", "woman"), "Patient.gender"),
    ];
    for (who, place) in cases {
        let Err(RegisterError::Invalid(issues)) = rig.register("x", &who, &[]).await else {
            panic!("{who}");
        };
        assert_eq!(issues[0].expression.as_deref(), Some(place), "{issues:?}");
    }
}
