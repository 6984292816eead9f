//! The number by which a payer's answer finds its Claim.

use serde::{Deserialize, Serialize};
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_store::{
    Chart, ReadError, Reader, Write,
    values::key,
    workflow::{own_read, own_write},
};

/// Bytes of a trace: twenty characters is what every payer gives back whole.
///
/// - Source: 837 as 005010X223A2, CLM01: at most 20 characters are returned for sure.
const BYTES: usize = 10;

#[derive(Serialize, Deserialize)]
struct TraceKept {
    claim: String,
}

/// The trace of a Claim: the same each time, and telling nobody what it was made of.
pub(crate) fn trace_of(chart: &Chart, claim: &FhirId) -> String {
    let bytes = chart.derived(&["x12-trace", claim.as_str()]);
    bytes.iter().take(BYTES).map(|byte| format!("{byte:02X}")).collect()
}

/// Remembers whose trace it is, once.
pub(crate) fn remember(
    chart: &Chart,
    trace: &str,
    claim: &FhirId,
    patient: &FhirId,
) -> Result<Option<Write>, crate::BillingError> {
    let key = key_of(chart, trace);
    if chart.current(&key)?.is_some() {
        return Ok(None);
    }
    let kept = TraceKept { claim: claim.to_string() };
    Ok(Some(own_write(key, None, Some(patient), &kept)?))
}

/// The Claim of a trace.
pub(crate) fn claim_of(
    chart: &Chart,
    reader: &Reader<'_>,
    trace: &str,
) -> Result<Option<RecordKey>, ReadError> {
    let kept = match own_read::<TraceKept>(reader, &key_of(chart, trace)) {
        // Of a patient who was destroyed.
        Err(ReadError::Destroyed) => None,
        kept => kept?,
    };
    let claim = kept.and_then(|(kept, _)| kept.claim.parse::<FhirId>().ok());
    Ok(claim.map(|id| key(ResourceType::CLAIM, &id)))
}

fn key_of(chart: &Chart, trace: &str) -> RecordKey {
    let trace = trace.trim().to_ascii_uppercase();
    key(ResourceType::PAYER, &chart.derived_id(&["x12-trace-of", &trace]))
}
