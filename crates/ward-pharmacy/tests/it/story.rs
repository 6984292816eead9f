//! From the order to the bedside, with everything that is refused on the way.

use serde_json::{Value, json};
use ward_core::Role;
use ward_pharmacy::{
    bedside::{Giving, InfusionAct, NotGiven},
    emar::Waits,
    order::{MedsError, Override, Verification},
    reconcile::Reconciling,
    stock::StockAct,
    supply::{Leftover, Preparation},
};
use ward_rules::medication_order::{
    Quantity, dose,
    order::{Event, State},
    reconcile::Occasion,
    stock::StockRefusal,
};

use crate::rig::{Rig, fhir_id, scan, second};

fn leftover(lot: &str, n: &str) -> Leftover {
    let quantity = n.parse().unwrap();
    Leftover {
        lot: lot.to_owned(),
        product: None,
        quantity,
        reason: "dropped".into(),
        location: None,
    }
}

fn codes(error: &MedsError) -> Vec<&'static str> {
    match error {
        MedsError::Bedside(found) => found.iter().map(|it| it.code).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn from_the_order_to_the_bedside() {
    let rig = Rig::new().await;
    rig.sign("a", "Ciprofloxacin", json!({})).await.unwrap();
    // A hard stop: a reason is not enough, and one person is not two.
    let refused = rig.sign("b", "Tizanidine", json!({})).await;
    let Err(MedsError::Unsettled(found)) = refused else { panic!("{refused:?}") };
    assert_eq!(found.len(), 1);
    let told =
        [Override { key: found[0].key.clone(), reason: "no-alternative".to_owned(), text: None }];
    let alone = rig.sign_with("b", "Tizanidine", json!({}), &told, None).await;
    assert!(matches!(alone, Err(MedsError::NeedsSecond(_))), "{alone:?}");
    let own = rig.cx(Role::Physician).actor.id;
    let same = Some(ward_pharmacy::order::Second { actor: own, role: Role::Physician });
    let same = rig.sign_with("b", "Tizanidine", json!({}), &told, same).await;
    assert!(matches!(same, Err(MedsError::OtherSecond)), "{same:?}");
    let nurse = rig.sign_with("b", "Tizanidine", json!({}), &told, second(Role::Nurse)).await;
    assert!(matches!(nurse, Err(MedsError::OtherSecond)), "{nurse:?}");
    let agreed = second(Role::Physician);
    let kept = rig.sign_with("b", "Tizanidine", json!({}), &told, agreed).await.unwrap();
    assert_eq!((kept.state, kept.overridden.len()), (State::Signed, 1));
    let issues = rig.search("DetectedIssue", "patient=Patient/p-0").await;
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0]["mitigation"].as_array().unwrap().len(), 2);
    assert_eq!(issues[0]["identifier"][0]["value"], "test.tizanidine-cyp1a2@1");
    // The pharmacist sees both, gives what was ordered and nothing else.
    let cx = rig.cx(Role::Pharmacist);
    let queue = rig.pharmacy.waiting(&cx, Waits::Verify).await.unwrap();
    assert_eq!(queue.len(), 2);
    assert!(matches!(rig.dispense("b", 1, json!({})).await, Err(MedsError::State(_))));
    let other = rig.verify("b", "cipro").await;
    assert!(matches!(other, Err(MedsError::Request { place: "product", .. })), "{other:?}");
    rig.verify("b", "tiza").await.unwrap();
    let second_lot = rig.dispense("b", 2, json!({ "lot": "L2" })).await;
    let first = StockRefusal::SoonerFirst("L1".to_owned());
    assert!(matches!(second_lot, Err(MedsError::Stock(it)) if it == first));
    let wrong = rig.dispense("b", 2, json!({ "scan": scan("cipro", "L1") })).await;
    assert!(matches!(wrong, Err(MedsError::Request { place: "scan", .. })), "{wrong:?}");
    let kept = rig.dispense("b", 2, json!({ "scan": scan("tiza", "L1") })).await.unwrap();
    assert_eq!(kept.supply.on_ward(), Quantity::whole(2));
    // At the bedside.
    let due = Some(rig.read("b").await.request.start.unwrap());
    let good = Giving {
        due,
        patient_scan: Some("MRN-0".to_owned()),
        drug_scan: scan("tiza", "L1"),
        ..Giving::default()
    };
    let other = Giving { patient_scan: Some("MRN-1".to_owned()), ..good.clone() };
    let error = rig.give("b", other, None).await.unwrap_err();
    assert_eq!(codes(&error), ["wrong-patient"]);
    let error =
        rig.give("b", Giving { drug_scan: scan("cipro", "L1"), ..good.clone() }, None).await;
    assert_eq!(codes(&error.unwrap_err()), ["wrong-medication"]);
    let error = rig.give("b", Giving { drug_scan: scan("tiza", "L2"), ..good.clone() }, None).await;
    assert_eq!(codes(&error.unwrap_err()), ["not-on-ward"]);
    let two = Giving { quantity: Some(Quantity::whole(2)), ..good.clone() };
    assert_eq!(codes(&rig.give("b", two, None).await.unwrap_err()), ["dose-too-high"]);
    let kept = rig.give("b", good.clone(), None).await.unwrap();
    assert_eq!(kept.doses.len(), 1);
    // It is not given twice.
    let again = rig.give("b", good.clone(), None).await;
    assert!(matches!(again, Err(MedsError::Dose(_))), "{again:?}");
    let nurse = rig.cx(Role::Nurse);
    rig.pharmacy.waste(&nurse, &fhir_id("b"), &leftover("L1", "1"), None).await.unwrap();
    rig.check(&["a", "b"]).await;
    // The sheet shows what was given, and what comes next.
    let (from, to) = (rig.now(), crate::rig::at(20 * 3600));
    let sheet = rig.pharmacy.sheet(&nurse, &fhir_id("p-0"), (from, to)).await.unwrap();
    let order = sheet.iter().find(|it| it.id == "b").unwrap();
    let states: Vec<_> = order.doses.iter().map(|it| it.state).collect();
    assert_eq!(states, [dose::State::Given, dose::State::Due, dose::State::Due]);
    // A wrong record stays and says so; the dose is due again.
    let dose_id = &order.recorded[0].id;
    let wrong = "not this patient's";
    let correct = rig.pharmacy.correct(&nurse, &fhir_id("b"), dose_id, wrong).await.unwrap();
    assert_eq!(correct.doses[0].state, dose::State::InError);
    rig.check(&["a", "b"]).await;
    rig.give("b", good, None).await.unwrap();
    let all = rig.search("MedicationAdministration", "request=MedicationRequest/b").await;
    let mut states: Vec<_> = all.iter().map(|it| it["status"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["completed", "entered-in-error"]);
    let provenance = rig.search("Provenance", "").await;
    assert!(provenance.iter().any(|it| it["agent"].as_array().unwrap().len() == 2));
    let tasks = rig.search("Task", "code=urn:ward:medication%7Cverify").await;
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks.iter().filter(|it| it["status"] == "completed").count(), 1);
    rig.check(&["a", "b"]).await;
}

