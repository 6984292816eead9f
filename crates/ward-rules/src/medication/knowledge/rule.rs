//! One piece of knowledge: who with whom, under which circumstances, how grave, what to do.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Predicate, Term};
use crate::medication::issue::Tier;

/// What a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// Two drugs; it has a right side.
    Interaction,
    /// A drug and a condition of the patient.
    Condition,
    /// A drug and the kidney.
    Renal,
    /// A drug and the liver.
    Hepatic,
    /// A drug and pregnancy.
    Pregnancy,
    /// A drug and a child at the breast.
    Lactation,
    /// A drug and the patient's age.
    Age,
    /// A drug and a laboratory value.
    Laboratory,
    /// A drug and a value or a level that is not there.
    Monitoring,
    /// A drug and the way it is given.
    Route,
    /// A drug and how often it is given.
    Frequency,
}

/// What is done when a circumstance is not known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnknown {
    /// It is said that this could not be checked.
    #[default]
    Say,
    /// The rule fires: not knowing is the danger.
    Fire,
    /// Nothing: the circumstance is rare, and known when it matters.
    Skip,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub id: String,
    pub kind: RuleKind,
    /// The drug a one-sided rule is about.
    pub left: Term,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Term>,
    /// All of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Predicate>,
    #[serde(default)]
    pub when_unknown: WhenUnknown,
    pub tier: Tier,
    /// Ids of rules that say less of the same: where this one fires they are silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifts: Vec<String>,
    /// Days after the end of the right drug during which it still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub washout_days: Option<u16>,
    /// What happens, in a sentence.
    pub mechanism: String,
    /// What to do, in a sentence.
    pub action: String,
    /// Such as `label`, `consensus`, `study`.
    pub evidence: String,
    pub source: String,
    pub valid_from: Date,
    pub version: u16,
    /// Not confirmed against a label; said wherever it shows.
    #[serde(default)]
    pub illustrative: bool,
}
