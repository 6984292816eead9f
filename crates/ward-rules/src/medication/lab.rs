//! Laboratory values that checks ask for.

use serde::{Deserialize, Serialize};

/// What is measured. Each has one unit in which rules speak of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Analyte {
    Creatinine,
    Potassium,
    Sodium,
    Magnesium,
    Calcium,
    Glucose,
    Inr,
    Aptt,
    AntiXa,
    Platelets,
    Hemoglobin,
    Neutrophils,
    Bilirubin,
    Alt,
    Ast,
    Albumin,
    Lactate,
    Tsh,
    UricAcid,
    CreatineKinase,
    Qtc,
    HeartRate,
    SystolicPressure,
    RespiratoryRate,
    Digoxin,
    Lithium,
    Phenytoin,
    Valproate,
    Carbamazepine,
    Vancomycin,
    Gentamicin,
    Tobramycin,
    Tacrolimus,
    Theophylline,
}

/// Name, unit of the rules, grams per mole where mass and substance are both in use, LOINC codes.
type Row = (Analyte, &'static str, &'static str, Option<f64>, &'static [&'static str]);

/// - Source: LOINC 2.7x; molar masses of PubChem.
const ROWS: &[Row] = &[
    (Analyte::Creatinine, "creatinine", "mg/dL", Some(113.12), &["2160-0", "14682-9", "38483-4"]),
    (Analyte::Potassium, "potassium", "mmol/L", None, &["2823-3", "6298-4", "22760-3"]),
    (Analyte::Sodium, "sodium", "mmol/L", None, &["2951-2", "2947-0"]),
    (Analyte::Magnesium, "magnesium", "mg/dL", Some(24.305), &["19123-9", "2601-3"]),
    (Analyte::Calcium, "calcium", "mg/dL", Some(40.078), &["17861-6", "2000-8"]),
    (
        Analyte::Glucose,
        "glucose",
        "mg/dL",
        Some(180.156),
        &["2345-7", "2339-0", "14749-6", "15074-8", "41653-7"],
    ),
    (Analyte::Inr, "inr", "{INR}", None, &["6301-6", "34714-6", "38875-1"]),
    (Analyte::Aptt, "aptt", "s", None, &["3173-2", "14979-9"]),
    (Analyte::AntiXa, "anti-xa", "[iU]/mL", None, &["3274-8", "32684-3"]),
    (Analyte::Platelets, "platelets", "10*3/uL", None, &["777-3", "26515-7"]),
    (Analyte::Hemoglobin, "hemoglobin", "g/dL", None, &["718-7", "20509-6"]),
    (Analyte::Neutrophils, "neutrophils", "10*3/uL", None, &["751-8", "26499-4"]),
    (Analyte::Bilirubin, "bilirubin", "mg/dL", Some(584.66), &["1975-2", "14631-6"]),
    (Analyte::Alt, "alt", "U/L", None, &["1742-6", "1743-4", "1744-2"]),
    (Analyte::Ast, "ast", "U/L", None, &["1920-8", "30239-8"]),
    (Analyte::Albumin, "albumin", "g/dL", None, &["1751-7", "61151-7"]),
    (Analyte::Lactate, "lactate", "mmol/L", Some(90.08), &["2524-7", "32693-4", "2518-9"]),
    (Analyte::Tsh, "tsh", "m[iU]/L", None, &["3016-3", "11580-8"]),
    (Analyte::UricAcid, "uric-acid", "mg/dL", Some(168.11), &["3084-1", "14933-6"]),
    (Analyte::CreatineKinase, "ck", "U/L", None, &["2157-6"]),
    (Analyte::Qtc, "qtc", "ms", None, &["8636-3", "8634-8"]),
    (Analyte::HeartRate, "heart-rate", "/min", None, &["8867-4"]),
    (Analyte::SystolicPressure, "systolic", "mm[Hg]", None, &["8480-6"]),
    (Analyte::RespiratoryRate, "respiratory-rate", "/min", None, &["9279-1"]),
    (Analyte::Digoxin, "digoxin", "ng/mL", Some(780.94), &["10535-3", "14698-5"]),
    (Analyte::Lithium, "lithium", "mmol/L", None, &["14334-7", "3719-2"]),
    (Analyte::Phenytoin, "phenytoin", "ug/mL", Some(252.27), &["3968-5", "14877-5"]),
    (Analyte::Valproate, "valproate", "ug/mL", Some(144.21), &["4086-5", "14946-8"]),
    (Analyte::Carbamazepine, "carbamazepine", "ug/mL", Some(236.27), &["3432-2", "14639-9"]),
    (Analyte::Vancomycin, "vancomycin", "ug/mL", Some(1449.3), &["4092-3", "20578-1"]),
    (Analyte::Gentamicin, "gentamicin", "ug/mL", None, &["3665-7", "35668-3"]),
    (Analyte::Tobramycin, "tobramycin", "ug/mL", None, &["4059-2", "35670-9"]),
    (Analyte::Tacrolimus, "tacrolimus", "ng/mL", None, &["11253-2"]),
    (Analyte::Theophylline, "theophylline", "ug/mL", Some(180.17), &["4049-3", "14915-3"]),
];

impl Analyte {
    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.0 == self)
    }

    /// As rules and people call it.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// The unit of UCUM in which rules speak of it.
    pub fn unit(self) -> &'static str {
        self.row().map_or("1", |row| row.2)
    }

    /// Grams per mole, where results come as mass and as substance.
    pub fn grams_per_mole(self) -> Option<f64> {
        self.row().and_then(|row| row.3)
    }

    pub fn named(name: &str) -> Option<Analyte> {
        ROWS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The analyte of a LOINC code.
    pub fn of_loinc(code: &str) -> Option<Analyte> {
        ROWS.iter().find(|row| row.4.contains(&code)).map(|row| row.0)
    }

    pub fn all() -> impl Iterator<Item = Analyte> {
        ROWS.iter().map(|row| row.0)
    }
}
