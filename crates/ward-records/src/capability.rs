//! The CapabilityStatement, from the tables that do the work.

use ward_core::ResourceType;
use ward_fhir::{
    Json,
    json::Object,
    search::{ParamKind, params_of},
    subscription::TOPICS,
};

use crate::{Records, Reply};

/// The version that this statement was last dated for, and the date. A release sets
/// `WARD_BUILD_DATE`; without it a test makes sure that a new version comes with its date.
const DATED: (&str, &str) = ("0.1.0", "2026-11-23");

/// - Source: FHIR R4, type-restful-interaction.
const INTERACTIONS: [&str; 9] = [
    "read",
    "vread",
    "update",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
    "patch",
];

/// The audit log is not written, and has no history but itself.
const AUDIT_INTERACTIONS: [&str; 3] = ["read", "vread", "search-type"];

impl Records {
    /// What this server does.
    ///
    /// - Source: FHIR R4, 3.1.0.10 capabilities.
    pub fn capability(&self) -> Reply {
        let text = |text: &str| Json::string(text.to_owned());
        let coded = |code: &str| Json::Object([("code", text(code))].into_iter().collect());
        // SPEC: SubscriptionStatus comes with the definitions but is of R4B; R4's value set of
        // resource types does not have it.
        let of_r4 = ResourceType::fhir().filter(|kind| kind.name() != "SubscriptionStatus");
        let resources = of_r4.map(|kind| {
            let params = params_of(kind).filter(|def| def.kind != ParamKind::Special).map(|def| {
                Json::Object(
                    [("name", text(def.code)), ("type", text(def.kind.as_str()))]
                        .into_iter()
                        .collect(),
                )
            });
            let is_written = kind != ResourceType::AUDIT_EVENT;
            let interactions =
                if is_written { INTERACTIONS.as_slice() } else { &AUDIT_INTERACTIONS };
            let interactions = interactions.iter().map(|it| coded(it)).collect();
            let versioning = if is_written { "versioned-update" } else { "versioned" };
            let deletes = if is_written { "single" } else { "not-supported" };
            let mut resource: Object<'_> = [
                ("type", text(kind.name())),
                ("interaction", Json::Array(interactions)),
                ("versioning", text(versioning)),
                ("readHistory", Json::Bool(is_written)),
                ("updateCreate", Json::Bool(is_written)),
                ("conditionalCreate", Json::Bool(is_written)),
                ("conditionalUpdate", Json::Bool(is_written)),
                ("conditionalDelete", text(deletes)),
                ("searchParam", Json::Array(params.collect())),
            ]
            .into_iter()
            .collect();
            if kind == ResourceType::SUBSCRIPTION {
                subscriptions(&mut resource);
            }
            Json::Object(resource)
        });
        let system = ["transaction", "batch", "search-system", "history-system"];
        let rest: Object<'_> = [
            ("mode", text("server")),
            ("resource", Json::Array(resources.collect())),
            ("interaction", Json::Array(system.iter().map(|it| coded(it)).collect())),
        ]
        .into_iter()
        .collect();
        let statement: Object<'_> = [
            ("resourceType", text("CapabilityStatement")),
            ("status", text("active")),
            ("date", text(option_env!("WARD_BUILD_DATE").unwrap_or(DATED.1))),
            ("kind", text("instance")),
            (
                "software",
                Json::Object(
                    [("name", text("Ward")), ("version", text(env!("CARGO_PKG_VERSION")))]
                        .into_iter()
                        .collect(),
                ),
            ),
            (
                "implementation",
                Json::Object(
                    [("description", text("Ward")), ("url", text(&self.base))]
                        .into_iter()
                        .collect(),
                ),
            ),
            ("fhirVersion", text("4.0.1")),
            ("format", Json::Array(vec![text("json")])),
            (
                "patchFormat",
                Json::Array(vec![
                    text("application/json-patch+json"),
                    text("application/fhir+json"),
                ]),
            ),
            ("rest", Json::Array(vec![Json::Object(rest)])),
        ]
        .into_iter()
        .collect();
        Reply::body(200, Json::Object(statement).to_bytes())
    }
}

/// The topics, and the operations of the backport.
///
/// - Source: Subscriptions R5 Backport 1.1.0, R4: CapabilityStatement.
fn subscriptions(resource: &mut Object<'_>) {
    const GUIDE: &str = "http://hl7.org/fhir/uv/subscriptions-backport";
    let text = |text: String| Json::string(text);
    let topics = TOPICS.iter().map(|topic| {
        let url =
            format!("{GUIDE}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical");
        let members = [("url", text(url)), ("valueCanonical", text(topic.url.to_owned()))];
        Json::Object(members.into_iter().collect())
    });
    let operations = ["status", "events", "get-ws-binding-token"].iter().map(|name| {
        let definition = format!("{GUIDE}/OperationDefinition/backport-subscription-{name}");
        let members = [("name", text((*name).to_owned())), ("definition", text(definition))];
        Json::Object(members.into_iter().collect())
    });
    resource.insert("extension", Json::Array(topics.collect()));
    resource.insert("operation", Json::Array(operations.collect()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_has_a_new_date() {
        assert_eq!(DATED.0, env!("CARGO_PKG_VERSION"), "date the statement anew");
    }
}
