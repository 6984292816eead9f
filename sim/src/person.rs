//! Who a patient is: names, identifiers, address, contacts, coverage.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    entry::{coding, hl7, to},
    node::{Node, list, obj},
    rng::Rng,
    words,
};

const MRN: &str = "urn:oid:2.16.840.1.113883.4.642.40.99.2";
const RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
const ETHNICITY: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity";
const CDC_RACE: &str = "urn:oid:2.16.840.1.113883.6.238";

/// What the rest of the chart needs to know of a patient.
#[derive(Debug)]
pub struct Person {
    pub is_female: bool,
    pub age: i64,
    pub resource: Node,
    pub told: Told,
    member: String,
    payer: &'static str,
}

/// The same as plain words, for messages.
#[derive(Debug)]
pub struct Told {
    pub mrn: String,
    pub family: String,
    pub given: String,
    pub birth: Date,
    pub street: String,
    pub city: &'static str,
    pub state: &'static str,
    pub zip: String,
    pub phone: String,
    pub is_married: bool,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Roots {
    Local,
    Spanish,
    Chinese,
}

impl Person {
    pub fn new(rng: &mut Rng, now: Timestamp, n: u64) -> Person {
        let is_female = rng.chance(51);
        let roots = match rng.below(100) {
            0..75 => Roots::Local,
            75..92 => Roots::Spanish,
            _ => Roots::Chinese,
        };
        // Hospitals see the old more often than the young.
        let age = rng.between(0, 92).max(rng.between(0, 75));
        let birth = birth_date(rng, now, age);
        let (names, family, given) = names(rng, roots, is_female);
        let (city, state, zip, area) = rng.pick_common(words::CITIES);
        let mrn = format!("FGH{:07}", 1_000_000 + n * 7 % 8_999_993);
        let ssn = format!("999-{:02}-{:04}", rng.between(10, 99), rng.between(1, 9999));
        let street = format!(
            "{} {} {}",
            rng.between(1, 1999),
            rng.pick_common(words::STREETS),
            rng.pick_common(words::STREET_KINDS)
        );
        let phone = format!("{area}-555-{:04}", rng.between(100, 9999));
        let other = rng.pick_common(words::FEMALE);
        let is_married = 24 < age && rng.chance(55);
        // In this order: the same seed gives the same people as ever.
        let race = race(rng, roots);
        let zip = format!("{zip}{:02}", rng.between(1, 60));
        let told = Told {
            mrn: mrn.clone(),
            family: family.clone(),
            given,
            birth,
            street: street.clone(),
            city,
            state,
            zip: zip.clone(),
            phone: phone.clone(),
            is_married,
        };
        let resource = obj! {
            "resourceType": "Patient",
            "extension": list![race, ethnicity(roots)],
            "identifier": list![
                obj! { "use": "usual", "type": hl7("v2-0203", "MR"), "system": MRN, "value": &mrn },
                obj! {
                    "use": "official", "type": hl7("v2-0203", "SS"),
                    "system": "http://hl7.org/fhir/sid/us-ssn", "value": ssn,
                },
            ],
            "active": true,
            "name": names,
            "telecom": list![obj! { "system": "phone", "value": &phone, "use": "home" }],
            "gender": if is_female { "female" } else { "male" },
            "birthDate": birth.to_string(),
            "address": list![obj! {
                "use": "home", "line": list![street], "city": *city, "state": *state,
                "postalCode": zip, "country": "US",
            }],
            "maritalStatus": hl7("v3-MaritalStatus", if is_married { "M" } else { "S" }),
            "contact": list![obj! {
                "relationship": list![hl7("v2-0131", "N")],
                "name": obj! { "family": &family, "given": list![*other] },
                "telecom": list![obj! {
                    "system": "phone", "value": format!("{area}-555-{:04}", rng.between(100, 9999)),
                }],
            }],
            "communication": list![language(roots)],
        };
        let payer: &'static str =
            if 65 <= age { "Medicare" } else { rng.pick::<&'static str>(words::PAYERS) };
        let member = format!("M{:09}", rng.below(1_000_000_000));
        Person { is_female, age, resource, told, member, payer }
    }

    pub fn coverage(&self, patient: &str) -> Node {
        obj! {
            "resourceType": "Coverage",
            "identifier": list![obj! { "type": hl7("v2-0203", "MB"), "value": &self.member }],
            "status": "active",
            "subscriberId": &self.member,
            "beneficiary": to(patient),
            "relationship": hl7("subscriber-relationship", "self"),
            "payor": list![obj! { "display": self.payer }],
        }
    }
}

fn birth_date(rng: &mut Rng, now: Timestamp, age: i64) -> Date {
    let today = TimeZone::UTC.to_datetime(now).date();
    let days = age.saturating_mul(365).saturating_add(rng.between(age / 4, 364));
    today.checked_sub(days.days()).unwrap_or(today)
}

/// The names, and the family and first given name by which letters are addressed.
fn names(rng: &mut Rng, roots: Roots, is_female: bool) -> (Node, String, String) {
    match roots {
        Roots::Local => {
            let pool = if is_female { words::FEMALE } else { words::MALE };
            let family = *rng.pick_common(words::FAMILY);
            let (first, middle) = (*rng.pick_common(pool), *rng.pick_common(pool));
            let given = if rng.chance(60) { list![first, middle] } else { list![first] };
            let name = obj! { "use": "official", "family": family, "given": given };
            let maiden = is_female && rng.chance(25);
            let maiden = maiden.then(|| {
                let family = *rng.pick_common(words::FAMILY);
                obj! { "use": "maiden", "family": family, "given": list![first] }
            });
            (list![name, maiden], family.to_owned(), first.to_owned())
        }
        Roots::Spanish => {
            let pool = if is_female { words::SPANISH_FEMALE } else { words::SPANISH_MALE };
            let family = format!(
                "{} {}",
                rng.pick_common(words::SPANISH_FAMILY),
                rng.pick(words::SPANISH_FAMILY)
            );
            let given = *rng.pick_common(pool);
            let name = obj! { "use": "official", "family": &family, "given": list![given] };
            (list![name], family, given.to_owned())
        }
        Roots::Chinese => {
            let (family, latin) = *rng.pick_common(words::CHINESE_FAMILY);
            let (given, latin_given) = *rng.pick_common(words::CHINESE_GIVEN);
            let spelled = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
            let form = |code: &str| list![obj! { "url": spelled, "valueCode": code }];
            let written = obj! {
                "extension": form("IDE"), "use": "official", "text": format!("{family}{given}"),
                "family": family, "given": list![given],
            };
            let sounded = obj! {
                "extension": form("ABC"), "use": "official",
                "text": format!("{latin_given} {latin}"),
                "family": latin, "given": list![latin_given],
            };
            (list![written, sounded], latin.to_owned(), latin_given.to_owned())
        }
    }
}

fn race(rng: &mut Rng, roots: Roots) -> Node {
    let (code, display) = match (roots, rng.below(100)) {
        (Roots::Chinese, _) => ("2028-9", "Asian"),
        (_, 0..70) => ("2106-3", "White"),
        (_, 70..92) => ("2054-5", "Black or African American"),
        _ => ("2131-1", "Other Race"),
    };
    us_core(RACE, code, display)
}

fn ethnicity(roots: Roots) -> Node {
    match roots {
        Roots::Spanish => us_core(ETHNICITY, "2135-2", "Hispanic or Latino"),
        _ => us_core(ETHNICITY, "2186-5", "Not Hispanic or Latino"),
    }
}

fn us_core(url: &str, code: &str, display: &str) -> Node {
    obj! {
        "extension": list![
            obj! { "url": "ombCategory", "valueCoding": coding(CDC_RACE, code, display) },
            obj! { "url": "text", "valueString": display },
        ],
        "url": url,
    }
}

fn language(roots: Roots) -> Node {
    let (code, display) = match roots {
        Roots::Local => ("en-US", "English (United States)"),
        Roots::Spanish => ("es", "Spanish"),
        Roots::Chinese => ("zh", "Chinese"),
    };
    obj! {
        "language": obj! {
            "coding": list![coding("urn:ietf:bcp:47", code, display)], "text": display,
        },
        "preferred": true,
    }
}