#[tokio::test]
async fn what_has_changed_since_is_checked_again() {
    let rig = Rig::new().await;
    rig.sign("a", "Amoxicillin", json!({})).await.unwrap();
    rig.verify("a", "amox").await.unwrap();
    rig.dispense("a", 3, json!({})).await.unwrap();
    // An allergy is entered between the order and the bedside.
    let allergy = json!({
        "resourceType": "AllergyIntolerance", "patient": { "reference": "Patient/p-0" },
        "code": { "text": "penicillin" },
    });
    rig.put(ward_core::ResourceType::ALLERGY_INTOLERANCE, "x", &allergy).await;
    let good = Giving {
        due: rig.read("a").await.request.start,
        patient_scan: Some("p-0".to_owned()),
        drug_scan: scan("amox", "L1"),
        ..Giving::default()
    };
    assert_eq!(codes(&rig.give("a", good.clone(), None).await.unwrap_err()), ["allergy"]);
    // On hold and taken up again it is checked again too, and verified again.
    let physician = rig.cx(Role::Physician);
    let change = |event, why| (event, why);
    let id = fhir_id("a");
    let hold = rig.pharmacy.change(&physician, &id, change(Event::Hold, "rash"), &[], None).await;
    assert_eq!(hold.unwrap().state, State::OnHold);
    let held = rig.give("a", good, None).await;
    assert!(matches!(held, Err(MedsError::State(_))));
    let resume = rig.pharmacy.change(&physician, &id, change(Event::Resume, ""), &[], None).await;
    assert!(matches!(resume, Err(MedsError::Unsettled(_))), "{resume:?}");
    let stop =
        rig.pharmacy.change(&physician, &id, change(Event::Stop, "allergy"), &[], None).await;
    assert_eq!(stop.unwrap().state, State::Stopped);
    // Three are on the ward still, and somebody is asked to bring them back.
    let tasks = rig.search("Task", "code=urn:ward:medication%7Creturn&status=requested").await;
    assert_eq!(tasks.len(), 1);
    let nurse = rig.cx(Role::Nurse);
    rig.pharmacy.take_back(&nurse, &id, &leftover("L1", "3"), None).await.unwrap();
    let tasks = rig.search("Task", "code=urn:ward:medication%7Creturn&status=requested").await;
    assert!(tasks.is_empty(), "{tasks:?}");
    rig.check(&["a"]).await;
}

