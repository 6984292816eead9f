//! One test that a query makes on one value.

use smallvec::SmallVec;
use ward_core::{FhirId, ResourceType};

use super::{
    date::Interval,
    fold::{fold, head},
    keys::{self, Level},
    number::Decimal,
    term::{IndexKey, TermValue},
    value::ValueRef,
};

/// Most date buckets that a lookup names.
/// LIMIT: reading more lists costs as much as reading the records.
const BUCKETS_MAX: i64 = 60;

/// One alternative of a query's value.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// `code`, `system|code`, `|code` (a code without a system) and `system|`.
    Token {
        system: SystemMatch,
        code: Option<Box<str>>,
    },
    /// `:text` on a token: the display or text starts with these letters; folded.
    TokenText(Box<str>),
    /// `:of-type`: type's system, type's code, value.
    OfType {
        system: Box<str>,
        code: Box<str>,
        value: Box<str>,
    },
    /// `Type/id`, or `id` alone when the type is not told.
    Reference {
        kind: Option<ResourceType>,
        id: Box<str>,
        version: Option<u32>,
    },
    /// A URL, also of a reference elsewhere; with `|version` or for every version.
    Url {
        url: Box<str>,
        how: UriMatch,
    },
    /// `:identifier` on a reference.
    Identified {
        system: SystemMatch,
        value: Option<Box<str>>,
    },
    String {
        text: Box<str>,
        how: TextMatch,
    },
    Date {
        prefix: Prefix,
        interval: Interval,
    },
    /// Overlaps the interval. Asked by no query: it bounds the lookup of two comparisons.
    Within(Interval),
    Number {
        prefix: Prefix,
        decimal: Decimal,
    },
    /// A unit without a system is compared with both code and unit.
    Quantity {
        prefix: Prefix,
        decimal: Decimal,
        system: Option<Box<str>>,
        unit: Option<Box<str>>,
    },
    Composite(Vec<Test>),
}

/// What a test says of the system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SystemMatch {
    Any,
    /// The value must have none.
    None,
    Is(Box<str>),
}

impl SystemMatch {
    fn accepts(&self, system: Option<&str>) -> bool {
        match self {
            SystemMatch::Any => true,
            SystemMatch::None => system.is_none(),
            SystemMatch::Is(wanted) => system == Some(wanted),
        }
    }
}

/// How texts are compared. `Starts` and `Contains` hold folded text, `Exact` the text as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextMatch {
    Starts,
    Contains,
    Exact,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UriMatch {
    Same,
    /// The value lies under the URL of the query.
    Below,
    /// The URL of the query lies under the value.
    Above,
}

/// How ordered values are compared.
///
/// - Source: FHIR R4, Search, 3.1.1.4.5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

/// Which lists of the index hold every value that a test accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// The union of these lists covers every match; each candidate is still to be re-checked.
    Keys(SmallVec<[IndexKey; 2]>),
    /// No list covers it.
    Scan,
}

impl Test {
    pub fn matches(&self, value: &TermValue) -> bool {
        self.matches_value(&value.as_value())
    }

