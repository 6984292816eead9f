//! From an element to search values, by the element's type and the parameter's kind.

use ward_core::{FhirId, ResourceType};

use super::{
    date::{Interval, interval},
    params::ParamKind,
    program::Element,
    term::{ParamId, Term, TermValue},
    test::of_type_system,
};
use crate::json::Json;

/// Where values of one parameter go.
pub(super) struct Sink<'t> {
    pub(super) param: ParamId,
    pub(super) terms: &'t mut Vec<Term>,
    /// Where this server is reached: references that start with it are to records here.
    pub(super) base: &'t str,
}

impl Sink<'_> {
    pub(super) fn push(&mut self, value: TermValue) {
        self.terms.push(Term { param: self.param, value });
    }

    fn token(&mut self, system: Option<&str>, code: Option<&str>, text: Option<&str>) {
        if code.is_some() || text.is_some() {
            self.push(TermValue::Token {
                system: system.map(Box::from),
                code: code.map(Box::from),
                text: text.map(Box::from),
            });
        }
    }
}

/// Appends the values of one item. What does not fit its kind is left out: validation has said so.
pub(super) fn convert(kind: ParamKind, element: Element, item: &Json<'_>, sink: &mut Sink<'_>) {
    match kind {
        ParamKind::Token => token(element, item, sink),
        ParamKind::Reference => reference(element, item, sink),
        ParamKind::String => string(element, item, sink),
        ParamKind::Date => date(item, sink),
        ParamKind::Uri => {
            if let Some(url) = item.as_str() {
                sink.push(TermValue::Url(url.into()));
            }
        }
        ParamKind::Number => number(item, sink),
        ParamKind::Quantity => quantity(element, item, sink),
        ParamKind::Composite | ParamKind::Special => {}
    }
}

fn text_of<'j>(item: &'j Json<'_>, name: &str) -> Option<&'j str> {
    item.get(name).and_then(Json::as_str)
}

fn token(element: Element, item: &Json<'_>, sink: &mut Sink<'_>) {
    match element {
        Element::Deceased => {
            let is_dead = item.as_bool() != Some(false);
            sink.token(None, Some(if is_dead { "true" } else { "false" }), None);
        }
        Element::CodeableConcept => concept(item, sink),
        Element::Coding => coding(item, None, sink),
        Element::Identifier => identifier(item, sink),
        Element::ContactPoint => sink.token(None, text_of(item, "value"), None),
        _ => match item {
            Json::String(code) => sink.token(None, Some(code), None),
            Json::Bool(true) => sink.token(None, Some("true"), None),
            Json::Bool(false) => sink.token(None, Some("false"), None),
            Json::Number(number) => sink.token(None, Some(number.as_str()), None),
            Json::Object(object) => {
                if object.contains("coding") || object.contains("text") {
                    concept(item, sink);
                } else if object.contains("code") || object.contains("display") {
                    coding(item, None, sink);
                } else {
                    identifier(item, sink);
                }
            }
            Json::Null | Json::Array(_) => {}
        },
    }
}

fn concept(item: &Json<'_>, sink: &mut Sink<'_>) {
    let text = text_of(item, "text");
    let mut text_is_said = false;
    for one in item.get("coding").map(Json::items).unwrap_or_default() {
        text_is_said |= text.is_some() && text_of(one, "display").is_none_or(|d| Some(d) == text);
        coding(one, text, sink);
    }
    if !text_is_said {
        sink.token(None, None, text);
    }
}

fn coding(item: &Json<'_>, text: Option<&str>, sink: &mut Sink<'_>) {
    let display = text_of(item, "display").or(text);
    if let Some(code) = text_of(item, "code") {
        sink.token(text_of(item, "system"), Some(code), display);
    } else {
        sink.token(None, None, display);
    }
}

