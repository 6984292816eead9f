//! The hospital itself: its organization, its places, its people.

use crate::{
    entry::{Entries, coding, concept, hl7, to},
    node::{list, obj},
    rng::Rng,
    terms::SNOMED,
    words,
};

pub const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub const PLACE: &str = "urn:oid:2.16.840.1.113883.4.642.40.99.1";
pub const HOUSE: &str = "http://hl7.org/fhir/sid/us-npi|9999900001";

/// Wards: short name, name, rooms.
pub const WARDS: &[(&str, &str, u64)] = &[
    ("MED", "Medicine", 6),
    ("SUR", "Surgery", 6),
    ("ICU", "Intensive Care", 4),
    ("CAR", "Cardiology", 5),
    ("PED", "Pediatrics", 4),
    ("ORT", "Orthopedics", 5),
];
pub const EMERGENCY: &str = "ED";
pub const CLINIC: &str = "AMB";

/// SNOMED CT code and name of a role.
const SPECIALTIES: &[(&str, &str)] = &[
    ("419192003", "Internal medicine"),
    ("394609007", "Surgery-general"),
    ("394579002", "Cardiology"),
    ("394537008", "Pediatric specialty"),
    ("773568002", "Emergency medicine"),
];

/// How many practitioners the house has.
pub const STAFF: u64 = 24;

/// The identifier of one practitioner, as a search value.
pub fn practitioner(at: u64) -> String {
    format!("{NPI}|{}", 9_999_910_000 + at)
}

/// The identifier of a place, as a search value.
pub fn place(code: &str) -> String {
    format!("{PLACE}|{code}")
}

/// The code of a bed, such as `MED-03-B`.
pub fn bed(ward: &str, room: u64, second: bool) -> String {
    format!("{ward}-{room:02}-{}", if second { 'B' } else { 'A' })
}

/// The transaction that makes the house; others refer to it by identifier.
pub fn bundle(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed, u64::MAX);
    let mut entries = Entries::default();
    let organization = rng.uuid();
    entries.post_once(
        &organization,
        "Organization",
        HOUSE,
        obj! {
            "resourceType": "Organization",
            "identifier": list![obj! { "system": NPI, "value": "9999900001" }],
            "active": true,
            "type": list![hl7("organization-type", "prov")],
            "name": "Fairhaven General Hospital",
            "telecom": list![obj! { "system": "phone", "value": "508-555-0100", "use": "work" }],
            "address": list![obj! {
                "line": list!["1 Hospital Hill"], "city": "Worcester", "state": "MA",
                "postalCode": "01605", "country": "US",
            }],
        },
    );
    places(&mut entries, &mut rng, &organization);
    for at in 0..STAFF {
        staff(&mut entries, &mut rng, &organization, at);
    }
    entries.into_bundle()
}

fn places(entries: &mut Entries, rng: &mut Rng, organization: &str) {
    let mut add = |code: &str, name: &str, kind: &str, part_of: Option<&str>| -> String {
        let uuid = rng.uuid();
        let resource = obj! {
            "resourceType": "Location",
            "identifier": list![obj! { "system": PLACE, "value": code }],
            "status": "active",
            "name": name,
            "mode": "instance",
            "physicalType": hl7("location-physical-type", kind),
            "managingOrganization": to(organization),
            "partOf": part_of.map(to),
        };
        entries.post_once(&uuid, "Location", &place(code), resource);
        uuid
    };
    let site = add("SITE", "Fairhaven General Hospital", "si", None);
    add(EMERGENCY, "Emergency Department", "wa", Some(&site));
    add(CLINIC, "Outpatient Clinic", "wa", Some(&site));
    for (code, name, rooms) in WARDS {
        let ward = add(code, name, "wa", Some(&site));
        for room in 1..=*rooms {
            let room_code = format!("{code}-{room:02}");
            let uuid = add(&room_code, &format!("{name}, room {room}"), "ro", Some(&ward));
            for second in [false, true] {
                let bed = bed(code, room, second);
                add(&bed, &format!("Bed {bed}"), "bd", Some(&uuid));
            }
        }
    }
}

fn staff(entries: &mut Entries, rng: &mut Rng, organization: &str, at: u64) {
    let uuid = rng.uuid();
    let is_woman = rng.chance(50);
    let given = rng.pick_common(if is_woman { words::FEMALE } else { words::MALE });
    let family = rng.pick_common(words::FAMILY);
    let identifier = practitioner(at);
    let value = identifier.trim_start_matches(NPI).trim_start_matches('|').to_owned();
    entries.post_once(
        &uuid,
        "Practitioner",
        &identifier,
        obj! {
            "resourceType": "Practitioner",
            "identifier": list![obj! { "system": NPI, "value": &value }],
            "active": true,
            "name": list![obj! { "family": *family, "given": list![*given], "prefix": list!["Dr."] }],
            "telecom": list![obj! {
                "system": "email", "use": "work",
                "value": format!("staff{at:02}@fairhaven.example"),
            }],
            "gender": if is_woman { "female" } else { "male" },
        },
    );
    let (code, display) = rng.pick(SPECIALTIES);
    entries.post_once(
        &rng.uuid(),
        "PractitionerRole",
        &format!("{PLACE}|ROLE-{at:02}"),
        obj! {
            "resourceType": "PractitionerRole",
            "identifier": list![obj! { "system": PLACE, "value": format!("ROLE-{at:02}") }],
            "active": true,
            "practitioner": to(&uuid),
            "organization": to(organization),
            "code": list![obj! { "coding": list![coding(SNOMED, "309343006", "Physician")] }],
            "specialty": list![concept(SNOMED, code, display)],
        },
    );
}