    /// As [`Test::matches`], on a value that is not owned.
    pub fn matches_value(&self, value: &ValueRef<'_>) -> bool {
        match (self, value) {
            (Test::Token { system, code }, ValueRef::Token { system: s, code: c, .. }) => {
                system.accepts(*s)
                    && match (code, c) {
                        (None, c) => c.is_some(),
                        // SPEC: case is ignored when in doubt; a hidden record is worse.
                        (Some(code), Some(c)) => code.eq_ignore_ascii_case(c),
                        (Some(_), None) => false,
                    }
            }
            (Test::TokenText(text), ValueRef::Token { text: Some(t), .. }) => {
                fold(t).starts_with(&**text)
            }
            (Test::OfType { system, code, value }, ValueRef::Token { system: s, code: c, .. }) => {
                *s == Some(of_type_system(system, code).as_str())
                    && c.is_some_and(|c| c.eq_ignore_ascii_case(value))
            }
            (
                Test::Reference { kind, id, version },
                ValueRef::Reference { kind: k, id: i, version: v },
            ) => {
                kind.is_none_or(|kind| kind == *k)
                    && **id == **i
                    && version.is_none_or(|version| v.is_none_or(|v| v == version))
            }
            (Test::Url { url, how }, ValueRef::Url(value)) => match how {
                UriMatch::Same if url.contains('|') => **url == **value,
                UriMatch::Same => value.split('|').next() == Some(url),
                UriMatch::Below => is_under(value, url),
                UriMatch::Above => is_under(url, value),
            },
            (Test::Identified { system, value }, ValueRef::Identified { system: s, value: v }) => {
                system.accepts(*s)
                    && value
                        .as_ref()
                        .is_none_or(|value| v.is_some_and(|v| v.eq_ignore_ascii_case(value)))
            }
            (Test::String { text, how }, ValueRef::String(value)) => match how {
                TextMatch::Exact => **text == **value,
                TextMatch::Starts => fold(value).starts_with(&**text),
                TextMatch::Contains => fold(value).contains(&**text),
            },
            (Test::Date { prefix, interval }, ValueRef::Date { from_us, to_us }) => {
                let value = Interval { from_us: *from_us, to_us: *to_us };
                date_matches(*prefix, *interval, value)
            }
            (Test::Within(interval), ValueRef::Date { from_us, to_us }) => {
                interval.overlaps(Interval { from_us: *from_us, to_us: *to_us })
            }
            (Test::Number { prefix, decimal }, ValueRef::Number { low, high, .. }) => {
                number_matches(*prefix, *decimal, *low, *high)
            }
            (
                Test::Quantity { prefix, decimal, system, unit },
                ValueRef::Quantity { low, high, system: s, code, unit: u, .. },
            ) => {
                let same_unit = match (system, unit) {
                    (_, None) => true,
                    (Some(system), Some(unit)) => *s == Some(system) && *code == Some(unit),
                    (None, Some(unit)) => *code == Some(unit) || *u == Some(unit),
                };
                same_unit && number_matches(*prefix, *decimal, *low, *high)
            }
            (Test::Composite(tests), ValueRef::Composite(values)) => {
                tests.len() == values.len()
                    && tests.iter().zip(values).all(|(test, value)| test.matches_value(value))
            }
            _ => false,
        }
    }

    /// Where to look for what this test accepts.
    pub fn lookup(&self) -> Lookup {
        let one = |key: IndexKey| Lookup::Keys(SmallVec::from_iter([key]));
        match self {
            Test::Token { system: SystemMatch::Any, code: Some(code) } => {
                one(keys::token_code(code))
            }
            Test::Token { system: SystemMatch::None, code: Some(code) } => {
                one(keys::token_bare(code))
            }
            Test::Token { system: SystemMatch::Is(system), code: Some(code) } => {
                one(keys::token_full(system, code))
            }
            Test::OfType { system, code, value } => {
                one(keys::token_full(&of_type_system(system, code), value))
            }
            Test::Reference { kind: Some(kind), id, .. } => one(keys::reference(kind.number(), id)),
            Test::Reference { kind: None, id, .. } => one(keys::reference_id(id)),
            Test::Url { url, how: UriMatch::Same } => one(keys::url(url)),
            Test::Identified { system: SystemMatch::Is(system), value: Some(value) } => {
                one(keys::identified(Some(system), value))
            }
            Test::Identified { value: Some(value), .. } => one(keys::identified(None, value)),
            Test::String { text, how: TextMatch::Exact } => one(keys::exact(&fold(text))),
            Test::String { text, how: TextMatch::Starts } => {
                let n_chars = text.chars().take(keys::PREFIX_MAX).count();
                let head = head(text, n_chars);
                match head.len() < keys::PREFIX_BYTES_MIN {
                    true => Lookup::Scan,
                    false => one(keys::start(head)),
                }
            }
            Test::Date { prefix: Prefix::Eq, interval } => buckets(*interval),
            Test::Date { prefix: Prefix::Ap, interval } => buckets(around(*interval)),
            Test::Within(interval) => buckets(*interval),
            Test::Composite(tests) => {
                for (at, test) in (b'0'..).zip(tests) {
                    if let Lookup::Keys(inner) = test.lookup() {
                        let key = |key: &IndexKey| keys::component(at, key);
                        return Lookup::Keys(inner.iter().map(key).collect());
                    }
                }
                Lookup::Scan
            }
            Test::Token { code: None, .. }
            | Test::TokenText(_)
            | Test::Identified { value: None, .. }
            | Test::Url { .. }
            | Test::String { how: TextMatch::Contains, .. }
            | Test::Date { .. }
            | Test::Number { .. }
            | Test::Quantity { .. } => Lookup::Scan,
        }
    }