#[tokio::test]
async fn what_the_knowledge_base_does_not_know_is_said_and_recorded() {
    let rig = Rig::new().await;
    let refused = rig.sign("a", "Unknownin", json!({})).await;
    let Err(MedsError::Unsettled(found)) = refused else { panic!() };
    assert_eq!(found[0].kind, "not-checkable");
    let told = [Override { key: "unknown".to_owned(), reason: "other".to_owned(), text: None }];
    let no_words = rig.sign_with("a", "Unknownin", json!({}), &told, None).await;
    assert!(matches!(no_words, Err(MedsError::Request { place: "overrides.text", .. })));
    let told = [Override { text: Some("by hand".into()), ..told[0].clone() }];
    rig.sign_with("a", "Unknownin", json!({}), &told, None).await.unwrap();
    let issues = rig.search("DetectedIssue", "patient=Patient/p-0").await;
    assert_eq!(issues[0]["code"]["coding"][0]["code"], "not-checkable");
    // An order alike that is only a draft keeps its findings with it.
    let request = rig.request("Unknownin", json!({}));
    let cx = rig.cx(Role::Physician);
    let draft = rig.pharmacy.order(&cx, &fhir_id("b"), &request, None, None).await.unwrap();
    assert_eq!((draft.state, draft.found.len()), (State::Checked, 1));
}

#[tokio::test]
async fn as_needed_has_limits_a_reason_and_is_followed_up() {
    let rig = Rig::new().await;
    let needed = json!({
        "dosage": [{ "text": "1 as needed for pain", "asNeededBoolean": true }],
        "asNeeded": { "minIntervalMin": 240, "maxDoses24h": 2 },
    });
    rig.sign("a", "Amoxicillin", needed).await.unwrap();
    rig.verify("a", "amox").await.unwrap();
    rig.dispense("a", 5, json!({})).await.unwrap();
    let good = Giving {
        patient_scan: Some("MRN-0".to_owned()),
        drug_scan: scan("amox", "L1"),
        needed_for: Some("pain 7/10".to_owned()),
        ..Giving::default()
    };
    let no_reason = Giving { needed_for: None, ..good.clone() };
    assert_eq!(codes(&rig.give("a", no_reason, None).await.unwrap_err()), ["no-indication"]);
    let kept = rig.give("a", good.clone(), None).await.unwrap();
    let asked = "code=urn:ward:medication%7Cfollow-up&status=requested";
    assert_eq!(rig.search("Task", asked).await.len(), 1);
    let soon = rig.give("a", good.clone(), None).await.unwrap_err();
    assert_eq!(codes(&soon), ["too-much-as-needed"]);
    let nurse = rig.cx(Role::Nurse);
    let id = fhir_id("a");
    rig.pharmacy.follow_up(&nurse, &id, &kept.doses[0].id, "pain 2/10").await.unwrap();
    assert_eq!(rig.search("Task", asked).await.len(), 0);
    rig.pass(4 * 3600);
    rig.give("a", good.clone(), None).await.unwrap();
    rig.pass(4 * 3600);
    assert_eq!(codes(&rig.give("a", good, None).await.unwrap_err()), ["too-much-as-needed"]);
    rig.check(&["a"]).await;
}

