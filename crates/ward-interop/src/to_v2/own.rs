//! The conversions with a name, backwards.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ward_fhir::Json;

use super::{bind::Bound, code::authority_back, fill::Filler, line::Place, source::kind};
use crate::convert::is_oid;

pub(super) fn put<'j>(
    filler: &mut Filler<'_, 'j>,
    name: &str,
    bound: Bound<'j>,
    place: &Place,
) -> bool {
    let text = bound.node.as_str();
    match name {
        "!authority" => text.is_some_and(|uri| authority(filler, uri, place, 0)),
        "!assigner" => text.is_some_and(|uri| authority(filler, uri, place, 1)),
        "!location" => location(filler, bound, place),
        "!attachment" => attachment(filler, bound, place),
        "!lines" | "!texts" => text.is_some_and(|text| lines(filler, text, place)),
        "!encoded-lines" => {
            let bytes = text.and_then(|text| STANDARD.decode(text).ok());
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.is_some_and(|text| lines(filler, &text, place))
        }
        "!whole" => filler.leaf(None, bound, place),
        "!name" => text.is_some_and(|text| name_of(filler, text, place)),
        "!again" => text.is_some_and(|text| filler.line.put(place, text)),
        "!street" => street(filler, bound.node, place),
        "!spaced" => text.is_some_and(|text| {
            let mut all = true;
            for (nth, part) in (1_u16..).zip(text.split(' ')) {
                all &= part.is_empty() || filler.line.put(&place.part(&[nth]), part);
            }
            all
        }),
        // An organization by its numbers alone: one with a name has a field for that.
        "!unnamed" => {
            bound.node.get("name").is_none() && filler.mapped_by("HD[Organization]", bound, place)
        }
        "!number" => text.is_some_and(|number| number_of(filler, number, place)),
        // Who is meant is the patient himself: table 0063.
        "!self" => filler.line.put(&place.part(&[1]), "SEL"),
        "!subscriber" => text.is_some_and(|id| subscriber(filler, id, bound.owner, place)),
        "!range" => range(filler, bound.node, place),
        // What another field says too, and numbers in units that minutes say as well.
        _ => false,
    }
}

/// The system of an identifier as HD; in EI it stands one further.
fn authority(filler: &mut Filler<'_, '_>, uri: &str, place: &Place, shift: u16) -> bool {
    let found = authority_back(filler.maps, filler.local_base, uri);
    let mut is_put = false;
    if let Some(name) = &found.name {
        is_put |= filler.line.put(&place.part(&[1 + shift]), name);
    }
    if let Some((number, kind)) = &found.number {
        is_put |= filler.line.put(&place.part(&[2 + shift]), number)
            && filler.line.put(&place.part(&[3 + shift]), kind);
    }
    is_put
}

/// A number that HD has, whose form says of which kind it is.
///
/// - Source: HL7 table 0301.
fn number_of(filler: &mut Filler<'_, '_>, number: &str, place: &Place) -> bool {
    let kind = match number {
        _ if is_oid(number) => "ISO",
        _ if number.len() == 36 && number.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') => {
            "UUID"
        }
        _ => return false,
    };
    filler.line.put(&place.part(&[2]), number) && filler.line.put(&place.part(&[3]), kind)
}

/// Text of several lines: a repetition for each.
fn lines(filler: &mut Filler<'_, '_>, text: &str, place: &Place) -> bool {
    let mut is_put = false;
    for (nth, line) in (place.nth..).zip(text.lines()) {
        let place = Place { nth, ..place.clone() };
        is_put |= !line.is_empty() && filler.line.put(&place, line);
    }
    is_put
}

/// A name in one text: family, or given and family.
fn name_of(filler: &mut Filler<'_, '_>, text: &str, place: &Place) -> bool {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [given, family] => {
            filler.line.put(&place.part(&[1]), family) && filler.line.put(&place.part(&[2]), given)
        }
        [given, middle, family] if middle.trim_end_matches('.').len() == 1 => {
            filler.line.put(&place.part(&[1]), family)
                && filler.line.put(&place.part(&[2]), given)
                && filler.line.put(&place.part(&[3]), middle)
        }
        _ => filler.line.put(&place.part(&[1]), text.trim()),
    }
}