    /// The patient whose records this test may bring, if it is about a reference to one.
    pub fn patient_reference(&self) -> Option<FhirId> {
        match self {
            Test::Reference { kind: None | Some(ResourceType::PATIENT), id, .. } => id.parse().ok(),
            _ => None,
        }
    }
}

/// The system under which an identifier stands a second time, for `:of-type`.
pub(super) fn of_type_system(system: &str, code: &str) -> String {
    // No system of FHIR starts with a control character, so plain searches never name it.
    format!("\u{1}{system}|{code}")
}

fn is_under(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| {
        rest.is_empty()
            || outer.ends_with(['/', ':'])
            || rest.starts_with(['/', ':', '|', '#', '?'])
    })
}

fn date_matches(prefix: Prefix, wanted: Interval, value: Interval) -> bool {
    let equal = wanted.contains(value);
    let above = wanted.to_us < value.to_us;
    let below = value.from_us < wanted.from_us;
    match prefix {
        Prefix::Eq => equal,
        Prefix::Ne => !equal,
        Prefix::Gt => above,
        Prefix::Lt => below,
        Prefix::Ge => above || equal,
        Prefix::Le => below || equal,
        Prefix::Sa => wanted.to_us <= value.from_us,
        Prefix::Eb => value.to_us <= wanted.from_us,
        Prefix::Ap => around(wanted).overlaps(value),
    }
}

/// SPEC: how near is near is left to the server; the interval's own length on both sides.
fn around(interval: Interval) -> Interval {
    let width = interval.to_us.saturating_sub(interval.from_us);
    Interval {
        from_us: interval.from_us.saturating_sub(width),
        to_us: interval.to_us.saturating_add(width),
    }
}

/// An exact value has `low == high`.
fn number_matches(prefix: Prefix, wanted: Decimal, low: f64, high: f64) -> bool {
    let below_end = if low < high { high <= wanted.high } else { high < wanted.high };
    let equal = wanted.low <= low && below_end;
    match prefix {
        Prefix::Eq => equal,
        Prefix::Ne => !equal,
        // SPEC: with a comparison the number stands for itself, whatever its digits.
        Prefix::Gt => wanted.value < high,
        Prefix::Lt => low < wanted.value,
        Prefix::Ge => wanted.value <= high,
        Prefix::Le => low <= wanted.value,
        Prefix::Sa => wanted.value < low,
        Prefix::Eb => high < wanted.value,
        Prefix::Ap => {
            let slack = wanted.value.abs() * 0.1;
            wanted.low.min(wanted.value - slack) <= high
                && low <= wanted.high.max(wanted.value + slack)
        }
    }
}

fn buckets(interval: Interval) -> Lookup {
    for level in Level::ALL {
        let (first, last) = level.buckets(interval);
        if last.saturating_sub(first) < BUCKETS_MAX {
            let mut keys: SmallVec<[IndexKey; 2]> = (first..=last).map(|b| level.key(b)).collect();
            keys.push(level.wide());
            return Lookup::Keys(keys);
        }
    }
    Lookup::Scan
}
