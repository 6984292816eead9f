//! A unit taken apart: what is counted, and per what.

use octofhir_ucum::convert;

/// What a unit counts, with the unit that factors lead to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Count {
    /// Milligrams.
    Mass,
    /// International and other units of effect.
    Unit,
    /// Millimoles.
    Mole,
    /// Milliequivalents: moles times the valence of an ion, which the unit does not tell.
    Equivalent,
    /// Milliliters.
    Volume,
    /// Tablets, puffs, drops: how much is in one is the product's affair.
    Piece,
    /// Hours.
    Time,
}

impl Count {
    /// How a number of them is shown.
    pub const fn unit(self) -> &'static str {
        match self {
            Count::Mass => "mg",
            Count::Unit => "units",
            Count::Mole => "mmol",
            Count::Equivalent => "mEq",
            Count::Volume => "mL",
            Count::Piece => "pieces",
            Count::Time => "h",
        }
    }
}

/// What stands below the line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub struct Per {
    pub kg: bool,
    pub m2: bool,
    /// Per hour.
    pub time: bool,
    /// Per milliliter.
    pub volume: bool,
    /// Per piece of the product.
    pub piece: bool,
}

/// A unit as a factor to what it counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unit {
    pub count: Count,
    pub per: Per,
    /// One of it is so many of [`Count::unit`] per kg, m2, h, mL.
    pub factor: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnitError {
    #[error("there is no unit")]
    Empty,
    #[error("the unit is not known")]
    Unknown,
    #[error("an annotation is part of the unit, and what it means is not known")]
    Annotation,
    #[error("percent is a concentration, not an amount")]
    Percent,
    #[error("a unit has one amount above the line and at most kg, m2, a time, a volume below")]
    Shape,
    #[error("the unit is longer than 64 bytes")]
    Long,
}

/// Longest unit read, in bytes. LIMIT: the longest in use has some 20.
const UNIT_BYTES_MAX: usize = 64;

impl Unit {
    /// Reads a code of UCUM or what people write.
    ///
    /// - Errors: see [`UnitError`]; never a guess.
    pub fn parse(text: &str) -> Result<Unit, UnitError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UnitError::Empty);
        }
        if UNIT_BYTES_MAX < text.len() {
            return Err(UnitError::Long);
        }
        let text = text.replace(" per ", "/").replace(['μ', 'µ'], "u");
        let mut parts = text.split('/').map(str::trim);
        let above = part(parts.next().unwrap_or_default())?;
        let Part::Amount(count, factor) = above else { return Err(UnitError::Shape) };
        let mut unit = Unit { count, per: Per::default(), factor };
        for below in parts {
            if below.is_empty() {
                return Err(UnitError::Shape);
            }
            // The point in `1.73` is none between units.
            if below.contains("1.73") {
                unit.divide(below)?;
                continue;
            }
            let below = below.trim_start_matches('(').trim_end_matches(')');
            for name in below.split('.') {
                unit.divide(name)?;
            }
        }
        Ok(unit)
    }

    fn divide(&mut self, name: &str) -> Result<(), UnitError> {
        let (slot, factor) = match part_below(name)? {
            // One gram of body weight is a thousandth of a kilogram.
            Part::Amount(Count::Mass, mg) => (&mut self.per.kg, mg / 1e6),
            Part::Amount(Count::Volume, ml) => (&mut self.per.volume, ml),
            Part::Amount(Count::Time, h) => (&mut self.per.time, h),
            Part::Amount(Count::Piece, n) => (&mut self.per.piece, n),
            Part::Area(m2) => (&mut self.per.m2, m2),
            // `mg/dose` is what a dose is anyway.
            Part::Dose => return Ok(()),
            Part::Amount(..) => return Err(UnitError::Shape),
        };
        if *slot {
            return Err(UnitError::Shape);
        }
        *slot = true;
        self.factor /= factor;
        Ok(())
    }

    /// Neither per body nor per time nor per volume.
    pub fn is_plain(&self) -> bool {
        self.per == Per::default()
    }
}

/// One side of a line.
enum Part {
    Amount(Count, f64),
    /// Square meters.
    Area(f64),
    Dose,
}

