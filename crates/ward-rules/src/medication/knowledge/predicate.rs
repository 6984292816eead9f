//! Circumstances under which a rule or a limit holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Term;
use crate::medication::{context::Sex, lab::Analyte, route::Route};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cmp {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Cmp {
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Cmp::Below => value < bound,
            Cmp::AtMost => value <= bound,
            Cmp::Above => bound < value,
            Cmp::AtLeast => bound <= value,
        }
    }

    pub const fn sign(self) -> &'static str {
        match self {
            Cmp::Below => "<",
            Cmp::AtMost => "<=",
            Cmp::Above => ">",
            Cmp::AtLeast => ">=",
        }
    }
}

/// A measure of how the kidney works.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kidney {
    /// Creatinine clearance by Cockcroft and Gault, in mL/min: what labels mean.
    CrCl,
    /// CKD-EPI 2021, in mL/min/1.73 m2.
    Egfr,
}

/// Which of a rule's two drugs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Side {
    Left,
    Right,
}

/// One circumstance. It holds, does not hold, or is not known.
///
/// - Shape: written in one line, see `docs/medication-checks.md`; [`Predicate::parse`] reads it and
///   `Display` writes it.
#[derive(Clone, PartialEq, Debug)]
pub enum Predicate {
    /// `age < 12`: years; `age < 28 d` days.
    Age(Cmp, f64),
    /// `weight < 50`: kilograms.
    Weight(Cmp, f64),
    /// `sex female`.
    Sex(Sex),
    /// `pregnant`, `pregnant >= 20`: weeks.
    Pregnant(Option<(Cmp, f64)>),
    /// `can-be-pregnant`: a woman from 12 to 50 of whom it is not known that she is not pregnant.
    CanBePregnant,
    /// `lactating`.
    Lactating,
    /// `crcl < 30`, `egfr < 30`.
    Kidney(Kidney, Cmp, f64),
    /// `lab potassium > 5.5`, `lab inr > 4 within 72`: hours; units are those of the analyte.
    Lab(Analyte, Cmp, f64, Option<f64>),
    /// `no-lab inr within 72`: hours.
    NoLab(Analyte, f64),
    /// `with class:nsaid`, `with 1191`: another active order.
    With(Term),
    /// `without class:ppi`.
    Without(Term),
    /// `condition asthma`: id of a group.
    Condition(String),
    /// `no-condition malignancy`.
    NoCondition(String),
    /// `route oral,enteral`, `right route intravenous`.
    Route(Side, Vec<Route>),
    /// `not-route intrathecal`.
    NotRoute(Side, Vec<Route>),
    /// `daily > 20 mg`, `right daily > 100 mg`.
    Daily(Side, Cmp, f64, String),
    /// `single > 10 mg`.
    Single(Side, Cmp, f64, String),
    /// `per-week >= 3`: doses in seven days.
    PerWeek(Side, Cmp, f64),
    /// `days > 5`: length of the course.
    Days(Cmp, f64),
    /// `as-needed`.
    AsNeeded(Side),
    /// `together`: both are due within two hours of each other, or nobody knows when.
    Together,
    /// `ended`: the right drug is not given any more, and its washout runs.
    Ended,
    /// `form extended`: a word of the form.
    Form(Side, String),
}

/// Why a line is no circumstance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PredicateError {
    #[error("`{0}` is no circumstance that is known")]
    Unknown(String),
    #[error("`{0}` needs a comparison (<, <=, >, >=) and a number")]
    Comparison(String),
    #[error("`{0}` is no analyte")]
    Analyte(String),
    #[error("`{0}` is no route")]
    Route(String),
    #[error("`{0}` is neither a substance nor a class")]
    Term(String),
    #[error("after `{0}` something is missing or too much")]
    Words(String),
}

