//! What of a product is on which shelf, by lot; which lot goes out first, and which may not.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Quantity, order::states};

states! {
    /// Whether a lot may go out.
    LotStatus {
        Available = "available",
        /// Somebody looks into it.
        Quarantined = "quarantined",
        Recalled = "recalled",
    }
}

/// One lot of a product.
///
/// - Shape: received + found = on the shelves + issued + discarded + lost, where what comes back
///   from wards is no longer issued.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lot {
    pub lot: String,
    /// The last day on which it may be used.
    pub expires: Date,
    pub status: LotStatus,
    /// By location.
    pub shelves: BTreeMap<String, Quantity>,
    pub received: Quantity,
    /// For patients, less what came back.
    pub issued: Quantity,
    pub discarded: Quantity,
    /// By counts that found less, and more, than there should have been.
    pub lost: Quantity,
    pub found: Quantity,
}

/// All lots of one product.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stock {
    pub lots: Vec<Lot>,
}

/// So much of a lot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Picked {
    pub lot: String,
    pub expires: Date,
    pub quantity: Quantity,
}

/// It may not go out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StockRefusal {
    #[error("there is no such lot")]
    NoSuchLot,
    #[error("the lot is recalled")]
    Recalled,
    #[error("the lot is quarantined")]
    Quarantined,
    #[error("the lot expired on {0}")]
    Expired(Date),
    #[error("{wanted} were asked for and {there} are there")]
    TooLittle { wanted: Quantity, there: Quantity },
    #[error("lot {0} expires sooner and goes out first")]
    SoonerFirst(String),
    #[error("the lot is known with another day of expiry: {0}")]
    OtherExpiry(Date),
    #[error("the quantity is zero")]
    Nothing,
}

impl Lot {
    /// Why it may not go out on this day.
    pub fn refusal(&self, today: Date) -> Option<StockRefusal> {
        match self.status {
            LotStatus::Recalled => Some(StockRefusal::Recalled),
            LotStatus::Quarantined => Some(StockRefusal::Quarantined),
            LotStatus::Available if self.expires < today => {
                Some(StockRefusal::Expired(self.expires))
            }
            LotStatus::Available => None,
        }
    }

    /// The word on a label: a status, or `expired`.
    pub fn word(&self, today: Date) -> &'static str {
        match self.refusal(today) {
            Some(StockRefusal::Expired(_)) => "expired",
            _ => self.status.as_str(),
        }
    }

    pub fn at(&self, location: &str) -> Quantity {
        self.shelves.get(location).copied().unwrap_or_default()
    }

    pub fn on_shelves(&self) -> Quantity {
        self.shelves.values().copied().sum()
    }

    /// Whether nothing of it is lost.
    pub fn is_conserved(&self) -> bool {
        let came = self.received.plus(self.found);
        let went = [self.on_shelves(), self.issued, self.discarded, self.lost];
        came == went.into_iter().sum()
    }

    fn put(&mut self, location: &str, n: Quantity) {
        let shelf = self.shelves.entry(location.to_owned()).or_default();
        *shelf = shelf.plus(n);
    }

    fn pick(&mut self, location: &str, n: Quantity) -> Result<(), StockRefusal> {
        let there = self.at(location);
        let left = there.checked_sub(n).ok_or(StockRefusal::TooLittle { wanted: n, there })?;
        if left.is_zero() {
            self.shelves.remove(location);
        } else {
            self.shelves.insert(location.to_owned(), left);
        }
        Ok(())
    }
}

impl Stock {
    pub fn lot(&self, lot: &str) -> Option<&Lot> {
        self.lots.iter().find(|it| it.lot == lot)
    }

    pub fn at(&self, location: &str) -> Quantity {
        self.lots.iter().map(|lot| lot.at(location)).sum()
    }

    /// More came from outside.
    pub fn receive(
        &mut self,
        (lot, expires): (&str, Date),
        location: &str,
        n: Quantity,
    ) -> Result<(), StockRefusal> {
        some(n)?;
        if self.lot(lot).is_none() {
            self.lots.push(Lot {
                lot: lot.to_owned(),
                expires,
                status: LotStatus::Available,
                shelves: BTreeMap::new(),
                received: Quantity::ZERO,
                issued: Quantity::ZERO,
                discarded: Quantity::ZERO,
                lost: Quantity::ZERO,
                found: Quantity::ZERO,
            });
            self.lots.sort_by(|a, b| (a.expires, &a.lot).cmp(&(b.expires, &b.lot)));
        }
        let found = self.find(lot)?;
        if found.expires != expires {
            return Err(StockRefusal::OtherExpiry(found.expires));
        }
        found.received = found.received.plus(n);
        found.put(location, n);
        Ok(())
    }