/// The lines of an address, in the order that reading them gave: street, its name and number where
/// there are many lines, other designation, addressee.
///
/// - Source: HL7 v2.8, 2.A.88 XAD.
fn street(filler: &mut Filler<'_, '_>, address: &Json<'_>, place: &Place) -> bool {
    const FEW: [&[u16]; 3] = [&[1, 1], &[2], &[19]];
    const MORE: [&[u16]; 4] = [&[1, 1], &[1, 2], &[2], &[19]];
    const MANY: [&[u16]; 5] = [&[1, 1], &[1, 2], &[1, 3], &[2], &[19]];
    let lines = address.get("line").map(Json::items).unwrap_or_default();
    let parts: &[&[u16]] = match lines.len() {
        0..=3 => &FEW,
        4 => &MORE,
        _ => &MANY,
    };
    let mut is_put = false;
    for (line, part) in lines.iter().zip(parts) {
        if let Some(text) = line.as_str() {
            is_put |= filler.line.put(&place.part(part), text);
        }
    }
    if let Some(text) = address.get("text").and_then(Json::as_str)
        && !is_put
        && address.get("city").is_none()
    {
        is_put = filler.line.put(&place.part(&[1, 1]), text);
    }
    is_put
}

/// ORC-1 for what an order is.
///
/// - Source: HL7 table 0119.
pub(super) fn order_control(resource: &Json<'_>, message: &str) -> Option<&'static str> {
    let is_order = matches!(kind(resource), "ServiceRequest" | "MedicationRequest");
    if !is_order && kind(resource) != "Immunization" {
        return None;
    }
    if ["ORU", "RDS", "RAS", "VXU", "MDM"].iter().any(|code| message.starts_with(code)) {
        return Some("RE");
    }
    Some(match resource.get("status").and_then(Json::as_str)? {
        "revoked" | "cancelled" | "entered-in-error" => "CA",
        "stopped" => "DC",
        "on-hold" => "HD",
        _ => "NW",
    })
}

/// Whether somebody takes part in an appointment as whoever booked it or is asked about it, and not
/// as whoever is met: those stand in SCH.
pub(super) fn is_contact(participant: &Json<'_>) -> bool {
    let code = first(participant, &["type", "coding", "code"]);
    code.is_some_and(|code| matches!(code, "CALLBCK" | "REFB" | "ENT"))
}

/// The number of an insured person as CX: who gave it is said where the person is.
fn subscriber<'j>(
    filler: &mut Filler<'_, 'j>,
    id: &str,
    coverage: &'j Json<'j>,
    place: &Place,
) -> bool {
    let is_put = filler.line.put(&place.part(&[1]), id);
    let person = coverage.get("subscriber").and_then(|it| filler.source.resolve(it, coverage));
    let all = person.and_then(|it| it.get("identifier")).map(Json::items).unwrap_or_default();
    let same = all.iter().find(|it| it.get("value").and_then(Json::as_str) == Some(id));
    if let Some(same) = same.filter(|_| is_put) {
        if let Some(system) = same.get("system").and_then(Json::as_str) {
            authority(filler, system, &place.part(&[4]), 0);
        }
        if let Some(code) = first(same, &["type", "coding", "code"]) {
            filler.line.put(&place.part(&[5]), code);
        }
    }
    is_put
}

/// The levels of a place: component of PL, physical type.
///
/// - Source: HL7 v2.8, 2.A.53 PL; FHIR R4, location-physical-type.
const LEVELS: [(&str, u16); 7] =
    [("bd", 3), ("ro", 2), ("lvl", 8), ("wa", 1), ("bu", 7), ("si", 4), ("wi", 1)];

/// Most places inside each other.
/// LIMIT: PL has six levels.
const LEVELS_MAX: usize = 8;

