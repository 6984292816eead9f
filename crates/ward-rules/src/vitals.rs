//! Vital signs as they are measured at the bedside: units, and what cannot be or is unlikely.
//!
//! The limits tell slips of the hand from measurements. They are no alarms and no diagnosis: what
//! is unlikely is entered by saying that it was seen.

/// One kind of measurement.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Vital {
    /// As it is asked for, with its unit.
    pub name: &'static str,
    pub title: &'static str,
    /// - Source: LOINC; FHIR R4, Vital Signs profiles.
    pub loinc: &'static str,
    /// UCUM, and what is read for it.
    pub ucum: &'static str,
    pub unit: &'static str,
    /// Nobody alive has less, or more.
    pub possible: (f64, f64),
    /// Outside of this somebody looks again.
    pub likely: (f64, f64),
    /// Decimal places that are kept.
    pub places: i32,
}

/// Something cannot be meant so.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum VitalError {
    #[error("is not measured here")]
    Unknown,
    #[error("is no number")]
    Number,
    #[error("`{unit}` is no unit of it; it is measured in {known}")]
    Unit { unit: String, known: &'static str },
    #[error("{value} {unit} cannot be: it is from {low} to {high}")]
    Impossible { value: f64, unit: &'static str, low: f64, high: f64 },
    #[error("{value} {unit} is unlikely: look again, and confirm it")]
    Unlikely { value: f64, unit: &'static str },
    #[error("the lower pressure is above the upper one")]
    Pressures,
    #[error("goes with the other pressure")]
    OnePressure,
}

/// Everything that is measured, in the order in which it is asked for.
#[rustfmt::skip]
pub const ALL: [Vital; 11] = [
    vital("systolic", "Systolic blood pressure", "8480-6", ("mm[Hg]", "mmHg"), (20.0, 350.0), (70.0, 220.0), 0),
    vital("diastolic", "Diastolic blood pressure", "8462-4", ("mm[Hg]", "mmHg"), (10.0, 250.0), (35.0, 130.0), 0),
    vital("heartRate", "Heart rate", "8867-4", ("/min", "/min"), (5.0, 350.0), (35.0, 180.0), 0),
    vital("respiratoryRate", "Respiratory rate", "9279-1", ("/min", "/min"), (2.0, 120.0), (6.0, 45.0), 0),
    vital("temperature", "Body temperature", "8310-5", ("Cel", "°C"), (20.0, 46.0), (34.0, 41.0), 1),
    vital("oxygenSaturation", "Oxygen saturation", "2708-6", ("%", "%"), (10.0, 100.0), (75.0, 100.0), 0),
    vital("inhaledOxygen", "Inhaled oxygen flow", "3151-8", ("L/min", "L/min"), (0.0, 80.0), (0.0, 60.0), 1),
    vital("height", "Body height", "8302-2", ("cm", "cm"), (20.0, 280.0), (45.0, 215.0), 0),
    vital("weight", "Body weight", "29463-7", ("kg", "kg"), (0.2, 700.0), (2.0, 250.0), 1),
    vital("bmi", "Body mass index", "39156-5", ("kg/m2", "kg/m²"), (4.0, 250.0), (12.0, 60.0), 1),
    vital("pain", "Pain severity, 0 to 10", "72514-3", ("{score}", ""), (0.0, 10.0), (0.0, 10.0), 0),
];

const fn vital(
    name: &'static str,
    title: &'static str,
    loinc: &'static str,
    (ucum, unit): (&'static str, &'static str),
    possible: (f64, f64),
    likely: (f64, f64),
    places: i32,
) -> Vital {
    Vital { name, title, loinc, ucum, unit, possible, likely, places }
}

/// Whether an unlikely value was looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    Once,
    Again,
}

impl Vital {
    pub fn by_name(name: &str) -> Option<&'static Vital> {
        ALL.iter().find(|it| it.name == name)
    }

    /// The value in this vital sign's own unit.
    ///
    /// - Shape: without a unit it is in that one. Fahrenheit, pounds, inches and kilopascals are
    ///   turned into it.
    /// - Errors: another unit; what cannot be; what is unlikely and was not seen again.
    /// - Source: NIST SP 811, appendix B: 0.45359237 kg/lb, 2.54 cm/in, 7.50062 mmHg/kPa.
    pub fn value(&self, number: f64, unit: Option<&str>, seen: Seen) -> Result<f64, VitalError> {
        if !number.is_finite() {
            return Err(VitalError::Number);
        }
        let given = unit.map(str::trim).filter(|unit| !unit.is_empty());
        let value = match given {
            None => number,
            Some(unit) if unit == self.ucum || unit == self.unit => number,
            Some("mmHg") if self.ucum == "mm[Hg]" => number,
            Some("kPa") if self.ucum == "mm[Hg]" => number * 7.500_62,
            Some("[degF]" | "°F" | "F") if self.ucum == "Cel" => (number - 32.0) / 1.8,
            Some("C") if self.ucum == "Cel" => number,
            Some("[lb_av]" | "lb") if self.ucum == "kg" => number * 0.453_592_37,
            Some("g") if self.ucum == "kg" => number / 1000.0,
            Some("[in_i]" | "in") if self.ucum == "cm" => number * 2.54,
            Some("m") if self.ucum == "cm" => number * 100.0,
            Some(unit) => {
                return Err(VitalError::Unit { unit: unit.to_owned(), known: self.unit });
            }
        };
        let scale = 10_f64.powi(self.places);
        let value = (value * scale).round() / scale;
        let is_in = |(low, high): (f64, f64)| low <= value && value <= high;
        if !is_in(self.possible) {
            let (low, high) = self.possible;
            return Err(VitalError::Impossible { value, unit: self.unit, low, high });
        }
        if !is_in(self.likely) && seen == Seen::Once {
            return Err(VitalError::Unlikely { value, unit: self.unit });
        }
        Ok(value)
    }
}

