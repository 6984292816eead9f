//! Any part of a message as a value that splits further.

use std::borrow::Cow;

use ward_hl7::{
    Presence, Segment,
    message::{Component, Repetition, Subcomponent},
};

/// What a map is run on.
#[derive(Clone, Copy)]
pub(super) enum Value<'m> {
    Segment(Segment<'m>),
    Repetition(Repetition<'m>),
    Component(Component<'m>),
    Subcomponent(Subcomponent<'m>),
    /// A component of something that has none.
    Nothing,
}

impl<'m> Value<'m> {
    /// Part `n` of a value; a value that does not split is its own first part.
    pub fn part(self, n: u16) -> Value<'m> {
        let n = usize::from(n);
        let found = match self {
            Value::Segment(segment) => {
                segment.field(n).and_then(|f| f.repetition(1)).map(Value::Repetition)
            }
            Value::Repetition(it) => it.component(n).map(Value::Component),
            Value::Component(it) => it.subcomponent(n).map(Value::Subcomponent),
            Value::Subcomponent(_) if n == 1 => Some(self),
            Value::Subcomponent(_) | Value::Nothing => None,
        };
        found.unwrap_or(Value::Nothing)
    }

    pub fn parts(self, numbers: &[u16]) -> Value<'m> {
        numbers.iter().fold(self, |value, n| value.part(*n))
    }

    /// Plain text of the first leaf.
    pub fn text(self) -> Option<Cow<'m, str>> {
        let text = match self {
            Value::Segment(_) | Value::Nothing => None,
            Value::Repetition(it) => it.text(),
            Value::Component(it) => it.text(),
            Value::Subcomponent(it) => it.text(),
        }?;
        let trimmed = text.trim();
        match trimmed.len() {
            0 => None,
            n if n == text.len() => Some(text),
            _ => Some(Cow::Owned(trimmed.to_owned())),
        }
    }

    /// Plain text of all of it: delimiters that a sender forgot to escape are text again.
    pub fn whole_text(self) -> Option<String> {
        let join = |mut parts: Vec<String>, by: &str| {
            while parts.last().is_some_and(String::is_empty) {
                parts.pop();
            }
            (!parts.is_empty()).then(|| parts.join(by))
        };
        match self {
            Value::Repetition(it) => {
                let part = |c| Value::Component(c).whole_text().unwrap_or_default();
                join(it.components().map(part).collect(), "^")
            }
            Value::Component(it) => {
                let part = |s: Subcomponent<'_>| s.text().unwrap_or_default().into_owned();
                join(it.subcomponents().map(part).collect(), "&")
            }
            other => other.text().map(Cow::into_owned),
        }
    }

    /// Whether anything in it has a value.
    pub fn is_valued(self) -> bool {
        match self {
            Value::Segment(_) => true,
            Value::Nothing => false,
            Value::Repetition(it) => it.components().any(|c| Value::Component(c).is_valued()),
            Value::Component(it) => it.subcomponents().any(|s| Value::Subcomponent(s).is_valued()),
            Value::Subcomponent(it) => {
                it.presence() == Presence::Valued && !it.raw().trim().is_empty()
            }
        }
    }
}
