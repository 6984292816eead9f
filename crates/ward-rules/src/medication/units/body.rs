//! Weights and heights of people.

use octofhir_ucum::convert;

use crate::medication::context::Quantity;

/// Kilograms; nothing where the unit is no weight.
pub fn weight_kg(quantity: &Quantity) -> Option<f64> {
    into(quantity, "kg")
}

/// Centimeters; nothing where the unit is no length.
pub fn height_cm(quantity: &Quantity) -> Option<f64> {
    into(quantity, "cm")
}

fn into(quantity: &Quantity, unit: &str) -> Option<f64> {
    let written = quantity.unit.trim().to_ascii_lowercase();
    let from = match written.as_str() {
        "kg" | "kgs" | "kilogram" | "kilograms" => "kg",
        "g" | "gm" | "gram" | "grams" => "g",
        "lb" | "lbs" | "pound" | "pounds" | "[lb_av]" => "[lb_av]",
        "oz" | "ounce" | "ounces" | "[oz_av]" => "[oz_av]",
        "cm" | "centimeter" | "centimeters" => "cm",
        "m" | "meter" | "meters" => "m",
        "mm" => "mm",
        "in" | "inch" | "inches" | "[in_i]" | "[in_us]" => "[in_i]",
        "ft" | "feet" | "[ft_i]" => "[ft_i]",
        _ => return None,
    };
    convert(quantity.value, from, unit).ok().filter(|it| it.is_finite() && 0.0 < *it)
}

#[cfg(test)]
mod tests {
    use super::{height_cm, weight_kg};
    use crate::medication::context::Quantity;

    #[test]
    fn pounds_and_inches() {
        let kg = weight_kg(&Quantity::new(154.0, "[lb_av]")).unwrap();
        assert!((kg - 69.853).abs() < 0.001, "{kg}");
        assert_eq!(weight_kg(&Quantity::new(70.0, "cm")), None);
        assert_eq!(height_cm(&Quantity::new(60.0, "in")), Some(152.4));
        assert_eq!(weight_kg(&Quantity::new(0.0, "kg")), None);
    }
}
