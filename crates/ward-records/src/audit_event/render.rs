//! One entry of the audit log as a FHIR AuditEvent.
//!
//! - Source: IHE Basic Audit Log Patterns 1.1.4; FHIR R4 AuditEvent; DICOM PS3.15 A.5.

use base64::Engine as _;
use ward_core::{ActorKind, AuditAction as A, AuditOutcome};
use ward_fhir::{Json, json::Object};
use ward_store::AuditEntry;

use crate::instant;

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPES: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTIONS: &str = "http://hl7.org/fhir/restful-interaction";
const REASONS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPES: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLES: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPES: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const BALP_TYPES: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
/// Ward's own words: roles of accounts, and actions that no standard names.
const ROLES: &str = "urn:ward:role";
const ACTIONS: &str = "urn:ward:audit-action";

/// The resource, whole.
pub(super) fn render(entry: &AuditEntry) -> Json<'static> {
    let recorded = instant(entry.time);
    let mut event = object([
        ("resourceType", text("AuditEvent")),
        ("id", text(entry.n.to_string())),
        ("meta", meta(entry, &recorded)),
        ("type", kind_of(entry.action)),
        ("subtype", Json::Array(vec![subtype_of(entry.action)])),
        ("action", text(entry.action.letter().to_string())),
        ("recorded", text(recorded)),
        ("outcome", text(entry.outcome.as_str())),
    ]);
    if entry.patients_cut {
        event.insert("outcomeDesc", text("More patients were shown than one entry names."));
    }
    let reason = coding(REASONS, entry.purpose.as_str());
    event.insert("purposeOfEvent", Json::Array(vec![concept(reason)]));
    event.insert("agent", Json::Array(agents(entry)));
    event.insert(
        "source",
        Json::Object(object([
            ("observer", Json::Object(object([("display", text("Ward"))]))),
            ("type", Json::Array(vec![coding(SOURCE_TYPES, "4")])),
        ])),
    );
    event.insert("entity", Json::Array(entities(entry)));
    Json::Object(event)
}

fn meta(entry: &AuditEntry, recorded: &str) -> Json<'static> {
    let mut meta = object([("versionId", text("1")), ("lastUpdated", text(recorded.to_owned()))]);
    if let Some(profile) = profile_of(entry) {
        meta.insert("profile", Json::Array(vec![text(format!("{BALP}{profile}"))]));
    }
    Json::Object(meta)
}

/// The pattern that an entry follows, where there is one; with a patient only when it is about one.
fn profile_of(entry: &AuditEntry) -> Option<String> {
    if entry.outcome != AuditOutcome::Success {
        return None;
    }
    let pattern = match entry.action {
        A::Create => "Create",
        A::Read | A::Vread => "Read",
        A::Update | A::Patch => "Update",
        A::Delete => "Delete",
        A::Search if entry.detail.is_some() => "Query",
        _ => return None,
    };
    let is_patient = entry.patients.len() == 1;
    Some(if is_patient { format!("Patient{pattern}") } else { pattern.to_owned() })
}

fn kind_of(action: A) -> Json<'static> {
    match action {
        A::Login | A::LoginFailed | A::Logout => named(DICOM, "110114", "User Authentication"),
        A::AuditRead => named(DICOM, "110101", "Audit Log Used"),
        A::Started | A::Stopped => named(DICOM, "110100", "Application Activity"),
        A::AccountChanged
        | A::TokenCreated
        | A::TokenRevoked
        | A::KeysRotated
        | A::KeyDestroyed
        | A::SettingChanged => named(DICOM, "110113", "Security Alert"),
        A::Import => named(DICOM, "110107", "Import"),
        A::Export => named(DICOM, "110106", "Export"),
        A::Reindexed | A::Scrubbed => named(DICOM, "110100", "Application Activity"),
        _ => named(EVENT_TYPES, "rest", "RESTful Operation"),
    }
}

fn subtype_of(action: A) -> Json<'static> {
    match action {
        A::Login => named(DICOM, "110122", "Login"),
        A::Logout => named(DICOM, "110123", "Logout"),
        A::Started => named(DICOM, "110120", "Application Start"),
        A::Stopped => named(DICOM, "110121", "Application Stop"),
        A::Create
        | A::Read
        | A::Vread
        | A::Update
        | A::Patch
        | A::Delete
        | A::Search
        | A::HistoryInstance
        | A::HistoryType
        | A::HistorySystem
        | A::Batch
        | A::Transaction
        | A::Operation
        | A::Capabilities => coding(INTERACTIONS, interaction_of(action)),
        other => coding(ACTIONS, other.as_str()),
    }
}

