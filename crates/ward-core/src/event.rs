//! The vocabulary of the event feed.

use std::fmt;

use crate::ctx::words;

words! {
    /// What happened, in the words other systems subscribe to. A word's place is its number on
    /// disk: new ones are only ever appended.
    MedicalEventType {
        PatientAdmission = "PatientAdmission",
        PatientDischarge = "PatientDischarge",
        PatientTransfer = "PatientTransfer",
        LabResult = "LabResult",
        MedicationOrder = "MedicationOrder",
        MedicationAdministered = "MedicationAdministered",
        VitalSigns = "VitalSigns",
        Alert = "Alert",
        Appointment = "Appointment",
        ImagingStudy = "ImagingStudy",
        /// Any other change of the chart; every write is on the feed.
        RecordChanged = "RecordChanged",
        LabOrder = "LabOrder",
        ImagingOrder = "ImagingOrder",
    }
}

words! {
    /// How soon somebody must know.
    EventPriority {
        Critical = "critical",
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}
