//! Whether two registrations are of one person.
//!
//! Each field that both have is same, close or different, and each of these is worth so many bits
//! for or against. The sum makes a probability; what the sum cannot know, such as that twins
//! agree in almost everything, is said by rules of its own.
//!
//! - Source: I. Fellegi, A. Sunter, A Theory for Record Linkage, JASA 64 (1969).

mod person;
mod weights;

use serde::{Deserialize, Serialize};

pub use person::{Birth, Number, Person};
pub use weights::Weights;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    Number,
    Family,
    Given,
    BirthDate,
    Sex,
    Phone,
    Email,
    Address,
    PostalCode,
}

/// How a field compares; one that either does not have is not compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    Same,
    Close,
    Differs,
}

/// How sure it is.
///
/// - Source: FHIR R4, extension `match-grade`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    CertainlyNot,
    Possible,
    Probable,
    Certain,
}

impl Grade {
    pub const fn as_str(self) -> &'static str {
        match self {
            Grade::CertainlyNot => "certainly-not",
            Grade::Possible => "possible",
            Grade::Probable => "probable",
            Grade::Certain => "certain",
        }
    }
}

/// Probabilities from which on a pair is worth a look, or more.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct Thresholds {
    pub possible: f64,
    pub probable: f64,
    pub certain: f64,
    /// How probable it is that somebody who comes is a given one of those registered, before
    /// anything is known.
    pub prior: f64,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { possible: 0.01, probable: 0.90, certain: 0.999, prior: 1e-5 }
    }
}

/// How alike two registrations are, and what says so.
#[derive(Clone, PartialEq, Debug)]
pub struct Likeness {
    pub evidence: Vec<(Field, Level)>,
    /// For (above 0) or against.
    pub bits: f64,
    pub probability: f64,
    pub grade: Grade,
}

impl Likeness {
    fn level(&self, field: Field) -> Option<Level> {
        self.evidence.iter().find(|(it, _)| *it == field).map(|(_, level)| *level)
    }
}

/// Compares two registrations.
///
/// - Shape: the order of the two does not matter.
pub fn compare(one: &Person, other: &Person, weights: &Weights, limits: Thresholds) -> Likeness {
    let evidence = person::evidence(one, other);
    let bits: f64 = evidence.iter().map(|(field, level)| weights.bits(*field, *level)).sum();
    let odds = bits + (limits.prior / (1.0 - limits.prior)).log2();
    let probability = 1.0 / (1.0 + (-odds).exp2());
    let grade = match probability {
        p if limits.certain <= p => Grade::Certain,
        p if limits.probable <= p => Grade::Probable,
        p if limits.possible <= p => Grade::Possible,
        _ => Grade::CertainlyNot,
    };
    let mut likeness = Likeness { evidence, bits, probability, grade };
    likeness.grade = ruled(&likeness);
    likeness
}

/// What the sum of independent fields gets wrong, put right.
fn ruled(likeness: &Likeness) -> Grade {
    use Level::{Close, Differs, Same};
    let of = |field| likeness.level(field);
    let is_alike = |field| matches!(of(field), Some(Same | Close));
    let grade = likeness.grade;
    // A shared number of a person says who it is, unless it was typed wrongly or lent.
    if of(Field::Number) == Some(Same) {
        let named = is_alike(Field::Family) || is_alike(Field::Given);
        return match (of(Field::BirthDate), named) {
            (Some(Same), true) => Grade::Certain,
            (Some(Differs), false) => grade.clamp(Grade::Possible, Grade::Probable),
            _ => Grade::Probable,
        };
    }
    // Twins have another given name, and a child named after a parent another birth date;
    // everything else of them agrees.
    if of(Field::Given) == Some(Differs) || of(Field::BirthDate) == Some(Differs) {
        return grade.min(Grade::Possible);
    }
    // Without a number nothing is certain that also somebody else in the house could say.
    let n_told = [Field::Phone, Field::Email, Field::Address];
    let is_told = n_told.iter().any(|field| of(*field) == Some(Same));
    let is_whole = [Field::Family, Field::Given, Field::BirthDate]
        .iter()
        .all(|field| of(*field) == Some(Same));
    if !(is_told && is_whole) || of(Field::Sex) == Some(Differs) {
        return grade.min(Grade::Probable);
    }
    grade
}

#[cfg(test)]
mod tests;
