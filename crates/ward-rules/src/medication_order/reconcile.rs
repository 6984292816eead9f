//! Reconciliation: what a patient took before is decided, one drug after the other.

use serde::{Deserialize, Serialize};

use super::order::states;

states! {
    /// When it is done.
    Occasion {
        Admission = "admission",
        Transfer = "transfer",
        Discharge = "discharge",
    }
}

states! {
    /// What is to become of one drug.
    Choice {
        Continue = "continue",
        Modify = "modify",
        Stop = "stop",
        Substitute = "substitute",
    }
}

/// One drug, decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// Id of what is decided on: a MedicationStatement, or an order before a transfer.
    pub of: String,
    pub choice: Choice,
    /// The order that takes its place, or goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Not everything is decided, or something cannot be meant so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Undecided {
    #[error("nothing is decided on {0}")]
    Open(String),
    #[error("{0} is decided twice")]
    Twice(String),
    #[error("{0} is not on the list")]
    NotListed(String),
    #[error("what takes the place of {0} is not said")]
    NoOrder(String),
    #[error("why {0} is stopped is not said")]
    NoReason(String),
}

/// Every drug of the list is decided, and once.
pub fn check(list: &[String], decisions: &[Decision]) -> Vec<Undecided> {
    let mut wrong = Vec::new();
    for of in list {
        match decisions.iter().filter(|it| it.of == *of).count() {
            0 => wrong.push(Undecided::Open(of.clone())),
            1 => {}
            _ => wrong.push(Undecided::Twice(of.clone())),
        }
    }
    for it in decisions {
        let has_reason = it.reason.as_ref().is_some_and(|why| !why.trim().is_empty());
        if !list.contains(&it.of) {
            wrong.push(Undecided::NotListed(it.of.clone()));
        }
        match it.choice {
            Choice::Modify | Choice::Substitute if it.order.is_none() => {
                wrong.push(Undecided::NoOrder(it.of.clone()));
            }
            Choice::Stop if !has_reason => wrong.push(Undecided::NoReason(it.of.clone())),
            _ => {}
        }
    }
    wrong
}
