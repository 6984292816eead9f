//! The three facts a decision may rest on, and the truth table over them.

use std::fmt;

use ward_core::{Ctx, FhirId};

/// What the store knows of a record without opening its body.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Facts {
    /// The record is about at least one patient.
    pub has_patient: bool,
    /// The actor has a care relationship with every patient the record is about.
    pub in_care: bool,
    /// The record is labelled restricted or very restricted.
    ///
    /// - Source: HL7 v3 Confidentiality, codes R and V.
    pub restricted: bool,
}

impl Facts {
    /// Every combination that can occur. A record of nobody is in nobody's care.
    pub const POSSIBLE: [Facts; 6] = [
        Facts { has_patient: false, in_care: false, restricted: false },
        Facts { has_patient: true, in_care: false, restricted: false },
        Facts { has_patient: true, in_care: true, restricted: false },
        Facts { has_patient: false, in_care: false, restricted: true },
        Facts { has_patient: true, in_care: false, restricted: true },
        Facts { has_patient: true, in_care: true, restricted: true },
    ];

    /// The facts as a number below 8: 1 has a patient, 2 in care, 4 restricted.
    pub const fn bits(self) -> u8 {
        let mut bits = 0;
        if self.has_patient {
            bits |= 1;
        }
        if self.in_care {
            bits |= 2;
        }
        if self.restricted {
            bits |= 4;
        }
        bits
    }

    /// Whether a record can have these facts.
    pub const fn is_possible(self) -> bool {
        self.has_patient || !self.in_care
    }
}

/// The facts of a record about `patients`, as they are for the actor of `cx`.
///
/// A record about several patients is in care only when all of them are: what it says of one is
/// not for those who care for another.
pub fn facts(cx: &Ctx, patients: &[FhirId], restricted: bool) -> Facts {
    let has_patient = !patients.is_empty();
    let in_care = has_patient && patients.iter().all(|patient| cx.care.contains(patient));
    Facts { has_patient, in_care, restricted }
}

/// For which facts an action is permitted: what is left of the policies once actor, purpose,
/// action and kind of record are known.
///
/// - Shape: one bit for each value of [`Facts::bits`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grant(u8); // INVARIANT: no bit of an impossible combination is set.

impl Grant {
    /// Nothing is permitted.
    pub const NONE: Grant = Grant(0);
    /// Every record that can exist is permitted.
    pub const ALL: Grant = Grant(0b1011_1011);

    /// Whether a record with these facts is permitted. Impossible facts never are.
    pub const fn permits(self, facts: Facts) -> bool {
        self.0 & (1 << facts.bits()) != 0
    }

    pub const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    pub const fn is_all(self) -> bool {
        self.0 == Self::ALL.0
    }

    /// What both permit.
    #[must_use]
    pub const fn and(self, other: Grant) -> Grant {
        Grant(self.0 & other.0)
    }

    /// What either permits.
    #[must_use]
    pub const fn or(self, other: Grant) -> Grant {
        Grant(self.0 | other.0)
    }

    /// The truth table as one byte, for a cache or a log.
    pub const fn mask(self) -> u8 {
        self.0
    }

    /// The grant of that truth table, without its impossible facts.
    pub const fn from_mask(mask: u8) -> Grant {
        Grant(mask & Self::ALL.0)
    }

    /// The same grant, with `facts` permitted too. Impossible facts change nothing.
    #[must_use]
    pub const fn with(self, facts: Facts) -> Grant {
        Grant::from_mask(self.0 | 1 << facts.bits())
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({:08b})", self.0)
    }
}
