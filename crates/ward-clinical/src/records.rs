//! Records of the chart as this service reads and writes them.

use serde_json::{Value, json};
pub(crate) use ward_store::values::{id_of, key, put, read, search, text, write};

/// Writes an end into the stay's period, and into that of every place it is still in.
pub(crate) fn end(encounter: &mut Value, now: &str) {
    stop(encounter, now);
    leave(encounter, now);
}

/// Ends every place that the stay is still in.
pub(crate) fn leave(encounter: &mut Value, now: &str) {
    for place in encounter.get_mut("location").and_then(Value::as_array_mut).into_iter().flatten() {
        if text(place, "status") != Some("completed") {
            stop(place, now);
            put(place, "status", json!("completed"));
        }
    }
}

fn stop(value: &mut Value, now: &str) {
    if value.get("period").is_none() {
        put(value, "period", json!({}));
    }
    if let Some(period) = value.get_mut("period")
        && period.get("end").is_none()
    {
        put(period, "end", json!(now));
    }
}
