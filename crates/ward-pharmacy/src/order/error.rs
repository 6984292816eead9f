//! Why something could not be done with an order.

use ward_rules::medication_order::{
    bedside::Finding, dose, order, reconcile::Undecided, stock::StockRefusal,
    supply::SupplyRefusal, titration::OutOfBounds,
};
use ward_store::{CommitError, ReadError, SearchError, workflow::EngineError};

use crate::checker::Found;

#[derive(Debug, thiserror::Error)]
pub enum MedsError {
    #[error("there is no such order or product")]
    NotFound,
    #[error("not allowed for this patient")]
    NotAllowed,
    #[error("`{place}`: {why}")]
    Request { place: &'static str, why: &'static str },
    #[error(transparent)]
    State(#[from] order::Refused),
    #[error(transparent)]
    Dose(#[from] dose::Refused),
    /// Findings that nobody has answered for.
    #[error("the check found what has to be answered for first")]
    Unsettled(Vec<Found>),
    #[error("{0}")]
    NeedsSecond(&'static str),
    #[error("the second person is another one, and one who may do this")]
    OtherSecond,
    #[error(transparent)]
    Stock(#[from] StockRefusal),
    #[error(transparent)]
    Supply(#[from] SupplyRefusal),
    #[error(transparent)]
    Titration(#[from] OutOfBounds),
    /// What the look at the bedside found.
    #[error("not given: {}", says(.0))]
    Bedside(Vec<Finding>),
    #[error("not everything is decided")]
    Undecided(Vec<Undecided>),
    #[error("others keep writing the same records")]
    Contended,
    #[error("the record cannot be written")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

fn says(found: &[Finding]) -> String {
    found.iter().map(|it| it.says.as_str()).collect::<Vec<_>>().join("; ")
}