impl Predicate {
    /// Reads one circumstance; `term` turns the name of a drug or a class into a term.
    pub fn parse(
        text: &str,
        term: &dyn Fn(&str) -> Option<Term>,
    ) -> Result<Predicate, PredicateError> {
        let mut words = text.split_ascii_whitespace().peekable();
        let side = match words.peek() {
            Some(&"right") => {
                words.next();
                Side::Right
            }
            Some(&"left") => {
                words.next();
                Side::Left
            }
            _ => Side::Left,
        };
        let head = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let missing = || PredicateError::Words(head.to_owned());
        let one = || match rest.as_slice() {
            [word] => Ok(*word),
            _ => Err(missing()),
        };
        let none = |made: Predicate| match rest.as_slice() {
            [] => Ok(made),
            _ => Err(missing()),
        };
        let named = || {
            let name = rest.join(" ");
            term(&name).ok_or(PredicateError::Term(name))
        };
        let compared = |words: &[&str]| comparison(head, words);
        match head {
            "age" => match rest.as_slice() {
                [cmp, days, "d"] => {
                    compared(&[cmp, days]).map(|(cmp, n)| Predicate::Age(cmp, n / 365.25))
                }
                [cmp, months, "mo"] => {
                    compared(&[cmp, months]).map(|(cmp, n)| Predicate::Age(cmp, n / 12.0))
                }
                words => compared(words).map(|(cmp, n)| Predicate::Age(cmp, n)),
            },
            "weight" => compared(&rest).map(|(cmp, n)| Predicate::Weight(cmp, n)),
            "sex" => match one()? {
                "female" => Ok(Predicate::Sex(Sex::Female)),
                "male" => Ok(Predicate::Sex(Sex::Male)),
                _ => Err(missing()),
            },
            "pregnant" if rest.is_empty() => Ok(Predicate::Pregnant(None)),
            "pregnant" => compared(&rest).map(|bound| Predicate::Pregnant(Some(bound))),
            "can-be-pregnant" => none(Predicate::CanBePregnant),
            "lactating" => none(Predicate::Lactating),
            "crcl" => compared(&rest).map(|(cmp, n)| Predicate::Kidney(Kidney::CrCl, cmp, n)),
            "egfr" => compared(&rest).map(|(cmp, n)| Predicate::Kidney(Kidney::Egfr, cmp, n)),
            "lab" => match rest.as_slice() {
                [name, cmp, bound, "within", hours] => {
                    let (cmp, n) = compared(&[cmp, bound])?;
                    let hours = number(hours).ok_or_else(missing)?;
                    Ok(Predicate::Lab(analyte(name)?, cmp, n, Some(hours)))
                }
                [name, cmp, bound] => {
                    let (cmp, n) = compared(&[cmp, bound])?;
                    Ok(Predicate::Lab(analyte(name)?, cmp, n, None))
                }
                _ => Err(missing()),
            },
            "no-lab" => match rest.as_slice() {
                [name, "within", hours] => {
                    Ok(Predicate::NoLab(analyte(name)?, number(hours).ok_or_else(missing)?))
                }
                _ => Err(missing()),
            },
            "with" => named().map(Predicate::With),
            "without" => named().map(Predicate::Without),
            "condition" => one().map(|id| Predicate::Condition(id.to_owned())),
            "no-condition" => one().map(|id| Predicate::NoCondition(id.to_owned())),
            "route" => routes(one()?).map(|routes| Predicate::Route(side, routes)),
            "not-route" => routes(one()?).map(|routes| Predicate::NotRoute(side, routes)),
            "daily" | "single" => match rest.as_slice() {
                [cmp, bound, unit] => {
                    let (cmp, n) = compared(&[cmp, bound])?;
                    let unit = (*unit).to_owned();
                    Ok(match head {
                        "daily" => Predicate::Daily(side, cmp, n, unit),
                        _ => Predicate::Single(side, cmp, n, unit),
                    })
                }
                _ => Err(missing()),
            },
            "per-week" => compared(&rest).map(|(cmp, n)| Predicate::PerWeek(side, cmp, n)),
            "days" => compared(&rest).map(|(cmp, n)| Predicate::Days(cmp, n)),
            "as-needed" => none(Predicate::AsNeeded(side)),
            "together" => none(Predicate::Together),
            "ended" => none(Predicate::Ended),
            "form" => one().map(|word| Predicate::Form(side, word.to_owned())),
            other => Err(PredicateError::Unknown(other.to_owned())),
        }
    }
}

