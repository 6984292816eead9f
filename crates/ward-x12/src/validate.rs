//! Whether a transaction is made as its tables say, with the place of what is not.

use std::collections::BTreeSet;

use crate::{
    dictionary::{self, ElementRule, Kind, SetRule},
    envelope::{Interchange, Transaction, is_calendar, is_clock},
    problem::{Code, Place, Problem},
    segment::Segment,
};

/// Most problems of one transaction that are told.
/// LIMIT: who has more has sent something else than what it says.
const PROBLEMS_MAX: usize = 100;

pub(crate) fn is_known_group(functional: &str) -> bool {
    dictionary::sets().iter().any(|it| it.group == functional)
}

pub(crate) fn is_known_version(functional: &str, version: &str) -> bool {
    let mut sets = dictionary::sets().iter();
    sets.any(|it| it.group == functional && version.starts_with(it.version))
}

/// Everything that is wrong with one transaction.
pub(crate) fn transaction(
    of: &Interchange,
    set: &Transaction,
    (functional, version): (&str, &str),
) -> Vec<Problem> {
    let mut look = Look { of, first: set.first, problems: Vec::new() };
    let segments = set.segments(of);
    let kind = set.kind(of);
    let rule = dictionary::sets()
        .iter()
        .find(|it| it.kind == kind && it.group == functional && version.starts_with(it.version));
    let is_kind = dictionary::sets().iter().any(|it| it.kind == kind);
    match (kind, rule) {
        ("", _) => look.wrong(0, 1, Code::Transaction("6"), "ST01 does not say what this is"),
        (_, None) if !is_kind => {
            look.wrong(0, 1, Code::Transaction("1"), "this transaction is not understood");
        }
        (_, None) => {
            let why = "this transaction does not belong to this group or version";
            look.wrong(0, 1, Code::Transaction("1"), why);
        }
        (_, Some(rule)) => look.body(segments, rule),
    }
    let number = set.control_number(of);
    if !(4..=9).contains(&number.len()) {
        look.wrong(0, 2, Code::Transaction("7"), "a control number has four to nine characters");
    }
    let last = segments.len().saturating_sub(1);
    match segments.last() {
        Some(se) if &*se.tag == "SE" => {
            if se.element(1).parse() != Ok(segments.len()) {
                let why = "the number of segments is another one";
                look.wrong(last, 1, Code::Transaction("4"), why);
            }
            if se.element(2) != number {
                look.wrong(
                    last,
                    2,
                    Code::Transaction("3"),
                    "the control number is not that of ST02",
                );
            }
        }
        _ => look.wrong(last, 0, Code::Transaction("2"), "the transaction ends without SE"),
    }
    look.problems.truncate(PROBLEMS_MAX);
    look.problems
}

struct Look<'i> {
    of: &'i Interchange,
    /// Place of ST in the interchange.
    first: usize,
    problems: Vec<Problem>,
}