#[tokio::test]
async fn controlled_and_high_alert_drugs_need_a_second_person() {
    let rig = Rig::new().await;
    let once = json!({ "dosage": [{
        "text": "10 mg IV once", "route": { "text": "IV" },
        "timing": { "repeat": { "count": 1 } },
    }] });
    rig.sign("a", "Morphine", once).await.unwrap();
    rig.verify("a", "morph").await.unwrap();
    rig.dispense("a", 2, json!({})).await.unwrap();
    let nurse = rig.cx(Role::Nurse);
    let id = fhir_id("a");
    let half = Giving {
        due: rig.read("a").await.request.start,
        patient_scan: Some("MRN-0".to_owned()),
        drug_scan: scan("morph", "L1"),
        quantity: Some("0.5".parse().unwrap()),
        waste: Some("0.5".parse().unwrap()),
        reason: Some("ordered dose not needed".to_owned()),
        ..Giving::default()
    };
    assert_eq!(
        codes(&rig.give("a", half.clone(), None).await.unwrap_err()),
        ["dose-too-low", "no-second-check"]
    );
    let kept = rig.give("a", half, second(Role::Nurse)).await.unwrap();
    // Given once and over; what is left has to go back.
    assert_eq!((kept.state, kept.supply.on_ward()), (State::Completed, Quantity::whole(1)));
    let alone = rig.pharmacy.waste(&nurse, &id, &leftover("L1", "1"), None).await;
    assert!(matches!(alone, Err(MedsError::NeedsSecond(_))), "{alone:?}");
    let watched = second(Role::Pharmacist);
    rig.pharmacy.waste(&nurse, &id, &leftover("L1", "1"), watched).await.unwrap();
    rig.check(&["a"]).await;
    // A count that does not fit needs a witness; the ledger has every line with its balance.
    let count = StockAct::Count {
        lot: "L1".to_owned(),
        location: "pharmacy".to_owned(),
        counted: Quantity::whole(97),
        reason: Some("one is missing".to_owned()),
    };
    let alone = rig.stock("morph", &count).await;
    assert!(matches!(alone, Err(MedsError::NeedsSecond(_))), "{alone:?}");
    let cx = rig.cx(Role::Pharmacist);
    rig.pharmacy.move_stock(&cx, "morph", &count, second(Role::Nurse)).await.unwrap();
    let ledger = rig.pharmacy.ledger(&cx, "morph").await.unwrap();
    let lines: Vec<_> = ledger.iter().map(|it| it.what.as_str()).collect();
    let expected = ["count-less", "waste", "waste", "dispense", "receive", "receive", "set"];
    assert_eq!(lines, expected);
    assert_eq!(ledger[0].balance, Some(Quantity::whole(197)));
    assert!(ledger[..3].iter().all(|it| it.witness.is_some()));
    rig.check(&["a"]).await;
}

