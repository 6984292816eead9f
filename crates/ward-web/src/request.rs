//! A request, taken apart once.

use std::sync::Mutex;

use hyper::{HeaderMap, body::Bytes, header, upgrade::OnUpgrade};
use ward_core::{Ctx, FhirId, RecordKey, ResourceType};
use ward_records::{Prefer, RecordsError};

/// What was asked, by whom.
pub(crate) struct Asked {
    pub(crate) cx: Ctx,
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) body: Bytes,
    pub(crate) values: Vec<(&'static str, String)>,
    /// The connection itself, for who makes something else of it.
    pub(crate) upgrade: Mutex<Option<OnUpgrade>>,
}

impl Asked {
    pub(crate) fn value(&self, name: &str) -> Result<&str, RecordsError> {
        let found = self.values.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| invalid("the address is incomplete"))
    }

    pub(crate) fn kind(&self) -> Result<ResourceType, RecordsError> {
        self.value("type")?.parse().map_err(|_| {
            RecordsError::new(ward_core::Kind::NotFound, "no such resource type in FHIR R4")
        })
    }

    pub(crate) fn key(&self) -> Result<RecordKey, RecordsError> {
        let id: FhirId =
            self.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))?;
        Ok(RecordKey::new(self.kind()?, id))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The version in `If-Match: W/"3"`.
    pub(crate) fn if_match(&self) -> Result<Option<u32>, RecordsError> {
        let Some(value) = self.header(header::IF_MATCH) else { return Ok(None) };
        let bare = value.trim().trim_start_matches("W/").trim_matches('"');
        let version = bare.parse();
        version.map(Some).map_err(|_| invalid("`If-Match` is written `W/\"3\"`"))
    }

    pub(crate) fn prefer(&self) -> Prefer {
        match self.preference("return") {
            Some("minimal") => Prefer::Minimal,
            Some("OperationOutcome") => Prefer::OperationOutcome,
            _ => Prefer::Representation,
        }
    }

    pub(crate) fn is_lenient(&self) -> bool {
        self.preference("handling") == Some("lenient")
    }

    fn preference(&self, name: &str) -> Option<&str> {
        let parts = self.header("prefer")?.split([',', ';']);
        parts
            .filter_map(|part| part.trim().split_once('='))
            .find_map(|(n, value)| (n.trim() == name).then(|| value.trim().trim_matches('"')))
    }

    /// A cookie's value.
    pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(n, value)| (n == name).then_some(value))
    }
}

fn invalid(diagnostics: &str) -> RecordsError {
    RecordsError::new(ward_core::Kind::Invalid, diagnostics)
}