/// What UCUM refuses or takes for something else, in lower case.
const NAMES: &[(&str, Count, f64)] = &[
    ("mg", Count::Mass, 1.0),
    ("milligram", Count::Mass, 1.0),
    ("mgs", Count::Mass, 1.0),
    ("g", Count::Mass, 1000.0),
    ("gm", Count::Mass, 1000.0),
    ("gms", Count::Mass, 1000.0),
    ("gram", Count::Mass, 1000.0),
    ("mcg", Count::Mass, 0.001),
    ("ug", Count::Mass, 0.001),
    ("microgram", Count::Mass, 0.001),
    ("ng", Count::Mass, 1e-6),
    ("nanogram", Count::Mass, 1e-6),
    ("kg", Count::Mass, 1e6),
    ("kilogram", Count::Mass, 1e6),
    ("ml", Count::Volume, 1.0),
    ("milliliter", Count::Volume, 1.0),
    ("millilitre", Count::Volume, 1.0),
    ("cc", Count::Volume, 1.0),
    ("l", Count::Volume, 1000.0),
    ("liter", Count::Volume, 1000.0),
    ("litre", Count::Volume, 1000.0),
    ("dl", Count::Volume, 100.0),
    ("tsp", Count::Volume, 5.0),
    ("teaspoon", Count::Volume, 5.0),
    ("tbsp", Count::Volume, 15.0),
    ("tablespoon", Count::Volume, 15.0),
    ("unit", Count::Unit, 1.0),
    ("unt", Count::Unit, 1.0),
    ("u", Count::Unit, 1.0),
    ("iu", Count::Unit, 1.0),
    ("[iu]", Count::Unit, 1.0),
    ("[usp'u]", Count::Unit, 1.0),
    ("international unit", Count::Unit, 1.0),
    ("usp unit", Count::Unit, 1.0),
    ("milliunit", Count::Unit, 0.001),
    ("m[iu]", Count::Unit, 0.001),
    ("k[iu]", Count::Unit, 1000.0),
    ("million unit", Count::Unit, 1e6),
    ("million iu", Count::Unit, 1e6),
    ("10*6.[iu]", Count::Unit, 1e6),
    ("10*6[iu]", Count::Unit, 1e6),
    ("mu", Count::Unit, 1e6),
    ("mmol", Count::Mole, 1.0),
    ("millimole", Count::Mole, 1.0),
    ("mol", Count::Mole, 1000.0),
    ("umol", Count::Mole, 0.001),
    ("meq", Count::Equivalent, 1.0),
    ("milliequivalent", Count::Equivalent, 1.0),
    ("eq", Count::Equivalent, 1000.0),
    ("h", Count::Time, 1.0),
    ("hr", Count::Time, 1.0),
    ("hour", Count::Time, 1.0),
    ("min", Count::Time, 1.0 / 60.0),
    ("minute", Count::Time, 1.0 / 60.0),
    ("s", Count::Time, 1.0 / 3600.0),
    ("sec", Count::Time, 1.0 / 3600.0),
    ("second", Count::Time, 1.0 / 3600.0),
    ("d", Count::Time, 24.0),
    ("day", Count::Time, 24.0),
    ("24h", Count::Time, 24.0),
    ("wk", Count::Time, 168.0),
    ("week", Count::Time, 168.0),
    ("mo", Count::Time, 730.5),
    ("month", Count::Time, 730.5),
    ("1", Count::Piece, 1.0),
];

/// Things that are counted. A drop is one of them: UCUM's 1/20 mL is nobody's dropper.
const PIECES: &[&str] = &[
    "tablet",
    "tab",
    "capsule",
    "cap",
    "caplet",
    "pill",
    "suppository",
    "supp",
    "patch",
    "puff",
    "actuation",
    "spray",
    "inhalation",
    "drop",
    "gtt",
    "[drp]",
    "lozenge",
    "troche",
    "ampule",
    "ampoule",
    "amp",
    "vial",
    "syringe",
    "packet",
    "sachet",
    "film",
    "strip",
    "applicatorful",
    "application",
    "each",
    "ea",
    "piece",
    "unit dose",
    "bag",
    "implant",
    "pen",
    "neb",
    "nebule",
    "kit",
    "enema",
];

/// What stands below the line; `kg` there is the patient, not the drug.
fn part_below(name: &str) -> Result<Part, UnitError> {
    let lower = name.trim().to_ascii_lowercase();
    match lower.as_str() {
        "dose" | "{dose}" => Ok(Part::Dose),
        "m2" | "m^2" | "sqm" | "m²" => Ok(Part::Area(1.0)),
        // `mL/min/{1.73_m2}` is no `mL/min`: the annotation is a body surface.
        "{1.73_m2}" | "1.73m2" | "1.73 m2" | "{1.73m2}" | "1.73_m2" => Ok(Part::Area(1.73)),
        // A weight below the line is the patient's only when it is written as one.
        "mg" | "ug" | "mcg" => Err(UnitError::Shape),
        _ => part(name),
    }
}

