//! What a message says has happened.

use ward_core::MedicalEventType;
use ward_hl7::Message;

/// The event of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// MSH-9.1: `ADT`.
    pub code: String,
    /// MSH-9.2, or EVN-1 where that is empty: `A01`.
    pub event: String,
    /// What it is on the event feed.
    pub what: MedicalEventType,
}

/// What a message asks of the Encounter it names: a step of its state machine, never a state.
///
/// HL7's guide has a table of events to states; taken by the letter, an update of a running stay
/// would set it to `unknown`. So the chart takes the step, and only a bare conversion says the
/// state that a new Encounter would have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncounterTransition {
    pub wanted: Wanted,
    /// The status of an Encounter that nobody knew before.
    pub fresh: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// A01: the stay begins, or goes on.
    Admit,
    /// A04, A10: the patient is here.
    Register,
    /// A05, A14, A38: it is planned.
    Plan,
    /// A02, A06, A07, A17 and others: moved or of another class; the status stays.
    Move,
    /// A03: it ends.
    Discharge,
    /// A11, A23, A27, A38: it is taken back.
    Cancel,
    /// A12: the move is taken back; the earlier place is in the message.
    CancelMove,
    /// A13: the discharge is taken back; the stay goes on.
    CancelDischarge,
    /// A08 and all others: no change.
    Keep,
    /// A21: away for a while.
    Leave,
    /// A22: back again.
    Return,
}

/// Steps of ADT events; what is not here keeps the status.
///
/// - Source: HL7 v2.8, chapter 3, trigger events.
const STEPS: &[(&str, Wanted, &str)] = &[
    ("A01", Wanted::Admit, "in-progress"),
    ("A02", Wanted::Move, "in-progress"),
    ("A03", Wanted::Discharge, "finished"),
    ("A04", Wanted::Register, "in-progress"),
    ("A05", Wanted::Plan, "planned"),
    ("A06", Wanted::Move, "in-progress"),
    ("A07", Wanted::Move, "in-progress"),
    ("A09", Wanted::Move, "in-progress"),
    ("A10", Wanted::Register, "arrived"),
    ("A11", Wanted::Cancel, "cancelled"),
    ("A12", Wanted::CancelMove, "in-progress"),
    ("A13", Wanted::CancelDischarge, "in-progress"),
    ("A14", Wanted::Plan, "planned"),
    ("A15", Wanted::Keep, "in-progress"),
    ("A16", Wanted::Keep, "in-progress"),
    ("A17", Wanted::Move, "in-progress"),
    ("A21", Wanted::Leave, "onleave"),
    ("A22", Wanted::Return, "in-progress"),
    ("A23", Wanted::Cancel, "entered-in-error"),
    ("A25", Wanted::Keep, "in-progress"),
    ("A26", Wanted::Keep, "in-progress"),
    ("A27", Wanted::Cancel, "cancelled"),
    ("A38", Wanted::Cancel, "cancelled"),
];

impl Trigger {
    pub fn of(message: &Message<'_>) -> Option<Trigger> {
        let code = message.message_code()?.into_owned();
        let event = message.trigger_event().map(|e| e.into_owned()).or_else(|| {
            let evn = ward_hl7::SegmentId::new(b"EVN").and_then(|id| message.first(id))?;
            evn.field(1)?.text().map(|text| text.into_owned())
        });
        let event = event.unwrap_or_default();
        let what = what(&code, &event);
        Some(Trigger { code, event, what })
    }

    /// The step of the Encounter.
    pub fn transition(&self) -> EncounterTransition {
        let step = STEPS.iter().find(|(event, ..)| self.code == "ADT" && *event == self.event);
        match step {
            Some((_, wanted, fresh)) => EncounterTransition { wanted: *wanted, fresh },
            // Nothing is known of the stay but that there is one.
            None => EncounterTransition { wanted: Wanted::Keep, fresh: "unknown" },
        }
    }
}

fn what(code: &str, event: &str) -> MedicalEventType {
    use MedicalEventType as M;
    match (code, event) {
        ("ADT", "A01" | "A04" | "A10" | "A13") => M::PatientAdmission,
        ("ADT", "A03") => M::PatientDischarge,
        ("ADT", "A02" | "A06" | "A07" | "A09" | "A12" | "A17") => M::PatientTransfer,
        ("ORU", "R40") => M::Alert,
        ("ORU" | "OUL", _) => M::LabResult,
        ("RDE" | "OMP" | "RGV", _) => M::MedicationOrder,
        ("RAS", _) => M::MedicationAdministered,
        ("SIU", _) => M::Appointment,
        ("OMI", _) => M::ImagingStudy,
        _ => M::RecordChanged,
    }
}
