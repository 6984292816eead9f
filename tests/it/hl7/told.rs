//! What happens in the chart, told to other systems.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};
use ward_tests::{Client, House, Peer, wait_until};

use super::adt;

const PATIENCE: Duration = Duration::from_secs(60);

/// Those that are not about the patient who is written until the channel has begun.
fn messages(folder: &Path) -> Vec<String> {
    all(folder).into_iter().filter(|it| !field(it, "PID", 5).starts_with("First")).collect()
}

fn all(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "hl7"))
        .collect();
    files.sort();
    files.iter().map(|it| fs::read_to_string(it).unwrap()).collect()
}

fn field(message: &str, segment: &str, n: usize) -> String {
    let line = message.split('\r').find(|line| line.starts_with(segment)).unwrap_or_default();
    let n = if segment == "MSH" { n - 1 } else { n };
    line.split('|').nth(n).unwrap_or_default().to_owned()
}

fn put(client: &mut Client, path: &str, body: &Value) {
    let headers = [("content-type", "application/fhir+json")];
    let reply = client.send("PUT", path, &headers, body.to_string().as_bytes()).unwrap();
    assert!(matches!(reply.status, 200 | 201), "{path}: {} {:?}", reply.status, reply.json());
}

fn stay(status: &str, place: &str) -> Value {
    json!({
        "resourceType": "Encounter", "id": "e1", "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "identifier": [{"system": "urn:oid:1.2.3", "value": "V77"}],
        "subject": {"reference": "Patient/p1"},
        "location": [{"location": {"reference": format!("Location/{place}")}, "status": "active"}],
        "period": {"start": "2026-01-02T08:00:00Z"},
    })
}

/// An admission, a move, an order, a result and a discharge that people enter become messages, in
/// their order, once each, also when the server is killed; what came by a message does not.
#[test]
fn what_people_enter_becomes_messages_in_order_and_once() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::write(
        folder.path().join("told.toml"),
        format!(
            "[from]\nchart = \"own\"\nfacility = \"HOSP\"\n[set]\n\"MSH-5\" = \"LAB\"\n\
             [[to]]\nname = \"lab\"\nfolder = \"{}\"\n",
            out.display()
        ),
    )
    .unwrap();
    let channels = folder.path().to_str().unwrap().to_owned();
    let settings = [("WARD_HL7_CHANNELS", channels.as_str())];
    let mut server = house.serve_with(&settings);
    let mut client = server.client();
    let write = |client: &mut Client, kind: &str, id: &str, mut body: Value| {
        body["resourceType"] = json!(kind);
        body["id"] = json!(id);
        put(client, &format!("/fhir/{kind}/{id}"), &body);
    };
    // The channel is new: it begins with what comes after it has looked for the first time.
    let mut n = 0;
    let ready = wait_until(PATIENCE, || {
        n += 1;
        let patient = json!({
            "resourceType": "Patient", "id": "first", "name": [{"family": format!("First{n}")}],
        });
        put(&mut client, "/fhir/Patient/first", &patient);
        !all(&out).is_empty()
    });
    assert!(ready);
    let ward = json!({"name": "W1", "physicalType": {"coding": [{"code": "wa"}]}});
    write(&mut client, "Location", "w1", ward);
    let bed = json!({
        "name": "7", "physicalType": {"coding": [{"code": "bd"}]},
        "partOf": {"reference": "Location/w1"},
    });
    write(&mut client, "Location", "b7", bed);
    write(
        &mut client,
        "Patient",
        "p1",
        json!({
            "identifier": [{
                "system": "urn:oid:1.2.3.4", "value": "4711",
                "type": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"
                }]},
            }],
            "name": [{"family": "Meyer", "given": ["Anna"]}],
            "gender": "female", "birthDate": "1970-05-06",
        }),
    );
    put(&mut client, "/fhir/Encounter/e1", &stay("in-progress", "w1"));
    put(&mut client, "/fhir/Encounter/e1", &stay("in-progress", "b7"));
    // A message that comes in changes another patient: it is not told.
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "X1", "99", "20260101080000")).unwrap().code, "AA");
    let code = json!({"coding": [{"system": "http://loinc.org", "code": "718-7"}]});
    write(
        &mut client,
        "ServiceRequest",
        "o1",
        json!({
            "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"},
            "encounter": {"reference": "Encounter/e1"}, "code": code,
        }),
    );
    assert!(wait_until(PATIENCE, || messages(&out).len() == 4), "{:?}", messages(&out));
    server.kill();
    let server = house.serve_with(&settings);
    let mut client = server.client();
    let result = json!({
        "resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "PUT", "url": "Observation/r1"}, "resource": {
                "resourceType": "Observation", "id": "r1", "status": "final", "code": code,
                "subject": {"reference": "Patient/p1"},
                "valueQuantity": {"value": 13.2, "unit": "g/dL",
                    "system": "http://unitsofmeasure.org", "code": "g/dL"},
            }},
            {"request": {"method": "PUT", "url": "DiagnosticReport/d1"}, "resource": {
                "resourceType": "DiagnosticReport", "id": "d1", "status": "final", "code": code,
                "subject": {"reference": "Patient/p1"},
                "encounter": {"reference": "Encounter/e1"},
                "basedOn": [{"reference": "ServiceRequest/o1"}],
                "result": [{"reference": "Observation/r1"}],
            }},
        ],
    });
    let reply = client.post("/fhir", &result);
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    let mut end = stay("finished", "b7");
    end["period"]["end"] = json!("2026-01-05T10:00:00Z");
    put(&mut client, "/fhir/Encounter/e1", &end);
    assert!(wait_until(PATIENCE, || 6 <= messages(&out).len()), "{:?}", messages(&out));
    let told = messages(&out);
    let kinds: Vec<String> = told.iter().map(|it| field(it, "MSH", 9)).collect();
    let expected = [
        "ADT^A28^ADT_A05",
        "ADT^A01^ADT_A01",
        "ADT^A02^ADT_A02",
        "ORM^O01^ORM_O01",
        "ORU^R01^ORU_R01",
        "ADT^A03^ADT_A03",
    ];
    assert_eq!(kinds, expected);
    for message in &told {
        assert_eq!(field(message, "MSH", 3), "WARD");
        assert_eq!(field(message, "MSH", 4), "HOSP");
        assert_eq!(field(message, "MSH", 5), "LAB");
        assert_eq!(field(message, "PID", 3), "4711^^^&1.2.3.4&ISO^MR", "{message}");
        assert_eq!(field(message, "PID", 5), "Meyer^Anna");
        assert_eq!(field(message, "PID", 7), "19700506");
        assert_eq!(field(message, "PID", 8), "F");
    }
    assert_eq!(field(&told[1], "PV1", 2), "I", "{}", told[1]);
    assert_eq!(field(&told[1], "PV1", 3), "W1");
    assert_eq!(field(&told[2], "PV1", 3), "W1^^7");
    assert_eq!(field(&told[1], "PV1", 19), "V77^^^&1.2.3&ISO");
    assert_eq!(field(&told[5], "PV1", 45), "20260105100000+0000");
    assert_eq!(field(&told[3], "ORC", 1), "NW", "{}", told[3]);
    assert!(field(&told[3], "OBR", 4).starts_with("718-7^^LN"), "{}", told[3]);
    assert_eq!(field(&told[4], "OBX", 2), "NM", "{}", told[4]);
    assert_eq!(field(&told[4], "OBX", 5), "13.2");
    assert_eq!(field(&told[4], "OBX", 6), "g/dL^g/dL^UCUM");
    assert_eq!(field(&told[4], "OBX", 11), "F");
}
