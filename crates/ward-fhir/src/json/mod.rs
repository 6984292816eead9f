//! The JSON tree: borrows from the bytes it was read from, and keeps what FHIR asks to keep.
//!
//! Member order, the text of numbers (`1.00` stays `1.00`) and unknown members survive a round
//! trip byte for byte, but for white space and needless escapes.

mod object;
mod parse;
pub mod write;

use std::borrow::Cow;

pub use self::{
    object::Object,
    parse::{JsonError, JsonErrorKind},
};

/// One JSON value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// A number as its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number<'a>(Cow<'a, str>); // INVARIANT: a number by the grammar of RFC 8259.

impl<'a> Number<'a> {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// A whole number.
    pub fn from_integer(n: i64) -> Number<'static> {
        Number(Cow::Owned(n.to_string()))
    }
}

impl<'a> Json<'a> {
    /// Reads one value, and nothing after it.
    ///
    /// - Errors: the first thing that is not JSON, with its place; never its content.
    /// - Cost: one pass; strings without escapes and numbers are not copied.
    /// - Source: RFC 8259; duplicate members are refused, as FHIR R4 does.
    pub fn parse(bytes: &'a [u8]) -> Result<Json<'a>, JsonError> {
        parse::parse(bytes)
    }

    pub fn string(text: impl Into<Cow<'a, str>>) -> Json<'a> {
        Json::String(text.into())
    }

    /// The member of that name, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.as_object()?.get(name)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json<'a>> {
        self.as_object_mut()?.get_mut(name)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number<'a>> {
        match self {
            Json::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Json<'a>]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Json<'a>>> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn as_object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items of an array; of anything else, itself alone.
    pub fn items(&self) -> &[Json<'a>] {
        match self {
            Json::Array(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    /// The word for this kind of value, for error texts.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    /// A copy that borrows from nothing.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(value) => Json::Bool(value),
            Json::Number(Number(text)) => Json::Number(Number(Cow::Owned(text.into_owned()))),
            Json::String(text) => Json::String(Cow::Owned(text.into_owned())),
            Json::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Json::Object(object) => Json::Object(object.into_owned()),
        }
    }

    /// Whether two values say the same: member order does not matter, the text of numbers does.
    pub fn same_content(&self, other: &Json<'_>) -> bool {
        match (self, other) {
            (Json::Null, Json::Null) => true,
            (Json::Bool(a), Json::Bool(b)) => a == b,
            (Json::Number(a), Json::Number(b)) => a.as_str() == b.as_str(),
            (Json::String(a), Json::String(b)) => a == b,
            (Json::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_content(b))
            }
            (Json::Object(a), Json::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, value)| {
                        b.get(name).is_some_and(|other| value.same_content(other))
                    })
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