#[tokio::test]
async fn a_recalled_lot_stops_at_the_bedside_and_leads_to_its_patients() {
    let rig = Rig::new().await;
    for (id, patient) in [("a", "p-0"), ("b", "p-1")] {
        rig.sign(id, "Amoxicillin", json!({ "patient": patient })).await.unwrap();
        rig.verify(id, "amox").await.unwrap();
        rig.dispense(id, 2, json!({})).await.unwrap();
    }
    let giving = |mrn: &str, due| Giving {
        due,
        patient_scan: Some(mrn.to_owned()),
        drug_scan: scan("amox", "L1"),
        ..Giving::default()
    };
    let due = rig.read("a").await.request.start;
    rig.give("a", giving("MRN-0", due), None).await.unwrap();
    let recall = StockAct::Status {
        lot: "L1".to_owned(),
        status: ward_rules::medication_order::stock::LotStatus::Recalled,
        reason: "glass in vials".to_owned(),
    };
    rig.stock("amox", &recall).await.unwrap();
    let due = rig.read("b").await.request.start;
    let error = rig.give("b", giving("MRN-1", due), None).await.unwrap_err();
    assert_eq!(codes(&error), ["recalled"]);
    let unscanned = Giving {
        drug_scan: None,
        drug_bypass: Some(ward_rules::medication_order::bedside::Bypass::BadLabel),
        ..giving("MRN-1", due)
    };
    assert_eq!(codes(&rig.give("b", unscanned, None).await.unwrap_err()), ["recalled"]);
    // The next one goes out of the other lot.
    let kept = rig.dispense("b", 1, json!({})).await.unwrap();
    assert_eq!(kept.dispenses[1].lot, "L2");
    let found = rig.pharmacy.recall(&rig.cx(Role::Pharmacist), "amox", "L1").await.unwrap();
    let mut reached: Vec<_> = found
        .patients
        .iter()
        .map(|it| (it.patient.as_str(), it.administered.to_string(), it.on_ward.to_string()))
        .collect();
    reached.sort();
    let expected =
        [("p-0", "1".to_owned(), "1".to_owned()), ("p-1", "0".to_owned(), "2".to_owned())];
    assert_eq!(reached, expected);
    rig.check(&["a", "b"]).await;
}

#[tokio::test]
async fn what_is_made_has_a_batch_and_a_last_hour() {
    let rig = Rig::new().await;
    let cx = rig.cx(Role::Pharmacist);
    let about = serde_json::from_value(json!({
        "name": "Amoxicillin 50 mg/mL suspension", "unit": "mL", "isCompounded": true,
    }));
    rig.pharmacy.set_product(&cx, "susp", &about.unwrap()).await.unwrap();
    rig.sign("a", "Amoxicillin", json!({})).await.unwrap();
    let id = fhir_id("a");
    let said = Verification {
        product: "susp".to_owned(),
        per_dose: Quantity::whole(5),
        substitution: None,
        overrides: Vec::new(),
    };
    rig.pharmacy.verify(&cx, &id, &said, None).await.unwrap();
    assert_eq!(rig.pharmacy.waiting(&cx, Waits::Prepare).await.unwrap().len(), 1);
    assert!(rig.dispense("a", 5, json!({})).await.is_err(), "nothing is made yet");
    let preparation: Preparation = serde_json::from_value(json!({
        "quantity": 50, "category": "immediate-use", "storage": "room", "location": "pharmacy",
        "components": [{ "product": "amox", "lot": "L1", "quantity": 5 }],
    }))
    .unwrap();
    let kept = rig.pharmacy.prepare(&cx, &id, &preparation, None).await.unwrap();
    let batch = kept.batches[0].id.clone();
    rig.dispense("a", 10, json!({ "batch": batch })).await.unwrap();
    let good = Giving {
        due: rig.read("a").await.request.start,
        patient_scan: Some("MRN-0".to_owned()),
        drug_scan: Some(batch.clone()),
        ..Giving::default()
    };
    rig.give("a", good.clone(), None).await.unwrap();
    let recalled = rig.pharmacy.recall(&cx, "amox", "L1").await.unwrap();
    assert_eq!(recalled.patients[0].in_batch.as_deref(), Some(batch.as_str()));
    // Four hours are over.
    rig.pass(8 * 3600);
    let next = good.due.map(|it| it.checked_add(jiff::SignedDuration::from_hours(8)).unwrap());
    let error = rig.give("a", Giving { due: next, ..good }, None).await.unwrap_err();
    assert_eq!(codes(&error), ["beyond-use"]);
    assert!(rig.dispense("a", 10, json!({ "batch": batch })).await.is_err());
}