impl Look<'_> {
    /// Notes a problem at a segment of the transaction, from 0, and an element of it.
    fn wrong(&mut self, n: usize, element: usize, code: Code, why: &'static str) {
        let mut place = self.of.place(self.first + n, element);
        place.in_transaction = n + 1;
        self.problems.push(Problem { place, code, why });
    }

    fn body(&mut self, segments: &[Segment], rule: &SetRule) {
        let mut seen = BTreeSet::new();
        for (n, segment) in segments.iter().enumerate() {
            let tag = &*segment.tag;
            seen.insert(tag);
            let is_envelope = (tag == "ST" && n == 0) || (tag == "SE" && n + 1 == segments.len());
            if !is_envelope && !rule.segments.contains_key(tag) {
                let is_name = (2..=3).contains(&tag.len())
                    && tag.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                match is_name && dictionary::segment(tag).is_some() {
                    true => {
                        self.wrong(n, 0, Code::Segment("6"), "this transaction has no such segment")
                    }
                    false => self.wrong(n, 0, Code::Segment("1"), "there is no such segment"),
                }
                continue;
            }
            self.elements(n, segment);
        }
        let needs_bht = rule.segments.get("BHT") == Some(&true);
        if needs_bht && segments.get(1).is_some_and(|it| &*it.tag != "BHT") && seen.contains("BHT")
        {
            self.wrong(1, 0, Code::Segment("7"), "BHT is the second segment");
        }
        for (tag, _) in rule.segments.iter().filter(|(tag, must)| **must && !seen.contains(**tag)) {
            let at = segments.len().saturating_sub(1);
            let mut place: Place = self.of.place(self.first + at, 0);
            place.in_transaction = at + 1;
            place.tag = (*tag).to_owned();
            let why = "this segment must be there";
            self.problems.push(Problem { place, code: Code::Segment("3"), why });
        }
        self.levels(segments, rule);
    }

    /// Whether the tree of HL segments is one.
    fn levels(&mut self, segments: &[Segment], rule: &SetRule) {
        let mut n_seen = 0_usize;
        let is_hl = |(_, it): &(usize, &Segment)| &*it.tag == "HL";
        for (n, hl) in segments.iter().enumerate().filter(is_hl) {
            n_seen += 1;
            if hl.element(1).parse() != Ok(n_seen) {
                self.wrong(
                    n,
                    1,
                    Code::Element("7", "628"),
                    "levels are numbered from 1 without a gap",
                );
            }
            let parent = hl.element(2);
            let is_earlier = parent.parse::<usize>().is_ok_and(|it| 0 < it && it < n_seen);
            if !parent.is_empty() && !is_earlier {
                self.wrong(
                    n,
                    2,
                    Code::Element("7", "734"),
                    "there is no such level before this one",
                );
            }
            if parent.is_empty() && 1 < n_seen && hl.element(3) != "20" {
                self.wrong(
                    n,
                    2,
                    Code::Element("1", "734"),
                    "this level has to say what it is part of",
                );
            }
            if !rule.levels.contains(&hl.element(3)) {
                let why = "this transaction has no such level";
                self.wrong(n, 3, Code::Element("7", "735"), why);
            }
        }
    }

    fn elements(&mut self, n: usize, segment: &Segment) {
        let Some(rule) = dictionary::segment(&segment.tag) else { return };
        for (element, number) in rule.elements.iter().zip(1..) {
            let text = segment.element(number);
            if text.is_empty() {
                if element.is_required {
                    let code = Code::Element("1", element.number);
                    self.wrong(n, number, code, "this element must be there");
                }
                continue;
            }
            if element.kind == Kind::Composite {
                continue;
            }
            let separators = self.of.separators;
            let mut values: Vec<&str> = vec![text];
            if element.repeats {
                values = text.split(separators.repetition).collect();
            } else if text.contains(separators.repetition) {
                let code = Code::Element("12", element.number);
                self.wrong(n, number, code, "this element does not repeat");
                continue;
            }
            if text.contains(separators.component) {
                let code = Code::Element("13", element.number);
                self.wrong(n, number, code, "this element has no components");
                continue;
            }
            for value in values {
                if let Some((code, why)) = judged(value, element) {
                    self.wrong(n, number, Code::Element(code, element.number), why);
                }
            }
        }
        let n_most = rule.elements.len();
        if !rule.goes_on && n_most < segment.elements.len() {
            self.wrong(n, n_most + 1, Code::Element("3", ""), "this segment has fewer elements");
        }
        self.dates(n, segment);
    }

    /// Dates whose form is said by the element before them.
    fn dates(&mut self, n: usize, segment: &Segment) {
        let (format, at) = match &*segment.tag {
            "DTP" => (segment.element(2), 3),
            "DMG" => (segment.element(1), 2),
            _ => return,
        };
        let text = segment.element(at);
        let holds = match format {
            "D8" => is_calendar(text),
            "RD8" => text.split_once('-').is_some_and(|(a, b)| is_calendar(a) && is_calendar(b)),
            "DT" => {
                let (day, time) = text.split_at_checked(8).unwrap_or((text, ""));
                is_calendar(day) && is_clock(time)
            }
            _ => true,
        };
        if !holds && !text.is_empty() {
            self.wrong(
                n,
                at,
                Code::Element("8", "1251"),
                "this is no date of the form that is named",
            );
        }
    }
}

fn judged(value: &str, rule: &ElementRule) -> Option<(&'static str, &'static str)> {
    // Signs and points of numbers do not count.
    let len = match rule.kind {
        Kind::Whole | Kind::Decimal => value.chars().filter(char::is_ascii_digit).count(),
        _ => value.chars().count(),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number = value.strip_prefix('-').unwrap_or(value);
    let form = match rule.kind {
        Kind::Whole if !digits(number) || number.is_empty() => {
            Some(("6", "this is no whole number"))
        }
        Kind::Decimal => {
            let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
            let is_number = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty());
            (!is_number).then_some(("6", "this is no number"))
        }
        Kind::Date if !is_calendar(value) => Some(("8", "this is no date")),
        Kind::Time if !is_clock(value) => Some(("9", "this is no time")),
        _ if value.chars().any(char::is_control) => Some(("6", "a character that may not be here")),
        _ => None,
    };
    form.or(match len {
        len if len < rule.len_min => Some(("4", "this is too short")),
        len if rule.len_max < len => Some(("5", "this is too long")),
        _ => None,
    })
}
