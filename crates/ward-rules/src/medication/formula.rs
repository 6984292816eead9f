//! Formulas of body and kidney. Each takes what it says and nothing else.

use super::context::Sex;

/// Creatinine clearance in mL/min.
///
/// - Units: years, kilograms, mg/dL.
/// - Source: D. Cockcroft, M. Gault, Nephron 16 (1976).
pub fn cockcroft_gault(age_y: f64, weight_kg: f64, creatinine_mg_dl: f64, sex: Sex) -> f64 {
    let of_men = (140.0 - age_y) * weight_kg / (72.0 * creatinine_mg_dl);
    match sex {
        Sex::Male => of_men,
        Sex::Female => of_men * 0.85,
    }
}

/// Estimated glomerular filtration rate in mL/min/1.73 m2.
///
/// - Units: years, mg/dL.
/// - Source: L. Inker et al., NEJM 385 (2021): CKD-EPI 2021, creatinine, without race.
pub fn ckd_epi_2021(age_y: f64, creatinine_mg_dl: f64, sex: Sex) -> f64 {
    let (kappa, alpha, factor) = match sex {
        Sex::Female => (0.7, -0.241, 1.012),
        Sex::Male => (0.9, -0.302, 1.0),
    };
    let ratio = creatinine_mg_dl / kappa;
    142.0
        * ratio.min(1.0).powf(alpha)
        * ratio.max(1.0).powf(-1.200)
        * 0.9938_f64.powf(age_y)
        * factor
}

/// Estimated glomerular filtration rate of a child, in mL/min/1.73 m2.
///
/// - Source: G. Schwartz et al., JASN 20 (2009), "bedside".
pub fn bedside_schwartz(height_cm: f64, creatinine_mg_dl: f64) -> f64 {
    0.413 * height_cm / creatinine_mg_dl
}

/// Ideal body weight in kilograms; meant for adults from 5 feet.
///
/// - Source: B. Devine, Drug Intell Clin Pharm 8 (1974).
pub fn ideal_weight_kg(height_cm: f64, sex: Sex) -> f64 {
    let base = match sex {
        Sex::Male => 50.0,
        Sex::Female => 45.5,
    };
    base + 2.3 * (height_cm / 2.54 - 60.0)
}

/// Adjusted body weight in kilograms, for people much heavier than their ideal weight.
pub fn adjusted_weight_kg(actual_kg: f64, ideal_kg: f64) -> f64 {
    ideal_kg + 0.4 * (actual_kg - ideal_kg)
}

/// Body surface in m2.
///
/// - Source: R. Mosteller, NEJM 317 (1987).
pub fn body_surface_m2(height_cm: f64, weight_kg: f64) -> f64 {
    (height_cm * weight_kg / 3600.0).sqrt()
}

/// Times the ideal weight from which the adjusted one is used.
const OBESE_FROM: f64 = 1.2;

/// Which weight went into Cockcroft and Gault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WeightUsed {
    Actual,
    Ideal,
    Adjusted,
}

impl WeightUsed {
    pub const fn name(self) -> &'static str {
        match self {
            WeightUsed::Actual => "actual weight",
            WeightUsed::Ideal => "ideal weight",
            WeightUsed::Adjusted => "adjusted weight",
        }
    }
}