fn comparison(head: &str, words: &[&str]) -> Result<(Cmp, f64), PredicateError> {
    let wrong = || PredicateError::Comparison(head.to_owned());
    let [sign, bound] = words else { return Err(wrong()) };
    let cmp = match *sign {
        "<" => Cmp::Below,
        "<=" => Cmp::AtMost,
        ">" => Cmp::Above,
        ">=" => Cmp::AtLeast,
        _ => return Err(wrong()),
    };
    Ok((cmp, number(bound).ok_or_else(wrong)?))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

fn analyte(name: &str) -> Result<Analyte, PredicateError> {
    Analyte::named(name).ok_or_else(|| PredicateError::Analyte(name.to_owned()))
}

fn routes(list: &str) -> Result<Vec<Route>, PredicateError> {
    let route = |name: &str| Route::parse(name).ok_or(PredicateError::Route(name.to_owned()));
    list.split(',').map(route).collect()
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Side| if *side == Side::Right { "right " } else { "" };
        let join = |routes: &[Route]| routes.iter().map(|r| r.name()).collect::<Vec<_>>().join(",");
        match self {
            Predicate::Age(cmp, n) => write!(f, "age {} {n}", cmp.sign()),
            Predicate::Weight(cmp, n) => write!(f, "weight {} {n}", cmp.sign()),
            Predicate::Sex(Sex::Female) => f.write_str("sex female"),
            Predicate::Sex(Sex::Male) => f.write_str("sex male"),
            Predicate::Pregnant(None) => f.write_str("pregnant"),
            Predicate::Pregnant(Some((cmp, n))) => write!(f, "pregnant {} {n}", cmp.sign()),
            Predicate::CanBePregnant => f.write_str("can-be-pregnant"),
            Predicate::Lactating => f.write_str("lactating"),
            Predicate::Kidney(Kidney::CrCl, cmp, n) => write!(f, "crcl {} {n}", cmp.sign()),
            Predicate::Kidney(Kidney::Egfr, cmp, n) => write!(f, "egfr {} {n}", cmp.sign()),
            Predicate::Lab(analyte, cmp, n, None) => {
                write!(f, "lab {} {} {n}", analyte.name(), cmp.sign())
            }
            Predicate::Lab(analyte, cmp, n, Some(hours)) => {
                write!(f, "lab {} {} {n} within {hours}", analyte.name(), cmp.sign())
            }
            Predicate::NoLab(analyte, hours) => {
                write!(f, "no-lab {} within {hours}", analyte.name())
            }
            Predicate::With(term) => write!(f, "with {term}"),
            Predicate::Without(term) => write!(f, "without {term}"),
            Predicate::Condition(id) => write!(f, "condition {id}"),
            Predicate::NoCondition(id) => write!(f, "no-condition {id}"),
            Predicate::Route(at, routes) => write!(f, "{}route {}", side(at), join(routes)),
            Predicate::NotRoute(at, routes) => write!(f, "{}not-route {}", side(at), join(routes)),
            Predicate::Daily(at, cmp, n, unit) => {
                write!(f, "{}daily {} {n} {unit}", side(at), cmp.sign())
            }
            Predicate::Single(at, cmp, n, unit) => {
                write!(f, "{}single {} {n} {unit}", side(at), cmp.sign())
            }
            Predicate::PerWeek(at, cmp, n) => write!(f, "{}per-week {} {n}", side(at), cmp.sign()),
            Predicate::Days(cmp, n) => write!(f, "days {} {n}", cmp.sign()),
            Predicate::AsNeeded(at) => write!(f, "{}as-needed", side(at)),
            Predicate::Together => f.write_str("together"),
            Predicate::Ended => f.write_str("ended"),
            Predicate::Form(at, word) => write!(f, "{}form {word}", side(at)),
        }
    }
}

impl Serialize for Predicate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads what `Display` writes: drugs by RXCUI, classes as `class:ID`.
impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Predicate, D::Error> {
        let text = String::deserialize(deserializer)?;
        Predicate::parse(&text, &Term::plain).map_err(serde::de::Error::custom)
    }
}
