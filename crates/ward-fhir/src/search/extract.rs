//! From a resource to its terms: one walk over the resource along the merged paths of its type.

use smallvec::SmallVec;
use ward_core::{FhirId, ResourceType};

use super::{
    convert::{Sink, convert, is_reference_to, points_at},
    params::{Component, param, param_by_id, tree_of},
    program::{Element, Filter, Step, Tree},
    term::{ParamId, Term, TermValue},
};
use crate::json::Json;

/// Most terms of one resource.
/// LIMIT: the largest code systems of R4 have about 10,000 concepts; more is cut and told.
const TERMS_MAX: usize = 20_000;

/// Most combinations of one composite value.
/// LIMIT: codings times codings; ten of each is far past real data.
const COMBINATIONS_MAX: usize = 100;

/// What search and access control know of a resource.
#[derive(Debug)]
pub struct Extracted {
    /// Sorted by parameter; values of one parameter in the order of the resource.
    pub terms: Vec<Term>,
    /// The patients in whose compartment it is; the one it is about comes first.
    pub patients: SmallVec<[FhirId; 1]>,
    /// Whether it is labeled restricted or of a sensitive kind.
    pub restricted: bool,
    pub problems: Vec<Problem>,
}

/// What could not be made searchable. The record itself is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// More values than a record may have terms; the rest is not found by search.
    TooManyTerms,
    /// A composite parameter with more combinations than are kept.
    TooManyCombinations(ParamId),
}

/// Reads every search value of `resource`, taken as a record of type `kind`.
///
/// - Cost: one walk; no allocation but for the values found.
/// - Source: FHIR R4, Search; CompartmentDefinition/patient.
pub fn extract(kind: ResourceType, resource: &Json<'_>) -> Extracted {
    extract_at(kind, resource, "")
}

/// As [`extract`], on the server reached at `base` (without a slash at its end): an absolute
/// reference that starts with it is to a record here.
pub fn extract_at<'j>(kind: ResourceType, resource: &'j Json<'_>, base: &'j str) -> Extracted {
    let terms = Vec::with_capacity(24);
    let mut walk = Walk { root: resource, base, terms, problems: Vec::new() };
    if let Some(tree) = tree_of(kind) {
        walk.enter(tree, resource);
    }
    if kind == ResourceType::PATIENT {
        walk.alive();
    }
    let Walk { mut terms, mut problems, .. } = walk;
    if TERMS_MAX < terms.len() {
        terms.truncate(TERMS_MAX);
        problems.push(Problem::TooManyTerms);
    }
    terms.sort_by_key(|term| term.param);
    terms.dedup();
    let restricted = is_restricted(resource);
    Extracted { patients: patients(kind, resource, base), terms, restricted, problems }
}

impl super::params::ParamDef {
    /// The elements that the parameter's paths lead to, before they become values.
    pub fn elements<'j, 'a>(&self, resource: &'j Json<'a>) -> Vec<&'j Json<'a>> {
        let mut found = Vec::new();
        for path in &self.program.paths {
            follow(&path.steps, resource, &mut |item| found.push(item));
        }
        found
    }
}

struct Walk<'j, 'a> {
    root: &'j Json<'a>,
    base: &'j str,
    terms: Vec<Term>,
    problems: Vec<Problem>,
}

impl<'j, 'a> Walk<'j, 'a> {
    fn enter(&mut self, tree: &Tree, at: &'j Json<'a>) {
        for leaf in &tree.leaves {
            let def = param_by_id(leaf.param);
            match def.map(|def| &*def.components) {
                Some(components) if !components.is_empty() => {
                    self.composite(leaf.param, components, at);
                }
                _ => {
                    let mut sink =
                        Sink { param: leaf.param, terms: &mut self.terms, base: self.base };
                    convert(leaf.kind, leaf.element, at, &mut sink);
                }
            }
        }
        self.branches(tree, at);
    }

    /// `deceased` has a value for every patient: `false` where nothing is said.
    fn alive(&mut self) {
        let Some(def) = param(ResourceType::PATIENT, "deceased") else { return };
        if !self.terms.iter().any(|term| term.param == def.id) {
            let value = TermValue::Token { system: None, code: Some("false".into()), text: None };
            self.terms.push(Term { param: def.id, value });
        }
    }