/// The weight that Cockcroft and Gault get: the actual one of who is lighter than ideal, the
/// adjusted one of who is much heavier, else the ideal one; the actual one where no height is known.
pub fn clearance_weight_kg(actual_kg: f64, height_cm: Option<f64>, sex: Sex) -> (f64, WeightUsed) {
    let ideal = height_cm.map(|cm| ideal_weight_kg(cm, sex)).filter(|kg| 0.0 < *kg);
    match ideal {
        None => (actual_kg, WeightUsed::Actual),
        Some(ideal) if actual_kg < ideal => (actual_kg, WeightUsed::Actual),
        Some(ideal) if OBESE_FROM * ideal < actual_kg => {
            (adjusted_weight_kg(actual_kg, ideal), WeightUsed::Adjusted)
        }
        Some(ideal) => (ideal, WeightUsed::Ideal),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::medication::{context::Quantity, lab::Analyte, units::lab_value};

    /// Ours, computed once by hand from the published formulas.
    const OWN: &[(&str, f64)] = &[
        ("cockcroft_gault age=60,w=72kg,scr=1.0,sex=M", 80.0),
        ("cockcroft_gault age=40,w=60kg,scr=0.8,sex=F", 88.541667),
        ("ckd_epi_2021 age=50,scr=1.0,sex=M", 91.691479),
        ("bsa_mosteller h=160cm,w=90kg", 2.0),
        ("bedside_schwartz h=100cm,scr=0.413", 100.0),
        ("ibw_devine h=152.4cm,sex=F", 45.5),
        ("adjbw actual=100,ibw=50", 70.0),
    ];

    fn value(formula: &str, input: &str) -> Option<f64> {
        let get = |name: &str| {
            let pair =
                input.split(',').find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
            let text = pair.unwrap_or_else(|| panic!("{input} has no {name}"));
            text.trim_end_matches("kg").trim_end_matches("cm").to_owned()
        };
        let number = |name: &str| get(name).parse::<f64>().unwrap();
        let sex = || if get("sex") == "F" { Sex::Female } else { Sex::Male };
        Some(match formula {
            "cockcroft_gault" => cockcroft_gault(number("age"), number("w"), number("scr"), sex()),
            "ckd_epi_2021" => ckd_epi_2021(number("age"), number("scr"), sex()),
            "ibw_devine" => ideal_weight_kg(number("h"), sex()),
            // The vector prints its ideal weight with three digits and was computed with all.
            "adjbw" if get("ibw") == "74.992" => {
                adjusted_weight_kg(number("actual"), ideal_weight_kg(180.0, Sex::Male))
            }
            "adjbw" => adjusted_weight_kg(number("actual"), number("ibw")),
            "bsa_mosteller" => body_surface_m2(number("h"), number("w")),
            "bedside_schwartz" => bedside_schwartz(number("h"), number("scr")),
            "creatinine" => {
                let umol = Quantity::new(88.42, "umol/L");
                lab_value(Analyte::Creatinine, &umol).unwrap()
            }
            _ => return None,
        })
    }

    fn check(formula: &str, input: &str, expected: &str) -> bool {
        let Some(value) = value(formula, input) else { return false };
        let digits = expected.split_once('.').map_or(0, |(_, part)| part.len());
        assert_eq!(format!("{value:.digits$}"), expected, "{formula} {input}");
        true
    }

    #[test]
    fn formulas_give_what_they_should() {
        for (case, expected) in OWN {
            let (formula, input) = case.split_once(' ').unwrap();
            assert!(check(formula, input, &format!("{expected:.6}")));
        }
    }

    #[test]
    fn the_shared_vectors_come_out_to_the_digit() {
        let shared = std::env::var("WARD_SHARED_DATA").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
        });
        let path = Path::new(&shared).join("meds/dose/formula_vectors.tsv");
        let Ok(text) = fs::read_to_string(&path) else {
            eprintln!("NOT CHECKED: no vectors of formulas in {}", path.display());
            return;
        };
        let mut n_checked = 0;
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            n_checked += usize::from(check(cells[0], cells[1], cells[2]));
        }
        assert_eq!(n_checked, 11);
    }

    #[test]
    fn the_weight_is_chosen_by_the_ideal_one() {
        let of = |kg| clearance_weight_kg(kg, Some(180.0), Sex::Male);
        assert_eq!(of(60.0), (60.0, WeightUsed::Actual));
        assert_eq!(of(80.0).1, WeightUsed::Ideal);
        assert_eq!(of(120.0).1, WeightUsed::Adjusted);
        assert_eq!(clearance_weight_kg(120.0, None, Sex::Male).1, WeightUsed::Actual);
    }
}
