//! Reading a message while it is written.

use std::borrow::Cow;

use super::{Draft, Line, Raw};
use crate::{escape::plain, location::SegmentId, path::Path};

impl Draft<'_> {
    /// The same, holding its bytes itself.
    pub fn into_owned(self) -> Draft<'static> {
        let owned = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
        let lines = self.lines.into_iter().map(|line| Line {
            text: Cow::Owned(line.text.into_owned()),
            raw: line.raw.map(|raw| Raw { body: owned(raw.body), tail: owned(raw.tail) }),
            is_changed: line.is_changed,
        });
        Draft {
            lead: owned(self.lead),
            separators: self.separators,
            charset: self.charset,
            terminator: self.terminator,
            lines: lines.collect(),
        }
    }

    /// How many segments of this name there are.
    pub fn count(&self, segment: SegmentId) -> usize {
        (0..self.n_lines()).filter(|at| self.is(*at, segment)).count()
    }

    /// How many repetitions the field at `path` has; one that is empty has none.
    pub fn n_repetitions(&self, path: &Path) -> usize {
        let Some(field) = path.field() else { return 0 };
        let path = path.whole_field();
        let line = self.place(&path).and_then(|place| self.lines.get(place));
        let is_opaque = field <= 2 && line.is_some_and(|line| has_delimiters(&line.text));
        match (self.raw_at(&path), self.separators.repetition()) {
            (None | Some(""), _) => 0,
            (Some(raw), Some(delimiter)) if !is_opaque => raw.split(char::from(delimiter)).count(),
            (Some(_), _) => 1,
        }
    }

    /// The line of the segment that `path` names, from 0.
    pub fn place(&self, path: &Path) -> Option<usize> {
        let nth = path.occurrence().unwrap_or(1).checked_sub(1)?;
        (0..self.n_lines()).filter(|at| self.is(*at, path.segment())).nth(nth)
    }

    /// What stands at `path`, escapes and all; `None` where the message does not reach it.
    pub fn raw_at(&self, path: &Path) -> Option<&str> {
        if !path.groups().is_empty() {
            return None;
        }
        let line: &str = &self.lines.get(self.place(path)?)?.text;
        let Some(n) = path.field() else { return Some(line) };
        let has_delimiters = has_delimiters(line);
        let separators = &self.separators;
        let field = match (has_delimiters, n) {
            (true, 1) => line.get(3..4)?,
            (true, n) => nth(line, Some(separators.field()), n)?,
            (false, n) => nth(line, Some(separators.field()), n.checked_add(1)?)?,
        };
        if path.repetition().is_none() && path.component().is_none() {
            return Some(field);
        }
        if has_delimiters && n <= 2 {
            // Delimiters have no parts.
            let is_first = |n: Option<usize>| n.is_none_or(|n| n == 1);
            let [repetition, component] = [path.repetition(), path.component()].map(is_first);
            return (repetition && component && is_first(path.subcomponent())).then_some(field);
        }
        let part = nth(field, separators.repetition(), path.repetition().unwrap_or(1))?;
        let Some(n) = path.component() else { return Some(part) };
        let part = nth(part, Some(separators.component()), n)?;
        let Some(n) = path.subcomponent() else { return Some(part) };
        nth(part, separators.subcomponent(), n)
    }

    /// The first value at `path` as plain text; `None` where it is empty or the explicit null.
    pub fn text_at(&self, path: &Path) -> Option<Cow<'_, str>> {
        let field = path.field()?;
        let raw = self.raw_at(path)?;
        let line = self.lines.get(self.place(path)?)?;
        let separators = &self.separators;
        let is_opaque = has_delimiters(&line.text) && field <= 2;
        let mut first = raw;
        if !is_opaque {
            let levels =
                [separators.repetition(), Some(separators.component()), separators.subcomponent()];
            for delimiter in levels {
                first = nth(first, delimiter, 1)?;
            }
        }
        match first {
            "" | "\"\"" => None,
            text if is_opaque => Some(Cow::Borrowed(text)),
            text => Some(plain(text, separators, self.charset)),
        }
    }
}

fn has_delimiters(line: &str) -> bool {
    matches!(line.as_bytes(), [b'M', b'S', b'H', ..] | [b'B' | b'F', b'H', b'S', ..])
}

/// The part with number `n`, from 1; without a delimiter there is one part.
fn nth(text: &str, delimiter: Option<u8>, n: usize) -> Option<&str> {
    match delimiter {
        None => (n == 1).then_some(text),
        Some(delimiter) => text.split(char::from(delimiter)).nth(n.checked_sub(1)?),
    }
}
