//! Whatever is sent, the answer is a clear refusal, and the house stands.

use ward_tests::House;

#[test]
fn hostile_bodies_are_refused() {
    let house = House::new();
    let mut server = house.serve();
    let deep_list = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"resourceType":"Basic","extension":{deep_list}}}"#);
    let number = format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{}}}}}"#,
        "9".repeat(1_000_000)
    );
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b"".to_vec()),
        ("space", b"   ".to_vec()),
        ("not JSON", b"hello".to_vec()),
        ("cut off", br#"{"resourceType":"Patient","name":[{"#.to_vec()),
        ("two values", br#"{"resourceType":"Patient"}{"resourceType":"Patient"}"#.to_vec()),
        ("trailing comma", br#"{"resourceType":"Patient",}"#.to_vec()),
        ("single quotes", br#"{'resourceType':'Patient'}"#.to_vec()),
        ("twice", br#"{"resourceType":"Patient","active":true,"active":false}"#.to_vec()),
        ("list", br#"[{"resourceType":"Patient"}]"#.to_vec()),
        ("number", b"17".to_vec()),
        ("null", b"null".to_vec()),
        ("no type", br#"{"active":true}"#.to_vec()),
        ("unknown type", br#"{"resourceType":"Patience"}"#.to_vec()),
        ("other type", br#"{"resourceType":"Observation"}"#.to_vec()),
        ("type is a number", br#"{"resourceType":7}"#.to_vec()),
        ("wrong shape", br#"{"resourceType":"Patient","name":"Smith"}"#.to_vec()),
        ("NaN", br#"{"resourceType":"Patient","multipleBirthInteger":NaN}"#.to_vec()),
        ("leading zero", br#"{"resourceType":"Patient","multipleBirthInteger":007}"#.to_vec()),
        ("too large", br#"{"resourceType":"Patient","multipleBirthInteger":1e400}"#.to_vec()),
        ("bad UTF-8", b"{\"resourceType\":\"Patient\",\"id\":\"\xff\xfe\"}".to_vec()),
        ("lone surrogate", br#"{"resourceType":"Patient","language":"\ud800"}"#.to_vec()),
        ("raw control", b"{\"resourceType\":\"Patient\",\"language\":\"\x01\"}".to_vec()),
        ("NUL", b"\0\0\0\0".to_vec()),
        ("deep", deep.into_bytes()),
        ("deep list", deep_list.into_bytes()),
        ("open brackets", "[".repeat(4_000_000).into_bytes()),
        ("huge number", number.into_bytes()),
        ("gzip that is none", b"\x1f\x8b\x08\0\0\0\0\0".to_vec()),
    ];
    for (name, body) in &cases {
        let mut client = server.client();
        let reply = client.send("POST", "/fhir/Patient", &[("connection", "close")], body);
        let reply = reply.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!((400..500).contains(&reply.status), "{name}: {}", reply.status);
        assert_eq!(reply.json()["resourceType"], "OperationOutcome", "{name}");
        assert!(server.is_up(), "{name}");
    }
    let (_, before) = server.memory_kib();
    let mut body = br#"{"resourceType":"Patient","language":""#.to_vec();
    body.resize(100 * 1024 * 1024, b'a');
    for _ in 0..3 {
        // Refused by its announced length, so the connection may be closed while it is sent.
        if let Ok(reply) = server.client().send("POST", "/fhir/Patient", &[], &body) {
            assert_eq!(reply.status, 413);
        }
    }
    assert!(server.is_up());
    let (_, after) = server.memory_kib();
    assert!(after < before + 200 * 1024, "from {before} to {after} KiB");
    assert_eq!(server.client().get("/fhir/metadata").status, 200);
}

#[test]
fn hostile_addresses_are_refused() {
    let house = House::new();
    let mut server = house.serve();
    let long = format!("/fhir/Patient?name={}", "a".repeat(200_000));
    let many = format!("/fhir/Patient?{}", "name=a&".repeat(20_000));
    let paths = [
        "/fhir/Patient/..%2f..%2fetc",
        "/fhir/Patient/%00",
        "/fhir/Patience",
        "/fhir/Patient?nonsense=1",
        "/fhir/Patient?birthdate=yesterday",
        "/fhir/Patient?_count=-1",
        "/fhir/Patient?name=%ff%fe",
        "/fhir/Patient?_sort=nonsense",
        "/fhir/Observation?value-quantity=gt",
        "/fhir/Patient/1/_history/nonsense",
        &long,
        &many,
    ];
    for path in paths {
        let start: String = path.chars().take(60).collect();
        let reply = server.client().get(path);
        assert!((400..500).contains(&reply.status), "{start}: {}", reply.status);
        assert!(server.is_up(), "{start}");
    }
}
