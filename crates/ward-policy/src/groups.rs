//! The kinds of record in groups, as policies name them.

use ward_core::ResourceType as R;

/// A group of kinds that the standard policies treat alike.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// Wider groups that this one is part of.
    pub(crate) within: &'static [&'static str],
    pub(crate) kinds: &'static [R],
}

/// What makes up a patient's chart.
pub(crate) const CHART: &str = "chart";
/// Every FHIR type except AuditEvent, which nobody writes and only auditors read.
pub(crate) const FHIR: &str = "fhir";

const PATIENTS: &[&str] = &[CHART, FHIR];
const HOUSE: &[&str] = &[FHIR];
const OWN: &[&str] = &[];

/// The group of a kind. A kind that is in no group can be named by no policy of a group.
pub(crate) fn group_of(kind: R) -> Option<&'static Group> {
    ALL.iter().find(|group| group.kinds.contains(&kind))
}

/// Every group. Each kind of record is in exactly one.
#[rustfmt::skip]
pub(crate) static ALL: &[Group] = &[
    Group { name: "demographics", within: PATIENTS, kinds: &[
        R::PATIENT, R::PERSON, R::RELATED_PERSON,
    ] },
    Group { name: "visits", within: PATIENTS, kinds: &[R::ENCOUNTER, R::EPISODE_OF_CARE] },
    Group { name: "scheduling", within: PATIENTS, kinds: &[
        R::APPOINTMENT, R::APPOINTMENT_RESPONSE, R::SCHEDULE, R::SLOT,
    ] },
    Group { name: "insurance", within: PATIENTS, kinds: &[
        R::COVERAGE, R::COVERAGE_ELIGIBILITY_REQUEST, R::COVERAGE_ELIGIBILITY_RESPONSE,
        R::ENROLLMENT_REQUEST, R::ENROLLMENT_RESPONSE,
    ] },
    // What was charged is not part of the chart: a physician has no need of it.
    Group { name: "billing", within: HOUSE, kinds: &[
        R::ACCOUNT, R::CHARGE_ITEM, R::CLAIM, R::CLAIM_RESPONSE, R::CONTRACT,
        R::EXPLANATION_OF_BENEFIT, R::INVOICE, R::PAYMENT_NOTICE, R::PAYMENT_RECONCILIATION,
    ] },
    Group { name: "problems", within: PATIENTS, kinds: &[R::CONDITION, R::PROCEDURE] },
    Group { name: "allergies", within: PATIENTS, kinds: &[R::ALLERGY_INTOLERANCE] },
    Group { name: "observations", within: PATIENTS, kinds: &[R::OBSERVATION, R::SPECIMEN] },
    Group { name: "reports", within: PATIENTS, kinds: &[
        R::DIAGNOSTIC_REPORT, R::MOLECULAR_SEQUENCE,
    ] },
    Group { name: "imaging", within: PATIENTS, kinds: &[R::IMAGING_STUDY, R::MEDIA] },
    Group { name: "orders", within: PATIENTS, kinds: &[
        R::DEVICE_REQUEST, R::NUTRITION_ORDER, R::REQUEST_GROUP, R::SERVICE_REQUEST,
        R::VISION_PRESCRIPTION,
    ] },
    Group { name: "prescriptions", within: PATIENTS, kinds: &[R::MEDICATION_REQUEST] },
    Group { name: "dispenses", within: PATIENTS, kinds: &[R::MEDICATION_DISPENSE] },
    Group { name: "administrations", within: PATIENTS, kinds: &[
        R::IMMUNIZATION, R::IMMUNIZATION_EVALUATION, R::IMMUNIZATION_RECOMMENDATION,
        R::MEDICATION_ADMINISTRATION, R::MEDICATION_STATEMENT,
    ] },
    Group { name: "safety", within: PATIENTS, kinds: &[
        R::ADVERSE_EVENT, R::DETECTED_ISSUE, R::FLAG, R::GUIDANCE_RESPONSE, R::RISK_ASSESSMENT,
    ] },
    Group { name: "notes", within: PATIENTS, kinds: &[
        R::BINARY, R::CLINICAL_IMPRESSION, R::COMPOSITION, R::DOCUMENT_MANIFEST,
        R::DOCUMENT_REFERENCE, R::FAMILY_MEMBER_HISTORY,
    ] },
    Group { name: "care", within: PATIENTS, kinds: &[
        R::BIOLOGICALLY_DERIVED_PRODUCT, R::BODY_STRUCTURE, R::CARE_PLAN, R::CARE_TEAM,
        R::COMMUNICATION, R::COMMUNICATION_REQUEST, R::DEVICE, R::DEVICE_METRIC,
        R::DEVICE_USE_STATEMENT, R::GOAL, R::GROUP, R::LIST, R::PROVENANCE,
        R::QUESTIONNAIRE_RESPONSE, R::RESEARCH_SUBJECT, R::SUPPLY_DELIVERY, R::SUPPLY_REQUEST,
    ] },
    Group { name: "work", within: PATIENTS, kinds: &[R::TASK] },
    Group { name: "consent", within: PATIENTS, kinds: &[R::CONSENT] },
    Group { name: "directory", within: HOUSE, kinds: &[
        R::ENDPOINT, R::HEALTHCARE_SERVICE, R::INSURANCE_PLAN, R::LOCATION, R::ORGANIZATION,
        R::ORGANIZATION_AFFILIATION, R::PRACTITIONER, R::PRACTITIONER_ROLE,
        R::VERIFICATION_RESULT,
    ] },
    Group { name: "formulary", within: HOUSE, kinds: &[
        R::CATALOG_ENTRY, R::MEDICATION, R::MEDICATION_KNOWLEDGE, R::MEDICINAL_PRODUCT,
        R::MEDICINAL_PRODUCT_AUTHORIZATION, R::MEDICINAL_PRODUCT_CONTRAINDICATION,
        R::MEDICINAL_PRODUCT_INDICATION, R::MEDICINAL_PRODUCT_INGREDIENT,
        R::MEDICINAL_PRODUCT_INTERACTION, R::MEDICINAL_PRODUCT_MANUFACTURED,
        R::MEDICINAL_PRODUCT_PACKAGED, R::MEDICINAL_PRODUCT_PHARMACEUTICAL,
        R::MEDICINAL_PRODUCT_UNDESIRABLE_EFFECT, R::SUBSTANCE, R::SUBSTANCE_NUCLEIC_ACID,
        R::SUBSTANCE_POLYMER, R::SUBSTANCE_PROTEIN, R::SUBSTANCE_REFERENCE_INFORMATION,
        R::SUBSTANCE_SOURCE_MATERIAL, R::SUBSTANCE_SPECIFICATION,
    ] },
    Group { name: "definitions", within: HOUSE, kinds: &[
        R::ACTIVITY_DEFINITION, R::CAPABILITY_STATEMENT, R::CHARGE_ITEM_DEFINITION,
        R::CODE_SYSTEM, R::COMPARTMENT_DEFINITION, R::CONCEPT_MAP, R::DEVICE_DEFINITION,
        R::EFFECT_EVIDENCE_SYNTHESIS, R::EVENT_DEFINITION, R::EVIDENCE, R::EVIDENCE_VARIABLE,
        R::EXAMPLE_SCENARIO, R::GRAPH_DEFINITION, R::IMPLEMENTATION_GUIDE, R::LIBRARY,
        R::MEASURE, R::MESSAGE_DEFINITION, R::NAMING_SYSTEM, R::OBSERVATION_DEFINITION,
        R::OPERATION_DEFINITION, R::PLAN_DEFINITION, R::QUESTIONNAIRE, R::RESEARCH_DEFINITION,
        R::RESEARCH_ELEMENT_DEFINITION, R::RESEARCH_STUDY, R::RISK_EVIDENCE_SYNTHESIS,
        R::SEARCH_PARAMETER, R::SPECIMEN_DEFINITION, R::STRUCTURE_DEFINITION, R::STRUCTURE_MAP,
        R::TERMINOLOGY_CAPABILITIES, R::TEST_REPORT, R::TEST_SCRIPT, R::VALUE_SET,
    ] },
    // Envelopes can hold anything, and what they hold is not known without opening them.
    Group { name: "exchange", within: HOUSE, kinds: &[
        R::BASIC, R::BUNDLE, R::LINKAGE, R::MEASURE_REPORT, R::MESSAGE_HEADER,
        R::OPERATION_OUTCOME, R::PARAMETERS, R::SUBSCRIPTION, R::SUBSCRIPTION_STATUS,
    ] },
    Group { name: "audit", within: OWN, kinds: &[R::AUDIT_EVENT] },
    Group { name: "accounts", within: OWN, kinds: &[R::SIGN_IN] },
    Group { name: "tokens", within: OWN, kinds: &[R::ACCESS_TOKEN] },
    Group { name: "settings", within: OWN, kinds: &[R::SETTING] },
    Group { name: "imports", within: OWN, kinds: &[R::IMPORT] },
    // What a stay is made of besides its records.
    Group { name: "stays", within: OWN, kinds: &[R::WORKFLOW, R::BED, R::STAY] },
    // What orders and shelves are made of besides their records.
    Group { name: "medication", within: OWN, kinds: &[R::MEDICATION_SHEET, R::STOCK] },
    // How two patients that were joined are parted again.
    Group { name: "joins", within: OWN, kinds: &[R::JOIN] },
];
