//! A term's value, borrowed: from an owned term or straight from packed bytes.

use ward_core::ResourceType;

use super::term::TermValue;

/// As [`TermValue`], without owning anything but the list of a composite.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueRef<'a> {
    Token {
        system: Option<&'a str>,
        code: Option<&'a str>,
        text: Option<&'a str>,
    },
    Reference {
        kind: ResourceType,
        id: &'a str,
        version: Option<u32>,
    },
    Url(&'a str),
    Identified {
        system: Option<&'a str>,
        value: Option<&'a str>,
    },
    String(&'a str),
    Date {
        from_us: i64,
        to_us: i64,
    },
    Number {
        value: f64,
        low: f64,
        high: f64,
    },
    Quantity {
        value: f64,
        low: f64,
        high: f64,
        system: Option<&'a str>,
        code: Option<&'a str>,
        unit: Option<&'a str>,
    },
    Composite(Vec<ValueRef<'a>>),
}

impl TermValue {
    /// Looks at the value without taking it.
    pub fn as_value(&self) -> ValueRef<'_> {
        match self {
            TermValue::Token { system, code, text } => ValueRef::Token {
                system: system.as_deref(),
                code: code.as_deref(),
                text: text.as_deref(),
            },
            TermValue::Reference { kind, id, version } => {
                ValueRef::Reference { kind: *kind, id, version: *version }
            }
            TermValue::Url(url) => ValueRef::Url(url),
            TermValue::Identified { system, value } => {
                ValueRef::Identified { system: system.as_deref(), value: value.as_deref() }
            }
            TermValue::String(text) => ValueRef::String(text),
            TermValue::Date { from_us, to_us } => {
                ValueRef::Date { from_us: *from_us, to_us: *to_us }
            }
            TermValue::Number { value, low, high } => {
                ValueRef::Number { value: *value, low: *low, high: *high }
            }
            TermValue::Quantity { value, low, high, system, code, unit } => ValueRef::Quantity {
                value: *value,
                low: *low,
                high: *high,
                system: system.as_deref(),
                code: code.as_deref(),
                unit: unit.as_deref(),
            },
            TermValue::Composite(parts) => {
                ValueRef::Composite(parts.iter().map(TermValue::as_value).collect())
            }
        }
    }
}

impl ValueRef<'_> {
    /// A copy that borrows from nothing.
    pub fn to_term_value(&self) -> TermValue {
        let own = |text: &Option<&str>| text.map(Box::from);
        match self {
            ValueRef::Token { system, code, text } => {
                TermValue::Token { system: own(system), code: own(code), text: own(text) }
            }
            ValueRef::Reference { kind, id, version } => {
                TermValue::Reference { kind: *kind, id: (*id).into(), version: *version }
            }
            ValueRef::Url(url) => TermValue::Url((*url).into()),
            ValueRef::Identified { system, value } => {
                TermValue::Identified { system: own(system), value: own(value) }
            }
            ValueRef::String(text) => TermValue::String((*text).into()),
            ValueRef::Date { from_us, to_us } => {
                TermValue::Date { from_us: *from_us, to_us: *to_us }
            }
            ValueRef::Number { value, low, high } => {
                TermValue::Number { value: *value, low: *low, high: *high }
            }
            ValueRef::Quantity { value, low, high, system, code, unit } => TermValue::Quantity {
                value: *value,
                low: *low,
                high: *high,
                system: own(system),
                code: own(code),
                unit: own(unit),
            },
            ValueRef::Composite(parts) => {
                TermValue::Composite(parts.iter().map(ValueRef::to_term_value).collect())
            }
        }
    }
}
