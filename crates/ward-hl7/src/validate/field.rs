//! Fields, components and sub-components of every segment.

use std::collections::BTreeMap;

use super::{Report, Rules, primitive::fits};
use crate::{
    dictionary::{PartDef, Usage},
    escape::flaw,
    location::{Location, SegmentId},
    message::{Component, Field, Message, Presence, Repetition, Segment, Subcomponent},
    problem::ProblemKind,
};

/// Checks the segments of one message.
pub(super) struct Checker<'c, 'r> {
    message: &'c Message<'c>,
    rules: &'r Rules,
    report: &'c mut Report<'r>,
    /// How often each segment has come.
    counts: BTreeMap<SegmentId, u32>,
}

/// Types whose first component is a code of the table of the field.
const CODED: [&str; 6] = ["CE", "CF", "CNE", "CWE", "ID", "IS"];

/// A type that another field names.
const VARIES: &str = "VARIES";

impl<'c, 'r> Checker<'c, 'r> {
    pub fn new(message: &'c Message<'c>, rules: &'r Rules, report: &'c mut Report<'r>) -> Self {
        Checker { message, rules, report, counts: BTreeMap::new() }
    }

    pub fn all(&mut self) {
        for segment in self.message.segments() {
            let Some(id) = segment.id() else { continue };
            let count = self.counts.entry(id).or_insert(0);
            *count = count.saturating_add(1);
            let line = u32::try_from(segment.place() + 1).unwrap_or(u32::MAX);
            let at = Location::segment(id, *count).on_line(line);
            self.segment(&segment, id, at);
        }
    }

    fn segment(&mut self, segment: &Segment<'_>, id: SegmentId, at: Location) {
        let rules = self.rules;
        let Some(def) = rules.segment(id) else {
            if !id.is_local() {
                self.report.note(ProblemKind::UnknownSegment, at);
            }
            for (n, field) in segment.fields() {
                self.text(field.raw(), at.field(number(n)));
            }
            return;
        };
        let n_written = segment.n_fields();
        for (n, part) in (1..).zip(&def.fields) {
            if n_written < n && part.usage != Usage::Required {
                continue;
            }
            let at = at.field(number(n));
            let field = segment.field(n);
            let presence = field.map(|field| field.presence());
            match (part.usage, presence) {
                (Usage::Required, None | Some(Presence::Empty)) => {
                    self.report.note(ProblemKind::MissingField, at);
                }
                (Usage::NotUsed, Some(Presence::Valued)) => {
                    self.report.note(ProblemKind::NotUsed, at);
                }
                _ => {}
            }
            // MSH-1 and MSH-2 are known to be right, or there would be no message.
            let is_delimiter = id == SegmentId::MSH && n <= 2;
            if let Some(field) = field
                && presence == Some(Presence::Valued)
                && !is_delimiter
            {
                let kind = if part.kind == VARIES { varied(segment, id, n) } else { None };
                self.field(&field, part, kind.as_deref(), at);
            }
        }
        for (n, field) in segment.fields().skip(def.fields.len()) {
            let at = at.field(number(n));
            if field.presence() == Presence::Valued {
                self.report.note(ProblemKind::ExtraField, at);
                self.text(field.raw(), at);
            }
        }
    }

    fn field(&mut self, field: &Field<'_>, part: &PartDef, kind: Option<&str>, at: Location) {
        self.text(field.raw(), at);
        let kind = kind.unwrap_or(&part.kind);
        let mut count = 0;
        for (r, repetition) in (1..).zip(field.repetitions()) {
            count = r;
            if repetition.presence() != Presence::Valued {
                continue;
            }
            let at = at.repetition(r);
            if part.length.is_some_and(|most| longer(repetition.raw(), most)) {
                self.report.note(ProblemKind::TooLong, at);
            }
            self.repetition(&repetition, kind, at);
            // For other types, the table of a field is about one of its components.
            if let Some(table) = part.table.filter(|_| CODED.contains(&kind)) {
                self.code(table, repetition.text().as_deref(), at);
            }
        }
        if part.max.is_some_and(|max| max < count) {
            self.report.note(ProblemKind::FieldCardinality, at);
        }
    }

