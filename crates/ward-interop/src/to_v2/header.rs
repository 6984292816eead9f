//! What happened, from whom to whom: MSH, EVN and the event of a message.

use jiff::{Timestamp, tz::Offset};
use ward_fhir::Json;
use ward_hl7::{SegmentId, Version, dictionary::dictionary};

use super::{
    line::{Line, Place},
    source::{Source, elements, kind},
    text,
};

/// Type and event of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// MSH-9.1: `ADT`.
    pub code: String,
    /// MSH-9.2: `A01`.
    pub event: String,
}

/// An application at a facility.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Party {
    pub application: String,
    pub facility: String,
}

/// What the resources do not say of a message.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Header {
    pub event: Option<Event>,
    pub from: Option<Party>,
    pub to: Option<Party>,
    /// MSH-10; else that of the bundle, else made from the time.
    pub control_id: Option<String>,
    /// EVN-6.
    pub happened: Option<Timestamp>,
}

impl Event {
    pub fn new(code: &str, event: &str) -> Event {
        Event { code: code.to_owned(), event: event.to_owned() }
    }

    /// Reads `ADT^A01`, with or without its structure.
    pub fn parse(text: &str) -> Option<Event> {
        let (code, rest) = text.split_once('^')?;
        let event = rest.split('^').next().unwrap_or_default();
        let is_word = |it: &str| it.len() == 3 && it.bytes().all(|b| b.is_ascii_alphanumeric());
        (is_word(code) && is_word(event)).then(|| Event::new(code, event))
    }

    /// MSH-9.3.
    ///
    /// - Source: HL7 table 0354.
    pub fn structure(&self) -> String {
        match dictionary(VERSION).message_structure(&self.code, &self.event) {
            Some(structure) => structure.to_owned(),
            None => format!("{}_{}", self.code, self.event),
        }
    }
}

/// The version that messages are written in.
const VERSION: Version = Version::V2_5_1;

/// Types of messages by the first letter and number of their event.
///
/// - Source: HL7 table 0003.
const TYPES: [(&str, &str); 20] = [
    ("A", "ADT"),
    ("I12", "REF"),
    ("I13", "REF"),
    ("I14", "REF"),
    ("I15", "REF"),
    ("R01", "ORU"),
    ("R03", "ORU"),
    ("R30", "ORU"),
    ("R40", "ORU"),
    ("O01", "ORM"),
    ("O09", "OMP"),
    ("O11", "RDE"),
    ("O13", "RDS"),
    ("O17", "RAS"),
    ("O19", "OMG"),
    ("O21", "OML"),
    ("P0", "DFT"),
    ("S", "SIU"),
    ("T", "MDM"),
    ("V04", "VXU"),
];

/// The category of an order that refers the patient to somebody: SNOMED CT, patient referral.
const REFERRAL: &str = "3457005";

/// What the resources say happened: the event of a MessageHeader, else what they are.
pub(super) fn event(source: &Source<'_>) -> Option<Event> {
    let coding = source.of_kind("MessageHeader").next().and_then(|it| it.get("eventCoding"));
    if let Some(coding) = coding {
        let text = |name: &str| coding.get(name).and_then(Json::as_str).unwrap_or_default();
        if let Some(event) = Event::parse(text("display")) {
            return Some(event);
        }
        let code = text("code");
        let found = TYPES.iter().find(|(prefix, _)| code.starts_with(prefix) && code.len() == 3);
        if let Some((_, kind)) = found {
            let kind = if code == "P01" { "BAR" } else { kind };
            return Some(Event::new(kind, code));
        }
    }
    let has = |name: &str| source.of_kind(name).next().is_some();
    let is_referral = |it: &Json<'_>| {
        elements(it, "category.coding.code").iter().any(|code| code.as_str() == Some(REFERRAL))
    };
    let (code, event) = match () {
        () if has("DocumentReference") => ("MDM", "T02"),
        () if has("Immunization") => ("VXU", "V04"),
        () if has("Appointment") => ("SIU", "S12"),
        () if has("MedicationAdministration") => ("RAS", "O17"),
        () if has("MedicationDispense") => ("RDS", "O13"),
        () if has("MedicationRequest") => ("RDE", "O11"),
        () if has("ChargeItem") => ("DFT", "P03"),
        () if has("DiagnosticReport") => ("ORU", "R01"),
        () if source.of_kind("ServiceRequest").any(is_referral) => ("REF", "I12"),
        () if has("ServiceRequest") => ("OML", "O21"),
        () if has("Encounter") => ("ADT", "A08"),
        () if has("Observation") => ("ORU", "R01"),
        () if has("Patient") => ("ADT", "A31"),
        () => return None,
    };
    Some(Event::new(code, event))
}

