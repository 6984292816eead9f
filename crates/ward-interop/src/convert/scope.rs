//! What a condition or an assignment of a row sees of the message.

use std::borrow::Cow;

use ward_hl7::{
    Message, Presence, Segment,
    map::{Expression, Piece, Ref, Values},
};

use super::{groups::Groups, value::Value};

/// A segment, and what of it a row is about.
#[derive(Clone, Copy)]
pub(super) struct Scope<'m> {
    pub message: &'m Message<'m>,
    pub groups: &'m Groups,
    pub segment: Segment<'m>,
    /// The field that is read, and which of its repetitions; 0 is none.
    pub field: u16,
    pub repetition: u16,
    /// What the map of the data type is run on; of a segment's map, the segment.
    pub base: Value<'m>,
    /// The value of the row.
    pub own: Value<'m>,
}

impl<'m> Scope<'m> {
    fn at(&self, reference: &Ref) -> Value<'m> {
        if reference.name.is_none() {
            return self.own;
        }
        let Some(id) = reference.segment else {
            // A data type: the value that is being mapped, or the field where a segment's row says
            // `CX.5`.
            let base = if matches!(self.base, Value::Segment(_)) { self.own } else { self.base };
            return base.parts(&reference.parts);
        };
        let segment = if self.segment.is(id) {
            self.segment
        } else {
            match self.groups.related(self.message, self.segment.place(), id) {
                Some(segment) => segment,
                None => return Value::Nothing,
            }
        };
        let Some((field, rest)) = reference.parts.split_first() else {
            return Value::Segment(segment);
        };
        let same = segment.place() == self.segment.place() && *field == self.field;
        // A component of the row's own field is that of the repetition in hand.
        if same && self.repetition != 0 && !rest.is_empty() {
            let nth = usize::from(self.repetition);
            let found = segment.field(usize::from(*field)).and_then(|f| f.repetition(nth));
            return found.map_or(Value::Nothing, |it| Value::Repetition(it).parts(rest));
        }
        Value::Segment(segment).parts(&reference.parts)
    }

    /// The text of an assignment; a value that is missing leaves nothing behind.
    pub fn evaluate(&self, expression: &Expression) -> String {
        let mut out = String::new();
        for piece in &expression.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(reference) => {
                    out.push_str(&self.at(reference).text().unwrap_or_default());
                }
            }
        }
        out
    }
}

impl Values for Scope<'_> {
    fn text(&self, of: &Ref) -> Option<Cow<'_, str>> {
        self.at(of).text()
    }

    fn is_valued(&self, of: &Ref) -> bool {
        if let Some(id) = of.segment
            && let [field] = of.parts.as_slice()
            && self.segment.is(id)
        {
            // Any repetition counts.
            let field = self.segment.field(usize::from(*field));
            return field.is_some_and(|f| {
                f.presence() == Presence::Valued
                    && f.repetitions().any(|r| Value::Repetition(r).is_valued())
            });
        }
        self.at(of).is_valued()
    }

    fn count(&self, of: &Ref) -> usize {
        let [field] = of.parts.as_slice() else { return usize::from(self.is_valued(of)) };
        let segment = match of.segment {
            Some(id) if !self.segment.is(id) => {
                self.groups.related(self.message, self.segment.place(), id)
            }
            _ => Some(self.segment),
        };
        let Some(field) = segment.and_then(|s| s.field(usize::from(*field))) else { return 0 };
        if field.presence() == Presence::Empty { 0 } else { field.repetitions().count() }
    }
}