/// - Units: kilograms and centimeters; the index in kg/m², to one place.
pub fn body_mass_index(weight_kg: f64, height_cm: f64) -> f64 {
    let height_m = height_cm / 100.0;
    (weight_kg / (height_m * height_m) * 10.0).round() / 10.0
}

/// The two pressures go together, and the upper one is above.
pub fn pressures(systolic: Option<f64>, diastolic: Option<f64>) -> Result<(), VitalError> {
    match (systolic, diastolic) {
        (None, None) => Ok(()),
        (Some(upper), Some(lower)) if lower < upper => Ok(()),
        (Some(_), Some(_)) => Err(VitalError::Pressures),
        _ => Err(VitalError::OnePressure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, number: f64, unit: Option<&str>) -> Result<f64, VitalError> {
        Vital::by_name(name).unwrap().value(number, unit, Seen::Once)
    }

    #[test]
    fn what_is_likely_is_within_what_is_possible() {
        for vital in ALL {
            let ((a, b), (c, d)) = (vital.possible, vital.likely);
            assert!(a <= c && c < d && d <= b, "{}", vital.name);
        }
    }

    #[test]
    fn units_are_turned_into_one() {
        assert_eq!(of("temperature", 100.4, Some("°F")), Ok(38.0));
        assert_eq!(of("weight", 154.0, Some("lb")), Ok(69.9));
        assert_eq!(of("height", 1.78, Some("m")), Ok(178.0));
        assert_eq!(of("height", 70.0, Some("in")), Ok(178.0));
        assert_eq!(of("systolic", 16.0, Some("kPa")), Ok(120.0));
        assert_eq!(of("heartRate", 72.0, None), Ok(72.0));
        let other = of("temperature", 38.0, Some("K"));
        assert_eq!(other.unwrap_err().to_string(), "`K` is no unit of it; it is measured in °C");
    }

    #[test]
    fn slips_of_the_hand_are_found() {
        // A point that was forgotten, Fahrenheit without its unit, a digit too many.
        assert!(matches!(of("temperature", 385.0, None), Err(VitalError::Impossible { .. })));
        assert!(matches!(of("temperature", 100.4, None), Err(VitalError::Impossible { .. })));
        assert!(matches!(of("heartRate", 720.0, None), Err(VitalError::Impossible { .. })));
        assert!(matches!(of("oxygenSaturation", 101.0, None), Err(VitalError::Impossible { .. })));
        assert!(matches!(of("weight", f64::NAN, None), Err(VitalError::Number)));
        let low = Vital::by_name("heartRate").unwrap();
        assert!(matches!(low.value(28.0, None, Seen::Once), Err(VitalError::Unlikely { .. })));
        assert_eq!(low.value(28.0, None, Seen::Again), Ok(28.0));
        assert_eq!(pressures(Some(80.0), Some(120.0)), Err(VitalError::Pressures));
        assert_eq!(pressures(Some(120.0), None), Err(VitalError::OnePressure));
        assert_eq!(pressures(Some(120.0), Some(80.0)), Ok(()));
        assert_eq!(body_mass_index(70.0, 175.0), 22.9);
    }
}
