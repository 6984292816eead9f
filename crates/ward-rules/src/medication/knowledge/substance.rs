//! What a drug is made of and what it belongs to.

use serde::{Deserialize, Serialize};

use super::{Ndc11, Rxcui, Unii};
use crate::medication::route::Route;

/// An active ingredient.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Substance {
    /// Of RxNorm, term type IN.
    pub rxcui: Rxcui,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unii: Option<Unii>,
    /// As it is shown.
    pub name: String,
    /// Other names, brands and salts, in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Codes of ATC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub atc: Vec<String>,
    /// Other RXCUIs that mean it: precise ingredients and salts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Rxcui>,
    /// Routes for which a form is on the market; nothing is known when it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Grams per mole of what is dosed in mEq or mmol, with the valence of the ion that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub molar: Option<Molar>,
    /// Milligrams in one unit, where a drug is dosed in units and in milligrams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mg_per_unit: Option<f64>,
    /// Where the identity was seen.
    pub source: String,
}

/// What turns mEq and mmol into each other and into milligrams.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Molar {
    pub grams_per_mole: f64,
    pub valence: u8,
}

/// A drug as it is dispensed: of RxNorm (SCD, SBD), the NDC directory or the house.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Product {
    /// Of the clinical drug or the branded one.
    pub rxcui: Option<Rxcui>,
    pub ndc: Vec<Ndc11>,
    pub name: String,
    pub brand: Option<String>,
    /// Such as `tablet`, `extended release tablet`, `injectable solution`, in lower case.
    pub form: String,
    pub routes: Vec<Route>,
    pub ingredients: Vec<Ingredient>,
    /// Names of what else is in it, in lower case; unknown when absent.
    pub excipients: Option<Vec<String>>,
    pub manufacturer: Option<String>,
    /// `CII` to `CV`.
    pub schedule: Option<String>,
    pub source: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingredient {
    pub substance: Rxcui,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
}

/// So much of an ingredient in so much of a product: 325 mg in 1 tablet, 5 mg in 1 mL.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strength {
    pub value: f64,
    pub unit: String,
    pub per_value: f64,
    /// `1` for a piece: tablet, capsule, suppository, actuation.
    pub per_unit: String,
}

/// Substances that count as one for rules: `nsaid`, `maoi`, `cyp3a4-inhibitor-strong`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    pub id: String,
    /// Whose classes: `ward`, `atc`, `onc`, `epc`.
    pub scheme: String,
    pub name: String,
    pub members: Vec<Rxcui>,
    /// At how many members together a second therapy is a duplicate; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_at: Option<u8>,
    pub source: String,
}

/// Substances that a person allergic to one may not stand.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrossGroup {
    pub id: String,
    pub name: String,
    pub members: Vec<Rxcui>,
    /// How an allergy to the group as a whole is written, in lower case: `penicillins`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Whether the members really cross-react, or are only kin by name.
    pub strength: CrossStrength,
    pub note: String,
    pub source: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrossStrength {
    /// A reaction to one is to be expected with the other.
    Likely,
    /// Seldom: shown, nobody is interrupted.
    Unlikely,
}

/// A condition that rules ask for, by the codes that mean it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionGroup {
    pub id: String,
    pub name: String,
    /// Beginnings of ICD-10 codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icd10: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snomed: Vec<String>,
    /// Words of an uncoded condition, in lower case and without punctuation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}
