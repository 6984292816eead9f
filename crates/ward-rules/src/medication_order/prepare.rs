//! What is made ready in the pharmacy: the batch, what went into it, and until when it may be used.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{Quantity, order::states};

states! {
    /// How a preparation is made, which says how long it may be used.
    Category {
        /// Taken out of a package and labelled.
        Repackaged = "repackaged",
        /// Made for at once, outside of clean air.
        ImmediateUse = "immediate-use",
        /// Compounded in clean air outside of a clean room.
        Category1 = "category-1",
        /// Compounded in a clean room.
        Category2 = "category-2",
        /// Not sterile, with water in it.
        Aqueous = "aqueous",
        /// Not sterile, without water.
        Dry = "dry",
    }
}

/// How it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    Room,
    Refrigerator,
    Freezer,
}

/// What a batch is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    pub product: String,
    pub lot: String,
    pub quantity: Quantity,
}

/// The longest time for which a preparation of a kind may be used, in hours; `None` when it is not
/// made or kept so.
///
/// - Source: the categories and times of USP <797> and <795> (2023) for preparations without a
///   sterility test, aseptically made from sterile parts; a house's own studies may say more.
pub const fn beyond_use_h(category: Category, storage: Storage) -> Option<u32> {
    match (category, storage) {
        (Category::ImmediateUse, Storage::Room | Storage::Refrigerator) => Some(4),
        (Category::Category1, Storage::Room) => Some(12),
        (Category::Category1, Storage::Refrigerator) => Some(24),
        (Category::Category2, Storage::Room) => Some(4 * 24),
        (Category::Category2, Storage::Refrigerator) => Some(10 * 24),
        (Category::Category2, Storage::Freezer) => Some(45 * 24),
        (Category::Aqueous, Storage::Refrigerator) => Some(14 * 24),
        (Category::Aqueous, Storage::Room) => Some(14 * 24),
        (Category::Dry, Storage::Room | Storage::Refrigerator) => Some(180 * 24),
        (Category::Repackaged, Storage::Room | Storage::Refrigerator) => Some(180 * 24),
        (_, Storage::Freezer) => None,
    }
}

/// Until when a batch may be used: as its kind says, and no longer than any of its parts.
pub fn beyond_use(
    made: Timestamp,
    (category, storage): (Category, Storage),
    expiries: &[Date],
) -> Option<Timestamp> {
    let hours = i64::from(beyond_use_h(category, storage)?);
    let mut until = made.checked_add(SignedDuration::from_hours(hours)).ok()?;
    for expires in expiries {
        // A lot may be used to the end of its last day.
        let end = expires.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight());
        let end = jiff::tz::TimeZone::UTC.to_timestamp(end).ok()?;
        until = until.min(end);
    }
    (made < until).then_some(until)
}
