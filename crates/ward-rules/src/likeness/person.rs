//! A registration as it is compared, and each field of two of them.

use super::{Field, Level};

/// What a registration says of who somebody is; texts without case and accents.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Person {
    /// Of every name that the person goes or went by.
    pub families: Vec<String>,
    /// The first of each name.
    pub givens: Vec<String>,
    pub birth: Option<Birth>,
    /// `female`, `male` or `other`; what is unknown is not compared.
    pub sex: Option<String>,
    /// Numbers that stand for a person: of the record, the state, the insurance.
    pub numbers: Vec<Number>,
    /// Their last digits, which are the same however the number is written.
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub lines: Vec<String>,
    pub postal_codes: Vec<String>,
}

/// A birth date as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Birth {
    pub year: i16,
    pub month: Option<i8>,
    pub day: Option<i8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number {
    pub system: String,
    pub value: String,
}

/// Names from this Jaro-Winkler likeness on are spellings of one.
const CLOSE: f64 = 0.88;

/// Lines of an address from this likeness on are one.
const LINE_CLOSE: f64 = 0.93;

/// Every field that both have.
pub(super) fn evidence(one: &Person, other: &Person) -> Vec<(Field, Level)> {
    let mut family = best(&one.families, &other.families, name);
    let mut given = best(&one.givens, &other.givens, name);
    // Family and given name in each other's place.
    let crossed = |a: &[String], b: &[String]| best(a, b, name) == Some(Level::Same);
    if family != Some(Level::Same)
        && given != Some(Level::Same)
        && crossed(&one.families, &other.givens)
        && crossed(&one.givens, &other.families)
    {
        (family, given) = (Some(Level::Close), Some(Level::Close));
    }
    let same = |a: &String, b: &String| if a == b { Level::Same } else { Level::Differs };
    let line = |a: &String, b: &String| match a == b {
        true => Level::Same,
        false if LINE_CLOSE <= strsim::jaro_winkler(a, b) => Level::Close,
        false => Level::Differs,
    };
    [
        (Field::Number, numbers(&one.numbers, &other.numbers)),
        (Field::Family, family),
        (Field::Given, given),
        (Field::BirthDate, one.birth.zip(other.birth).map(|(a, b)| birth(a, b))),
        (Field::Sex, one.sex.as_ref().zip(other.sex.as_ref()).map(|(a, b)| same(a, b))),
        (Field::Phone, best(&one.phones, &other.phones, same)),
        (Field::Email, best(&one.emails, &other.emails, same)),
        (Field::Address, best(&one.lines, &other.lines, line)),
        (Field::PostalCode, best(&one.postal_codes, &other.postal_codes, same)),
    ]
    .into_iter()
    .filter_map(|(field, level)| Some((field, level?)))
    .collect()
}

/// The best of all pairs; none where either side has nothing.
fn best<T>(one: &[T], other: &[T], of: impl Fn(&T, &T) -> Level) -> Option<Level> {
    one.iter().flat_map(|a| other.iter().map(move |b| (a, b))).map(|(a, b)| of(a, b)).min()
}

/// Only numbers of one system are compared. Two numbers of one system are no sign of two people:
/// being registered twice is how one comes to have them.
fn numbers(one: &[Number], other: &[Number]) -> Option<Level> {
    one.iter().any(|a| other.contains(a)).then_some(Level::Same)
}

fn name(one: &String, other: &String) -> Level {
    if one == other {
        return Level::Same;
    }
    // `J.` for `John`, and `Meyer` for `Meyer-Schmidt`.
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let initial = short.trim_end_matches('.');
    let is_initial =
        initial.chars().count() == 1 && initial.is_ascii() && long.starts_with(initial);
    let is_part = 3 <= short.chars().count()
        && long.split([' ', '-', '\'']).any(|part| part == short.as_str());
    if is_initial || is_part || CLOSE <= strsim::jaro_winkler(one, other) {
        return Level::Close;
    }
    Level::Differs
}

/// Two dates are close when one part of them was mistyped, day and month were swapped, or one is
/// known only in part.
fn birth(one: Birth, other: Birth) -> Level {
    if one == other {
        return Level::Same;
    }
    let (Some((m1, m2)), Some((d1, d2))) = (one.month.zip(other.month), one.day.zip(other.day))
    else {
        let is_month = one.month.zip(other.month).is_none_or(|(a, b)| a == b);
        return if one.year == other.year && is_month { Level::Close } else { Level::Differs };
    };
    let n_same = [one.year == other.year, m1 == m2, d1 == d2].iter().filter(|it| **it).count();
    let is_swapped = one.year == other.year && m1 == d2 && d1 == m2;
    if n_same == 2 || is_swapped { Level::Close } else { Level::Differs }
}
