//! What segments and transactions are made of, from the tables in `data/`.

use std::{collections::BTreeMap, sync::LazyLock};

/// What an element is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Code,
    Whole,
    Decimal,
    Date,
    Time,
    Composite,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ElementRule {
    /// The data element's number.
    pub(crate) number: &'static str,
    pub(crate) kind: Kind,
    pub(crate) len_min: usize,
    pub(crate) len_max: usize,
    pub(crate) is_required: bool,
    pub(crate) repeats: bool,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct SegmentRule {
    pub(crate) elements: Vec<ElementRule>,
    /// Whether the table ends before the segment does.
    pub(crate) goes_on: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SetRule {
    pub(crate) kind: &'static str,
    pub(crate) group: &'static str,
    /// What versions begin with.
    pub(crate) version: &'static str,
    pub(crate) levels: Vec<&'static str>,
    pub(crate) segments: BTreeMap<&'static str, bool>,
}

static SEGMENTS: LazyLock<BTreeMap<&'static str, SegmentRule>> = LazyLock::new(|| {
    lines(include_str!("../data/segments.txt")).filter_map(segment_rule).collect()
});

static SETS: LazyLock<Vec<SetRule>> = LazyLock::new(|| {
    lines(include_str!("../data/transactions.txt")).filter_map(set_rule).collect()
});

pub(crate) fn segment(tag: &str) -> Option<&'static SegmentRule> {
    SEGMENTS.get(tag)
}

pub(crate) fn sets() -> &'static [SetRule] {
    &SETS
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn segment_rule(line: &'static str) -> Option<(&'static str, SegmentRule)> {
    let mut words = line.split_whitespace();
    let tag = words.next()?;
    let mut rule = SegmentRule::default();
    for word in words {
        match word {
            "..." => rule.goes_on = true,
            word => rule.elements.push(element_rule(word)?),
        }
    }
    Some((tag, rule))
}

fn element_rule(word: &'static str) -> Option<ElementRule> {
    let repeats = word.ends_with('*');
    let bare = word.trim_end_matches('*');
    let is_required = bare.ends_with('!');
    let mut parts = bare.trim_end_matches('!').split(':');
    let number = parts.next()?;
    let kind = match parts.next()? {
        "ID" => Kind::Code,
        "N0" => Kind::Whole,
        "R" => Kind::Decimal,
        "DT" => Kind::Date,
        "TM" => Kind::Time,
        "C" => Kind::Composite,
        _ => Kind::Text,
    };
    let (min, max) = parts.next().and_then(|it| it.split_once('-')).unwrap_or(("0", "1000"));
    let (len_min, len_max) = (min.parse().ok()?, max.parse().ok()?);
    Some(ElementRule { number, kind, len_min, len_max, is_required, repeats })
}

fn set_rule(line: &'static str) -> Option<SetRule> {
    let mut words = line.split_whitespace();
    let (kind, group, version) = (words.next()?, words.next()?, words.next()?);
    let levels = words.next()?.split(',').filter(|it| *it != "-").collect();
    let segments = words.map(|it| (it.trim_end_matches('!'), it.ends_with('!'))).collect();
    Some(SetRule { kind, group, version, levels, segments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_understood() {
        let n_segments = lines(include_str!("../data/segments.txt")).count();
        let n_sets = lines(include_str!("../data/transactions.txt")).count();
        assert_eq!((SEGMENTS.len(), SETS.len()), (n_segments, n_sets));
        for rule in SETS.iter() {
            for (tag, _) in rule.segments.iter().filter(|(_, is_required)| **is_required) {
                assert!(segment(tag).is_some(), "{tag} must be there and is in no table");
            }
        }
        let rule = &segment("NM1").unwrap().elements[0];
        assert_eq!((rule.number, rule.len_min, rule.len_max, rule.is_required), ("98", 2, 3, true));
    }
}
