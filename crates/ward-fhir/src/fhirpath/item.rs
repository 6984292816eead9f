//! What an expression selects: elements of the resource, and values made on the way.

use std::rc::Rc;

use super::number::Number;
use crate::{
    json::Json,
    search::{Interval, interval},
};

/// One item of a collection.
#[derive(Clone, Debug)]
pub enum Item<'t> {
    Node(Node<'t>),
    Bool(bool),
    Integer(i64),
    Decimal(Number),
    Text(String),
    Moment(Moment),
    Quantity(Number, String),
    /// A reference to a record that is not at hand: its type's name is all that is known.
    Elsewhere(String),
}

/// An element of the resource.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    pub json: &'t Json<'t>,
    pub place: Option<Rc<Place<'t>>>,
    /// FHIR's name of the type when it is known.
    pub kind: Option<&'t str>,
    /// Of a primitive: the object beside it that holds its id and extensions.
    pub beside: Option<&'t Json<'t>>,
}

/// Where an element stands.
#[derive(Debug)]
pub struct Place<'t> {
    pub parent: Option<Rc<Place<'t>>>,
    pub step: Step<'t>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'t> {
    /// The member's name in JSON, such as `valueQuantity`.
    Member(&'t str),
    Index(usize),
}

impl<'t> Node<'t> {
    /// The steps from the resource to here.
    pub fn steps(&self) -> Vec<Step<'t>> {
        let mut steps = Vec::new();
        let mut at = self.place.as_deref();
        while let Some(place) = at {
            steps.push(place.step);
            at = place.parent.as_deref();
        }
        steps.reverse();
        steps
    }
}

/// A date, a time of day, or both, with the precision it is written in.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    /// Without the `@`.
    pub text: String,
    pub interval: Interval,
}

impl Moment {
    pub fn parse(text: &str) -> Option<Moment> {
        let found = match text.strip_prefix('T') {
            Some(time) => interval(&format!("1970-01-01T{}", full_time(time))),
            // A partial date time may end in `T`.
            None => interval(text.trim_end_matches('T')),
        };
        found.map(|interval| Moment { text: text.to_owned(), interval })
    }
}

/// An hour alone is allowed in FHIRPath.
fn full_time(time: &str) -> String {
    if time.len() == 2 { format!("{time}:00") } else { time.to_owned() }
}

