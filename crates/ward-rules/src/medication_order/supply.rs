//! What of an order went to the ward, and where it is now: nothing of it is ever lost.

use serde::{Deserialize, Serialize};

use super::Quantity;

/// What was dispensed of one lot, and what became of it.
///
/// - Shape: dispensed = administered + wasted + returned + on ward, always.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lot {
    /// Id of the product in the stock.
    pub product: String,
    pub lot: String,
    pub dispensed: Quantity,
    pub administered: Quantity,
    pub wasted: Quantity,
    pub returned: Quantity,
    pub on_ward: Quantity,
}

/// The supply of one order.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Supply {
    pub lots: Vec<Lot>,
}

/// What happens to something that is on the ward.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    Administer,
    Waste,
    Return,
    /// A record of giving was wrong: it is on the ward still.
    TakeBack,
}

/// There is not as much of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SupplyRefusal {
    #[error("nothing of this lot was dispensed for this order")]
    NoSuchLot,
    #[error("{wanted} were asked for and {there} are on the ward")]
    TooLittle { wanted: Quantity, there: Quantity },
    #[error("{wanted} were to be taken back and {there} were given")]
    NotGiven { wanted: Quantity, there: Quantity },
    #[error("the quantity is zero")]
    Nothing,
}

impl Lot {
    /// Whether nothing of it is lost.
    pub fn is_conserved(&self) -> bool {
        self.dispensed
            == [self.administered, self.wasted, self.returned, self.on_ward].into_iter().sum()
    }
}

impl Supply {
    /// More came to the ward.
    pub fn dispense(&mut self, product: &str, lot: &str, n: Quantity) -> Result<(), SupplyRefusal> {
        if n.is_zero() {
            return Err(SupplyRefusal::Nothing);
        }
        match self.find(product, lot) {
            Some(found) => {
                found.dispensed = found.dispensed.plus(n);
                found.on_ward = found.on_ward.plus(n);
            }
            None => self.lots.push(Lot {
                product: product.to_owned(),
                lot: lot.to_owned(),
                dispensed: n,
                administered: Quantity::ZERO,
                wasted: Quantity::ZERO,
                returned: Quantity::ZERO,
                on_ward: n,
            }),
        }
        Ok(())
    }

    /// Something that is on the ward goes somewhere.
    pub fn take(
        &mut self,
        (product, lot): (&str, &str),
        to: Move,
        n: Quantity,
    ) -> Result<(), SupplyRefusal> {
        if n.is_zero() {
            return Err(SupplyRefusal::Nothing);
        }
        let found = self.find(product, lot).ok_or(SupplyRefusal::NoSuchLot)?;
        if to == Move::TakeBack {
            let left = found.administered.checked_sub(n);
            let not_given = SupplyRefusal::NotGiven { wanted: n, there: found.administered };
            found.administered = left.ok_or(not_given)?;
            found.on_ward = found.on_ward.plus(n);
            return Ok(());
        }
        let left = found.on_ward.checked_sub(n);
        let too_little = SupplyRefusal::TooLittle { wanted: n, there: found.on_ward };
        found.on_ward = left.ok_or(too_little)?;
        let goes = match to {
            Move::Administer | Move::TakeBack => &mut found.administered,
            Move::Waste => &mut found.wasted,
            Move::Return => &mut found.returned,
        };
        *goes = goes.plus(n);
        Ok(())
    }

    pub fn on_ward(&self) -> Quantity {
        self.lots.iter().map(|lot| lot.on_ward).sum()
    }

    pub fn dispensed(&self) -> Quantity {
        self.lots.iter().map(|lot| lot.dispensed).sum()
    }

    pub fn is_conserved(&self) -> bool {
        self.lots.iter().all(Lot::is_conserved)
    }

    fn find(&mut self, product: &str, lot: &str) -> Option<&mut Lot> {
        self.lots.iter_mut().find(|it| it.product == product && it.lot == lot)
    }
}
