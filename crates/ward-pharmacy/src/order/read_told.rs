//! What a MedicationRequest of somebody else asks for.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{FhirId, ResourceType};
use ward_store::{
    ReadError, Reader,
    values::{self, id_of, text},
};

use super::kept::{Coded, Drug, OrderRequest};

/// Systems and numbers of whoever placed the order.
///
/// - Source: HL7 v2 table 0203, PLAC, as an identifier's type.
pub(super) fn placers(order: &Value) -> Vec<(String, String)> {
    let is_placer = |it: &&Value| {
        let codings = it.pointer("/type/coding").and_then(Value::as_array);
        codings.into_iter().flatten().any(|it| text(it, "code") == Some("PLAC"))
    };
    let both = |it: &Value| {
        let system = text(it, "system").unwrap_or_default().to_owned();
        Some((system, text(it, "value").filter(|it| !it.is_empty())?.to_owned()))
    };
    list(order, "identifier").filter(is_placer).filter_map(both).collect()
}

/// Whether it is an order in effect: not a plan, not what a patient says, not one for elsewhere.
pub(super) fn is_order(order: &Value) -> bool {
    let intent = text(order, "intent");
    // Where an order came alone, as it was asked for is all there is of it; beside the one that is
    // carried out it has no number.
    let is_meant = match intent {
        Some("order" | "instance-order" | "filler-order" | "reflex-order") => true,
        Some("original-order") => !placers(order).is_empty(),
        _ => false,
    };
    let is = |name: &str| order.get(name).and_then(Value::as_bool) == Some(true);
    text(order, "status") == Some("active")
        && is_meant
        && !is("doNotPerform")
        && !is("reportedBoolean")
        && order.get("reportedReference").is_none()
        && !has_category(order, &["outpatient", "community", "discharge"])
}

/// - Source: FHIR R4, medicationrequest-category.
pub(super) fn is_inpatient(order: &Value) -> bool {
    has_category(order, &["inpatient"])
}

/// Whether its Encounter is a stay that goes on.
///
/// - Source: HL7 v3 ActCode, ActEncounterCode.
pub(super) fn is_in_stay(reader: &Reader<'_>, order: &Value) -> Result<bool, ReadError> {
    let reference = order.pointer("/encounter/reference").and_then(Value::as_str);
    let Some(id) = reference.and_then(|it| id_of(it, "Encounter")) else { return Ok(false) };
    let found = values::read(reader, &values::key(ResourceType::ENCOUNTER, &id))?;
    let Some((encounter, _)) = found else { return Ok(false) };
    let class = encounter.pointer("/class/code").and_then(Value::as_str);
    let is_stay =
        matches!(class, Some("IMP" | "ACUTE" | "NONAC" | "EMER" | "SS" | "OBSENC" | "PRENC"));
    let is_over =
        matches!(text(&encounter, "status"), Some("finished" | "cancelled" | "entered-in-error"));
    Ok(is_stay && !is_over)
}

fn has_category(order: &Value, codes: &[&str]) -> bool {
    list(order, "category")
        .flat_map(|it| list(it, "coding"))
        .any(|it| text(it, "code").is_some_and(|code| codes.contains(&code)))
}

pub(super) fn is_over(order: &Value) -> bool {
    matches!(
        text(order, "status"),
        Some("cancelled" | "stopped" | "completed" | "entered-in-error")
    )
}

pub(super) fn patient(order: &Value) -> Option<FhirId> {
    id_of(order.pointer("/subject/reference")?.as_str()?, "Patient")
}

pub(super) fn authored(order: &Value) -> Option<Timestamp> {
    time(text(order, "authoredOn")?)
}

/// A time with its zone; a day alone says no time.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The query for an identifier.
pub(super) fn with_identifier(system: &str, value: &str) -> String {
    let token = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            // What separates values of a query is told apart by a backslash.
            if matches!(byte, b',' | b'|' | b'$' | b'\\') {
                out.push_str("%5C");
            }
            match byte.is_ascii_alphanumeric() {
                true => out.push(char::from(byte)),
                false => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    };
    format!("identifier={}%7C{}", token(system), token(value))
}

/// The same order in the words of the loop. What it does not say is not made up: the check says so.
pub(super) fn request(reader: &Reader<'_>, order: &Value) -> Result<OrderRequest, ReadError> {
    let drug = match order.get("medicationCodeableConcept") {
        Some(concept) => drug_of(concept),
        None => by_reference(reader, order)?,
    };
    let dosage: Vec<Value> = list(order, "dosageInstruction").cloned().collect();
    let bounds = |name: &str| {
        let path = format!("/timing/repeat/boundsPeriod/{name}");
        let of_line = |it: &Value| time(it.pointer(&path)?.as_str()?);
        let mut all: Vec<Timestamp> = dosage.iter().filter_map(of_line).collect();
        all.sort();
        // A line without an end goes on.
        (all.len() == dosage.len()).then_some(all)
    };
    let of_period = |name: &str| {
        let path = format!("/dispenseRequest/validityPeriod/{name}");
        time(order.pointer(&path)?.as_str()?)
    };
    let start = bounds("start").and_then(|all| all.first().copied());
    let end = bounds("end").and_then(|all| all.last().copied());
    let start = start.or_else(|| of_period("start"));
    let end = end.or_else(|| of_period("end"));
    let notes: Vec<&str> = list(order, "note").filter_map(|it| text(it, "text")).collect();
    let reference = |name: &str| {
        let it = order.pointer(&format!("/{name}/reference")).and_then(Value::as_str);
        it.map(str::to_owned)
    };
    let encounter = reference("encounter").filter(|it| id_of(it, "Encounter").is_some());
    Ok(OrderRequest {
        patient: reference("subject").unwrap_or_default(),
        encounter,
        medication: drug,
        dosage: match dosage.is_empty() {
            true => vec![json!({ "text": "No dosage was told." })],
            false => dosage,
        },
        priority: text(order, "priority").map(str::to_owned),
        start,
        // An end that is no end is no reason to refuse the order.
        end: end.filter(|end| start.is_none_or(|start| start < *end)),
        reasons: list(order, "reasonCode").map(coded).collect(),
        note: (!notes.is_empty()).then(|| notes.join("\n")),
        ..OrderRequest::default()
    })
}