#[tokio::test]
async fn an_infusion_is_titrated_within_its_order() {
    let rig = Rig::new().await;
    let order = json!({
        "dosage": [{ "text": "titrate to MAP", "doseAndRate": [{ "rateQuantity": { "value": 5 } }] }],
        "titration": {
            "start": 5, "lowest": 1, "highest": 20, "step": 5, "unit": "mcg/min", "everyMin": 5,
            "target": "MAP at least 65 mmHg",
        },
    });
    rig.sign("a", "Amoxicillin", order).await.unwrap();
    rig.verify("a", "amox").await.unwrap();
    rig.dispense("a", 1, json!({})).await.unwrap();
    let start = Giving {
        patient_scan: Some("MRN-0".to_owned()),
        drug_scan: scan("amox", "L1"),
        rate: Some(Quantity::whole(6)),
        ..Giving::default()
    };
    assert!(matches!(rig.give("a", start.clone(), None).await, Err(MedsError::Titration(_))));
    let rate = Some(Quantity::whole(5));
    let kept = rig.give("a", Giving { rate, ..start }, None).await.unwrap();
    let nurse = rig.cx(Role::Nurse);
    let id = fhir_id("a");
    let to = |n| InfusionAct::Rate { rate: Quantity::whole(n), reason: Some("MAP 58".into()) };
    let soon = rig.pharmacy.infuse(&nurse, &id, &kept.doses[0].id, &to(10), None).await;
    assert!(matches!(soon, Err(MedsError::Titration(_))), "{soon:?}");
    rig.pass(300);
    let nurse = rig.cx(Role::Nurse);
    let kept = rig.pharmacy.infuse(&nurse, &id, &kept.doses[0].id, &to(10), None).await.unwrap();
    assert_eq!(kept.doses.len(), 2, "each rate is a record");
    rig.pharmacy.infuse(&nurse, &id, &kept.doses[1].id, &InfusionAct::Finish, None).await.unwrap();
    let all = rig.search("MedicationAdministration", "request=MedicationRequest/a").await;
    let mut rates: Vec<_> =
        all.iter().map(|it| it["dosage"]["rateQuantity"]["value"].as_u64().unwrap()).collect();
    rates.sort_unstable();
    assert_eq!(rates, [5, 10]);
    rig.check(&["a"]).await;
}