/// A place and those that it is part of, as PL.
fn location<'j>(filler: &mut Filler<'_, 'j>, bound: Bound<'j>, place: &Place) -> bool {
    let mut at = match bound.kind.name() {
        "Reference" => filler.source.resolve(bound.node, bound.owner),
        _ => Some(bound.node),
    };
    let mut is_put = false;
    if at.is_none()
        && let Some(display) = bound.node.get("display").and_then(Json::as_str)
    {
        return filler.line.put(&place.part(&[9]), display);
    }
    for _ in 0..LEVELS_MAX {
        let Some(here) = at.filter(|it| kind(it) == "Location") else { break };
        let text = |name: &str| here.get(name).and_then(Json::as_str);
        let code = first(here, &["physicalType", "coding", "code"]);
        let level = LEVELS.iter().find(|(name, _)| Some(*name) == code).map(|(_, n)| *n);
        let identifiers = here.get("identifier").map(Json::items).unwrap_or_default();
        let value = |it: &'j Json<'j>| it.get("value").and_then(Json::as_str);
        let name = text("name").or_else(|| identifiers.first().and_then(value));
        // A place of no known level is the ward, the innermost that every PL has.
        let level = level.unwrap_or(1);
        if let Some(name) = name {
            is_put |= filler.line.put(&place.part(&[level]), name);
        }
        if let Some(number) = identifiers.get(1).and_then(value) {
            let (number, kind) = if let Some(oid) = number.strip_prefix("urn:oid:") {
                (oid, "ISO")
            } else {
                number.strip_prefix("urn:uuid:").map_or((number, ""), |uuid| (uuid, "UUID"))
            };
            if filler.line.put(&place.part(&[level, 2]), number) && !kind.is_empty() {
                filler.line.put(&place.part(&[level, 3]), kind);
            }
        }
        if let Some(code) = first(here, &["type", "coding", "code"]) {
            filler.line.put(&place.part(&[6]), code);
        }
        if let Some(description) = text("description")
            && Some(description) != name
        {
            filler.line.put(&place.part(&[9]), description);
        }
        at = here.get("partOf").and_then(|it| filler.source.resolve(it, here));
    }
    is_put
}

/// The first text at a path, through lists.
fn first<'j>(json: &'j Json<'j>, path: &[&str]) -> Option<&'j str> {
    let mut at = json;
    for name in path {
        at = at.get(name)?.items().first()?;
    }
    at.as_str()
}

/// An Attachment as ED.
///
/// - Source: HL7 v2.8, 2.A.24 ED; HL7 tables 0191, 0299.
fn attachment(filler: &mut Filler<'_, '_>, bound: Bound<'_>, place: &Place) -> bool {
    let text = |name: &str| bound.node.get(name).and_then(Json::as_str);
    if let Some(url) = text("url") {
        return filler.line.put(&place.part(&[1]), url);
    }
    let Some(data) = text("data") else {
        return text("title").is_some_and(|title| filler.line.put(&place.part(&[1]), title));
    };
    let content = text("contentType").unwrap_or("application/octet-stream");
    let (main, sub) = content.split_once('/').unwrap_or((content, "octet-stream"));
    let line = &mut filler.line;
    line.put(&place.part(&[2]), main)
        && line.put(&place.part(&[3]), sub)
        && line.put(&place.part(&[4]), "Base64")
        && line.put(&place.part(&[5]), data)
}

/// A reference range as text.
fn range(filler: &mut Filler<'_, '_>, element: &Json<'_>, place: &Place) -> bool {
    let number = |name: &str| {
        element.get(name)?.get("value")?.as_number().map(|number| number.as_str().to_owned())
    };
    let text = match (number("low"), number("high")) {
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!(">={low}"),
        (None, Some(high)) => format!("<={high}"),
        (None, None) => return false,
    };
    filler.line.put(place, &text)
}

/// The type of OBX-2 for the value that an Observation has.
///
/// - Source: HL7 v2.5.1, table 0125.
pub(super) fn value_type(observation: &Json<'_>) -> Option<&'static str> {
    let has = |name: &str| observation.get(name).is_some();
    let object = observation.as_object()?;
    for (name, value) in object.iter() {
        let found = match name {
            "valueQuantity" if value.get("comparator").is_some() => "SN",
            "valueQuantity" | "valueInteger" => "NM",
            "valueString" if value.as_str().is_some_and(|text| text.contains('\n')) => "TX",
            "valueString" | "valueBoolean" => "ST",
            "valueCodeableConcept" => "CWE",
            "valueRange" | "valueRatio" => "SN",
            "valuePeriod" => "DR",
            "valueDateTime" => "TS",
            "valueTime" => "TM",
            "valueSampledData" => "NA",
            _ => continue,
        };
        return Some(found);
    }
    if let Some(component) = observation.get("component").and_then(|it| it.items().first())
        && !has("value")
    {
        return value_type(component);
    }
    let attachment = observation.get("extension").map(Json::items).unwrap_or_default();
    let attachment = attachment.iter().find_map(|it| it.get("valueAttachment"))?;
    Some(if attachment.get("url").is_some() { "RP" } else { "ED" })
}
