//! From the parts of a message to what is shown of them.

use std::borrow::Cow;

use ward_hl7::{
    Location, Message, Path, Presence, Segment,
    dictionary::{Dictionary, PartDef},
    message::{Component, Repetition},
};

use super::{
    Parts,
    place::Levels,
    tree::{FieldLine, Is, PartLine, SegmentLine, Wrong, cut},
};

/// Most fields of a segment, and parts of a value, that are shown.
/// LIMIT: the longest segment of the standard has some fifty.
const FIELDS_MAX: usize = 200;

pub(super) struct Reading<'d> {
    pub(super) names: &'d Dictionary,
    pub(super) problems: Vec<Wrong>,
    pub(super) parts: Parts,
}

impl Reading<'_> {
    pub(super) fn segment(&mut self, message: &Message<'_>, segment: Segment<'_>) -> SegmentLine {
        let line = segment.place().saturating_add(1);
        let at: Location = message.location_of(segment.place());
        let Some(id) = segment.id() else {
            let (text, _) = cut(segment.raw());
            let (id, raw) = (String::new(), Some(text));
            let at = format!("line {line}");
            let problems = self.of_line(&at);
            return SegmentLine { at, line, id, name: None, problems, raw, fields: Vec::new() };
        };
        let shown = at.to_string();
        let path = shown.parse::<Path>().unwrap_or_else(|_| Path::of_segment(id));
        let here = Levels::of(&path);
        let names = self.names;
        let def = names.segment(id);
        let n_known = def.map_or(0, |def| def.fields.len());
        let n_shown = match self.parts {
            Parts::All => segment.n_fields().max(n_known),
            Parts::Valued => segment.n_fields().max(self.last_field(&here)),
        };
        let mut fields = Vec::new();
        for n in 1..=n_shown.min(FIELDS_MAX) {
            let of = Levels { field: n, ..here };
            let field = segment.field(n);
            let is_valued = field.is_some_and(|it| it.presence() != Presence::Empty);
            if !is_valued && self.parts == Parts::Valued && !self.is_wrong(&of) {
                continue;
            }
            let def = def.and_then(|def| def.fields.get(n - 1));
            let at = format!("{shown}-{n}");
            let mut values = Vec::new();
            for (m, repetition) in field.iter().flat_map(|it| it.repetitions()).enumerate() {
                let of = Levels { repetition: m + 1, ..of };
                let at = format!("{at}[{}]", m + 1);
                values.push(self.repetition(repetition, (&at, of, m + 1), def));
            }
            // What is wrong with the first of one repetition is wrong with the field.
            if let [only] = values.as_mut_slice() {
                let problems = std::mem::take(&mut only.is.problems);
                let mut is = self.is(n, at, def, of);
                is.problems.extend(problems);
                fields.push(FieldLine { is, values });
            } else {
                let is = self.is(n, at, def, of);
                fields.push(FieldLine { is, values });
            }
        }
        let name = def.map(|def| def.name.clone().into_owned());
        let problems = self.at(&here);
        SegmentLine { at: shown, line, id: id.to_string(), name, problems, raw: None, fields }
    }

    fn repetition(
        &mut self,
        repetition: Repetition<'_>,
        (at, of, n): (&str, Levels, usize),
        def: Option<&PartDef>,
    ) -> PartLine {
        let mut line = PartLine { is: self.is(n, at.to_owned(), None, of), ..PartLine::default() };
        if repetition.presence() == Presence::Null {
            line.deleted = true;
            line.is.problems.extend(self.within(&of));
            return line;
        }
        let names = self.names;
        let known = def.and_then(|def| names.data_type(&def.kind)).map(|it| &it.components);
        let known = known.map(Vec::as_slice).unwrap_or_default();
        let n_written = repetition.components().count();
        if n_written <= 1 && known.len() <= 1 {
            line.put(repetition.text(), repetition.raw());
            line.is.problems.extend(self.within(&of));
            return line;
        }
        for n in 1..=self.n_shown(n_written, known.len(), &of).min(FIELDS_MAX) {
            let of = Levels { component: n, ..of };
            let component = repetition.component(n);
            let is_valued = component.is_some_and(|it| it.presence() != Presence::Empty);
            if !is_valued && self.parts == Parts::Valued && !self.is_wrong(&of) {
                continue;
            }
            let def = known.get(n - 1);
            let at = format!("{at}.{n}");
            let is = self.is(n, at.clone(), def, of);
            let mut part = PartLine { is, ..PartLine::default() };
            if let Some(component) = component {
                self.component(component, &mut part, (&at, of), def);
            }
            line.parts.push(part);
        }
        line
    }

    fn component(
        &mut self,
        component: Component<'_>,
        part: &mut PartLine,
        (at, of): (&str, Levels),
        def: Option<&PartDef>,
    ) {
        if component.presence() == Presence::Null {
            part.deleted = true;
        } else if component.subcomponents().count() <= 1 {
            part.put(component.text(), component.raw());
        }
        if part.deleted || part.text.is_some() {
            part.is.problems.extend(self.within(&of));
            return;
        }
        let names = self.names;
        let known = def.and_then(|def| names.data_type(&def.kind)).map(|it| &it.components);
        for (m, sub) in component.subcomponents().enumerate().take(FIELDS_MAX) {
            let of = Levels { subcomponent: m + 1, ..of };
            if sub.presence() == Presence::Empty
                && self.parts == Parts::Valued
                && !self.is_wrong(&of)
            {
                continue;
            }
            let def = known.and_then(|known| known.get(m));
            let is = self.is(m + 1, format!("{at}.{}", m + 1), def, of);
            let mut line = PartLine { is, ..PartLine::default() };
            line.deleted = sub.presence() == Presence::Null;
            line.put(sub.text(), sub.raw());
            part.parts.push(line);
        }
    }

    fn n_shown(&self, n_written: usize, n_known: usize, of: &Levels) -> usize {
        let wrong = self.problems.iter().filter_map(|it| it.place);
        let wrong = wrong.filter(|it| it.is_within(of)).map(|it| it.component).max();
        match self.parts {
            Parts::All => n_written.max(n_known),
            Parts::Valued => n_written.max(wrong.unwrap_or(0)),
        }
    }

    /// The last field of a segment at which something is wrong.
    fn last_field(&self, here: &Levels) -> usize {
        let places = self.problems.iter().filter_map(|it| it.place);
        places.filter(|it| it.is_within(here)).map(|it| it.field).max().unwrap_or(0)
    }

    fn is_wrong(&self, of: &Levels) -> bool {
        self.problems.iter().filter_map(|it| it.place).any(|it| it.is_within(of))
    }

    fn is(&mut self, n: usize, at: String, def: Option<&PartDef>, of: Levels) -> Is {
        let text =
            |it: &Cow<'static, str>| Some(it.clone().into_owned()).filter(|it| !it.is_empty());
        Is {
            n,
            at,
            name: def.and_then(|def| text(&def.name)),
            kind: def.and_then(|def| text(&def.kind)),
            problems: self.at(&of),
        }
    }

    /// The problems that point here and no deeper.
    fn at(&mut self, here: &Levels) -> Vec<usize> {
        let mut found = Vec::new();
        for (n, problem) in self.problems.iter_mut().enumerate() {
            if problem.place.as_ref() == Some(here) {
                problem.placed = true;
                found.push(n);
            }
        }
        found
    }

    /// The problems that point somewhere inside of what is shown whole.
    fn within(&mut self, outer: &Levels) -> Vec<usize> {
        let mut found = Vec::new();
        for (n, problem) in self.problems.iter_mut().enumerate() {
            if !problem.placed && problem.place.is_some_and(|it| it.is_within(outer)) {
                problem.placed = true;
                found.push(n);
            }
        }
        found
    }

    fn of_line(&mut self, at: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for (n, problem) in self.problems.iter_mut().enumerate() {
            if problem.at == at {
                problem.placed = true;
                found.push(n);
            }
        }
        found
    }
}
