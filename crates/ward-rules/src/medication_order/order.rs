//! The states of an order, from the draft to its end.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            pub fn from_word(word: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }
    };
}
pub(crate) use states;

states! {
    /// Where an order stands.
    State {
        /// Nobody's order yet, or sent back by the pharmacy.
        Draft = "draft",
        /// Checked against the patient, not signed.
        Checked = "checked",
        /// Ordered; the pharmacy has not looked at it.
        Signed = "signed",
        Verified = "verified",
        /// Made ready: compounded, drawn up, labelled.
        Prepared = "prepared",
        /// Something of it is or was on the ward.
        Dispensed = "dispensed",
        OnHold = "on-hold",
        /// Ended before its end.
        Stopped = "stopped",
        Completed = "completed",
        /// It never should have been.
        Cancelled = "cancelled",
    }
}

states! {
    /// What somebody does.
    Event {
        Check = "check",
        Revise = "revise",
        Sign = "sign",
        Verify = "verify",
        /// The pharmacist sends it back.
        Reject = "reject",
        Prepare = "prepare",
        Dispense = "dispense",
        /// Out of a cabinet before the pharmacist has looked, because it cannot wait.
        DispenseUrgent = "dispense-urgent",
        Give = "give",
        GiveUrgent = "give-urgent",
        /// Held, refused or missed.
        Withhold = "withhold",
        Waste = "waste",
        Return = "return",
        Hold = "hold",
        Resume = "resume",
        Stop = "stop",
        Complete = "complete",
        Cancel = "cancel",
    }
}

/// What must happen in the same commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// The order is checked against the patient as the patient is now.
    Recheck,
    TellPharmacy,
    TellPrescriber,
    /// Doses are due from now on.
    ScheduleDoses,
    CancelDueDoses,
    /// Somebody has to bring back or throw away what is on the ward.
    AskForReturn,
    /// The pharmacist looks at it all the same.
    VerifyAfterwards,
}

/// An order is in a state in which this cannot happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an order that is {} cannot take `{}`", state.as_str(), event.as_str())]
pub struct Refused {
    pub state: State,
    pub event: Event,
}

impl State {
    pub const fn is_over(self) -> bool {
        matches!(self, State::Stopped | State::Completed | State::Cancelled)
    }

    /// Whether the patient gets it, or is to get it.
    pub const fn is_active(self) -> bool {
        matches!(self, State::Signed | State::Verified | State::Prepared | State::Dispensed)
    }

    /// MedicationRequest.status.
    ///
    /// - Source: FHIR R4, medicationrequest-status.
    pub const fn fhir(self) -> &'static str {
        match self {
            State::Draft | State::Checked => "draft",
            State::Signed | State::Verified | State::Prepared | State::Dispensed => "active",
            State::OnHold => "on-hold",
            State::Stopped => "stopped",
            State::Completed => "completed",
            State::Cancelled => "entered-in-error",
        }
    }
}

/// Pure: no clock, no store. Who drives it does the effects in the same commit.
pub fn step(state: State, event: Event) -> Result<(State, &'static [Effect]), Refused> {
    use {Effect as F, Event as E, State as S};
    let next: (State, &'static [Effect]) = match (state, event) {
        (S::Draft | S::Checked, E::Check) => (S::Checked, &[]),
        (S::Draft | S::Checked, E::Revise) => (S::Draft, &[]),
        (S::Checked, E::Sign) => (S::Signed, &[F::Recheck, F::TellPharmacy]),
        (S::Signed, E::Verify) => (S::Verified, &[F::Recheck, F::ScheduleDoses]),
        (S::Signed, E::Reject) => (S::Draft, &[F::TellPrescriber]),
        (S::Signed, E::DispenseUrgent) => (S::Signed, &[F::Recheck, F::VerifyAfterwards]),
        (S::Signed, E::GiveUrgent) => (S::Signed, &[F::Recheck, F::VerifyAfterwards]),
        (S::Verified | S::Dispensed, E::Prepare) => (S::Prepared, &[]),
        (S::Verified | S::Prepared | S::Dispensed, E::Dispense) => (S::Dispensed, &[]),
        // What came to the ward before a pause is there after it.
        (S::Verified | S::Prepared | S::Dispensed, E::Give) => (state, &[F::Recheck]),
        (S::Signed | S::Verified | S::Prepared | S::Dispensed, E::Withhold) => (state, &[]),
        (
            S::Signed
            | S::Verified
            | S::Prepared
            | S::Dispensed
            | S::OnHold
            | S::Stopped
            | S::Completed,
            E::Waste | E::Return,
        ) => (state, &[]),
        (S::Signed | S::Verified | S::Prepared | S::Dispensed, E::Hold) => {
            (S::OnHold, &[F::CancelDueDoses, F::TellPharmacy])
        }
        // The patient is not who they were: it is checked and verified again.
        (S::OnHold, E::Resume) => (S::Signed, &[F::Recheck, F::TellPharmacy]),
        (S::Signed | S::Verified | S::Prepared | S::Dispensed | S::OnHold, E::Stop) => {
            (S::Stopped, &[F::CancelDueDoses, F::AskForReturn, F::TellPharmacy])
        }
        (S::Verified | S::Prepared | S::Dispensed, E::Complete) => {
            (S::Completed, &[F::CancelDueDoses, F::AskForReturn])
        }
        (S::Draft | S::Checked, E::Cancel) => (S::Cancelled, &[]),
        _ => return Err(Refused { state, event }),
    };
    Ok(next)
}