fn identifier(item: &Json<'_>, sink: &mut Sink<'_>) {
    let Some(value) = text_of(item, "value") else { return };
    let kind = item.get("type");
    let text = kind.and_then(|kind| text_of(kind, "text"));
    sink.token(text_of(item, "system"), Some(value), text);
    for one in kind.and_then(|kind| kind.get("coding")).map(Json::items).unwrap_or_default() {
        if let Some(code) = text_of(one, "code") {
            let system = of_type_system(text_of(one, "system").unwrap_or_default(), code);
            sink.token(Some(&system), Some(value), None);
        }
    }
}

fn reference(element: Element, item: &Json<'_>, sink: &mut Sink<'_>) {
    if let Some(text) = item.as_str() {
        if let Some(value) = reference_value(text, sink.base) {
            sink.push(value);
        }
        return;
    }
    if element == Element::Resource {
        let kind = text_of(item, "resourceType").and_then(|kind| kind.parse().ok());
        if let (Some(kind), Some(id)) = (kind, text_of(item, "id")) {
            sink.push(TermValue::Reference { kind, id: id.into(), version: None });
        }
        return;
    }
    if let Some(value) =
        text_of(item, "reference").and_then(|text| reference_value(text, sink.base))
    {
        sink.push(value);
    }
    if let Some(identifier) = item.get("identifier") {
        let (system, value) = (text_of(identifier, "system"), text_of(identifier, "value"));
        if value.is_some() {
            let (system, value) = (system.map(Box::from), value.map(Box::from));
            sink.push(TermValue::Identified { system, value });
        }
    }
}

/// `None` for a contained resource, which search does not see.
fn reference_value(text: &str, base: &str) -> Option<TermValue> {
    if text.starts_with('#') || text.is_empty() {
        return None;
    }
    Some(match local_reference_at(text, base) {
        Some((kind, id, version)) => TermValue::Reference { kind, id: id.into(), version },
        None => TermValue::Url(text.into()),
    })
}

/// `Type/id` or `Type/id/_history/version`.
pub(super) fn local_reference(text: &str) -> Option<(ResourceType, &str, Option<u32>)> {
    let mut parts = text.split('/');
    let kind = parts.next()?.parse().ok()?;
    let id = parts.next().filter(|id| id.parse::<FhirId>().is_ok())?;
    match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) => Some((kind, id, None)),
        (Some("_history"), Some(version), None) => Some((kind, id, Some(version.parse().ok()?))),
        _ => None,
    }
}

/// The same, also written with the address of this server.
///
/// - Source: FHIR R4, 2.3.0.1 literal references.
pub(super) fn local_reference_at<'t>(
    text: &'t str,
    base: &str,
) -> Option<(ResourceType, &'t str, Option<u32>)> {
    let here = text.strip_prefix(base).filter(|_| !base.is_empty());
    local_reference(here.and_then(|rest| rest.strip_prefix('/')).unwrap_or(text))
}

/// The record a reference points at, if it is of type `target`.
pub(super) fn points_at<'j>(
    item: &'j Json<'_>,
    target: ResourceType,
    base: &str,
) -> Option<&'j str> {
    let text = item.as_str().or_else(|| text_of(item, "reference"))?;
    let (kind, id, _) = local_reference_at(text, base)?;
    (kind == target).then_some(id)
}

/// Whether a reference is to a record of type `target`, here or elsewhere.
pub(super) fn is_reference_to(item: &Json<'_>, target: ResourceType) -> bool {
    let text = item.as_str().or_else(|| text_of(item, "reference"));
    if let Some(text) = text
        && let Some((kind, _, _)) = local_reference(text)
    {
        return kind == target;
    }
    if let Some(kind) = text_of(item, "type") {
        return kind == target.name();
    }
    // An absolute URL ends in `/Type/id`, perhaps with a version.
    let mut parts = text.unwrap_or_default().rsplit('/');
    let mut last = (parts.next(), parts.next());
    if last.1 == Some("_history") {
        last = (parts.next(), parts.next());
    }
    last.1 == Some(target.name())
}

/// The members of a name and of an address that string search looks at.
const NAME_PARTS: [&str; 5] = ["text", "family", "given", "prefix", "suffix"];
const ADDRESS_PARTS: [&str; 7] =
    ["text", "line", "city", "district", "state", "country", "postalCode"];