    /// What would go out first: of the lots that may, the one that expires soonest.
    pub fn first_expired_first_out(
        &self,
        location: &str,
        n: Quantity,
        today: Date,
    ) -> Result<Vec<Picked>, StockRefusal> {
        some(n)?;
        let (mut left, mut picked) = (n, Vec::new());
        for lot in self.may_go(location, today) {
            let some = lot.at(location).min(left);
            left = left.checked_sub(some).unwrap_or_default();
            picked.push(Picked { lot: lot.lot.clone(), expires: lot.expires, quantity: some });
            if left.is_zero() {
                return Ok(picked);
            }
        }
        let there = n.checked_sub(left).unwrap_or_default();
        Err(StockRefusal::TooLittle { wanted: n, there })
    }

    /// One lot goes out for a patient.
    ///
    /// - Errors: the lot may not go out, there is too little of it, or another one goes first.
    pub fn issue(
        &mut self,
        lot: &str,
        location: &str,
        n: Quantity,
        today: Date,
    ) -> Result<(), StockRefusal> {
        some(n)?;
        let sooner = self.may_go(location, today).next();
        let sooner = sooner.map(|it| (it.expires, it.lot.clone()));
        let found = self.find(lot)?;
        if let Some(no) = found.refusal(today) {
            return Err(no);
        }
        // Of two that expire on one day either may go.
        if let Some((expires, first)) = sooner
            && expires < found.expires
        {
            return Err(StockRefusal::SoonerFirst(first));
        }
        found.pick(location, n)?;
        found.issued = found.issued.plus(n);
        Ok(())
    }

    /// A ward gives back what it did not need.
    pub fn take_back(
        &mut self,
        lot: &str,
        location: &str,
        n: Quantity,
    ) -> Result<(), StockRefusal> {
        some(n)?;
        let found = self.find(lot)?;
        let there = found.issued;
        found.issued = there.checked_sub(n).ok_or(StockRefusal::TooLittle { wanted: n, there })?;
        found.put(location, n);
        Ok(())
    }

    /// From one shelf to another.
    pub fn transfer(
        &mut self,
        lot: &str,
        (from, to): (&str, &str),
        n: Quantity,
        today: Date,
    ) -> Result<(), StockRefusal> {
        some(n)?;
        let found = self.find(lot)?;
        if let Some(no) = found.refusal(today) {
            return Err(no);
        }
        found.pick(from, n)?;
        found.put(to, n);
        Ok(())
    }

    /// Thrown away: broken, expired, recalled.
    pub fn discard(&mut self, lot: &str, location: &str, n: Quantity) -> Result<(), StockRefusal> {
        some(n)?;
        let found = self.find(lot)?;
        found.pick(location, n)?;
        found.discarded = found.discarded.plus(n);
        Ok(())
    }

    /// Somebody counted, and this is what is there.
    pub fn count(
        &mut self,
        lot: &str,
        location: &str,
        counted: Quantity,
    ) -> Result<Discrepancy, StockRefusal> {
        let found = self.find(lot)?;
        let there = found.at(location);
        let difference = match (counted.checked_sub(there), there.checked_sub(counted)) {
            (Some(more), _) if more.is_zero() => return Ok(Discrepancy::None),
            (Some(more), _) => {
                found.found = found.found.plus(more);
                found.put(location, more);
                Discrepancy::More(more)
            }
            (None, less) => {
                let less = less.unwrap_or_default();
                found.pick(location, less)?;
                found.lost = found.lost.plus(less);
                Discrepancy::Less(less)
            }
        };
        Ok(difference)
    }

    /// What counting would find, before it is written.
    pub fn would_differ(&self, lot: &str, location: &str, counted: Quantity) -> bool {
        self.lot(lot).is_none_or(|it| it.at(location) != counted)
    }

    pub fn set_status(&mut self, lot: &str, status: LotStatus) -> Result<(), StockRefusal> {
        self.find(lot)?.status = status;
        Ok(())
    }

    pub fn is_conserved(&self) -> bool {
        self.lots.iter().all(Lot::is_conserved)
    }

    /// Lots with something at a location that may go out, soonest first.
    fn may_go<'s>(&'s self, location: &'s str, today: Date) -> impl Iterator<Item = &'s Lot> {
        // INVARIANT: `receive` keeps the lots sorted by expiry.
        self.lots
            .iter()
            .filter(move |lot| lot.refusal(today).is_none() && !lot.at(location).is_zero())
    }

    fn find(&mut self, lot: &str) -> Result<&mut Lot, StockRefusal> {
        self.lots.iter_mut().find(|it| it.lot == lot).ok_or(StockRefusal::NoSuchLot)
    }
}

/// What a count found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discrepancy {
    None,
    More(Quantity),
    Less(Quantity),
}

fn some(n: Quantity) -> Result<(), StockRefusal> {
    if n.is_zero() { Err(StockRefusal::Nothing) } else { Ok(()) }
}

/// A schedule of controlled substances.
///
/// - Source: 21 CFR 1308.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Schedule {
    CII,
    CIII,
    CIV,
    CV,
}
