//! The hospital itself, and one transaction per patient.

use crate::{
    bundle::{Bundle, HL7, concept},
    clinical,
    dice::Dice,
    people::Person,
};

/// A hospital with everybody who will ever come to it.
pub struct Hospital {
    seed: u64,
    year: u64,
}

const PRACTITIONERS: u64 = 24;
const WARDS: [(&str, &str); 6] = [
    ("W1", "Internal Medicine"),
    ("W2", "Cardiology"),
    ("W3", "Surgery"),
    ("W4", "Intensive Care"),
    ("W5", "Obstetrics"),
    ("W6", "Pediatrics"),
];
const ROOMS: u64 = 6;
const BEDS: u64 = 2;

/// Identifier system of this hospital's own numbers.
const OWN: &str = "urn:oid:2.999.1";

impl Hospital {
    /// The hospital of a seed, as of the year 2026.
    pub fn new(seed: u64) -> Hospital {
        Hospital { seed, year: 2026 }
    }

    /// Organization, wards, rooms, beds and practitioners; loaded first.
    ///
    /// - Repeat: safe; everything is created only where its identifier is new.
    pub fn base_bundle(&self) -> Vec<u8> {
        let mut dice = Dice::new(self.seed, u64::MAX);
        let mut bundle = Bundle::new();
        let organization = dice.uuid();
        bundle.post_once(
            &organization,
            "Organization",
            &format!(
                r#""identifier":[{{"system":"{OWN}.1","value":"ward-general"}}],"active":true,"name":"Ward General Hospital""#
            ),
            &format!("{OWN}.1|ward-general"),
        );
        for (code, name) in WARDS {
            let ward = location(&mut bundle, &mut dice, code, name, "wa", None, &organization);
            for room in 1..=ROOMS {
                let code = format!("{code}-{room:02}");
                let name = format!("Room {code}");
                let room = location(
                    &mut bundle,
                    &mut dice,
                    &code,
                    &name,
                    "ro",
                    Some(&ward),
                    &organization,
                );
                for bed in 1..=BEDS {
                    let code = format!("{code}-{bed}");
                    let name = format!("Bed {code}");
                    location(
                        &mut bundle,
                        &mut dice,
                        &code,
                        &name,
                        "bd",
                        Some(&room),
                        &organization,
                    );
                }
            }
        }
        for n in 0..PRACTITIONERS {
            let person = Person::new(&mut dice, 90_000 + n, self.year - 30);
            let (uuid, number) = (dice.uuid(), practitioner_number(n));
            bundle.post_once(
                &uuid,
                "Practitioner",
                &format!(
                    r#""identifier":[{{"system":"{OWN}.2","value":"{number}"}}],"active":true,"name":[{{"family":"{}","given":["{}"],"prefix":["Dr."]}}],"gender":"{}""#,
                    person.family, person.given, person.gender
                ),
                &format!("{OWN}.2|{number}"),
            );
            let role = dice.uuid();
            bundle.post_once(
                &role,
                "PractitionerRole",
                &format!(
                    r#""identifier":[{{"system":"{OWN}.3","value":"{number}"}}],"active":true,"practitioner":{{"reference":"urn:uuid:{uuid}"}},"organization":{{"reference":"urn:uuid:{organization}"}}"#
                ),
                &format!("{OWN}.3|{number}"),
            );
        }
        bundle.finish()
    }

    /// Everything of patient `n`: a pure function of the seed and `n`.
    pub fn patient_bundle(&self, n: u64) -> Vec<u8> {
        let mut dice = Dice::new(self.seed, n);
        let person = Person::new(&mut dice, n, self.year);
        let mut bundle = Bundle::new();
        let patient = dice.uuid();
        bundle.post(&patient, "Patient", &patient_body(&person, &mut dice));
        let number = practitioner_number(dice.below(PRACTITIONERS));
        let physician = format!("Practitioner?identifier={OWN}.2|{number}");
        clinical::coverage(&mut bundle, &mut dice, &patient, n);
        clinical::story(&mut bundle, &mut dice, &person, &patient, &physician, self.year);
        bundle.finish()
    }
}

fn practitioner_number(n: u64) -> String {
    format!("P{:04}", 1000 + n)
}

fn location(
    bundle: &mut Bundle,
    dice: &mut Dice,
    code: &str,
    name: &str,
    kind: &str,
    part_of: Option<&str>,
    organization: &str,
) -> String {
    let uuid = dice.uuid();
    let part_of = part_of
        .map(|it| format!(r#","partOf":{{"reference":"urn:uuid:{it}"}}"#))
        .unwrap_or_default();
    bundle.post_once(
        &uuid,
        "Location",
        &format!(
            r#""identifier":[{{"system":"{OWN}.4","value":"{code}"}}],"status":"active","name":"{name}","physicalType":{},"managingOrganization":{{"reference":"urn:uuid:{organization}"}}{part_of}"#,
            concept(&format!("{HL7}/location-physical-type"), kind, kind)
        ),
        &format!("{OWN}.4|{code}"),
    );
    uuid
}

fn patient_body(person: &Person, dice: &mut Dice) -> String {
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition";
    let omb = "urn:oid:2.16.840.1.113883.6.238";
    let extension = |name: &str, (code, display): (&str, &str)| {
        format!(
            r#"{{"url":"{us_core}/{name}","extension":[{{"url":"ombCategory","valueCoding":{{"system":"{omb}","code":"{code}","display":"{display}"}}}},{{"url":"text","valueString":"{display}"}}]}}"#
        )
    };
    let middle = person.middle.map(|name| format!(r#","{name}""#)).unwrap_or_default();
    let (language, language_name) = person.language;
    let (marital, marital_name) =
        if person.married { ("M", "Married") } else { ("S", "Never Married") };
    let contact = Person::new(dice, 80_000, 2026);
    format!(
        r#""extension":[{},{}],"identifier":[{{"type":{},"system":"{OWN}.5","value":"{}"}},{{"type":{},"system":"http://hl7.org/fhir/sid/us-ssn","value":"{}"}}],"active":true,"name":[{{"use":"official","family":"{}","given":["{}"{middle}]}}],"telecom":[{{"system":"phone","value":"{}","use":"home"}}],"gender":"{}","birthDate":"{}","address":[{{"line":["{}"],"city":"{}","state":"MA","postalCode":"{}","country":"US"}}],"maritalStatus":{},"contact":[{{"relationship":[{}],"name":{{"family":"{}","given":["{}"]}},"telecom":[{{"system":"phone","value":"{}"}}]}}],"communication":[{{"language":{},"preferred":true}}]"#,
        extension("us-core-race", person.race),
        extension("us-core-ethnicity", person.ethnicity),
        concept(&format!("{HL7}/v2-0203"), "MR", "Medical record number"),
        person.mrn,
        concept(&format!("{HL7}/v2-0203"), "SS", "Social Security number"),
        person.ssn,
        person.family,
        person.given,
        person.phone,
        person.gender,
        person.birth_date,
        person.street,
        person.city,
        person.postal_code,
        concept(&format!("{HL7}/v3-MaritalStatus"), marital, marital_name),
        concept(&format!("{HL7}/v2-0131"), "C", "Emergency Contact"),
        contact.family,
        contact.given,
        contact.phone,
        concept("urn:ietf:bcp:47", language, language_name),
    )
}