fn interaction_of(action: A) -> &'static str {
    match action {
        A::Search => "search",
        other => other.as_str(),
    }
}

/// Who asked, and Ward, which did it.
fn agents(entry: &AuditEntry) -> Vec<Json<'static>> {
    let id = entry.actor.id.to_string();
    let reference = object([("reference", text(format!("urn:uuid:{id}")))]);
    let mut caller = object([("type", concept(named(DICOM, "110153", "Source Role ID")))]);
    caller.insert("role", Json::Array(vec![concept(coding(ROLES, entry.role.as_str()))]));
    caller.insert("who", Json::Object(reference));
    caller.insert("altId", text(id));
    caller.insert(
        "name",
        text(match entry.actor.kind {
            ActorKind::Person => "Person",
            ActorKind::Client => "Client",
            ActorKind::System => "Ward",
        }),
    );
    caller.insert("requestor", Json::Bool(true));
    if !entry.source.is_empty() {
        let mut network = object([("address", text(entry.source.clone()))]);
        if entry.source.parse::<std::net::IpAddr>().is_ok() {
            // SPEC: audit network type 2 is an IP address.
            network.insert("type", text("2"));
        }
        caller.insert("network", Json::Object(network));
    }
    let ward = object([
        ("type", concept(named(DICOM, "110152", "Destination Role ID"))),
        ("who", Json::Object(object([("display", text("Ward"))]))),
        ("requestor", Json::Bool(false)),
    ]);
    vec![Json::Object(caller), Json::Object(ward)]
}

/// The request, the record, the patients and the query.
fn entities(entry: &AuditEntry) -> Vec<Json<'static>> {
    let identifier = object([("value", text(entry.trace.to_string()))]);
    let what = object([("identifier", Json::Object(identifier))]);
    let mut entities = vec![entity(what, coding(BALP_TYPES, "XrequestId"), None)];
    if let Some(target) = entry.target.as_ref().filter(|target| target.kind.is_fhir()) {
        let what = object([("reference", text(target.to_string()))]);
        entities.push(entity(what, coding(ENTITY_TYPES, "2"), Some("4")));
    }
    for patient in &entry.patients {
        let what = object([("reference", text(format!("Patient/{patient}")))]);
        entities.push(entity(what, coding(ENTITY_TYPES, "1"), Some("1")));
    }
    // Taken out for the auditor: what was asked is what an audit is for.
    if let Some(detail) = &entry.detail {
        let mut described = object([("type", coding(ENTITY_TYPES, "2"))]);
        if entry.action == A::Search {
            described.insert("role", coding(ENTITY_ROLES, "24"));
            // The look of a transaction names the types in its conditions.
            let query = match entry.kind {
                Some(kind) => format!("{kind}?{}", detail.reveal()),
                None => detail.reveal().clone(),
            };
            let query = base64::engine::general_purpose::STANDARD.encode(query);
            described.insert("query", text(query));
        } else if !detail.reveal().is_empty() {
            described.insert("description", text(detail.reveal().clone()));
        }
        entities.push(Json::Object(described));
    }
    entities
}

fn entity(what: Object<'static>, kind: Json<'static>, role: Option<&'static str>) -> Json<'static> {
    let mut entity = object([("what", Json::Object(what)), ("type", kind)]);
    if let Some(role) = role {
        entity.insert("role", coding(ENTITY_ROLES, role));
    }
    Json::Object(entity)
}

fn text(text: impl Into<std::borrow::Cow<'static, str>>) -> Json<'static> {
    Json::string(text)
}

fn object<const N: usize>(members: [(&'static str, Json<'static>); N]) -> Object<'static> {
    members.into_iter().collect()
}

fn coding(system: &'static str, code: &'static str) -> Json<'static> {
    Json::Object(object([("system", text(system)), ("code", text(code))]))
}

fn named(system: &'static str, code: &'static str, display: &'static str) -> Json<'static> {
    let members = [("system", text(system)), ("code", text(code)), ("display", text(display))];
    Json::Object(object(members))
}

fn concept(coding: Json<'static>) -> Json<'static> {
    Json::Object(object([("coding", Json::Array(vec![coding]))]))
}