fn string(element: Element, item: &Json<'_>, sink: &mut Sink<'_>) {
    if let Some(text) = item.as_str() {
        if !text.is_empty() {
            sink.push(TermValue::String(text.into()));
        }
        return;
    }
    let parts: &[&str] = match element {
        Element::HumanName => &NAME_PARTS,
        Element::Address => &ADDRESS_PARTS,
        _ => &["text"],
    };
    for part in parts {
        for one in item.get(part).map(Json::items).unwrap_or_default() {
            if let Some(text) = one.as_str() {
                sink.push(TermValue::String(text.into()));
            }
        }
    }
}

fn date(item: &Json<'_>, sink: &mut Sink<'_>) {
    let found = match item {
        Json::String(text) => interval(text),
        Json::Object(_) => period(item).or_else(|| timing(item)),
        _ => None,
    };
    if let Some(Interval { from_us, to_us }) = found {
        sink.push(TermValue::Date { from_us, to_us: to_us.max(from_us.saturating_add(1)) });
    }
}

fn period(item: &Json<'_>) -> Option<Interval> {
    let start = text_of(item, "start").and_then(interval);
    let end = text_of(item, "end").and_then(interval);
    if start.is_none() && end.is_none() {
        return None;
    }
    Some(Interval {
        from_us: start.map_or(Interval::OPEN_FROM, |start| start.from_us),
        to_us: end.map_or(Interval::OPEN_TO, |end| end.to_us),
    })
}

/// The whole span of a timing: its events, or the bounds of its repetition.
fn timing(item: &Json<'_>) -> Option<Interval> {
    let events = item.get("event").map(Json::items).unwrap_or_default();
    let events = events.iter().filter_map(Json::as_str).filter_map(interval);
    let span = events
        .reduce(|a, b| Interval { from_us: a.from_us.min(b.from_us), to_us: a.to_us.max(b.to_us) });
    span.or_else(|| period(item.get("repeat")?.get("boundsPeriod")?))
}

fn number(item: &Json<'_>, sink: &mut Sink<'_>) {
    if let Some(value) = finite(item) {
        sink.push(TermValue::Number { value, low: value, high: value });
    } else if let Some((value, low, high)) = range(item) {
        sink.push(TermValue::Number { value, low, high });
    }
}

fn finite(item: &Json<'_>) -> Option<f64> {
    item.as_number().map(|number| number.to_f64()).filter(|value| value.is_finite())
}

/// Largest double stands for no upper end, so that no infinity is stored.
fn range(item: &Json<'_>) -> Option<(f64, f64, f64)> {
    let end = |name: &str| item.get(name).and_then(|q| q.get("value")).and_then(finite);
    let (low, high) = (end("low"), end("high"));
    let value = low.or(high)?;
    Some((value, low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX)))
}

fn quantity(element: Element, item: &Json<'_>, sink: &mut Sink<'_>) {
    let boxed = |text: Option<&str>| text.map(Box::from);
    if element == Element::Money || item.get("currency").is_some() {
        if let Some(value) = item.get("value").and_then(finite) {
            sink.push(TermValue::Quantity {
                value,
                low: value,
                high: value,
                system: Some("urn:iso:std:iso:4217".into()),
                code: boxed(text_of(item, "currency")),
                unit: None,
            });
        }
        return;
    }
    let (unit_of, (value, low, high)) = match item.get("value").and_then(finite) {
        Some(value) => {
            let ends = match text_of(item, "comparator") {
                Some("<" | "<=") => (value, f64::MIN, value),
                Some(">" | ">=") => (value, value, f64::MAX),
                _ => (value, value, value),
            };
            (item, ends)
        }
        None => {
            let Some(ends) = range(item) else { return };
            (item.get("low").or_else(|| item.get("high")).unwrap_or(item), ends)
        }
    };
    sink.push(TermValue::Quantity {
        value,
        low,
        high,
        system: boxed(text_of(unit_of, "system")),
        code: boxed(text_of(unit_of, "code")),
        unit: boxed(text_of(unit_of, "unit")),
    });
}
