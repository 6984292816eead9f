//! `Encounter/$admit`: an admission asked for and answered as FHIR Parameters.

use hyper::StatusCode;
use serde_json::{Value, json};
use ward_clinical::admission::{AdmissionRequest, IfNoBed, Reason};
use ward_core::Kind;
use ward_fhir::outcome::{Issue, IssueCode};
use ward_records::RecordsError;
use ward_rules::{placement::Needs, workflow::State};
use ward_store::workflow::Instance;

use super::{access::body_of, stays};
use crate::{app::App, request::Asked, respond, respond::Answer};

/// Admits as `POST /api/admissions` does, and with the same `Idempotency-Key`.
pub(crate) async fn admit(app: &App, asked: &Asked) -> Answer {
    let request = request_of(&body_of(asked)?)?;
    let instance = stays::begin(app, asked, &request).await?;
    Ok(respond::value(StatusCode::OK, &answer(app, &instance)))
}

/// - Errors: a parameter that is not known, is there twice, or has another type, by its place.
fn request_of(body: &Value) -> Result<AdmissionRequest, RecordsError> {
    if body.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(wrong("Parameters", "the body is a Parameters resource"));
    }
    let mut request = AdmissionRequest::default();
    let mut seen = Vec::new();
    let all = body.get("parameter").and_then(Value::as_array).into_iter().flatten();
    for (n, parameter) in all.enumerate() {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        let place = format!("Parameters.parameter[{n}]");
        let text = |kind: &str| -> Result<String, RecordsError> {
            let pointer = match kind {
                "reference" => "/valueReference/reference".to_owned(),
                kind => format!("/{kind}"),
            };
            let found = parameter.pointer(&pointer).and_then(Value::as_str);
            let kind = if kind == "reference" { "valueReference" } else { kind };
            found
                .map(str::to_owned)
                .ok_or_else(|| wrong(&place, &format!("`{name}` has a `{kind}`")))
        };
        let flag = || {
            let found = parameter.get("valueBoolean").and_then(Value::as_bool);
            found.ok_or_else(|| wrong(&place, &format!("`{name}` has a `valueBoolean`")))
        };
        let id_of = |text: String| text.rsplit('/').next().unwrap_or_default().to_owned();
        if name != "reason" && seen.contains(&name) {
            return Err(wrong(&place, &format!("`{name}` is there once")));
        }
        seen.push(name);
        let Needs { ward, bed, service, isolation, monitoring, prefer_ward, prefer_single, .. } =
            &mut request.needs;
        match name {
            "patient" => request.patient = text("reference")?,
            "class" => request.class = Some(text("valueCode")?),
            "attending" => request.attending = Some(text("reference")?),
            "reason" => {
                let concept = parameter.get("valueCodeableConcept").unwrap_or(&Value::Null);
                request.reasons.push(reason(concept, &place)?);
            }
            "bed" => *bed = Some(id_of(text("reference")?)),
            "ward" => *ward = Some(id_of(text("reference")?)),
            "preferredWard" => *prefer_ward = Some(id_of(text("reference")?)),
            "service" => *service = Some(text("valueString")?),
            "isolation" => *isolation = flag()?,
            "monitoring" => *monitoring = flag()?,
            "preferSingle" => *prefer_single = flag()?,
            "ifNoBed" => {
                request.if_no_bed = match text("valueCode")?.as_str() {
                    "wait" => IfNoBed::Wait,
                    "refuse" => IfNoBed::Refuse,
                    _ => return Err(wrong(&place, "`ifNoBed` is `wait` or `refuse`")),
                };
            }
            _ => return Err(wrong(&place, &format!("`{name}` is no parameter of $admit"))),
        }
    }
    Ok(request)
}

fn reason(concept: &Value, place: &str) -> Result<Reason, RecordsError> {
    let coding = concept.pointer("/coding/0");
    let part = |name: &str| coding.and_then(|it| it.get(name)?.as_str()).map(str::to_owned);
    let text = concept.get("text").and_then(Value::as_str).map(str::to_owned);
    let text = text.or_else(|| part("display")).or_else(|| part("code"));
    let text = text.ok_or_else(|| wrong(place, "`reason` has a text, or a coding"))?;
    Ok(Reason { system: part("system"), code: part("code"), text })
}

/// Encounter, bed, care plans, authorization, and how far the workflow is.
fn answer(app: &App, instance: &Instance) -> Value {
    let mut parameters = Vec::new();
    let shown = match stays::stays(app) {
        Ok(stays) => stays::shown(stays, instance),
        Err(_) => Value::Null,
    };
    let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut reference = |name: &str, to: Option<String>| {
        parameters
            .extend(to.map(|to| json!({ "name": name, "valueReference": { "reference": to } })));
    };
    reference("encounter", text("encounter"));
    reference("bed", text("bed"));
    let plans = shown.get("carePlans").and_then(Value::as_array).into_iter().flatten();
    for plan in plans {
        reference("carePlan", plan.as_str().map(str::to_owned));
    }
    parameters.extend(
        text("authorization").map(|it| json!({ "name": "authorization", "valueCode": it })),
    );
    let state = match instance.kept.state {
        State::Running => "in-progress",
        State::Undoing | State::NeedsOperator => "on-hold",
        State::Completed => "completed",
        State::Cancelled => "cancelled",
    };
    parameters.push(json!({ "name": "workflow", "valueId": instance.id.as_str() }));
    parameters.push(json!({ "name": "state", "valueCode": state }));
    json!({ "resourceType": "Parameters", "parameter": parameters })
}

fn wrong(place: &str, why: &str) -> RecordsError {
    let issue = Issue::error(IssueCode::Value, why.to_owned()).at(place.to_owned());
    RecordsError::with_issues(Kind::Invalid, vec![issue])
}
