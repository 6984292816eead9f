//! The knowledge base in the house, from files of others to what a check says.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};
use ward_sim::Rrf;
use ward_tests::{Client, House, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

pub fn order(id: &str, patient: &str, rxcui: &str, text: &str, status: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "subject": { "reference": format!("Patient/{patient}") },
        "medicationCodeableConcept": {
            "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": rxcui }],
            "text": text,
        },
    })
}

pub fn put(client: &mut Client, resource: &Value) {
    let (kind, id) = (resource["resourceType"].as_str(), resource["id"].as_str());
    let path = format!("/fhir/{}/{}", kind.unwrap(), id.unwrap());
    let reply = client.send("PUT", &path, &[], resource.to_string().as_bytes()).unwrap();
    assert!(reply.status < 300, "{path}: {}", reply.json());
}

fn release(folder: &Path) {
    let mut rrf = Rrf::default();
    rrf.ingredient(11289, "warfarin", "5Q7ZVV76EI")
        .ingredient(4603, "furosemide", "7LXU5N7ZO5")
        .ingredient(999_001, "novelimab", "")
        .moved(142_438, 4603);
    rrf.drug(&ward_sim::Drug {
        rxcui: 855_332,
        name: "warfarin sodium 5 MG Oral Tablet",
        component: (855_331, "warfarin sodium 5 MG"),
        ingredient: 11289,
        form: (317_541, "Oral Tablet"),
        packages: &["00056017270"],
    });
    rrf.write(folder).unwrap();
}

const TABLE: &str = "id,left,left_rxcui,right,right_rxcui,severity,mechanism,source\n\
    p1,warfarin,11289,novelimab,999001,contraindicated,They fight,Pharmacy of the house\n\
    p2,furosemide,460,warfarin,11289,major,,Pharmacy of the house\n\
    p3,furosemide,142438,warfarin,11289,major,,Pharmacy of the house\n\
    p4,warfarin,11289,furosemide,4603,dreadful,,Pharmacy of the house\n\
    p5,novelimab,999001,warfarin,11289,contraindicated,,Another pharmacy\n";

fn version_in_use(client: &mut Client) -> String {
    client.get("/api/meds/knowledge").json()["version"].as_str().unwrap().to_owned()
}

fn issues(client: &mut Client, body: &Value) -> (Value, Vec<Value>) {
    let reply = client.post("/fhir/MedicationRequest/$check", body);
    assert_eq!(reply.status, 200, "{}", reply.json());
    let answer = reply.json();
    let all = answer["parameter"].as_array().unwrap().iter();
    let issues = all.filter(|it| it["name"] == "issue").map(|it| it["resource"].clone());
    let issues = issues.collect();
    (answer, issues)
}

fn fired<'i>(issues: &'i [Value], rule: &str) -> Option<&'i Value> {
    issues.iter().find(|it| it["identifier"][0]["value"].as_str().unwrap().starts_with(rule))
}