    fn repetition(&mut self, repetition: &Repetition<'_>, kind: &str, at: Location) {
        let rules = self.rules;
        let Some(parts) = rules.components(kind) else {
            if rules.knows_type(kind) {
                self.only(repetition.components().skip(1).map(|c| c.raw()), at);
                if let Some(first) = repetition.component(1).and_then(|c| c.subcomponent(1)) {
                    self.value(&first, kind, at);
                }
            }
            return;
        };
        for (n, component) in (1..).zip(repetition.components()) {
            let at = at.component(n);
            let part = parts.get(index(n));
            match (part, component.presence()) {
                (Some(part), Presence::Valued) => self.component(&component, part, kind, n, at),
                (None, Presence::Valued) => self.report.note(ProblemKind::ExtraComponent, at),
                _ => {}
            }
        }
        let mut written = repetition.components();
        for (n, part) in (1..).zip(parts) {
            let is_there = written.next().is_some_and(|c| c.presence() != Presence::Empty);
            if part.usage == Usage::Required && !is_there {
                self.report.note(ProblemKind::MissingComponent, at.component(n));
            }
        }
    }

    fn component(
        &mut self,
        component: &Component<'_>,
        part: &PartDef,
        of: &str,
        n: u32,
        at: Location,
    ) {
        let rules = self.rules;
        if part.length.is_some_and(|most| longer(component.raw(), most)) {
            self.report.note(ProblemKind::TooLong, at);
        }
        if let Some(table) = part.table {
            self.code(table, component.text().as_deref(), at);
        }
        // The first component of TS is a time in every version, whatever it is called.
        let kind = if of == "TS" && n == 1 { "DTM" } else { part.kind.as_ref() };
        let Some(parts) = rules.components(kind).filter(|_| kind != "TS") else {
            self.only(component.subcomponents().skip(1).map(|s| s.raw()), at);
            if let Some(first) = component.subcomponent(1) {
                self.value(&first, kind, at);
            }
            return;
        };
        for (s, sub) in (1..).zip(component.subcomponents()) {
            let at = at.subcomponent(s);
            match parts.get(index(s)) {
                Some(part) => {
                    self.value(&sub, &part.kind, at);
                    if let Some(table) = part.table {
                        self.code(table, sub.text().as_deref(), at);
                    }
                }
                None if sub.presence() == Presence::Valued => {
                    self.report.note(ProblemKind::ExtraComponent, at);
                }
                None => {}
            }
        }
    }

    fn value(&mut self, value: &Subcomponent<'_>, kind: &str, at: Location) {
        if let Some(text) = value.text()
            && !fits(kind, &text)
        {
            self.report.note(ProblemKind::DataType, at);
        }
    }

    fn code(&mut self, table: u16, code: Option<&str>, at: Location) {
        if code.is_some_and(|code| !self.rules.has_code(table, code)) {
            self.report.note(ProblemKind::TableValue, at);
        }
    }

    /// Parts behind the first, where there should be only one.
    fn only<'m>(&mut self, mut others: impl Iterator<Item = &'m str>, at: Location) {
        if others.any(|other| !other.is_empty()) {
            self.report.note(ProblemKind::ExtraComponent, at);
        }
    }

    /// What must not be in any text.
    fn text(&mut self, raw: &str, at: Location) {
        // A line feed has been reported when the message was read.
        if raw.bytes().any(|b| (b < 0x20 && b != b'\n') || b == 0x7f) {
            self.report.note(ProblemKind::ControlCharacter, at);
        }
        let (separators, charset) = (self.message.separators(), self.message.charset());
        if let Some(kind) = flaw(raw, separators, charset) {
            self.report.note(kind, at);
        }
    }
}

/// The type that another field of the segment names.
///
/// - Source: HL7 v2.8, 7.4.2.2 OBX-2 Value type; 8.5.3.5 MFE-5 Primary key value type.
fn varied(segment: &Segment<'_>, id: SegmentId, n: usize) -> Option<String> {
    let named_by = match (id.as_str(), n) {
        ("OBX", 5) => 2,
        ("MFE", 4) => 5,
        ("MFA", 5) => 6,
        _ => return None,
    };
    segment.field(named_by)?.text().map(|kind| kind.into_owned())
}

/// More characters than `most`, without counting them all.
fn longer(raw: &str, most: u32) -> bool {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    most < raw.len() && most < raw.chars().count()
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Of the part with number `n`.
fn index(n: u32) -> usize {
    usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX)
}
