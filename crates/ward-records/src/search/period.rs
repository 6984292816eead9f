//! When care was given: the date of a record by its type.

use ward_core::ResourceType;
use ward_fhir::search::{Clause, ClauseOp, Interval, Test, param};
use ward_store::{Filter, Query};

/// Keeps what was within the interval, and what has no date of its own.
///
/// - Source: FHIR R4, Patient operation everything, `start` and `end`: the dates of care, not of
///   the record.
pub(super) fn narrow(query: &mut Query, within: Interval) {
    for part in &mut query.parts {
        let params: Vec<_> =
            dates_of(part.kind).iter().filter_map(|code| param(part.kind, code)).collect();
        if params.is_empty() {
            continue;
        }
        let clause = |op, any: &[Test]| {
            let clauses = params
                .iter()
                .map(move |def| Filter::Clause(Clause { param: def.id, op, any: any.to_vec() }));
            clauses.collect::<Vec<_>>()
        };
        let dated = Filter::Any(clause(ClauseOp::Any, &[Test::Within(within)]));
        let undated = Filter::All(clause(ClauseOp::Missing, &[]));
        let filter = std::mem::replace(&mut part.filter, Filter::All(Vec::new()));
        part.filter = Filter::All(vec![filter, Filter::Any(vec![dated, undated])]);
    }
}

/// The parameters that tell when care was given.
fn dates_of(kind: ResourceType) -> &'static [&'static str] {
    match kind.name() {
        "AllergyIntolerance" => &["onset", "date"],
        "Appointment"
        | "CarePlan"
        | "CareTeam"
        | "ClinicalImpression"
        | "Composition"
        | "Consent"
        | "DiagnosticReport"
        | "DocumentReference"
        | "Encounter"
        | "EpisodeOfCare"
        | "Flag"
        | "Immunization"
        | "List"
        | "Observation"
        | "Procedure"
        | "RiskAssessment"
        | "FamilyMemberHistory"
        | "AdverseEvent" => &["date"],
        "ChargeItem" => &["occurrence"],
        "Claim" | "ClaimResponse" | "ExplanationOfBenefit" | "Media" => &["created"],
        "Communication" => &["sent"],
        "CommunicationRequest" => &["occurrence"],
        "Condition" => &["onset-date", "recorded-date"],
        "DeviceRequest" => &["event-date", "authored-on"],
        "Goal" => &["start-date"],
        "ImagingStudy" => &["started"],
        "MedicationAdministration" => &["effective-time"],
        "MedicationDispense" => &["whenhandedover", "whenprepared"],
        "MedicationRequest" => &["date", "authoredon"],
        "MedicationStatement" => &["effective"],
        "NutritionOrder" => &["datetime"],
        "QuestionnaireResponse" => &["authored"],
        "ServiceRequest" => &["occurrence", "authored"],
        "Specimen" => &["collected"],
        "Task" => &["period", "authored-on"],
        "VisionPrescription" => &["datewritten"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_is_a_parameter_of_its_type() {
        for kind in ResourceType::fhir() {
            for code in dates_of(kind) {
                assert!(param(kind, code).is_some(), "{kind} {code}");
            }
        }
    }
}
