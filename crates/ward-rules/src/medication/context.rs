//! All that a check looks at: the patient, what is known of them, what they get, what is ordered.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{knowledge::Strength, lab::Analyte, route::Route, timing::Timing};

/// Everything one check sees. It holds patient data: `Debug` says nothing of it.
#[derive(Clone)]
pub struct CheckContext {
    /// When it is checked.
    pub now: Timestamp,
    /// The clock of the ward, for days and times of the day.
    pub zone: TimeZone,
    pub patient: Patient,
    pub allergies: Allergies,
    pub conditions: Vec<Condition>,
    pub labs: Vec<Lab>,
    /// What the patient gets now: orders of the house and what is taken at home.
    pub active: Vec<Order>,
    /// What ended not long ago: a washout may still run.
    pub recent: Vec<Order>,
    /// What is to be checked. Several orders signed together are checked against each other too.
    pub proposed: Vec<Order>,
    /// What the source holds and this context could not take, in words; each becomes an issue.
    pub gaps: Vec<Gap>,
    pub freshness: Freshness,
}

impl fmt::Debug for CheckContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CheckContext {{ {} active, {} proposed }}",
            self.active.len(),
            self.proposed.len()
        )
    }
}

impl CheckContext {
    /// Nobody, of whom nothing is known.
    pub fn empty(now: Timestamp) -> CheckContext {
        CheckContext {
            now,
            zone: TimeZone::UTC,
            patient: Patient::default(),
            allergies: Allergies::NotAssessed,
            conditions: Vec::new(),
            labs: Vec::new(),
            active: Vec::new(),
            recent: Vec::new(),
            proposed: Vec::new(),
            gaps: Vec::new(),
            freshness: Freshness::default(),
        }
    }
}

/// How old a value may be before it counts as not known, in hours.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Freshness {
    pub weight_adult_h: u32,
    pub weight_child_h: u32,
    /// Of children under two.
    pub weight_infant_h: u32,
    pub height_h: u32,
    pub creatinine_h: u32,
    /// Any other value of the laboratory for which a rule gives no time of its own.
    pub lab_h: u32,
    pub pregnancy_test_h: u32,
}

impl Default for Freshness {
    fn default() -> Freshness {
        Freshness {
            weight_adult_h: 90 * 24,
            weight_child_h: 30 * 24,
            weight_infant_h: 7 * 24,
            height_h: 5 * 365 * 24,
            creatinine_h: 7 * 24,
            lab_h: 7 * 24,
            pregnancy_test_h: 7 * 24,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    Female,
    Male,
}

#[derive(Clone, PartialEq, Default)]
pub struct Patient {
    pub birth_date: Option<Date>,
    /// The sex that formulas and pregnancy ask for; unknown when it is recorded otherwise.
    pub sex: Option<Sex>,
    /// Newest last or in any order; the newest counts.
    pub weights: Vec<Measured>,
    pub heights: Vec<Measured>,
    pub pregnancy: Pregnancy,
    pub lactating: Option<bool>,
    pub on_dialysis: bool,
}

/// A value with its unit as it was written, and when it was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    pub quantity: Quantity,
    pub at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Default, Debug)]
pub enum Pregnancy {
    #[default]
    Unknown,
    Pregnant {
        weeks: Option<f64>,
    },
    NotPregnant {
        /// Of the test or the statement.
        at: Option<Timestamp>,
    },
}

/// A number and its unit as it was written.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantity {
    pub value: f64,
    /// A code of UCUM or what people write; `1`, `tablet` and the like are pieces.
    pub unit: String,
}

impl Quantity {
    pub fn new(value: f64, unit: impl Into<String>) -> Quantity {
        Quantity { value, unit: unit.into() }
    }
}

/// A code of some system.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coded {
    /// URI, as in FHIR.
    pub system: String,
    pub code: String,
}

/// Code systems that checks understand.
pub mod system {
    pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
    pub const NDC: &str = "http://hl7.org/fhir/sid/ndc";
    pub const UNII: &str = "http://fdasis.nlm.nih.gov";
    pub const ATC: &str = "http://www.whocc.no/atc";
    pub const SNOMED: &str = "http://snomed.info/sct";
    pub const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
    pub const ICD10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
    pub const LOINC: &str = "http://loinc.org";
}

