//! The control numbers of a partner: which of ours are used, which of theirs came.

use serde::{Deserialize, Serialize};
use ward_core::{RecordKey, ResourceType};
use ward_store::{
    Chart, ReadError, Reader, Write,
    values::key,
    workflow::{own_read, own_write},
};

/// Most numbers that are kept as missing.
/// LIMIT: a partner that skips more has begun to count anew.
const MISSING_MAX: usize = 100;

/// Numbers of nine digits begin again after the last.
const NUMBERS: u32 = 1_000_000_000;

/// Groups that one interchange may have: their numbers are made of the interchange's.
///
/// LIMIT: one for each kind of transaction that is written.
pub(crate) const GROUPS_MAX: u32 = 10;

/// The ledger of one partner.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ledger {
    /// ISA13 of the last interchange that was written.
    pub(crate) sent: u32,
    /// ISA13 of the last interchange that came.
    pub(crate) received: Option<u32>,
    /// Numbers between those that came which did not.
    #[serde(default)]
    pub(crate) missing: Vec<u32>,
}

/// What a number that came means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    InOrder,
    /// So many before it did not come.
    Gap(u32),
    /// One that was missing, or one from before.
    Late,
}

impl Ledger {
    pub(crate) fn key(chart: &Chart, partner: &str) -> RecordKey {
        key(ResourceType::PAYER, &chart.derived_id(&["x12-ledger", partner]))
    }

    pub(crate) fn read(
        reader: &Reader<'_>,
        key: &RecordKey,
    ) -> Result<(Ledger, Option<u32>), ReadError> {
        Ok(match own_read::<Ledger>(reader, key)? {
            Some((ledger, version)) => (ledger, Some(version)),
            None => (Ledger::default(), None),
        })
    }

    /// Two commits never take one number: each writes the next version of this record.
    pub(crate) fn write(
        &self,
        key: &RecordKey,
        base: Option<u32>,
    ) -> Result<Write, serde_json::Error> {
        own_write(key.clone(), base, None, self)
    }

    /// The next number of ours.
    pub(crate) fn next(&mut self) -> u32 {
        self.sent = match (self.sent + 1) % NUMBERS {
            0 => 1,
            n => n,
        };
        self.sent
    }

    /// Notes a number of theirs.
    pub(crate) fn came(&mut self, number: u32) -> Came {
        let Some(last) = self.received else {
            self.received = Some(number);
            return Came::InOrder;
        };
        if let Some(at) = self.missing.iter().position(|it| *it == number) {
            self.missing.remove(at);
            return Came::Late;
        }
        // Counting begins again after nine digits.
        let ahead = (number + NUMBERS - last) % NUMBERS;
        match ahead {
            0 => Came::Late,
            1 => {
                self.received = Some(number);
                Came::InOrder
            }
            n if n < NUMBERS / 2 => {
                let skipped = (1..n).take(MISSING_MAX).map(|it| (last + it) % NUMBERS);
                self.missing.extend(skipped);
                let n_over = self.missing.len().saturating_sub(MISSING_MAX);
                self.missing.drain(..n_over);
                self.received = Some(number);
                Came::Gap(n - 1)
            }
            _ => Came::Late,
        }
    }
}

/// The number of a group of ours, by its interchange and its place in it.
pub(crate) fn group_number(interchange: u32, n: u32) -> u32 {
    // Nine digits hold the interchange's last eight and the group.
    (interchange % (NUMBERS / GROUPS_MAX)) * GROUPS_MAX + n % GROUPS_MAX
}

/// The interchange that a group of ours was in, by its last eight digits.
pub(crate) fn interchange_of(group: u32) -> u32 {
    group / GROUPS_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_are_kept_until_they_are_filled() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.came(7), Came::InOrder);
        assert_eq!(ledger.came(8), Came::InOrder);
        assert_eq!(ledger.came(11), Came::Gap(2));
        assert_eq!(ledger.missing, [9, 10]);
        assert_eq!(ledger.came(9), Came::Late);
        assert_eq!((ledger.missing.as_slice(), ledger.received), (&[10][..], Some(11)));
        assert_eq!(ledger.came(3), Came::Late);
        ledger.received = Some(999_999_999);
        assert_eq!(ledger.came(0), Came::InOrder);
        ledger.sent = 999_999_999;
        assert_eq!((ledger.next(), ledger.next()), (1, 2));
    }

    proptest! {
        #[test]
        fn groups_know_their_interchange(number in 1u32..100_000_000, n in 0u32..10) {
            let group = group_number(number, n);
            prop_assert!(group < NUMBERS);
            prop_assert_eq!(interchange_of(group), number);
        }

        #[test]
        fn any_order_of_numbers_is_kept(numbers in prop::collection::vec(0u32..1_000_000_000, 0..50)) {
            let mut ledger = Ledger::default();
            for number in numbers {
                ledger.came(number);
                prop_assert!(ledger.missing.len() <= MISSING_MAX);
            }
        }
    }
}
