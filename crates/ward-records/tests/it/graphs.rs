//! Transactions whose entries refer to each other, alone and at once.

use std::sync::Arc;

use proptest::prelude::*;
use ward_core::{RecordKey, ResourceType};
use ward_fhir::Json;
use ward_records::{Reply, SearchTarget};

use crate::house::House;

fn keys_of(reply: &Reply) -> Vec<RecordKey> {
    let answer = Json::parse(reply.body.as_ref().unwrap()).unwrap();
    let entries = answer.get("entry").unwrap().items();
    let key = |entry: &Json<'_>| {
        let location = entry.get("response").unwrap().get("location").unwrap().as_str().unwrap();
        let mut parts = location.rsplit('/').skip(2);
        let id = parts.next().unwrap().parse().unwrap();
        RecordKey::new(parts.next().unwrap().parse().unwrap(), id)
    };
    entries.iter().map(key).collect()
}

/// How an entry is named by others.
#[derive(Clone, Copy, Debug)]
enum Name {
    Uuid,
    Oid,
    /// By an address of this very server that is not the record's in the end.
    Own,
}

fn url(name: Name, n: usize) -> String {
    match name {
        Name::Uuid => format!("urn:uuid:00000000-0000-4000-8000-{n:012}"),
        Name::Oid => format!("urn:oid:1.2.{n}"),
        Name::Own => format!("http://ward/fhir/Observation/made-up-{n}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_reference_resolves_and_nothing_else_changes(
        names in prop::collection::vec(
            prop::sample::select(vec![Name::Uuid, Name::Oid, Name::Own]), 1..8),
        edges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let n_entries = names.len();
            let mut members = vec![Vec::new(); n_entries];
            for (from, to) in &edges {
                members[from.index(n_entries)].push(to.index(n_entries));
            }
            let resource = |n: usize, link: &dyn Fn(usize) -> String| {
                let members: Vec<String> = members[n]
                    .iter()
                    .map(|to| format!(r#"{{"reference":"{}","display":"{}"}}"#, link(*to), url(names[*to], *to)))
                    .collect();
                let members = match members.is_empty() {
                    true => String::new(),
                    false => format!(r#","hasMember":[{}]"#, members.join(",")),
                };
                let text = url(names[n], n);
                format!(
                    r#"{{"resourceType":"Observation","identifier":[{{"value":"{text}"}}],"status":"final","code":{{"text":"{text}"}}{members}}}"#
                )
            };
            let sent = |n: usize| resource(n, &|to| url(names[to], to));
            let entries: Vec<String> = (0..n_entries)
                .map(|n| {
                    format!(
                        r#"{{"fullUrl":"{}","resource":{},"request":{{"method":"POST","url":"Observation"}}}}"#,
                        url(names[n], n),
                        sent(n)
                    )
                })
                .collect();
            let body = format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
                entries.join(",")
            );
            let mut house = House::new();
            let cx = house.integration();
            let reply = house.records.bundle(&cx, body.as_bytes()).await.unwrap();
            let keys = keys_of(&reply);
            for (n, key) in keys.iter().enumerate() {
                let read = house.records.read(&cx, key).await.unwrap().body.unwrap();
                let mut found = Json::parse(&read).unwrap();
                let object = found.as_object_mut().unwrap();
                object.remove("id");
                object.remove("meta");
                let wanted = resource(n, &|to| keys[to].to_string());
                assert_eq!(String::from_utf8(found.to_bytes()).unwrap(), wanted);
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_make_one() {
    let mut house = House::new();
    let cx = Arc::new(house.integration());
    let body = Arc::new(
        r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:mrn|1"}},
        {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Observation"}},
        {"resource":{"resourceType":"Condition","subject":{"reference":"Patient?identifier=urn:mrn|1"}},"request":{"method":"POST","url":"Condition"}}]}"#,
    );
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (records, cx, body) = (house.records.clone(), Arc::clone(&cx), Arc::clone(&body));
        tasks.push(tokio::spawn(async move {
            records.bundle(&cx, body.as_bytes()).await.map(|reply| keys_of(&reply)[0].clone())
        }));
    }
    let mut patients = std::collections::BTreeSet::new();
    for task in tasks {
        patients.insert(task.await.unwrap().unwrap());
    }
    assert_eq!(patients.len(), 1);
    let cx = house.integration();
    for (kind, n) in
        [(ResourceType::PATIENT, 1), (ResourceType::OBSERVATION, 16), (ResourceType::CONDITION, 16)]
    {
        let id = &patients.first().unwrap().id;
        let query = match kind {
            ResourceType::PATIENT => "_summary=count".to_owned(),
            _ => format!("subject=Patient/{id}&_summary=count"),
        };
        let target = SearchTarget::Type(kind);
        let reply = house.records.search(&cx, &target, &query, false).await.unwrap();
        let body = String::from_utf8(reply.body.unwrap()).unwrap();
        assert!(body.contains(&format!("\"total\":{n},")), "{kind}: {body}");
    }
}
