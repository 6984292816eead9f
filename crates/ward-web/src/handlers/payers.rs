//! Who pays: Claims of others by Da Vinci PAS, and the bill for a stay.

use hyper::StatusCode;
use serde_json::Value;
use ward_billing::{
    Billing, BillingError,
    charges::ChargeError,
    pas::{Operation, PasError, Submission},
};
use ward_core::Kind;
use ward_fhir::outcome::{Issue, IssueCode};
use ward_records::RecordsError;

use super::access::{body_of, invalid};
use crate::{app::App, request::Asked, respond, respond::Answer};

pub(crate) async fn submit(app: &App, asked: &Asked) -> Answer {
    answer(app, asked, Operation::Submit).await
}

pub(crate) async fn inquire(app: &App, asked: &Asked) -> Answer {
    answer(app, asked, Operation::Inquire).await
}

async fn answer(app: &App, asked: &Asked, operation: Operation) -> Answer {
    let body: Value = body_of(asked)?;
    let submission = Submission::of(&body, operation).map_err(pas_error)?;
    let told = billing(app)?.submitted(&asked.cx, operation, &submission).await;
    Ok(respond::value(StatusCode::OK, &told.map_err(pas_error)?))
}

/// Bills what is billable of a stay that is over.
pub(crate) async fn bill(app: &App, asked: &Asked) -> Answer {
    let id = asked.value("id")?.parse();
    let id = id.map_err(|error| invalid(&format!("not an id: {error}")))?;
    let claim = billing(app)?.bill(&asked.cx, &id).await;
    let claim = claim.map_err(|error| match error {
        ChargeError::NotFound => RecordsError::new(Kind::NotFound, error.to_string()),
        ChargeError::Billing(error) => billing_error(error),
        other => RecordsError::new(Kind::Conflict, other.to_string()),
    })?;
    Ok(respond::value(StatusCode::CREATED, &claim))
}

fn billing(app: &App) -> Result<&Billing, RecordsError> {
    let none = || RecordsError::new(Kind::Unavailable, "payers are not asked here");
    app.billing.as_ref().ok_or_else(none)
}

fn pas_error(error: PasError) -> RecordsError {
    match error {
        PasError::NoPayer => RecordsError::new(Kind::NotFound, "nobody decides about Claims here"),
        PasError::OtherClaim => RecordsError::new(Kind::Conflict, error.to_string()),
        PasError::Request { place, why } => {
            let issue = Issue::error(IssueCode::Value, why).at(place);
            RecordsError::with_issues(Kind::Invalid, vec![issue])
        }
        PasError::Billing(error) => billing_error(error),
    }
}

fn billing_error(error: BillingError) -> RecordsError {
    match error {
        BillingError::Commit(error) => error.into(),
        BillingError::Read(error) => error.into(),
        BillingError::Search(error) => error.into(),
        BillingError::Contended | BillingError::Json(_) | BillingError::Name => {
            RecordsError::new(Kind::Busy, "others write the same records; ask again")
        }
    }
}
