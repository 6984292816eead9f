//! A segment while it is written: fields, their repetitions, and the parts of each.

use std::collections::BTreeMap;

use ward_hl7::{
    Draft, Path, Put, SegmentId, Separators,
    draft::EditError,
    escape::{NoEscape, escape},
    map::RowId,
};

/// A place in a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub field: u16,
    /// Which repetition, from 0.
    pub nth: u16,
    /// Component, sub-component.
    pub parts: Vec<u16>,
}

impl Place {
    pub fn field(field: u16) -> Place {
        Place { field, nth: 0, parts: Vec::new() }
    }

    /// A part of what stands here.
    pub fn part(&self, parts: &[u16]) -> Place {
        let mut place = self.clone();
        place.parts.extend_from_slice(parts);
        place
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub id: SegmentId,
    /// The rows that its values are from.
    pub rows: Vec<RowId>,
    fields: BTreeMap<u16, Vec<Value>>,
}

/// Text, or parts.
#[derive(Clone, Default, Debug)]
struct Value {
    text: Option<String>,
    // INVARIANT: empty where there is text.
    parts: BTreeMap<u16, Value>,
}

/// Deepest part that can be written: component, sub-component.
/// LIMIT: v2 has no level below them.
const DEPTH_MAX: usize = 2;

impl Line {
    pub fn new(id: SegmentId) -> Line {
        Line { id, rows: Vec::new(), fields: BTreeMap::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.values().flatten().all(Value::is_empty)
    }

    /// Text where there is none; `false` where something else stands there. Text that begins with
    /// what is there and says more replaces it.
    pub fn put(&mut self, place: &Place, text: &str) -> bool {
        let repetitions = self.fields.entry(place.field).or_default();
        let nth = usize::from(place.nth);
        while repetitions.len() <= nth {
            repetitions.push(Value::default());
        }
        let Some(value) = repetitions.get_mut(nth) else { return false };
        // What is deeper than a sub-component is its text.
        let depth = place.parts.len().min(DEPTH_MAX);
        let is_deep = place.parts.iter().skip(DEPTH_MAX).any(|n| *n != 1);
        if is_deep {
            return false;
        }
        value.put(place.parts.get(..depth).unwrap_or_default(), text)
    }

    /// Text in place of what is there; without text, nothing is there.
    pub fn replace(&mut self, place: &Place, text: &str) {
        self.fields.remove(&place.field);
        if !text.is_empty() {
            self.put(place, text);
        }
    }

    /// Adds words to text that is there.
    pub fn append(&mut self, place: &Place, text: &str) -> bool {
        let Some(before) = self.text(place).map(str::to_owned) else {
            return self.put(place, text);
        };
        self.put(place, &format!("{before} {text}"))
    }

    /// Takes the fields that another line has and this one has not.
    pub fn fill_up(&mut self, other: Line) {
        for (number, value) in other.fields {
            let is_free = self.n_repetitions(number) == 0;
            if is_free {
                self.fields.insert(number, value);
            }
        }
    }

    /// The first leaf of what stands there.
    pub fn text(&self, place: &Place) -> Option<&str> {
        self.value(place)?.first()
    }

    pub fn is_valued(&self, place: &Place) -> bool {
        self.value(place).is_some_and(|value| !value.is_empty())
    }

    pub fn n_repetitions(&self, field: u16) -> usize {
        self.fields
            .get(&field)
            .map_or(0, |all| all.iter().filter(|value| !value.is_empty()).count())
    }

    fn value(&self, place: &Place) -> Option<&Value> {
        let mut value = self.fields.get(&place.field)?.get(usize::from(place.nth))?;
        for part in &place.parts {
            value = match value.parts.get(part) {
                Some(value) => value,
                // A value that does not split is its own first part.
                None if *part == 1 && value.parts.is_empty() => value,
                None => return None,
            };
        }
        Some(value)
    }

    /// Writes the segment at the end of `draft`; into its first line, if it is MSH.
    pub fn write(&self, draft: &mut Draft<'_>, separators: &Separators) -> Result<(), EditError> {
        let place = if self.id.as_str() == "MSH" { 0 } else { draft.push(self.id) };
        for (number, repetitions) in &self.fields {
            let texts: Result<Vec<String>, NoEscape> =
                repetitions.iter().map(|value| value.write(separators, 0)).collect();
            let mut texts = texts.map_err(|_| EditError::NoEscape)?;
            texts.retain(|text| !text.is_empty());
            let between = separators.repetition().map(char::from);
            let text = match between {
                Some(between) => texts.join(&between.to_string()),
                None => texts.into_iter().next().unwrap_or_default(),
            };
            let field = usize::from(*number);
            // How the message is written is said by whoever writes it.
            let is_of_writing = place == 0 && matches!(field, 1 | 2 | 18);
            if !text.is_empty() && !is_of_writing {
                draft.set_at(place, &Path::of_field(self.id, field), Put::Written(&text))?;
            }
        }
        Ok(())
    }
}

impl Value {
    fn is_empty(&self) -> bool {
        self.text.is_none() && self.parts.values().all(Value::is_empty)
    }

    fn first(&self) -> Option<&str> {
        match &self.text {
            Some(text) => Some(text),
            None => self.parts.get(&1)?.first(),
        }
    }

    fn put(&mut self, parts: &[u16], text: &str) -> bool {
        if let Some((part, rest)) = parts.split_first() {
            // What has parts keeps its text in the first.
            if self.text.is_some() && *part == 1 && rest.is_empty() {
                return self.put(&[], text);
            }
            if let Some(own) = self.text.take() {
                self.parts.insert(1, Value { text: Some(own), parts: BTreeMap::new() });
            }
            return self.parts.entry(*part).or_default().put(rest, text);
        }
        if self.parts.values().any(|part| !part.is_empty()) {
            return self.parts.entry(1).or_default().put(&[], text);
        }
        match &self.text {
            Some(own) if own == text => true,
            Some(own) if !text.starts_with(own.as_str()) => false,
            _ => {
                self.text = Some(text.to_owned());
                true
            }
        }
    }

    fn write(&self, separators: &Separators, depth: usize) -> Result<String, NoEscape> {
        if let Some(text) = &self.text {
            return Ok(escape(text, separators)?.into_owned());
        }
        let delimiter = match depth {
            0 => Some(separators.component()),
            1 => separators.subcomponent(),
            _ => None,
        };
        let Some(delimiter) = delimiter.map(char::from) else {
            return self.parts.get(&1).map_or(Ok(String::new()), |it| it.write(separators, 2));
        };
        let mut out = String::new();
        let mut last = 1;
        for (number, part) in &self.parts {
            let text = part.write(separators, depth + 1)?;
            if text.is_empty() {
                continue;
            }
            for _ in last..*number {
                out.push(delimiter);
            }
            last = *number;
            out.push_str(&text);
        }
        Ok(out)
    }
}
