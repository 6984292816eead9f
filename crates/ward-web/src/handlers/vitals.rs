//! Vital signs of one moment, written as Observations.

use hyper::StatusCode;
use serde_json::json;
use ward_clinical::vitals::{self, Measured, Refused, Why};
use ward_core::{FhirId, Kind};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_records::RecordsError;

use super::access::{body_of, invalid};
use crate::{app::App, request::Asked, respond, respond::Answer};

/// Enters what was measured, as far as the caller may write it.
pub(crate) async fn enter(app: &App, asked: &Asked) -> Answer {
    let measured: Measured = body_of(asked)?;
    let patient: FhirId =
        asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))?;
    let by = asked.cx.actor.id.to_string();
    let bundle = vitals::bundle(&measured, &patient, &by, asked.cx.now).map_err(refused)?;
    // The chart asks the policy for each Observation, as for every other that is written.
    app.records.bundle(&asked.cx, bundle.to_string().as_bytes()).await?;
    let n = bundle.get("entry").and_then(|it| it.as_array()).map_or(0, Vec::len);
    Ok(respond::value(StatusCode::CREATED, &json!({ "written": n })))
}

fn refused(Refused(all): Refused) -> RecordsError {
    let issues = all.into_iter().map(|(name, why, kind)| {
        let code = match kind {
            Why::Wrong => IssueCode::Value,
            Why::Unlikely => IssueCode::BusinessRule,
        };
        Issue::error(code, why).at(name)
    });
    RecordsError::with_issues(Kind::Unprocessable, issues.collect())
}
