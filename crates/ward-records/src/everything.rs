//! `Patient/[id]/$everything` and `$validate`.

use ward_core::{Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::{
    outcome::operation_outcome,
    search::{Interval, decode_query, interval},
};

use crate::{
    Records, RecordsError, Reply, SearchTarget, prepare,
    search::{Narrowed, encode},
};

impl Records {
    /// The patient and everything in the patient's compartment, page by page.
    ///
    /// - Shape: takes `start` and `end` (of care), `_since` (of the record), `_type`, `_count`.
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
        let pairs = decode_query(query)
            .map_err(|issue| RecordsError::with_issues(Kind::Invalid, vec![issue]))?;
        let here = Some(format!("{}/{of}/$everything", self.base));
        let mut narrowed = Narrowed { here, ..Narrowed::default() };
        let mut within = Interval { from_us: Interval::OPEN_FROM, to_us: Interval::OPEN_TO };
        let mut asked = String::new();
        let mut ask = |name: &str, value: &str| {
            if !asked.is_empty() {
                asked.push('&');
            }
            encode(name, &mut asked);
            asked.push('=');
            encode(value, &mut asked);
        };
        for (name, value) in &pairs {
            let date = || {
                let says = format!("`{name}` is a date such as `2024-05-31`");
                interval(value).ok_or_else(|| RecordsError::new(Kind::Invalid, says))
            };
            match name.as_str() {
                "start" => within.from_us = date()?.from_us,
                "end" => within.to_us = date()?.to_us,
                "_since" => {
                    date()?;
                    ask("_lastUpdated", &format!("ge{value}"));
                    narrowed.hides.push("_lastUpdated");
                }
                _ => {
                    ask(name, value);
                    continue;
                }
            }
            if name != "_since" {
                narrowed.within = Some(within);
            }
            narrowed.said.push((name.clone(), value.clone()));
        }
        let target = SearchTarget::Compartment { of, kind: None };
        self.search_narrowed(cx, &target, &asked, false, &narrowed).await
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
