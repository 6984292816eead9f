//! A bed that is known is not read again, and is seen when somebody else changes it.

use ward_core::{AuditAction, RecordKey, ResourceType};
use ward_fhir::Json;
use ward_store::{CommitUnit, Interaction, Write, WriteKind};

use super::rig::*;

fn update(id: &str, bed: &str) -> String {
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A08^ADT_A01|{id}|P|2.5.1\n\
         EVN||20260101080000\n\
         PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F\n\
         PV1|1|I|{bed}||||||||||||||||V100^^^HOSP^VN"
    )
}

/// Every Location as type, version and description.
async fn places(rig: &Rig) -> Vec<(String, String, String)> {
    let all = rig.search("Location", "").await;
    let told = |json: &Json<'_>| {
        let of = |path: &str| text(json, path).to_owned();
        (of("physicalType.coding.0.code"), of("meta.versionId"), of("description"))
    };
    let mut all: Vec<_> = all.iter().map(told).collect();
    all.sort();
    all
}

/// Writes every Location anew, or takes it away.
async fn rewrite(rig: &Rig, is_deleted: bool) {
    let mut unit = CommitUnit::default();
    for place in rig.search("Location", "").await {
        let id = text(&place, "id").parse().unwrap();
        let key = RecordKey::new(ResourceType::LOCATION, id);
        let base: u32 = text(&place, "meta.versionId").parse().unwrap();
        unit.writes.push(match is_deleted {
            true => Write::end(&key, base),
            false => {
                let mut place = place;
                let object = place.as_object_mut().unwrap();
                object.insert("description", Json::string("painted".to_owned()));
                let kind = WriteKind::Update { base: Some(base) };
                Write::of(place, &key, kind, at(500), "http://localhost/fhir")
            }
        });
    }
    let act = Interaction::new(AuditAction::Update);
    rig.chart.commit(&cx(), act, unit).await.unwrap();
}

#[tokio::test]
async fn a_bed_that_others_change_is_read_again() {
    let rig = Rig::new();
    let bed = "W1^101^A^HOSP";
    assert_eq!(rig.ack(&update("1", bed)).await.code, "AA");
    assert_eq!(rig.ack(&update("2", bed)).await.code, "AA");
    let before = places(&rig).await;
    assert!(before.iter().all(|(_, version, _)| version == "1"), "{before:?}");
    rewrite(&rig, false).await;
    // Something that the bed does not say yet is filled into what the other said.
    assert_eq!(rig.ack(&update("3", bed)).await.code, "AA");
    let painted = places(&rig).await;
    assert_eq!(painted.len(), before.len());
    assert!(painted.iter().all(|(.., said)| said == "painted"), "{painted:?}");
    rewrite(&rig, true).await;
    assert!(places(&rig).await.is_empty());
    assert_eq!(rig.ack(&update("4", bed)).await.code, "AA");
    let again = places(&rig).await;
    assert_eq!(again.len(), before.len());
    assert!(again.iter().all(|(.., said)| said.is_empty()), "{again:?}");
}
