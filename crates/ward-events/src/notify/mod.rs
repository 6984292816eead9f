//! Notifications of people and programs by mail and webhook, as rules say.
//!
//! What is to be sent is a command that is committed with the place on the feed: once for each
//! event, rule and recipient. It is sent from the queue until it has arrived, each time under the
//! same id. Nothing of a patient leaves the house by it: what happened, and where to look.

mod finder;
mod mail;
mod rules;
mod send;
mod webhook;

use serde::{Deserialize, Serialize};

pub use self::{
    finder::Finder,
    mail::{MailError, MailSettings, MailTls, Mailer},
    rules::{Rule, Rules, RulesError},
    send::{Senders, Sending, Waker},
};

/// Where commands wait for a sender. What is critical never waits behind what is not.
pub(crate) const LANES: [&str; 2] = ["notify.critical", "notify"];

/// One notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    /// The same for the same event, rule and recipient.
    pub(crate) key: String,
    pub(crate) rule: String,
    pub(crate) to: To,
    pub(crate) event: String,
    pub(crate) priority: String,
    pub(crate) time: String,
    /// What a workflow tells, where the event is its Communication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    /// The event's place on the feed, by which whoever may is shown what it is about.
    pub(crate) place: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum To {
    Mail(String),
    /// The rule's webhook.
    Webhook,
}

/// What an event is called where people read it.
pub(crate) fn title_of(event: &str, topic: Option<&str>) -> &'static str {
    match (event, topic) {
        (_, Some("admitted")) => "A patient was admitted",
        (_, Some("admission-cancelled")) => "An admission was taken back",
        (_, Some(_)) => "A workflow tells something",
        ("PatientAdmission", _) => "A stay began",
        ("PatientDischarge", _) => "A stay ended",
        ("PatientTransfer", _) => "A patient was moved",
        ("LabResult", _) => "A result of the laboratory",
        ("MedicationOrder", _) => "An order for medication",
        ("MedicationAdministered", _) => "A dose was recorded",
        ("VitalSigns", _) => "Vital signs",
        ("Alert", _) => "An alert",
        ("Appointment", _) => "An appointment",
        ("ImagingStudy", _) => "Images came",
        ("LabOrder", _) => "An order for the laboratory",
        ("ImagingOrder", _) => "An order for imaging",
        _ => "A record changed",
    }
}
