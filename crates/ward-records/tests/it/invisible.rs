//! Two charts that differ only in what a caller may not see answer alike.

use proptest::prelude::*;
use ward_core::{Ctx, FhirId, RecordKey, ResourceType};
use ward_records::{
    HistoryParams, PatchFormat, Prefer, Records, RecordsError, Reply, SearchTarget,
};
use ward_store::HistoryOf;

use crate::house::House;

const RESTRICTED: &str = r#""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},"#;

fn patient(id: &str, family: &str) -> (RecordKey, String) {
    let body = format!(
        r#"{{"resourceType":"Patient","id":"{id}",{}"name":[{{"family":"{family}"}}],"generalPractitioner":[{{"reference":"Practitioner/p"}}]}}"#,
        // Demographics are for everybody at the bedside, unless they are labeled.
        if id == "hidden" { RESTRICTED } else { "" }
    );
    (RecordKey::new(ResourceType::PATIENT, id.parse().unwrap()), body)
}

fn observation(id: &str, patient: &str, value: u32) -> (RecordKey, String) {
    let body = format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-01-0{}","valueQuantity":{{"value":{value},"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}}}"#,
        1 + value % 9
    );
    (RecordKey::new(ResourceType::OBSERVATION, id.parse().unwrap()), body)
}

async fn put(house: &mut House, (key, body): (RecordKey, String)) {
    let cx = house.integration();
    house.records.update(&cx, &key, body.as_bytes(), None, Prefer::Minimal).await.unwrap();
}

/// What a nurse of patient `seen` is told; page links are opaque and only their presence counts.
async fn told(house: &mut House, asked: &[Ask]) -> Vec<String> {
    let mine: FhirId = "seen".parse().unwrap();
    let mut told = Vec::new();
    let mut made = Vec::new();
    for ask in asked {
        let cx = house.nurse(std::slice::from_ref(&mine));
        let answer = ask.ask(&house.records, &cx).await;
        told.push(match answer {
            Err(error) => {
                let outcome = String::from_utf8(error.outcome()).unwrap();
                format!("{ask:?}: {} {outcome}", error.status())
            }
            Ok(reply) => {
                let text = String::from_utf8(reply.body.unwrap_or_default()).unwrap();
                let plain = without(&without(&text, "_cursor="), "_before=");
                let Reply { status, etag, location, .. } = reply;
                format!("{ask:?}: {status} {etag:?} {location:?} {plain}")
            }
        });
    }
    told.iter().map(|told| numbered(told, &mut made)).collect()
}

/// The text with fresh ids, which are random, as the order in which they first appear.
fn numbered(text: &str, made: &mut Vec<String>) -> String {
    let mut text = text.to_owned();
    while let Some(at) = text.find("019b7") {
        let id = text[at..at + 36].to_owned();
        let n = made.iter().position(|known| *known == id).unwrap_or_else(|| {
            made.push(id.clone());
            made.len() - 1
        });
        text = text.replace(&id, &format!("fresh-{n}"));
    }
    text
}

/// The text without the values of one parameter of links.
fn without(text: &str, name: &str) -> String {
    let mut parts = text.split(name);
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push_str(name);
        let end = part.find(['"', '&']).unwrap();
        plain.push_str(&part[end..]);
    }
    plain
}

