//! The words a policy may use, as a Cedar schema.

use std::{fmt::Write as _, str::FromStr as _};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use ward_core::{ActorKind, PurposeOfUse, ResourceType, Role};

use crate::{PolicyError, groups};

/// Roles that a policy can name together.
pub(crate) const TEAMS: &[(&str, &[Role])] = &[
    ("bedside", &[Role::Physician, Role::Nurse]),
    ("clinical", &[Role::Physician, Role::Nurse, Role::Pharmacist, Role::Radiographer]),
    (
        "house",
        &[
            Role::Physician,
            Role::Nurse,
            Role::Pharmacist,
            Role::Registrar,
            Role::Radiographer,
            Role::Billing,
        ],
    ),
];

/// Ward's own records. They are not FHIR types, so no list of those has them.
pub(crate) const OWN_KINDS: [ResourceType; 10] = [
    ResourceType::SIGN_IN,
    ResourceType::ACCESS_TOKEN,
    ResourceType::SETTING,
    ResourceType::IMPORT,
    ResourceType::WORKFLOW,
    ResourceType::BED,
    ResourceType::STAY,
    ResourceType::JOIN,
    ResourceType::MEDICATION_SHEET,
    ResourceType::STOCK,
];

/// Every kind of record.
pub(crate) fn kinds() -> impl Iterator<Item = ResourceType> {
    ResourceType::fhir().chain(OWN_KINDS)
}

pub(crate) const fn actor_kind_word(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "person",
        ActorKind::Client => "client",
        ActorKind::System => "system",
    }
}

/// The whole schema as text: the shapes, and the closed lists from where they are defined.
pub(crate) fn text() -> String {
    let mut out = String::from(include_str!("schema.cedarschema"));
    let kinds = [ActorKind::Person, ActorKind::Client, ActorKind::System];
    let umbrellas = [groups::CHART, groups::FHIR];
    list(&mut out, "Role", Role::ALL.iter().map(|it| it.as_str()));
    list(&mut out, "Team", TEAMS.iter().map(|(name, _)| *name));
    list(&mut out, "ActorKind", kinds.into_iter().map(actor_kind_word));
    list(&mut out, "Purpose", PurposeOfUse::ALL.iter().map(|it| it.as_str()));
    list(&mut out, "Group", groups::ALL.iter().map(|it| it.name).chain(umbrellas));
    list(&mut out, "Kind", self::kinds().map(ResourceType::name));
    out
}

/// The schema, parsed.
pub(crate) fn parsed() -> Result<Schema, PolicyError> {
    let (schema, _warnings) =
        Schema::from_cedarschema_str(&text()).map_err(|e| PolicyError::Schema(e.to_string()))?;
    Ok(schema)
}

/// The name of one entity, such as `Role::"nurse"`.
pub(crate) fn uid(class: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let class = EntityTypeName::from_str(class).map_err(|e| PolicyError::Schema(e.to_string()))?;
    Ok(EntityUid::from_type_name_and_id(class, EntityId::new(id)))
}

fn list<'a>(out: &mut String, class: &str, words: impl Iterator<Item = &'a str>) {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    // Writing to a String cannot fail.
    let _ = write!(out, "\nentity {class} enum [{}];\n", words.join(", "));
}