    fn branches(&mut self, tree: &Tree, at: &'j Json<'a>) {
        if tree.branches.is_empty() || TERMS_MAX < self.terms.len() {
            return;
        }
        let Some(object) = at.as_object() else { return };
        for (name, value) in object.iter() {
            for (step, below) in &tree.branches {
                let Some(suffix) = step.enters(name) else { continue };
                let chosen = (!suffix.is_empty()).then(|| Element::from_name(suffix));
                for item in items(step, value) {
                    match chosen {
                        None => self.enter(below, item),
                        Some(chosen) => self.chosen(below, chosen, item),
                    }
                }
            }
        }
    }

    /// The end of a choice, whose type is told by the name of the member.
    fn chosen(&mut self, tree: &Tree, chosen: Element, at: &'j Json<'a>) {
        for leaf in &tree.leaves {
            let element = if leaf.element == Element::Open { chosen } else { leaf.element };
            let mut sink = Sink { param: leaf.param, terms: &mut self.terms, base: self.base };
            convert(leaf.kind, element, at, &mut sink);
        }
        self.branches(tree, at);
    }

    fn composite(&mut self, param: ParamId, components: &[Component], at: &'j Json<'a>) {
        let mut rows: Vec<Vec<TermValue>> = Vec::from([Vec::new()]);
        for component in components {
            let mut values = Vec::new();
            let mut sink = Sink { param, terms: &mut values, base: self.base };
            for path in &component.program.paths {
                let start = if path.from_root { self.root } else { at };
                follow(&path.steps, start, &mut |item| {
                    convert(component.kind, path.ends_at, item, &mut sink);
                });
            }
            if values.is_empty() {
                return;
            }
            let mut wider = Vec::with_capacity(rows.len() * values.len());
            for row in &rows {
                for value in &values {
                    if wider.len() == COMBINATIONS_MAX {
                        self.problems.push(Problem::TooManyCombinations(param));
                        break;
                    }
                    let mut row = row.clone();
                    row.push(value.value.clone());
                    wider.push(row);
                }
            }
            rows = wider;
        }
        self.terms
            .extend(rows.into_iter().map(|row| Term { param, value: TermValue::Composite(row) }));
    }
}

/// The items of a member that pass the step's filter.
fn items<'s, 'j, 'a>(
    step: &'s Step,
    value: &'j Json<'a>,
) -> impl Iterator<Item = &'j Json<'a>> + use<'s, 'j, 'a> {
    let n = if step.is_first_only { 1 } else { usize::MAX };
    value.items().iter().take(n).filter(|item| match step.filter {
        Filter::None => true,
        Filter::Field(field, wanted) => {
            item.get(field).and_then(Json::as_str).is_some_and(|text| text == wanted)
        }
        Filter::Target(target) => is_reference_to(item, target),
    })
}

fn follow<'j, 'a>(steps: &[Step], at: &'j Json<'a>, found: &mut dyn FnMut(&'j Json<'a>)) {
    let Some((step, rest)) = steps.split_first() else { return found(at) };
    let Some(object) = at.as_object() else { return };
    for (name, value) in object.iter() {
        if step.enters(name).is_some() {
            for item in items(step, value) {
                follow(rest, item, found);
            }
        }
    }
}

