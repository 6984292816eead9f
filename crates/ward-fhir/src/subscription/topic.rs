//! The topics that can be subscribed to.

use ward_core::{EventPriority, MedicalEventType as E, ResourceType as R};

use super::criteria::Happened;

/// What can be subscribed to.
#[derive(Debug)]
pub struct Topic {
    /// Its canonical URL.
    pub url: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    takes: Takes,
}

#[derive(Debug)]
enum Takes {
    /// Events of these types, of records of these types.
    Events(&'static [E], &'static [R]),
    /// Events of this priority.
    Critical(&'static [R]),
    /// Every version of records of these types.
    Records(&'static [R]),
    /// Every version of a record of any type that a filter names, deletions too.
    Any,
}

const ORDERS: &[R] =
    &[R::SERVICE_REQUEST, R::MEDICATION_REQUEST, R::DEVICE_REQUEST, R::NUTRITION_ORDER];

/// Every topic.
#[rustfmt::skip]
pub static TOPICS: &[Topic] = &[
    Topic { url: "urn:ward:topic:admission", title: "Admission", about: "A stay began.",
        takes: Takes::Events(&[E::PatientAdmission], &[R::ENCOUNTER]) },
    Topic { url: "urn:ward:topic:discharge", title: "Discharge", about: "A stay ended.",
        takes: Takes::Events(&[E::PatientDischarge], &[R::ENCOUNTER]) },
    Topic { url: "urn:ward:topic:transfer", title: "Transfer", about: "A patient was moved to another place.",
        takes: Takes::Events(&[E::PatientTransfer], &[R::ENCOUNTER]) },
    Topic { url: "urn:ward:topic:result", title: "Result", about: "A result of the laboratory came or changed.",
        takes: Takes::Events(&[E::LabResult], &[R::OBSERVATION]) },
    Topic { url: "urn:ward:topic:critical-result", title: "Critical result", about: "A result came that is critical (HH, LL, AA).",
        takes: Takes::Critical(&[R::OBSERVATION]) },
    Topic { url: "urn:ward:topic:vital-signs", title: "Vital signs", about: "Vital signs were taken.",
        takes: Takes::Events(&[E::VitalSigns], &[R::OBSERVATION]) },
    Topic { url: "urn:ward:topic:order", title: "Order", about: "An order was placed or changed.",
        takes: Takes::Records(ORDERS) },
    Topic { url: "urn:ward:topic:medication-administered", title: "Medication administered", about: "A dose was given, or was not.",
        takes: Takes::Events(&[E::MedicationAdministered], &[R::MEDICATION_ADMINISTRATION]) },
    Topic { url: "urn:ward:topic:appointment", title: "Appointment", about: "An appointment was made or changed.",
        takes: Takes::Events(&[E::Appointment], &[R::APPOINTMENT]) },
    Topic { url: "urn:ward:topic:imaging-study", title: "Imaging study", about: "Images came.",
        takes: Takes::Events(&[E::ImagingStudy], &[R::IMAGING_STUDY]) },
    Topic { url: "urn:ward:topic:record-change", title: "Change of records", about: "A record of the types that the filters name was created, updated or deleted. At least one filter is needed.",
        takes: Takes::Any },
];

impl Topic {
    pub fn of(url: &str) -> Option<&'static Topic> {
        TOPICS.iter().find(|it| it.url == url)
    }

    /// Whether it speaks of events by itself, without a filter.
    pub fn is_of_events(&self) -> bool {
        !matches!(self.takes, Takes::Any)
    }

    /// The types it speaks of; none when the filters say.
    pub fn kinds(&self) -> &'static [R] {
        match self.takes {
            Takes::Events(_, kinds) | Takes::Critical(kinds) | Takes::Records(kinds) => kinds,
            Takes::Any => &[],
        }
    }

    pub(super) fn takes(&self, happened: &Happened<'_>) -> bool {
        let is_of = |kinds: &[R]| kinds.contains(&happened.kind) && !happened.is_delete;
        match self.takes {
            Takes::Events(events, kinds) => is_of(kinds) && events.contains(&happened.event),
            Takes::Critical(kinds) => is_of(kinds) && happened.priority == EventPriority::Critical,
            Takes::Records(kinds) => is_of(kinds),
            Takes::Any => true,
        }
    }
}
