//! The part of a resource that `_elements` or `_summary` asks for.

use ward_fhir::{
    Json,
    definitions::{ElementKind, TypeDef, TypeKind, schema},
    json::Object,
    search::{SearchRequest, SummaryMode},
};

/// `None` for the whole.
///
/// - Shape: elements that must be there are there, and the rest is marked SUBSETTED.
/// - Source: FHIR R4, 3.1.1.5.8 `_summary` and 3.1.1.5.9 `_elements`.
pub(super) fn subset(request: &SearchRequest, body: &[u8]) -> Option<Vec<u8>> {
    if request.elements.is_empty() && request.summary == SummaryMode::False {
        return None;
    }
    let mut tree = Json::parse(body).ok()?;
    let kind = tree.get("resourceType").and_then(Json::as_str)?.to_owned();
    let def = schema().resource(&kind)?;
    let object = tree.as_object_mut()?;
    object.retain(|name, _| keeps(request, def, name));
    if request.summary == SummaryMode::True {
        summarize(def, object);
    }
    if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
        tag(meta);
    }
    Some(tree.to_bytes())
}

fn keeps(request: &SearchRequest, def: &TypeDef, name: &str) -> bool {
    let name = name.strip_prefix('_').unwrap_or(name);
    let element = def.member(name).map(|found| found.element);
    let always = matches!(name, "resourceType" | "id" | "meta")
        || element.is_some_and(|element| 0 < element.min);
    match request.summary {
        SummaryMode::Text => always || name == "text",
        SummaryMode::Data => name != "text",
        SummaryMode::True => always || element.is_some_and(|element| element.in_summary),
        SummaryMode::Count => false,
        // `value` asks for `valueQuantity` too.
        SummaryMode::False => {
            let is = |asked: &str| asked == name || element.is_some_and(|it| it.name == asked);
            always || request.elements.iter().any(|asked| is(asked))
        }
    }
}

/// Leaves out of the structures inside what is not of the summary; data types stay whole.
fn summarize(def: &'static TypeDef, object: &mut Object<'_>) {
    for (name, value) in object.iter_mut() {
        let kind = def.member(name).map(|found| found.kind.kind);
        let Some(ElementKind::Complex(id)) = kind else { continue };
        let Some(inner) = schema().get(id).filter(|inner| inner.kind == TypeKind::Nested) else {
            continue;
        };
        let each = |item: &mut Json<'_>| {
            if let Some(object) = item.as_object_mut() {
                object.retain(|name, _| {
                    let name = name.strip_prefix('_').unwrap_or(name);
                    inner.member(name).is_some_and(|it| it.element.in_summary || 0 < it.element.min)
                });
                summarize(inner, object);
            }
        };
        match value {
            Json::Array(items) => items.iter_mut().for_each(each),
            one => each(one),
        }
    }
}

const TAGS: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// - Source: FHIR R4, 2.1.27 meta tags; HL7 v3 ObservationValue, SUBSETTED.
fn tag(meta: &mut Object<'_>) {
    let text = |of: &Json<'_>, name: &str| of.get(name).and_then(Json::as_str).map(str::to_owned);
    let is_tagged = meta.get("tag").map(Json::items).unwrap_or_default().iter().any(|tag| {
        text(tag, "system").as_deref() == Some(TAGS)
            && text(tag, "code").as_deref() == Some("SUBSETTED")
    });
    if is_tagged {
        return;
    }
    let members = [("system", Json::string(TAGS)), ("code", Json::string("SUBSETTED"))];
    let subsetted = Json::Object(members.into_iter().collect());
    match meta.get_mut("tag") {
        Some(Json::Array(tags)) => tags.push(subsetted),
        _ => meta.insert("tag", Json::Array(vec![subsetted])),
    }
}