impl<'t> Item<'t> {
    /// The whole resource.
    pub fn root(json: &'t Json<'t>) -> Item<'t> {
        let kind = json.get("resourceType").and_then(Json::as_str);
        Item::Node(Node { json, place: None, kind, beside: None })
    }

    /// As a value rather than an element; `None` for an object.
    pub(super) fn value(&self) -> Option<Item<'t>> {
        let Item::Node(node) = self else { return Some(self.clone()) };
        match node.json {
            Json::Bool(value) => Some(Item::Bool(*value)),
            Json::String(text) => Some(Item::Text(text.clone().into_owned())),
            Json::Number(number) => match number.as_str().parse() {
                Ok(n) => Some(Item::Integer(n)),
                Err(_) => Number::parse(number.as_str()).map(Item::Decimal),
            },
            Json::Object(_) => quantity(node.json),
            Json::Null | Json::Array(_) => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.value()? {
            Item::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn as_integer(&self) -> Option<i64> {
        match self.value()? {
            Item::Integer(n) => Some(n),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<Number> {
        match self.value()? {
            Item::Integer(n) => Some(Number::from_integer(n)),
            Item::Decimal(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<String> {
        match self.value()? {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A moment, also one written as a text of the resource.
    pub(super) fn as_moment(&self) -> Option<Moment> {
        match self {
            Item::Moment(moment) => Some(moment.clone()),
            _ => Moment::parse(&self.as_text()?),
        }
    }

    /// What `toString()` says.
    pub(super) fn to_text(&self) -> Option<String> {
        Some(match self.value()? {
            Item::Bool(value) => value.to_string(),
            Item::Integer(n) => n.to_string(),
            Item::Decimal(number) => match self {
                // The text of the resource keeps its zeros.
                Item::Node(Node { json: Json::Number(text), .. }) => text.as_str().to_owned(),
                _ => number.to_string(),
            },
            Item::Text(text) => text,
            Item::Moment(moment) => moment.text,
            Item::Quantity(number, unit) => format!("{number} '{unit}'"),
            Item::Node(_) | Item::Elsewhere(_) => return None,
        })
    }

    /// Whether the item is of the type, as far as can be told without the definitions.
    pub(super) fn is_a(&self, name: &str) -> bool {
        let name = name.strip_prefix("FHIR.").unwrap_or(name);
        let (system, name) = match name.strip_prefix("System.") {
            Some(name) => (true, name),
            None => (false, name),
        };
        match self {
            Item::Node(Node { kind: Some(kind), .. }) if !system => kind_is(kind, name),
            Item::Node(node) => match node.json {
                Json::Bool(_) => name.eq_ignore_ascii_case("boolean"),
                Json::String(_) => name.eq_ignore_ascii_case("string"),
                Json::Number(number) => match number.as_str().parse::<i64>() {
                    Ok(_) => name.eq_ignore_ascii_case("integer"),
                    Err(_) => name.eq_ignore_ascii_case("decimal"),
                },
                Json::Object(_) => match name {
                    "Quantity" => quantity(node.json).is_some(),
                    "Reference" => node.json.get("reference").is_some(),
                    "CodeableConcept" => node.json.get("coding").is_some(),
                    "Period" => node.json.get("start").is_some() || node.json.get("end").is_some(),
                    _ => false,
                },
                Json::Null | Json::Array(_) => false,
            },
            Item::Bool(_) => name.eq_ignore_ascii_case("boolean"),
            Item::Integer(_) => name.eq_ignore_ascii_case("integer"),
            Item::Decimal(_) => name.eq_ignore_ascii_case("decimal"),
            Item::Text(_) => name.eq_ignore_ascii_case("string"),
            Item::Moment(moment) => match moment.text.strip_prefix('T') {
                Some(_) => name.eq_ignore_ascii_case("time"),
                None if moment.text.contains('T') => name.eq_ignore_ascii_case("dateTime"),
                None => name.eq_ignore_ascii_case("date"),
            },
            Item::Quantity(..) => name == "Quantity",
            Item::Elsewhere(kind) => kind_is(kind, name),
        }
    }
}

/// Types under other types, as far as a filter names them.
fn kind_is(kind: &str, name: &str) -> bool {
    if kind == name {
        return true;
    }
    let is_resource = kind.parse::<ward_core::ResourceType>().is_ok();
    match name {
        "Resource" => is_resource,
        "DomainResource" => is_resource && !matches!(kind, "Bundle" | "Binary" | "Parameters"),
        "Quantity" => matches!(kind, "Age" | "Count" | "Distance" | "Duration"),
        "uri" => matches!(kind, "url" | "canonical" | "uuid" | "oid"),
        "string" => matches!(kind, "code" | "id" | "markdown"),
        "integer" => matches!(kind, "positiveInt" | "unsignedInt"),
        _ => false,
    }
}

fn quantity<'t>(json: &Json<'_>) -> Option<Item<'t>> {
    let number = Number::parse(json.get("value")?.as_number()?.as_str())?;
    let unit = json.get("code").or_else(|| json.get("unit")).and_then(Json::as_str);
    Some(Item::Quantity(number, unit.unwrap_or("1").to_owned()))
}

/// The type of a choice, by the end of its member's name.
pub(super) fn choice_kind(suffix: &str) -> Option<&'static str> {
    CHOICES
        .iter()
        .find(|kind| {
            let (first, rest) = kind.split_at(1);
            suffix.strip_prefix(first.to_ascii_uppercase().as_str()) == Some(rest)
        })
        .copied()
}

/// - Source: FHIR R4, Extensibility, types that `value[x]` takes.
#[rustfmt::skip]
const CHOICES: [&str; 50] = [
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant",
    "integer", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url",
    "uuid", "Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding",
    "ContactPoint", "Count", "Distance", "Duration", "HumanName", "Identifier", "Money", "Period",
    "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature", "Timing",
    "ContactDetail", "Contributor", "DataRequirement", "Expression", "ParameterDefinition",
    "RelatedArtifact", "TriggerDefinition", "UsageContext", "Dosage", "Meta",
];
