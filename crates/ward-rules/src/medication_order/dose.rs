//! The states of one dose at the bedside.

use super::order::states;
use serde::{Deserialize, Serialize};

states! {
    /// Where a dose stands.
    State {
        Due = "due",
        /// An infusion runs.
        Running = "running",
        Paused = "paused",
        Given = "given",
        Held = "held",
        Refused = "refused",
        Missed = "missed",
        /// What was recorded was wrong; the record stays and says so.
        InError = "in-error",
    }
}

states! {
    /// What somebody does with it.
    Event {
        Give = "give",
        Start = "start",
        ChangeRate = "change-rate",
        Pause = "pause",
        Finish = "finish",
        Hold = "hold",
        Refuse = "refuse",
        Miss = "miss",
        Correct = "correct",
    }
}

/// What must happen in the same commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// The drug leaves what is on the ward.
    TakeFromWard,
    /// The drug was not given after all: it is on the ward.
    PutBackOnWard,
    /// The dose is due again.
    Reopen,
    /// Somebody looks whether it has helped, where it was given as needed.
    FollowUp,
}

/// A dose is in a state in which this cannot happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a dose that is {} cannot take `{}`", state.as_str(), event.as_str())]
pub struct Refused {
    pub state: State,
    pub event: Event,
}

impl State {
    /// MedicationAdministration.status; a dose that is due has no record.
    ///
    /// - Source: FHIR R4, medication-admin-status.
    pub const fn fhir(self) -> Option<&'static str> {
        match self {
            State::Due => None,
            State::Running => Some("in-progress"),
            State::Paused => Some("on-hold"),
            State::Given => Some("completed"),
            State::Held | State::Refused | State::Missed => Some("not-done"),
            State::InError => Some("entered-in-error"),
        }
    }

    pub fn is_not_given(self) -> bool {
        matches!(self, State::Held | State::Refused | State::Missed)
    }
}

/// Pure: no clock, no store.
pub fn step(state: State, event: Event) -> Result<(State, &'static [Effect]), Refused> {
    use {Effect as F, Event as E, State as S};
    let next: (State, &'static [Effect]) = match (state, event) {
        (S::Due, E::Give) => (S::Given, &[F::TakeFromWard, F::FollowUp]),
        (S::Due, E::Start) => (S::Running, &[F::TakeFromWard]),
        (S::Running | S::Paused, E::ChangeRate) => (S::Running, &[]),
        (S::Running, E::Pause) => (S::Paused, &[]),
        (S::Running | S::Paused, E::Finish) => (S::Given, &[]),
        (S::Due, E::Hold) => (S::Held, &[]),
        (S::Due, E::Refuse) => (S::Refused, &[]),
        (S::Due, E::Miss) => (S::Missed, &[]),
        (S::Given | S::Running | S::Paused, E::Correct) => {
            (S::InError, &[F::PutBackOnWard, F::Reopen])
        }
        (S::Held | S::Refused | S::Missed, E::Correct) => (S::InError, &[F::Reopen]),
        _ => return Err(Refused { state, event }),
    };
    Ok(next)
}
