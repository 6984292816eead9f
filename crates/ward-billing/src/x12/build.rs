//! A Claim of the chart as the values that X12 is written from.

use serde_json::Value;
use ward_store::values::text;
use ward_x12::{
    eligibility::Inquiry,
    party::{Address, Member, Party},
    review::Review,
};

use crate::{
    facts::{Facts, list},
    payers::{Provider, X12Way},
};

/// The service type of a stay: hospital, inpatient.
///
/// - Source: X12 data element 1365.
const INPATIENT: &str = "48";

/// Who traces: `9` and nine characters of ours.
fn origin(provider: &Provider) -> String {
    let name: String = provider.name.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
    format!("9{name:0<9}").to_uppercase()
}

/// Is the patient insured, and for what?
pub(crate) fn inquiry(facts: &Facts, provider: &Provider, way: &X12Way, trace: &str) -> Inquiry {
    let (subscriber, dependent) = members(facts);
    Inquiry {
        reference: trace.to_owned(),
        payer: way.payer(),
        provider: provider.party(),
        subscriber,
        dependent: dependent.map(|(member, _)| member),
        trace: Some((trace.to_owned(), origin(provider))),
        services: vec!["30".to_owned(), INPATIENT.to_owned()],
        date: admission_day(facts),
    }
}

/// May the patient stay? `certification` is `I` (initial) or `3` (taken back).
pub(crate) fn review(
    facts: &Facts,
    provider: &Provider,
    way: &X12Way,
    (certification, trace): (&str, &str),
) -> Review {
    let (subscriber, dependent) = members(facts);
    let icd = diagnoses(&facts.claim);
    Review {
        reference: trace.to_owned(),
        payer: way.payer(),
        requester: provider.party(),
        subscriber,
        dependent: dependent.map(|(member, _)| member),
        trace: Some((trace.to_owned(), origin(provider))),
        category: "AR".to_owned(),
        certification: certification.to_owned(),
        service: None,
        facility: Some("21".to_owned()),
        admission: admission_day(facts),
        days: facts.stay().days,
        diagnoses: icd.into_iter().map(|code| ("ABF".to_owned(), code)).collect(),
    }
}

/// ICD-10-CM codes of a claim; other systems are not understood by payers.
pub(crate) fn diagnoses(claim: &Value) -> Vec<String> {
    let concepts = list(claim, "diagnosis").filter_map(|it| it.get("diagnosisCodeableConcept"));
    let codings = concepts.flat_map(|it| list(it, "coding"));
    let icd = codings.filter(|it| {
        let system = text(it, "system").unwrap_or_default();
        matches!(system, "http://hl7.org/fhir/sid/icd-10-cm" | "http://hl7.org/fhir/sid/icd-10")
    });
    icd.filter_map(|it| text(it, "code")).map(str::to_owned).collect()
}

/// Who is insured, and the patient when that is somebody else, with the code of the relation.
pub(crate) fn members(facts: &Facts) -> (Member, Option<(Member, String)>) {
    let patient = member(&facts.patient, "");
    let relation = facts.coverage.pointer("/relationship/coding/0/code").and_then(Value::as_str);
    let is_self = matches!(relation, None | Some("self"));
    if is_self {
        let number = Some(("MI".to_owned(), facts.member().to_owned()));
        let id = number.filter(|(_, number)| !number.is_empty());
        let subscriber = Member { party: Party { id, ..patient.party.clone() }, ..patient };
        return (subscriber, None);
    }
    // Who is insured may be no patient of ours: the coverage may say no more than a name.
    let of = facts.coverage.get("subscriber");
    let name = of.and_then(|it| text(it, "display")).unwrap_or_default();
    let (given, family) = name.rsplit_once(' ').unwrap_or(("", name));
    let id = Some(("MI".to_owned(), facts.member().to_owned()));
    let party = Party {
        name: family.to_owned(),
        given: Some(given.to_owned()).filter(|it| !it.is_empty()),
        is_person: true,
        id: id.filter(|(_, number)| !number.is_empty()),
        ..Party::default()
    };
    // X12 data element 1069.
    let code = match relation {
        Some("spouse") => "01",
        Some("child") => "19",
        _ => "G8",
    };
    (Member { party, ..Member::default() }, Some((patient, code.to_owned())))
}

fn member(patient: &Value, number: &str) -> Member {
    let official = list(patient, "name").find(|it| text(it, "use") == Some("official"));
    let name = official.or_else(|| patient.pointer("/name/0")).cloned().unwrap_or_default();
    let mut given = list(&name, "given").filter_map(Value::as_str).map(str::to_owned);
    let address = patient.pointer("/address/0").map(|it| Address {
        lines: list(it, "line").filter_map(Value::as_str).map(str::to_owned).collect(),
        city: text(it, "city").unwrap_or_default().to_owned(),
        state: text(it, "state").unwrap_or_default().to_owned(),
        postal_code: text(it, "postalCode").unwrap_or_default().to_owned(),
    });
    let id = Some(("MI".to_owned(), number.to_owned())).filter(|(_, number)| !number.is_empty());
    Member {
        party: Party {
            name: text(&name, "family").unwrap_or_default().to_owned(),
            given: given.next(),
            middle: given.next(),
            is_person: true,
            id,
        },
        birth: text(patient, "birthDate").filter(|it| it.len() == 10).map(digits),
        sex: Some(
            match text(patient, "gender") {
                Some("male") => "M",
                Some("female") => "F",
                _ => "U",
            }
            .to_owned(),
        ),
        address: address.filter(|it| !it.city.is_empty() && it.state.len() == 2),
    }
}

fn admission_day(facts: &Facts) -> Option<String> {
    let start = facts.encounter.pointer("/period/start").and_then(Value::as_str);
    let created = text(&facts.claim, "created");
    start.or(created).and_then(|it| it.get(..10)).map(digits)
}

/// The digits of a date.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