fn part(name: &str) -> Result<Part, UnitError> {
    let name = name.trim();
    let lower = name.to_ascii_lowercase();
    let lower = lower.trim_end_matches('.');
    let bare = lower.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap_or(lower);
    let singular = |it: &str| match it.strip_suffix("(s)").or_else(|| it.strip_suffix('s')) {
        Some(one) if !one.is_empty() => Some(one.to_owned()),
        _ => None,
    };
    let is_piece = |it: &str| PIECES.contains(&it);
    if is_piece(bare) || singular(bare).is_some_and(|it| is_piece(&it)) || bare == "patches" {
        return Ok(Part::Amount(Count::Piece, 1.0));
    }
    let named = |it: &str| NAMES.iter().find(|(name, ..)| *name == it);
    let hit = named(lower).or_else(|| named(&singular(lower)?));
    if let Some((_, count, factor)) = hit {
        return Ok(Part::Amount(*count, *factor));
    }
    if name.contains('%') {
        return Err(UnitError::Percent);
    }
    // UCUM itself drops annotations; `mg{phenytoin}` would become `mg`.
    if name.contains(['{', '}']) {
        return Err(UnitError::Annotation);
    }
    // UCUM turns equivalents into moles as if every ion had one charge.
    if lower.contains("eq") || lower.contains("[iu]") {
        return Err(UnitError::Unknown);
    }
    let into = |unit: &str| convert(1.0, name, unit).ok().filter(|it| it.is_finite() && 0.0 < *it);
    if let Some(mg) = into("mg") {
        return Ok(Part::Amount(Count::Mass, mg));
    }
    if let Some(ml) = into("mL") {
        return Ok(Part::Amount(Count::Volume, ml));
    }
    if let Some(h) = into("h") {
        return Ok(Part::Amount(Count::Time, h));
    }
    into("m2").map(Part::Area).ok_or(UnitError::Unknown)
}

/// Grams in 100 mL, as percent on a bag of fluid means.
pub fn mg_per_ml_of_percent(percent: f64) -> f64 {
    percent * 10.0
}

#[cfg(test)]
mod tests {
    use super::{Count, Unit, UnitError};

    fn read(text: &str) -> (Count, f64) {
        let unit = Unit::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        (unit.count, unit.factor)
    }

    #[test]
    fn what_people_write_is_read() {
        for mg in ["mg", "MG", "Mg", "mgs", "milligrams"] {
            assert_eq!(read(mg), (Count::Mass, 1.0), "{mg}");
        }
        for mcg in ["mcg", "MCG", "ug", "µg", "μg", "micrograms"] {
            assert_eq!(read(mcg), (Count::Mass, 0.001), "{mcg}");
        }
        for ml in ["mL", "ml", "ML", "cc", "milliliters"] {
            assert_eq!(read(ml), (Count::Volume, 1.0), "{ml}");
        }
        for units in ["units", "Unit", "IU", "[iU]", "[IU]", "[USP'U]", "UNT", "U"] {
            assert_eq!(read(units), (Count::Unit, 1.0), "{units}");
        }
        for piece in ["tablet", "tablets", "TAB", "tab(s)", "{tablet}"] {
            assert_eq!(read(piece), (Count::Piece, 1.0), "{piece}");
        }
        assert_eq!(read("million units"), (Count::Unit, 1e6));
        assert_eq!(read("[oz_av]").0, Count::Mass);
    }

    #[test]
    fn an_equivalent_is_no_mole() {
        assert_eq!(read("mEq"), (Count::Equivalent, 1.0));
        assert_eq!(read("meq"), (Count::Equivalent, 1.0));
        assert_eq!(read("mmol"), (Count::Mole, 1.0));
    }

    #[test]
    fn a_drop_is_no_twentieth_of_a_milliliter() {
        for drop in ["[drp]", "drops", "gtt", "GTTS"] {
            assert_eq!(read(drop), (Count::Piece, 1.0), "{drop}");
        }
    }

    #[test]
    fn annotations_do_not_vanish() {
        assert_eq!(Unit::parse("mg{phenytoin}"), Err(UnitError::Annotation));
        assert_eq!(Unit::parse("{scoop}"), Err(UnitError::Annotation));
        let (plain, body) = (Unit::parse("mL/min"), Unit::parse("mL/min/{1.73_m2}"));
        assert!(plain.is_ok() && body.is_ok());
        assert_ne!(plain, body);
    }

    #[test]
    fn percent_is_no_amount() {
        assert_eq!(Unit::parse("%"), Err(UnitError::Percent));
    }

    #[test]
    fn what_is_below_the_line_is_kept() {
        let unit = Unit::parse("mcg/kg/min").unwrap();
        assert!(unit.per.kg && unit.per.time && !unit.per.m2);
        assert!((unit.factor - 0.06).abs() < 1e-12);
        assert_eq!(Unit::parse("ug/kg/min"), Unit::parse("mcg/(kg.min)"));
        assert!(Unit::parse("mg/m2").unwrap().per.m2);
        assert_eq!(Unit::parse("mg/dose"), Unit::parse("mg"));
        let per_day = Unit::parse("mg/kg/day").unwrap();
        assert!((per_day.factor - 1.0 / 24.0).abs() < 1e-12);
        for wrong in ["", "/kg", "mg/", "mg//kg", "mg/kg/kg", "kg/mg", "blobs", "gr", "mg/mg"] {
            assert!(Unit::parse(wrong).is_err(), "{wrong}");
        }
    }
}
