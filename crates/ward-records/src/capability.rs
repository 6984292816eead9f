//! The CapabilityStatement, from the tables that do the work.

use ward_core::ResourceType;
use ward_fhir::{
    Json,
    json::Object,
    search::{ParamKind, params_of},
};

use crate::{Records, Reply};

/// When what this statement says last changed.
const CHANGED: &str = "2026-11-23";

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

impl Records {
    /// What this server does.
    ///
    /// - Source: FHIR R4, 3.1.0.10 capabilities.
    pub fn capability(&self) -> Reply {
        let text = |text: &str| Json::string(text.to_owned());
        let coded = |code: &str| Json::Object([("code", text(code))].into_iter().collect());
        let resources = ResourceType::fhir().map(|kind| {
            let params = params_of(kind).filter(|def| def.kind != ParamKind::Special).map(|def| {
                Json::Object(
                    [("name", text(def.code)), ("type", text(def.kind.as_str()))]
                        .into_iter()
                        .collect(),
                )
            });
            let interactions = INTERACTIONS.iter();
            Json::Object(
                [
                    ("type", text(kind.name())),
                    ("interaction", Json::Array(interactions.map(|it| coded(it)).collect())),
                    ("versioning", text("versioned-update")),
                    ("readHistory", Json::Bool(true)),
                    ("updateCreate", Json::Bool(true)),
                    ("conditionalCreate", Json::Bool(true)),
                    ("conditionalUpdate", Json::Bool(true)),
                    ("conditionalDelete", text("single")),
                    ("searchParam", Json::Array(params.collect())),
                ]
                .into_iter()
                .collect(),
            )
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
            ("date", text(CHANGED)),
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
            ("rest", Json::Array(vec![Json::Object(rest)])),
        ]
        .into_iter()
        .collect();
        Reply::body(200, Json::Object(statement).to_bytes())
    }
}
