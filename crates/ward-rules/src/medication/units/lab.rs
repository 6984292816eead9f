//! Laboratory values in the unit in which rules speak of them.

use octofhir_ucum::convert;

use crate::medication::{context::Quantity, lab::Analyte};

/// The value in [`Analyte::unit`]; nothing where the unit is not one of that analyte.
///
/// - Source: creatinine in umol/L is divided by 88.42, as in the formulas that use it.
pub fn lab_value(analyte: Analyte, quantity: &Quantity) -> Option<f64> {
    let value = quantity.value;
    if !value.is_finite() {
        return None;
    }
    let written = quantity.unit.trim().replace(['μ', 'µ'], "u");
    let lower = written.to_ascii_lowercase();
    let to = analyte.unit();
    if analyte == Analyte::Inr {
        // A ratio has no unit; percent is another test.
        let is_ratio =
            lower.is_empty() || lower == "1" || lower.contains("inr") || lower == "{ratio}";
        return is_ratio.then_some(value);
    }
    let from = match lower.as_str() {
        "mg/dl" => "mg/dL",
        "g/dl" => "g/dL",
        "g/l" => "g/L",
        "ug/ml" | "mcg/ml" => "ug/mL",
        "ng/ml" => "ng/mL",
        "ug/l" | "mcg/l" => "ug/L",
        "mg/l" => "mg/L",
        "mmol/l" => "mmol/L",
        "umol/l" => "umol/L",
        "nmol/l" => "nmol/L",
        "u/l" | "iu/l" | "units/l" | "[iu]/l" => "U/L",
        "uiu/ml" | "u[iu]/ml" | "miu/l" | "m[iu]/l" => "m[iU]/L",
        "iu/ml" | "[iu]/ml" | "u/ml" => "[iU]/mL",
        "10*3/ul" | "k/ul" | "10^3/ul" | "x10e3/ul" | "10*9/l" | "10^9/l" | "thou/ul" => "10*3/uL",
        "meq/l" => return equivalents(analyte, value),
        "bpm" | "/min" | "{beats}/min" | "beats/min" | "{breaths}/min" | "breaths/min" => "/min",
        "mmhg" | "mm hg" | "mm[hg]" => "mm[Hg]",
        "ms" | "msec" => "ms",
        "s" | "sec" | "seconds" => "s",
        _ => written.as_str(),
    };
    // UCUM drops annotations; `mg/g{creat}` is no concentration in blood.
    if from.contains('{') {
        return None;
    }
    if from == to {
        return Some(value);
    }
    if analyte == Analyte::Creatinine && from == "umol/L" {
        return Some(value / 88.42);
    }
    if let Ok(value) = convert(value, from, to)
        && !is_substance(from) | is_substance(to)
    {
        return Some(value);
    }
    // Mass and substance, through the molar mass.
    let mmol_per_l = convert(value, from, "mmol/L").ok().filter(|_| is_substance(from))?;
    let grams_per_mole = analyte.grams_per_mole()?;
    convert(mmol_per_l * grams_per_mole, "mg/L", to).ok()
}

fn is_substance(unit: &str) -> bool {
    unit.contains("mol")
}

/// Only of ions whose charge is known.
fn equivalents(analyte: Analyte, value: f64) -> Option<f64> {
    match analyte {
        Analyte::Potassium | Analyte::Sodium | Analyte::Lithium => Some(value),
        Analyte::Magnesium | Analyte::Calcium => {
            let grams_per_mole = analyte.grams_per_mole()?;
            convert(value / 2.0 * grams_per_mole, "mg/L", analyte.unit()).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::lab_value;
    use crate::medication::{context::Quantity, lab::Analyte};

    fn value(analyte: Analyte, value: f64, unit: &str) -> Option<f64> {
        let made = lab_value(analyte, &Quantity::new(value, unit));
        made.map(|it| (it * 1000.0).round() / 1000.0)
    }

    #[test]
    fn mass_and_substance() {
        assert_eq!(value(Analyte::Creatinine, 88.42, "umol/L"), Some(1.0));
        assert_eq!(value(Analyte::Creatinine, 88.42, "µmol/l"), Some(1.0));
        assert_eq!(value(Analyte::Creatinine, 12.0, "mg/L"), Some(1.2));
        assert_eq!(value(Analyte::Glucose, 5.551, "mmol/L"), Some(100.005));
        assert_eq!(value(Analyte::Bilirubin, 17.1, "umol/L"), Some(1.0));
        assert_eq!(value(Analyte::Magnesium, 2.0, "meq/L"), Some(2.431));
        assert_eq!(value(Analyte::Calcium, 2.5, "mmol/L"), Some(10.02));
        assert_eq!(value(Analyte::Potassium, 5.5, "meq/L"), Some(5.5));
        assert_eq!(value(Analyte::Digoxin, 1.28, "nmol/L"), Some(1.0));
        assert_eq!(value(Analyte::Inr, 2.5, ""), Some(2.5));
    }

    #[test]
    fn what_is_no_such_value_is_none() {
        assert_eq!(value(Analyte::Potassium, 5.5, "mg/dL"), None);
        assert_eq!(value(Analyte::Inr, 30.0, "%"), None);
        assert_eq!(value(Analyte::Platelets, 150.0, "mmol/L"), None);
        assert_eq!(value(Analyte::Creatinine, 30.0, "mg/g{creat}"), None);
        assert_eq!(value(Analyte::Creatinine, f64::NAN, "mg/dL"), None);
    }
}