/// The patient that a message is about: the one that is still in use.
pub(super) fn patient<'j>(source: &Source<'j>) -> Option<&'j Json<'j>> {
    let is_replaced = |it: &Json<'_>| {
        let links = it.get("link").map(Json::items).unwrap_or_default();
        links.iter().any(|link| link.get("type").and_then(Json::as_str) == Some("replaced-by"))
    };
    let in_use = source.of_kind("Patient").find(|it| !is_replaced(it));
    in_use.or_else(|| source.of_kind("Patient").next())
}

/// MSH and EVN with what every message has.
pub(super) fn complete(
    lines: &mut Vec<Line>,
    event: &Event,
    header: &Header,
    bundle: &Json<'_>,
    now: Timestamp,
) {
    let segment = |name: &str| SegmentId::new(name.as_bytes());
    let (Some(msh), Some(evn)) = (segment("MSH"), segment("EVN")) else { return };
    if lines.first().is_none_or(|line| line.id != msh) {
        lines.insert(0, Line::new(msh));
    }
    let now_text = time(now);
    let sent = bundle.get("timestamp").and_then(Json::as_str).and_then(text::time);
    let sent = sent.unwrap_or_else(|| now_text.clone());
    let own = (kind(bundle) == "Bundle")
        .then(|| bundle.get("identifier")?.get("value")?.as_str())
        .flatten();
    let made = || format!("{}", now.as_nanosecond());
    let control_id = match (&header.control_id, own) {
        (Some(id), _) => id.clone(),
        (None, Some(id)) => id.to_owned(),
        (None, None) => made(),
    };
    let happened = header.happened.map(time);
    if let Some(line) = lines.first_mut() {
        if let Some(from) = &header.from {
            line.replace(&Place::field(3), &from.application);
            line.replace(&Place::field(4), &from.facility);
        }
        if let Some(to) = &header.to {
            line.replace(&Place::field(5), &to.application);
            line.replace(&Place::field(6), &to.facility);
        }
        line.put(&Place::field(7), &sent);
        line.replace(&Place::field(9), "");
        for (part, text) in [(1, &event.code), (2, &event.event), (3, &event.structure())] {
            line.put(&Place::field(9).part(&[part]), text);
        }
        line.put(&Place::field(10), &control_id);
        line.put(&Place::field(11), "P");
        line.put(&Place::field(12), VERSION.as_str());
    }
    if !matches!(event.code.as_str(), "ADT" | "BAR" | "DFT" | "MDM") {
        lines.retain(|line| line.id != evn);
        return;
    }
    visit(event, lines);
    if !lines.iter().any(|line| line.id == evn) {
        lines.insert(1, Line::new(evn));
    }
    if let Some(line) = lines.iter_mut().find(|line| line.id == evn) {
        line.put(&Place::field(2), &sent);
        if let Some(happened) = happened {
            line.put(&Place::field(6), &happened);
        }
    }
}

/// PV1 of a message about a person who is not here: the structures ask for one.
///
/// - Source: HL7 v2.5.1, 3.3.31 A31; HL7 table 0004, `N` not applicable.
fn visit(event: &Event, lines: &mut Vec<Line>) {
    let Some(pv1) = SegmentId::new(b"PV1") else { return };
    if event.code != "ADT" || event.event == "A40" || lines.iter().any(|line| line.id == pv1) {
        return;
    }
    let before =
        |line: &Line| matches!(line.id.as_str(), "MSH" | "SFT" | "EVN" | "PID" | "PD1" | "NK1");
    let at = lines.iter().take_while(|line| before(line)).count();
    let mut line = Line::new(pv1);
    line.put(&Place::field(1), "1");
    line.put(&Place::field(2), "N");
    lines.insert(at, line);
}

/// A moment in UTC, to the millisecond.
fn time(at: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(at);
    let fraction = at.millisecond();
    let text = at.strftime("%Y%m%d%H%M%S");
    if fraction == 0 { format!("{text}+0000") } else { format!("{text}.{fraction:03}+0000") }
}
