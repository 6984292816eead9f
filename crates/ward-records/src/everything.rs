//! `Patient/[id]/$everything` and `$validate`.

use ward_core::{Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::outcome::operation_outcome;

use crate::{Records, RecordsError, Reply, SearchTarget, prepare};

impl Records {
    /// The patient and everything in the patient's compartment, page by page.
    ///
    /// - Shape: takes `_type`, `_count`, `_since`; the pages are those of a compartment search.
    /// - Errors: 404 when there is no such patient, or not for this caller.
    /// - Audit: `read` of the patient and `search` of the compartment.
    /// - Source: FHIR R4, Patient operation everything.
    pub async fn everything(
        &self,
        cx: &Ctx,
        patient: &FhirId,
        query: &str,
    ) -> Result<Reply, RecordsError> {
        let of = RecordKey::new(ResourceType::PATIENT, patient.clone());
        // Its absence and its invisibility are told in the same words.
        self.read(cx, &of).await?;
        let query: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.strip_prefix("_since=") {
                Some(time) => format!("_lastUpdated=ge{time}"),
                None => pair.to_owned(),
            })
            .collect();
        if query.iter().any(|pair| pair.starts_with("start=") || pair.starts_with("end=")) {
            return Err(RecordsError::new(
                Kind::Invalid,
                "`start` and `end` are not supported; `_since`, `_type` and `_count` are",
            ));
        }
        let target = SearchTarget::Compartment { of, kind: None };
        self.search(cx, &target, &query.join("&"), false).await
    }

    /// Says what is wrong with a resource, without keeping it.
    ///
    /// - Source: FHIR R4, Resource operation validate.
    pub fn validate(&self, kind: ResourceType, body: &[u8]) -> Reply {
        let findings = prepare::parse(body)
            .and_then(|resource| prepare::check(&resource, kind))
            .map_or_else(|error| error.issues, |()| Vec::new());
        Reply::body(200, operation_outcome(&findings))
    }
}
