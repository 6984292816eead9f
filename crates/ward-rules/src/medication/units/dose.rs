//! Amounts of a substance turned into each other, where that is known to be right.

use super::{Count, Unit, UnitError};
use crate::medication::{
    context::Quantity,
    knowledge::{Strength, Substance},
};

/// An amount, in the unit of its count.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Counted {
    pub value: f64,
    pub count: Count,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unconvertible {
    #[error(transparent)]
    Unit(#[from] UnitError),
    #[error("how much is in a piece or a milliliter is not known")]
    NoStrength,
    #[error("the number is no amount")]
    Value,
    #[error("how these units belong together is not known for this substance")]
    NoRelation,
}

impl Counted {
    /// An amount without its `per`.
    pub fn of(quantity: &Quantity) -> Result<(Counted, Unit), Unconvertible> {
        let unit = Unit::parse(&quantity.unit)?;
        let value = quantity.value * unit.factor;
        if !value.is_finite() || value < 0.0 {
            return Err(Unconvertible::Value);
        }
        Ok((Counted { value, count: unit.count }, unit))
    }

    /// Pieces and milliliters as what is in them.
    ///
    /// - Errors: `NoStrength` when the product does not say.
    pub fn through(self, strength: Option<&Strength>) -> Result<Counted, Unconvertible> {
        if !matches!(self.count, Count::Piece | Count::Volume) {
            return Ok(self);
        }
        let strength = strength.ok_or(Unconvertible::NoStrength)?;
        let per = Unit::parse(&strength.per_unit)?;
        let above = Unit::parse(&strength.unit)?;
        let per_value = strength.per_value * per.factor;
        if per.count != self.count || !per.is_plain() || !above.is_plain() || per_value <= 0.0 {
            return Err(Unconvertible::NoStrength);
        }
        Ok(Counted {
            value: self.value / per_value * strength.value * above.factor,
            count: above.count,
        })
    }

    /// The same amount of `substance` in another count.
    ///
    /// - Errors: `NoRelation`, and never a conversion that holds for some substances only.
    pub fn into(self, count: Count, substance: &Substance) -> Result<Counted, Unconvertible> {
        if self.count == count {
            return Ok(self);
        }
        let molar = substance.molar;
        let mg = match (self.count, molar, substance.mg_per_unit) {
            (Count::Mass, ..) => self.value,
            (Count::Mole, Some(molar), _) => self.value * molar.grams_per_mole,
            (Count::Equivalent, Some(molar), _) => {
                self.value / f64::from(molar.valence) * molar.grams_per_mole
            }
            (Count::Unit, _, Some(mg_per_unit)) => self.value * mg_per_unit,
            _ => return Err(Unconvertible::NoRelation),
        };
        let value = match (count, molar, substance.mg_per_unit) {
            (Count::Mass, ..) => mg,
            (Count::Mole, Some(molar), _) => mg / molar.grams_per_mole,
            (Count::Equivalent, Some(molar), _) => {
                mg / molar.grams_per_mole * f64::from(molar.valence)
            }
            (Count::Unit, _, Some(mg_per_unit)) => mg / mg_per_unit,
            _ => return Err(Unconvertible::NoRelation),
        };
        Ok(Counted { value, count })
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Counted, Unconvertible};
    use crate::medication::knowledge::{Strength, starter};

    fn meq_as_mmol(name: &str) -> Result<f64, Unconvertible> {
        let kb = starter().as_ref().unwrap();
        let of = Counted { value: 20.0, count: Count::Equivalent };
        let made = of.into(Count::Mole, kb.substance_named(name).unwrap());
        made.map(|it| (it.value * 1e9).round() / 1e9)
    }

    #[test]
    fn the_valence_counts() {
        assert_eq!(meq_as_mmol("potassium chloride"), Ok(20.0));
        assert_eq!(meq_as_mmol("calcium chloride"), Ok(10.0));
        assert_eq!(meq_as_mmol("magnesium sulfate"), Ok(10.0));
        // Of what no ion is known, nothing is assumed.
        assert_eq!(meq_as_mmol("heparin"), Err(Unconvertible::NoRelation));
    }

    #[test]
    fn pieces_and_milliliters_go_through_the_product() {
        let tablet =
            Strength { value: 325.0, unit: "MG".into(), per_value: 1.0, per_unit: "1".into() };
        let two = Counted { value: 2.0, count: Count::Piece };
        assert_eq!(two.through(Some(&tablet)), Ok(Counted { value: 650.0, count: Count::Mass }));
        assert_eq!(two.through(None), Err(Unconvertible::NoStrength));
        let syrup =
            Strength { value: 160.0, unit: "mg".into(), per_value: 5.0, per_unit: "mL".into() };
        let ml = Counted { value: 10.0, count: Count::Volume };
        assert_eq!(ml.through(Some(&syrup)), Ok(Counted { value: 320.0, count: Count::Mass }));
        assert_eq!(ml.through(Some(&tablet)), Err(Unconvertible::NoStrength));
    }
}
