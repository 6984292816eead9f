//! Findings in the words of FHIR: DetectedIssue, and the answer of `$check`.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::medication::{Issue, IssueKind, Tier};

/// Under which a DetectedIssue names the rule that fired, as `ID@VERSION`.
pub const RULE: &str = "urn:ward:check";
/// Under which it names the knowledge base and its version.
pub const KNOWLEDGE_BASE: &str = "urn:ward:knowledge-base";
/// What a finding is about.
pub const KIND: &str = "urn:ward:check-kind";
/// Why somebody let an order go on.
pub const OVERRIDE_REASON: &str = "urn:ward:override-reason";
/// How loud a finding is.
pub const TIER: &str = "urn:ward:check-tier";

/// - Source: FHIR R4, detectedissue-severity.
pub const fn severity(tier: Tier) -> &'static str {
    match tier {
        Tier::HardStop => "high",
        Tier::Interruptive => "moderate",
        Tier::Passive | Tier::Log => "low",
    }
}

/// The code of HL7 v3 that says the same, where there is one.
///
/// - Source: HL7 v3 ActCode, domain ActDetectedIssueCode; the value set of DetectedIssue.code.
const fn act_code(kind: IssueKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        IssueKind::Interaction => ("DRG", "Drug Interaction Alert"),
        IssueKind::Allergy => ("ALGY", "Allergy Alert"),
        IssueKind::CrossAllergy => ("ALGY", "Allergy Alert"),
        IssueKind::DuplicateDrug | IssueKind::DuplicateClass => {
            ("DUPTHPY", "Duplicate Therapy Alert")
        }
        IssueKind::SingleDose | IssueKind::DailyDose | IssueKind::CumulativeDose => {
            ("DOSE", "Dosage problem")
        }
        IssueKind::Rate | IssueKind::Concentration => ("DOSE", "Dosage problem"),
        IssueKind::Interval | IssueKind::Frequency => ("DOSEIVL", "Dose-Interval Alert"),
        IssueKind::Duration => ("DOSEDUR", "Dose-Duration Alert"),
        IssueKind::Age => ("AGE", "Age Alert"),
        IssueKind::Condition | IssueKind::Hepatic | IssueKind::Renal => ("COND", "Condition Alert"),
        IssueKind::Pregnancy => ("PREG", "Pregnancy Alert"),
        IssueKind::Lactation => ("LACT", "Lactation Alert"),
        IssueKind::Laboratory => ("OBSA", "Observation Alert"),
        IssueKind::Route => ("ROUTE", "Route Alert"),
        _ => return None,
    })
}

/// One finding as a DetectedIssue that is not in the chart.
///
/// - Source: FHIR R4, DetectedIssue.
pub fn detected_issue(issue: &Issue, patient: &FhirId, now: Timestamp) -> Value {
    let kind = issue.kind.name();
    let mut codings = Vec::new();
    if let Some((code, display)) = act_code(issue.kind) {
        codings.push(json!({
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": code,
            "display": display,
        }));
    }
    codings.push(json!({ "system": KIND, "code": kind }));
    codings.push(json!({ "system": TIER, "code": issue.tier.name() }));
    let reference = |it: &String| match it.contains('/') {
        true => json!({ "reference": it }),
        false => json!({ "display": it }),
    };
    let implicated: Vec<Value> = issue.orders.iter().chain(&issue.others).map(reference).collect();
    let mut evidence: Vec<Value> = issue
        .used
        .iter()
        .map(|it| {
            let aged = it.age_h.map(|h| format!(", {h} h old")).unwrap_or_default();
            json!({ "code": [{ "text": format!("{}: {}{aged}", it.what, it.value) }] })
        })
        .collect();
    if !issue.message.evidence.is_empty() {
        evidence
            .push(json!({ "code": [{ "text": format!("evidence: {}", issue.message.evidence) }] }));
    }
    let mut out = json!({
        "resourceType": "DetectedIssue",
        "identifier": [
            { "system": RULE, "value": rule_of(issue) },
            { "system": KNOWLEDGE_BASE, "value": issue.rule.knowledge_base },
        ],
        "status": "preliminary",
        "code": { "coding": codings, "text": issue.message.summary },
        "severity": severity(issue.tier),
        "patient": { "reference": format!("Patient/{patient}") },
        "identifiedDateTime": now.to_string(),
        "detail": detail(issue),
    });
    if let Some(object) = out.as_object_mut() {
        if !implicated.is_empty() {
            object.insert("implicated".to_owned(), json!(implicated));
        }
        if !evidence.is_empty() {
            object.insert("evidence".to_owned(), json!(evidence));
        }
    }
    out
}

/// `ID@VERSION`.
pub fn rule_of(issue: &Issue) -> String {
    format!("{}@{}", issue.rule.id, issue.rule.version)
}

/// Everything a person reads of it, in one text.
pub fn detail(issue: &Issue) -> String {
    let message = &issue.message;
    let mut parts = vec![message.summary.clone()];
    for more in [&message.mechanism, &message.action] {
        if !more.is_empty() {
            parts.push(more.clone());
        }
    }
    if issue.illustrative {
        parts.push("Illustrative: not confirmed against a label.".to_owned());
    }
    if !message.source.is_empty() {
        parts.push(format!("Source: {}.", message.source.trim_end_matches('.')));
    }
    parts.join(" ")
}

/// The answer of `$check`: every finding, the knowledge base, and whether all could be checked.
///
/// - Shape: Parameters with `knowledgeBase`, `notice`, `allChecked`, and an `issue` for each finding,
///   the gravest first.
/// - Source: FHIR R4, operations; Parameters.
pub fn checked(
    issues: &[Issue],
    (label, notice): (&str, &str),
    patient: &FhirId,
    now: Timestamp,
) -> Value {
    let all_checked = !issues.iter().any(|it| it.kind == IssueKind::NotCheckable);
    let mut parameters = vec![
        json!({ "name": "knowledgeBase", "valueString": label }),
        json!({ "name": "allChecked", "valueBoolean": all_checked }),
    ];
    if !notice.is_empty() {
        parameters.push(json!({ "name": "notice", "valueString": notice }));
    }
    for issue in issues {
        let resource = detected_issue(issue, patient, now);
        parameters.push(json!({ "name": "issue", "resource": resource }));
    }
    json!({ "resourceType": "Parameters", "parameter": parameters })
}