/// A drug as somebody wrote it; what it is made of is looked up in the knowledge base.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Drug {
    pub codes: Vec<Coded>,
    /// As it is shown.
    pub text: String,
    /// Where the source itself says what is in it: compounded and extemporaneous drugs.
    pub ingredients: Vec<DrugIngredient>,
    pub form: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct DrugIngredient {
    pub codes: Vec<Coded>,
    pub text: String,
    pub is_active: bool,
    pub strength: Option<Strength>,
}

/// Where an order stands for a check.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Ordered in the house.
    #[default]
    House,
    /// Taken at home and told.
    Home,
}

#[derive(Clone, PartialEq, Default, Debug)]
pub struct Order {
    /// How the caller knows it: `MedicationRequest/17`.
    pub id: String,
    pub drug: Drug,
    pub origin: Origin,
    /// One after the other or side by side, as in FHIR's `dosageInstruction`.
    pub dosing: Vec<Dosing>,
    /// When it began or begins.
    pub start: Option<Timestamp>,
    /// When it ended or ends.
    pub end: Option<Timestamp>,
    /// Codes of why.
    pub reasons: Vec<Coded>,
    /// Given once, at once.
    pub is_stat: bool,
    /// The order that this one takes the place of; it is not counted beside it.
    pub replaces: Option<String>,
}

/// One line of dosing.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Dosing {
    pub route: RouteGiven,
    /// A dose, or the upper end of a range.
    pub dose: Option<Quantity>,
    /// The lower end of a range.
    pub dose_low: Option<Quantity>,
    pub rate: Option<Quantity>,
    pub timing: Timing,
    pub as_needed: bool,
    /// `pain`, `nausea`; a reason is asked for when a dose is given as needed.
    pub as_needed_for: Option<String>,
    pub max_per_period: Option<MaxPerPeriod>,
    pub max_per_dose: Option<Quantity>,
    /// Lines with the same number are given side by side, others one after the other.
    pub sequence: Option<i64>,
    /// The text of it; shown, and read when nothing else is there.
    pub text: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct MaxPerPeriod {
    pub amount: Quantity,
    pub period_h: f64,
}

/// A route as it was given.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum RouteGiven {
    Known(Route),
    /// Somebody wrote one, and nobody here knows it.
    Unknown(String),
    #[default]
    Absent,
}

impl RouteGiven {
    pub const fn known(&self) -> Option<Route> {
        match self {
            RouteGiven::Known(route) => Some(*route),
            _ => None,
        }
    }
}

/// What is known of allergies.
#[derive(Clone, PartialEq, Debug)]
pub enum Allergies {
    /// Nobody has asked: an issue of its own.
    NotAssessed,
    /// Asked, and none known.
    NoneKnown,
    Known(Vec<Allergy>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Allergy {
    /// How the caller knows it: `AllergyIntolerance/17`.
    pub id: String,
    pub to: Drug,
    pub category: AllergyCategory,
    pub kind: AllergyKind,
    pub criticality: Option<Criticality>,
    /// False when it was refuted or entered in error: such a one is not checked.
    pub is_held: bool,
    pub reactions: Vec<Reaction>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllergyCategory {
    Medication,
    Biologic,
    Food,
    Environment,
    #[default]
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllergyKind {
    Allergy,
    /// Nausea and the like.
    Intolerance,
    #[default]
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    Low,
    High,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Reaction {
    pub codes: Vec<Coded>,
    pub text: String,
    pub is_severe: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    pub id: String,
    pub codes: Vec<Coded>,
    pub text: String,
}

/// A value of the laboratory, a drug level, or a sign that a rule asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Lab {
    pub analyte: Analyte,
    pub quantity: Quantity,
    pub at: Option<Timestamp>,
}

/// What the source holds and nobody could take: it is said, never dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Where: `MedicationRequest/17.dosageInstruction[0].timing`.
    pub place: String,
    /// What is wrong with it, without what it says.
    pub what: String,
}