#[tokio::test]
async fn doses_that_are_not_given_say_why_and_home_drugs_are_decided() {
    let rig = Rig::new().await;
    rig.sign("a", "Amoxicillin", json!({})).await.unwrap();
    rig.verify("a", "amox").await.unwrap();
    let due = rig.read("a").await.request.start.unwrap();
    let nurse = rig.cx(Role::Nurse);
    let id = fhir_id("a");
    let no_time = due.checked_add(jiff::SignedDuration::from_mins(7)).unwrap();
    let other = rig.pharmacy.withhold(&nurse, &id, (no_time, NotGiven::Hold, "nil by mouth")).await;
    assert!(matches!(other, Err(MedsError::Request { place: "due", .. })), "{other:?}");
    let refuse = (due, NotGiven::Refuse, "does not want it");
    rig.pharmacy.withhold(&nurse, &id, refuse).await.unwrap();
    let all = rig.search("MedicationAdministration", "request=MedicationRequest/a").await;
    assert_eq!(
        (&all[0]["status"], &all[0]["statusReason"][0]["text"]),
        (&json!("not-done"), &json!("does not want it"))
    );
    // Two drugs are taken at home.
    for (n, name) in ["Metformin", "Ibuprofen"].into_iter().enumerate() {
        let statement = json!({
            "resourceType": "MedicationStatement", "status": "active",
            "subject": { "reference": "Patient/p-0" },
            "medicationCodeableConcept": { "text": name },
        });
        let kind = ward_core::ResourceType::MEDICATION_STATEMENT;
        rig.put(kind, &format!("home-{n}"), &statement).await;
    }
    let cx = rig.cx(Role::Physician);
    let patient = fhir_id("p-0");
    let list = rig.pharmacy.to_reconcile(&cx, &patient, Occasion::Admission).await.unwrap();
    assert_eq!(list.len(), 2);
    let decide = |decisions: Value| -> Reconciling {
        serde_json::from_value(json!({
            "patient": "p-0", "occasion": "admission", "decisions": decisions,
        }))
        .unwrap()
    };
    let stop = json!({ "of": "MedicationStatement/home-1", "choice": "stop", "reason": "kidney" });
    let half = rig.pharmacy.reconcile(&cx, &decide(json!([stop]))).await;
    assert!(matches!(half, Err(MedsError::Undecided(_))), "{half:?}");
    let go_on = json!({ "of": "MedicationStatement/home-0", "choice": "continue" });
    rig.pharmacy.reconcile(&cx, &decide(json!([stop, go_on]))).await.unwrap();
    let list = rig.pharmacy.to_reconcile(&cx, &patient, Occasion::Discharge).await.unwrap();
    assert_eq!(list.len(), 2, "what goes on at home, and the order: {list:?}");
}

#[tokio::test]
async fn what_waits_too_long_says_so_and_an_order_ends_by_itself() {
    let rig = Rig::new().await;
    let end = rig.now().checked_add(jiff::SignedDuration::from_hours(30)).unwrap();
    rig.sign("a", "Amoxicillin", json!({ "priority": "stat", "end": end.to_string() }))
        .await
        .unwrap();
    let cx = rig.cx(Role::Pharmacist);
    rig.pass(11 * 60);
    rig.pharmacy.engine().work().await.unwrap();
    let queue = rig.pharmacy.waiting(&cx, Waits::Verify).await.unwrap();
    assert!(queue[0].is_overdue);
    rig.verify("a", "amox").await.unwrap();
    rig.dispense("a", 3, json!({})).await.unwrap();
    // Somebody comes by at least once a day.
    for _ in 0..4 {
        rig.pass(12 * 3600);
        rig.pharmacy.engine().work().await.unwrap();
    }
    assert_eq!(rig.read("a").await.state, State::Completed);
    rig.check(&["a"]).await;
    let tasks = rig.search("Task", "code=urn:ward:medication%7Creturn&status=requested").await;
    assert_eq!(tasks.len(), 1);
}

#[tokio::test]
async fn an_order_that_cannot_be_written_is_refused_and_not_kept_in_part() {
    let rig = Rig::new().await;
    let nested = |n: usize| {
        let inner = (0..n).fold(json!("x"), |inner, _| json!({ "extension": inner }));
        json!({ "dosage": [{ "text": "1 unit", "extension": inner }] })
    };
    // Within an order it lies two levels deeper than in its dosing.
    let refused = rig.sign("deep", "Amoxicillin", nested(62)).await;
    let is_said = matches!(refused, Err(MedsError::Request { place: "dosage", .. }));
    assert!(is_said, "{refused:?}");
    assert!(rig.search("MedicationRequest", "patient=Patient/p-0").await.is_empty());
    let cx = rig.cx(Role::Pharmacist);
    assert!(rig.pharmacy.waiting(&cx, Waits::Verify).await.unwrap().is_empty());
    rig.sign("flat", "Amoxicillin", nested(50)).await.unwrap();
    assert_eq!(rig.search("MedicationRequest", "patient=Patient/p-0").await.len(), 1);
}