/// One interaction. Ids are of a record that is seen, one that is hidden, one that is absent.
#[derive(Clone, Debug)]
enum Ask {
    Search(String),
    SearchPatients(String),
    Read(&'static str),
    Vread(&'static str),
    Put(&'static str, Option<u32>, u32),
    Patch(&'static str, Option<u32>),
    Delete(&'static str, Option<u32>),
    Create(&'static str),
    ConditionalUpdate(&'static str),
    ConditionalDelete(&'static str),
    History(Option<&'static str>),
    Everything(&'static str),
    Bundle(&'static str, &'static str, String),
}

impl Ask {
    async fn ask(&self, records: &Records, cx: &Ctx) -> Result<Reply, RecordsError> {
        let kind = ResourceType::OBSERVATION;
        let key = |id: &str| RecordKey::new(kind, id.parse().unwrap());
        let prefer = Prefer::Representation;
        let anew = observation("x", "seen", 50).1.replace(r#""id":"x","#, "");
        match self {
            Ask::Search(query) => records.search(cx, &SearchTarget::Type(kind), query, false).await,
            Ask::SearchPatients(query) => {
                let target = SearchTarget::Type(ResourceType::PATIENT);
                records.search(cx, &target, query, false).await
            }
            Ask::Read(id) => records.read(cx, &key(id)).await,
            Ask::Vread(id) => records.vread(cx, &key(id), 1).await,
            Ask::Put(id, if_match, value) => {
                let (key, body) = observation(id, "seen", *value);
                records.update(cx, &key, body.as_bytes(), *if_match, prefer).await
            }
            Ask::Patch(id, if_match) => {
                let patch = br#"[{"op":"replace","path":"/status","value":"amended"}]"#;
                let format = PatchFormat::Json;
                records.patch(cx, &key(id), format, patch, *if_match, prefer).await
            }
            Ask::Delete(id, if_match) => records.delete(cx, &key(id), *if_match).await,
            Ask::Create(query) => {
                records.create(cx, kind, anew.as_bytes(), Some(query), prefer).await
            }
            Ask::ConditionalUpdate(query) => {
                records.conditional_update(cx, kind, query, anew.as_bytes(), prefer).await
            }
            Ask::ConditionalDelete(query) => records.conditional_delete(cx, kind, query).await,
            Ask::History(id) => {
                let of = id.map_or(HistoryOf::Type(kind), |id| HistoryOf::Instance(key(id)));
                records.history(cx, of, HistoryParams::parse("_count=3").unwrap()).await
            }
            Ask::Everything(id) => records.everything(cx, &id.parse().unwrap(), "_count=3").await,
            Ask::Bundle(kind, id, query) => {
                let body = format!(
                    r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
                    {{"request":{{"method":"DELETE","url":"Observation/{id}"}}}},
                    {{"resource":{anew},"request":{{"method":"POST","url":"Observation","ifNoneExist":"{query}"}}}},
                    {{"request":{{"method":"GET","url":"Observation?{query}"}}}}]}}"#
                );
                records.bundle(cx, body.as_bytes()).await
            }
        }
    }
}

const CONDITIONS: [&str; 4] =
    ["value-quantity=gt60", "patient=hidden", "date=2026-01-06", "_id=h0"];

fn ask() -> impl Strategy<Value = Ask> {
    let id = || prop::sample::select(vec!["o1", "o2", "h0", "absent"]);
    let version = || prop::sample::select(vec![None, Some(1), Some(2)]);
    let condition = || prop::sample::select(CONDITIONS.to_vec());
    prop_oneof![
        6 => query().prop_map(Ask::Search),
        2 => prop::sample::select(vec![
            "_has:Observation:patient:value-quantity=gt50", "family=Hidden", "_id=hidden,seen",
            "_revinclude=Observation:subject", "_sort=-family&_total=accurate",
            "general-practitioner=p&_count=1&_total=accurate",
        ]).prop_map(|query| Ask::SearchPatients(query.to_owned())),
        1 => id().prop_map(Ask::Read),
        1 => id().prop_map(Ask::Vread),
        // An id that is taken cannot be given away; every other write must not tell.
        1 => (prop::sample::select(vec!["o1", "absent"]), version(), 40u32..90)
            .prop_map(|(id, version, value)| Ask::Put(id, version, value)),
        1 => (1u32..3).prop_map(|version| Ask::Put("h0", Some(version), 50)),
        2 => (id(), version()).prop_map(|(id, version)| Ask::Patch(id, version)),
        2 => (id(), version()).prop_map(|(id, version)| Ask::Delete(id, version)),
        1 => condition().prop_map(Ask::Create),
        1 => condition().prop_map(Ask::ConditionalUpdate),
        1 => condition().prop_map(Ask::ConditionalDelete),
        2 => prop::option::of(id()).prop_map(Ask::History),
        1 => prop::sample::select(vec!["seen", "hidden", "absent"]).prop_map(Ask::Everything),
        2 => (prop::sample::select(vec!["batch", "transaction"]), id(), condition())
            .prop_map(|(kind, id, query)| Ask::Bundle(kind, id, query.to_owned())),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop_oneof![
        Just("code=8867-4".to_owned()),
        Just("patient=seen".to_owned()),
        Just("patient=hidden".to_owned()),
        Just("subject:Patient.family=Hidden".to_owned()),
        Just("subject:Patient.family=Seen".to_owned()),
        Just("subject:Patient._has:Observation:patient:value-quantity=gt50".to_owned()),
        (40u32..90).prop_map(|value| format!("value-quantity=gt{value}")),
        Just("date=ge2026-01-03".to_owned()),
        Just("_id=o1,h1".to_owned()),
        Just("patient:missing=true".to_owned()),
        Just("subject:Patient.general-practitioner=p".to_owned()),
    ];
    let tail = prop_oneof![
        Just(String::new()),
        Just("&_sort=-value-quantity".to_owned()),
        Just("&_sort=date".to_owned()),
        Just("&_total=accurate".to_owned()),
        Just("&_summary=count".to_owned()),
        Just("&_include=Observation:subject".to_owned()),
        Just("&_include=*&_revinclude=Observation:has-member".to_owned()),
        Just("&_sort=-_lastUpdated".to_owned()),
        Just("&_count=2&_total=accurate".to_owned()),
    ];
    (filter, tail).prop_map(|(filter, tail)| format!("{filter}{tail}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_hidden_changes_nothing(
        hidden in prop::collection::vec(40u32..90, 1..8),
        asked in prop::collection::vec(ask(), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (with, without) = runtime.block_on(async {
            let mut answers = Vec::new();
            for is_hidden_there in [true, false] {
                let mut house = House::new();
                put(&mut house, patient("seen", "Seen")).await;
                for n in 1..5u32 {
                    put(&mut house, observation(&format!("o{n}"), "seen", 45 + 5 * n)).await;
                }
                // After what is seen, so that times and versions of that are the same in both.
                if is_hidden_there {
                    put(&mut house, patient("hidden", "Hidden")).await;
                    for (n, value) in hidden.iter().enumerate() {
                        put(&mut house, observation(&format!("h{n}"), "hidden", *value)).await;
                    }
                }
                house.at(100);
                answers.push(told(&mut house, &asked).await);
            }
            (answers.remove(0), answers.remove(0))
        });
        prop_assert_eq!(with, without);
    }
}