/// The parameters that put a record into a patient's compartment; what it is about comes first.
///
/// - Source: FHIR R4, CompartmentDefinition/patient; Task added.
pub(super) fn compartment_params(kind: ResourceType) -> &'static [&'static str] {
    match kind.name() {
        "AllergyIntolerance" => &["patient", "recorder", "asserter"],
        "Appointment" | "AppointmentResponse" | "Schedule" => &["actor"],
        "AdverseEvent"
        | "Account"
        | "ChargeItem"
        | "ClinicalImpression"
        | "DeviceUseStatement"
        | "DiagnosticReport"
        | "EnrollmentRequest"
        | "Media"
        | "MedicationRequest"
        | "MedicationStatement"
        | "RiskAssessment"
        | "Specimen"
        | "SupplyRequest" => &["subject"],
        "AuditEvent"
        | "BodyStructure"
        | "ClaimResponse"
        | "Consent"
        | "CoverageEligibilityRequest"
        | "CoverageEligibilityResponse"
        | "DetectedIssue"
        | "Encounter"
        | "EpisodeOfCare"
        | "FamilyMemberHistory"
        | "Flag"
        | "Goal"
        | "ImagingStudy"
        | "Immunization"
        | "ImmunizationEvaluation"
        | "ImmunizationRecommendation"
        | "MeasureReport"
        | "MolecularSequence"
        | "NutritionOrder"
        | "Person"
        | "Provenance"
        | "RelatedPerson"
        | "SupplyDelivery"
        | "VisionPrescription" => &["patient"],
        "Basic" => &["patient", "author"],
        "CarePlan" => &["patient", "performer"],
        "CareTeam" => &["patient", "participant"],
        "Claim" | "ExplanationOfBenefit" => &["patient", "payee"],
        "Communication" => &["subject", "sender", "recipient"],
        "CommunicationRequest" => &["subject", "sender", "recipient", "requester"],
        "Composition" => &["subject", "author", "attester"],
        "Condition" => &["patient", "asserter"],
        "Coverage" => &["beneficiary", "policy-holder", "subscriber", "payor"],
        "DeviceRequest" | "Observation" | "ServiceRequest" => &["subject", "performer"],
        "DocumentManifest" => &["subject", "author", "recipient"],
        "DocumentReference" | "QuestionnaireResponse" => &["subject", "author"],
        "Group" => &["member"],
        "Invoice" => &["subject", "patient", "recipient"],
        "List" => &["subject", "source"],
        "MedicationAdministration" => &["patient", "performer", "subject"],
        "MedicationDispense" => &["subject", "patient", "receiver"],
        "Procedure" => &["patient", "performer"],
        "RequestGroup" => &["subject", "participant"],
        "ResearchSubject" => &["individual"],
        "Task" => &["patient", "focus"],
        _ => &[],
    }
}

fn patients(kind: ResourceType, resource: &Json<'_>, base: &str) -> SmallVec<[FhirId; 1]> {
    let mut patients = SmallVec::new();
    // A link to another patient puts nothing into that patient's chart: the two may be a mistake.
    if kind == ResourceType::PATIENT {
        let id = resource.get("id").and_then(Json::as_str);
        patients.extend(id.and_then(|id| id.parse().ok()));
        return patients;
    }
    // No parameter leads to it, and R4 has it for this: whose bytes they are.
    if kind == ResourceType::BINARY {
        let said =
            resource.get("securityContext").map(|of| points_at(of, ResourceType::PATIENT, base));
        patients.extend(said.flatten().and_then(|id| id.parse().ok()));
        return patients;
    }
    for code in compartment_params(kind) {
        let Some(def) = param(kind, code) else { continue };
        for path in &def.program.paths {
            follow(&path.steps, resource, &mut |item| {
                let id =
                    points_at(item, ResourceType::PATIENT, base).and_then(|id| id.parse().ok());
                if let Some(id) = id
                    && !patients.contains(&id)
                {
                    patients.push(id);
                }
            });
        }
    }
    patients
}

/// Labels that restrict a record, by the last part of their system's URL.
///
/// - Source: HL7 v3 Confidentiality (R, V) and ActCode, information sensitivity.
#[rustfmt::skip]
const SENSITIVE: [&str; 20] = [
    "BH", "COGN", "DVD", "EMOTDIS", "ETH", "ETHUD", "GDIS", "HIV", "MH", "MST", "PSY", "PSYTHPN",
    "SCA", "SDV", "SEX", "SPI", "STD", "SUD", "TBOO", "VIO",
];

fn is_restricted(resource: &Json<'_>) -> bool {
    let labels = resource.get("meta").and_then(|meta| meta.get("security"));
    labels.map(Json::items).unwrap_or_default().iter().any(|label| {
        let text = |name: &str| label.get(name).and_then(Json::as_str).unwrap_or_default();
        let system = text("system").rsplit('/').next().unwrap_or_default();
        match system.trim_start_matches("v3-") {
            "Confidentiality" => matches!(text("code"), "R" | "V"),
            "ActCode" => SENSITIVE.contains(&text("code")),
            // A label without a system is read the careful way.
            "" => matches!(text("code"), "R" | "V") || SENSITIVE.contains(&text("code")),
            _ => false,
        }
    })
}
