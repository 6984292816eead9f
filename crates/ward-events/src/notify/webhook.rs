//! Webhooks: a signed body for a program.

use jiff::Timestamp;
use serde_json::json;
use ward_crypto::hmac_sha256;

use super::{Job, rules::Webhook, title_of};
use crate::{Courier, Parcel, Roads, SendError};

/// Seconds a receiver may take to answer.
/// LIMIT: it takes what it is told and works on it afterwards.
const TIMEOUT_S: u32 = 20;

/// Sends one notification.
///
/// - Shape: JSON without anything of a patient. `Ward-Signature` is `sha256=` and the HMAC-SHA256
///   in hex, by the rule's secret, of `Ward-Timestamp`, a dot and the body; `Ward-Delivery` is the
///   same however often it is sent.
pub(super) async fn send(
    roads: &Roads,
    webhook: &Webhook,
    job: &Job,
    link: &str,
    now: Timestamp,
) -> Result<(), SendError> {
    let body = json!({
        "id": job.key,
        "rule": job.rule,
        "type": job.event,
        "priority": job.priority,
        "time": job.time,
        "topic": job.topic,
        "title": title_of(&job.event, job.topic.as_deref()),
        "link": format!("{link}/#/event/{}", job.place),
    });
    let body = body.to_string().into_bytes();
    let timestamp = now.as_second().to_string();
    let signature = signature(&webhook.secret, &timestamp, &body);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("ward-delivery", job.key.clone()),
        ("ward-timestamp", timestamp),
        ("ward-signature", signature),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let parcel = Parcel {
        method: hyper::Method::POST,
        url: webhook.url.clone(),
        headers,
        body,
        timeout_s: TIMEOUT_S,
    };
    Courier::new(roads.clone()).send(parcel).await
}

fn signature(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let signed = [timestamp.as_bytes(), b".", body].concat();
    let hex: String = hmac_sha256(secret, &signed).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    /// Made by `openssl dgst -sha256 -hmac`.
    #[test]
    fn the_signature_is_what_others_compute() {
        let found = super::signature(b"key-of-the-webhook-key-of-the-webhook", "1760000000", b"{}");
        assert_eq!(
            found,
            "sha256=c41dd3bbd7714bcb103a9a12235884592aab6a2315b9160f7ded5699683ede14"
        );
    }
}