/// Who ordered, as people read it.
pub(super) fn orderer(reader: &Reader<'_>, order: &Value) -> Result<String, ReadError> {
    let requester = order.get("requester");
    if let Some(name) = requester.and_then(|it| text(it, "display")) {
        return Ok(name.to_owned());
    }
    let reference = requester.and_then(|it| text(it, "reference"));
    let Some(reference) = reference else { return Ok("not told".to_owned()) };
    if let Some(id) = id_of(reference, "Practitioner") {
        let found = values::read(reader, &values::key(ResourceType::PRACTITIONER, &id))?;
        let name = found.as_ref().and_then(|(it, _)| it.pointer("/name/0"));
        if let Some(name) = name.map(name_of).filter(|name| !name.is_empty()) {
            return Ok(name);
        }
    }
    Ok(reference.to_owned())
}

fn name_of(name: &Value) -> String {
    if let Some(text) = text(name, "text") {
        return text.to_owned();
    }
    let words = list(name, "prefix").chain(list(name, "given")).filter_map(Value::as_str);
    let all: Vec<&str> = words.chain(text(name, "family")).collect();
    all.join(" ")
}

fn by_reference(reader: &Reader<'_>, order: &Value) -> Result<Drug, ReadError> {
    let reference = order.pointer("/medicationReference/reference").and_then(Value::as_str);
    let Some(reference) = reference else { return Ok(Drug::default()) };
    let contained = reference.strip_prefix('#').and_then(|id| {
        list(order, "contained").find(|it| text(it, "id") == Some(id)).and_then(|it| it.get("code"))
    });
    if let Some(code) = contained {
        return Ok(drug_of(code));
    }
    let Some(id) = id_of(reference, "Medication") else { return Ok(Drug::default()) };
    let found = values::read(reader, &values::key(ResourceType::MEDICATION, &id))?;
    Ok(found.and_then(|(it, _)| it.get("code").map(drug_of)).unwrap_or_default())
}

fn drug_of(concept: &Value) -> Drug {
    let codes: Vec<Coded> = list(concept, "coding").map(one).collect();
    let of_code = |it: &Coded| it.text.clone().or_else(|| it.code.clone());
    let said = text(concept, "text").filter(|it| !it.trim().is_empty()).map(str::to_owned);
    let text = said.or_else(|| codes.iter().find_map(of_code)).unwrap_or_default();
    Drug { text, codes }
}

fn coded(concept: &Value) -> Coded {
    let mut coded = list(concept, "coding").next().map(one).unwrap_or_default();
    if let Some(text) = text(concept, "text") {
        coded.text = Some(text.to_owned());
    }
    coded
}

fn one(coding: &Value) -> Coded {
    let of = |name: &str| text(coding, name).map(str::to_owned);
    Coded { system: of("system"), code: of("code"), text: of("display") }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(more: Value) -> Value {
        let mut order = json!({
            "resourceType": "MedicationRequest", "status": "active", "intent": "order",
            "subject": { "reference": "Patient/p" },
        });
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    }

    #[test]
    fn plans_and_what_is_for_elsewhere_are_no_orders_for_here() {
        let placer = json!([{ "value": "M1", "type": { "coding": [{ "code": "PLAC" }] } }]);
        let category = |code: &str| json!([{ "coding": [{ "code": code }] }]);
        let cases = [
            (json!({}), true),
            (json!({ "category": category("inpatient") }), true),
            (json!({ "category": category("community") }), false),
            (json!({ "category": category("discharge") }), false),
            (json!({ "intent": "plan" }), false),
            (json!({ "intent": "original-order" }), false),
            (json!({ "intent": "original-order", "identifier": placer }), true),
            (json!({ "status": "draft" }), false),
            (json!({ "reportedBoolean": true }), false),
            (json!({ "doNotPerform": true }), false),
        ];
        for (more, is) in cases {
            assert_eq!(is_order(&order(more.clone())), is, "{more}");
        }
    }

    #[test]
    fn a_number_is_asked_for_as_it_is() {
        let query = with_identifier("urn:v2:authority:NORTH", "M 5|0,0");
        assert_eq!(query, "identifier=urn%3Av2%3Aauthority%3ANORTH%7CM%205%5C%7C0%5C%2C0");
    }
}
