//! The states of a stay, and what may happen to it in each.

use std::fmt;

/// Encounter.status, as far as a stay uses it.
///
/// - Source: FHIR R4, EncounterStatus.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    Planned,
    Arrived,
    InProgress,
    OnLeave,
    Finished,
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 6] = [
        Status::Planned,
        Status::Arrived,
        Status::InProgress,
        Status::OnLeave,
        Status::Finished,
        Status::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Planned => "planned",
            Status::Arrived => "arrived",
            Status::InProgress => "in-progress",
            Status::OnLeave => "onleave",
            Status::Finished => "finished",
            Status::Cancelled => "cancelled",
        }
    }

    pub fn from_code(code: &str) -> Option<Status> {
        Self::ALL.into_iter().find(|it| it.as_str() == code)
    }

    /// Whether the patient has come and not gone for good.
    pub const fn is_active(self) -> bool {
        matches!(self, Status::Arrived | Status::InProgress | Status::OnLeave)
    }
}

/// What happens to a stay.
///
/// - Source: HL7 v2.8, chapter 3: the trigger event that tells each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// A04, A10: the patient is there and has no bed yet.
    Arrive,
    /// A01.
    Admit,
    /// A02, and A12 that takes it back.
    Move,
    /// A21.
    Leave,
    /// A22.
    Return,
    /// A03.
    Discharge,
    /// A11.
    CancelAdmission,
    /// A13.
    CancelDischarge,
}

impl Change {
    pub const ALL: [Change; 8] = [
        Change::Arrive,
        Change::Admit,
        Change::Move,
        Change::Leave,
        Change::Return,
        Change::Discharge,
        Change::CancelAdmission,
        Change::CancelDischarge,
    ];
}

/// The stay is in a state in which this cannot happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a stay that is {} cannot {}", .from.as_str(), .change)]
pub struct NotNow {
    pub from: Status,
    pub change: Change,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Arrive => "begin",
            Change::Admit => "be admitted",
            Change::Move => "move",
            Change::Leave => "go on leave",
            Change::Return => "come back from leave",
            Change::Discharge => "be discharged",
            Change::CancelAdmission => "have its admission cancelled",
            Change::CancelDischarge => "have its discharge cancelled",
        })
    }
}

/// The state after `change`.
pub const fn after(from: Status, change: Change) -> Result<Status, NotNow> {
    use {Change as C, Status as S};
    match (from, change) {
        (S::Planned, C::Arrive) => Ok(S::Arrived),
        (S::Planned | S::Arrived, C::Admit) => Ok(S::InProgress),
        (S::Arrived | S::InProgress, C::Move) => Ok(from),
        (S::InProgress, C::Leave) => Ok(S::OnLeave),
        (S::OnLeave, C::Return) | (S::Finished, C::CancelDischarge) => Ok(S::InProgress),
        // Who does not come back from leave is discharged from there.
        (S::Arrived | S::InProgress | S::OnLeave, C::Discharge) => Ok(S::Finished),
        (S::Planned | S::Arrived | S::InProgress | S::OnLeave, C::CancelAdmission) => {
            Ok(S::Cancelled)
        }
        _ => Err(NotNow { from, change }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_happen_when() {
        let mut table = String::new();
        for from in Status::ALL {
            for change in Change::ALL {
                if let Ok(to) = after(from, change) {
                    table.push_str(&format!("{} {change:?} {}\n", from.as_str(), to.as_str()));
                }
            }
        }
        let expected = "planned Arrive arrived\n\
            planned Admit in-progress\n\
            planned CancelAdmission cancelled\n\
            arrived Admit in-progress\n\
            arrived Move arrived\n\
            arrived Discharge finished\n\
            arrived CancelAdmission cancelled\n\
            in-progress Move in-progress\n\
            in-progress Leave onleave\n\
            in-progress Discharge finished\n\
            in-progress CancelAdmission cancelled\n\
            onleave Return in-progress\n\
            onleave Discharge finished\n\
            onleave CancelAdmission cancelled\n\
            finished CancelDischarge in-progress\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_refusal_says_why() {
        let no = after(Status::Finished, Change::Leave).unwrap_err();
        assert_eq!(no.to_string(), "a stay that is finished cannot go on leave");
    }
}
