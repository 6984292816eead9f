//! A FHIR Patient as it is compared with others.

use serde_json::Value;
use ward_fhir::search::fold;
use ward_rules::likeness::{Birth, Number, Person};
use ward_store::values::text;

/// Digits that tell one phone from another however country and area are written.
const PHONE_DIGITS: usize = 7;

/// What a Patient says of who somebody is.
pub fn person_of(patient: &Value) -> Person {
    let mut person = Person::default();
    for name in items(patient, "name") {
        let given = items(name, "given").next().and_then(Value::as_str);
        let text = text(name, "text");
        person.families.extend(name.get("family").and_then(Value::as_str).and_then(folded));
        person.givens.extend(given.and_then(folded));
        // A name in one piece: the last word is the family name, as it is mostly written.
        if name.get("family").is_none()
            && given.is_none()
            && let Some((given, family)) = text.and_then(|text| text.trim().rsplit_once(' '))
        {
            person.families.extend(folded(family));
            person.givens.extend(given.split(' ').next().and_then(folded));
        }
    }
    person.birth = text(patient, "birthDate").and_then(birth);
    person.sex = text(patient, "gender").filter(|it| *it != "unknown").map(str::to_owned);
    for number in items(patient, "identifier") {
        let is_of_person =
            text(number, "use") != Some("temp") && text(number, "use") != Some("old");
        if let (true, Some(system), Some(value)) =
            (is_of_person, text(number, "system"), text(number, "value"))
        {
            person.numbers.push(Number { system: system.to_owned(), value: value.to_owned() });
        }
    }
    for contact in items(patient, "telecom") {
        let Some(value) = text(contact, "value") else { continue };
        match text(contact, "system") {
            Some("email") => person.emails.extend(folded(value)),
            Some("phone" | "sms") => person.phones.extend(phone(value)),
            _ => {}
        }
    }
    for address in items(patient, "address") {
        let lines = items(address, "line").filter_map(Value::as_str).collect::<Vec<_>>();
        person.lines.extend(folded(&lines.join(" ")));
        person.postal_codes.extend(text(address, "postalCode").and_then(folded));
    }
    person
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn folded(text: &str) -> Option<String> {
    Some(fold(text)).filter(|text| !text.is_empty())
}

/// - Source: FHIR R4, `date`: YYYY, YYYY-MM or YYYY-MM-DD.
fn birth(text: &str) -> Option<Birth> {
    let mut parts = text.split('-');
    let year = parts.next()?.parse().ok()?;
    Some(Birth {
        year,
        month: parts.next().and_then(|it| it.parse().ok()),
        day: parts.next().and_then(|it| it.parse().ok()),
    })
}

fn phone(text: &str) -> Option<String> {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let last = digits.len().checked_sub(PHONE_DIGITS)?;
    Some(digits.into_iter().skip(last).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_compared_does_not_depend_on_how_it_is_written() {
        let one = person_of(&json!({
            "name": [{ "family": "Müller", "given": ["ANNA", "Maria"] }],
            "birthDate": "1970-01-02", "gender": "female",
            "telecom": [{ "system": "phone", "value": "+1 (202) 555-0134" }],
            "address": [{ "line": ["Main  Street 1"], "postalCode": "12345" }],
            "identifier": [{ "system": "urn:mr", "value": "4711" }],
        }));
        let other = person_of(&json!({
            "name": [{ "text": "Anna Muller" }],
            "birthDate": "1970-01-02", "gender": "female",
            "telecom": [{ "system": "phone", "value": "2025550134" }],
            "address": [{ "line": ["main street 1"], "postalCode": "12345" }],
            "identifier": [{ "system": "urn:mr", "value": "4711" }],
        }));
        assert_eq!(one, other);
    }

    #[test]
    fn what_says_nothing_is_not_compared() {
        let nobody = person_of(&json!({
            "name": [{}], "gender": "unknown", "birthDate": "soon",
            "telecom": [{ "system": "phone", "value": "n/a" }],
            "identifier": [{ "value": "1" }, { "system": "x", "value": "2", "use": "temp" }],
        }));
        assert_eq!(nobody, Person::default());
    }
}