#[test]
fn a_table_of_the_pharmacy_fires_without_a_restart_and_its_errors_do_not() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    release(folder.path());
    let table = folder.path().join("pharmacy.csv");
    fs::write(&table, TABLE).unwrap();
    let server = house.serve();
    let mut client = server.client();
    assert_eq!(version_in_use(&mut client), "starter");
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    let wish = order("new", "p0", "999001", "novelimab", "draft");
    put(&mut client, &order("warf", "p0", "855332", "warfarin 5 MG", "active"));
    // Nobody here knows the drug yet, and that is said.
    let (_, before) = issues(&mut client, &wish);
    let is_told = |it: &Value| it["detail"].as_str().unwrap().contains("could not be checked");
    assert!(before.iter().any(is_told), "{before:?}");

    house.must(&[
        "kb",
        "import",
        "rxnorm",
        folder.path().to_str().unwrap(),
        "--use",
        "--release",
        "2026-01",
    ]);
    let done = house.must(&["kb", "import", "ddi", table.to_str().unwrap(), "--json"]);
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&done["taken"], &done["report"]["refused"]), (&json!(5), &json!(4)), "{done}");
    let names: Vec<&str> = done["report"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["weight"] == "refuses")
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let refused = [
        "rxcui-moved/pair/p3",
        "rxcui-unknown/pair/p2",
        "severity-unknown/pair/p4",
        "told-twice/pair/p5",
    ];
    assert_eq!(names, refused);
    let version = done["version"].as_str().unwrap();
    house.must(&["kb", "use", version]);
    assert!(wait_until(PATIENCE, || version_in_use(&mut client) == version));

    let (answer, found) = issues(&mut client, &wish);
    let it = fired(&found, "house-p1@1").unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((&it["severity"], &it["resourceType"]), (&json!("high"), &json!("DetectedIssue")));
    assert!(it["identifier"][1]["value"].as_str().unwrap().ends_with(&format!("+{version}")));
    assert!(it["detail"].as_str().unwrap().contains("They fight"));
    let implicated = it["implicated"].to_string();
    assert!(
        implicated.contains("MedicationRequest/new")
            && implicated.contains("MedicationRequest/warf")
    );
    for wrong in ["house-p2", "house-p3", "house-p4"] {
        assert!(fired(&found, wrong).is_none());
    }
    // Of an order in the chart, by its id.
    put(&mut client, &order("kept", "p0", "999001", "novelimab", "draft"));
    let reply = client.post("/fhir/MedicationRequest/kept/$check", &json!({}));
    assert!(reply.json().to_string().contains("house-p1@1"), "{}", reply.json());
    assert_eq!(client.post("/fhir/MedicationRequest/none/$check", &json!({})).status, 404);

    // What the operator sees.
    let said = |args: &[&str]| String::from_utf8(house.must(args).stdout).unwrap();
    assert!(said(&["kb", "list"]).contains(&format!("* {version}")));
    let shown = said(&["kb", "show", "warfarin"]);
    assert!(shown.contains("house-p1@1 hard-stop") && shown.contains("855332"), "{shown}");
    assert!(said(&["kb", "show", "142438"]).contains("gone; now 4603"));
    assert!(said(&["kb", "qa"]).contains("rxcui-unknown/pair/p2"));
    assert!(!house.run(&["kb", "qa", "--strict"]).status.success());
    assert!(!house.run(&["kb", "show", "wunderin"]).status.success());
    assert!(!house.run(&["kb", "use", "kb-000000000000"]).status.success());
    // Nobody can let stand what nobody can load.
    let because = ["--because", "asked them"];
    let accept = |name| [&["kb", "accept", name], &because[..]].concat();
    assert!(!house.run(&accept("severity-unknown/pair/p4")).status.success());
    let accepted = said(&accept("told-twice/pair/p5"));
    assert!(accepted.starts_with("kb-"));
    house.must(&["kb", "use", "starter"]);
    assert!(wait_until(PATIENCE, || version_in_use(&mut client) == "starter"));
    drop(server);
    house.must(&["audit", "verify"]);
}

#[test]
fn what_cannot_be_checked_is_refused_in_the_form_of_the_standard() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0" }));
    for (body, status) in [
        (json!({ "resourceType": "Observation" }), 400),
        (json!([]), 400),
        (json!({ "resourceType": "Parameters" }), 400),
        (json!({ "resourceType": "Parameters", "parameter": [{ "name": "x" }] }), 400),
        (json!({ "resourceType": "MedicationRequest" }), 400),
        (order("a", "nobody", "11289", "warfarin", "draft"), 422),
        (json!({ "resourceType": "Bundle", "entry": [] }), 400),
    ] {
        let reply = client.post("/fhir/MedicationRequest/$check", &body);
        assert_eq!(reply.status, status, "{body}: {}", reply.json());
        assert_eq!(reply.json()["resourceType"], "OperationOutcome");
    }
    let mut nobody = Client::new(&server.address, None);
    let wish = order("a", "p0", "11289", "warfarin", "draft");
    assert_eq!(nobody.post("/fhir/MedicationRequest/$check", &wish).status, 401);
    // Everything in one Bundle, and nothing of the chart.
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "resource": { "resourceType": "Patient", "id": "elsewhere" } },
        { "resource": order("b", "elsewhere", "343047", "atazanavir", "draft") },
        { "resource": order("c", "elsewhere", "7646", "omeprazole", "active") },
    ] });
    let (_, found) = issues(&mut client, &bundle);
    assert_eq!(fired(&found, "onc-high-02").expect("it fires")["severity"], "high");
}

#[test]
fn real_files_are_imported_by_the_command() {
    let Some(meds) = ward_tests::shared_data("meds") else { return };
    let house = House::new();
    let fdamdd = "dose/FDAMDD_v3b_1216_15Feb2008_nostructures.txt";
    for (kind, path, taken) in [
        ("spl", "spl", 5),
        ("ndc", "spl/join_product.txt", 3),
        ("zwr", "vista", 236),
        ("fdamdd", fdamdd, 1216),
    ] {
        let path = meds.join(path);
        let done = house.must(&["kb", "import", kind, path.to_str().unwrap(), "--use", "--json"]);
        let done: Value = serde_json::from_slice(&done.stdout).unwrap();
        let came = (&done["taken"], &done["problems"]["count"]);
        assert_eq!(came, (&json!(taken), &json!(0)), "{kind}: {done}");
    }
    let report = String::from_utf8(house.must(&["kb", "qa"]).stdout).unwrap();
    assert!(report.contains("digoxin: FDAMDD says 0.0006 mg a day"), "{report}");
    let shown = String::from_utf8(house.must(&["kb", "show", "0069-4210-30"]).stdout).unwrap();
    assert!(shown.contains("136411 sildenafil: checked"), "{shown}");
    assert!(shown.contains("contraindications (SPL 0b0be196-0c62-461c-94f4-9a35339b4501)"));
}
