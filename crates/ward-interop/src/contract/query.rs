//! Who is this patient, and what are his numbers: QBP^Q22 and QBP^Q23.
//!
//! - Source: IHE ITI TF-2, ITI-21 Patient Demographics Query, ITI-9 PIX Query; HL7 v2.5, 3.3.56 to
//!   3.3.58.

use ward_core::{AuditAction, Ctx, Phi, ResourceType};
use ward_fhir::{
    Json,
    search::{Handling, parse_pairs},
};
use ward_hl7::{
    Charset, Draft, Location, Message, Path, Problem, ProblemKind, Put, ReadSettings, SegmentId,
    Separators, Severity,
    ack::{AckCode, Verdict},
    draft::EditError,
};
use ward_store::{
    CommitUnit, Cursor, Filter, Interaction, MessageState, NewMessage, Part, Query, Reader,
};

use super::{
    Receiver, join,
    receive::{Arrived, One, replayed},
};
use crate::{
    convert::Identity,
    to_v2::{Line, Place},
};

/// Patients in one answer when the query does not say how many.
const COUNT: usize = 50;

/// Most patients in one answer.
/// LIMIT: an answer of some hundred kilobytes; more comes with the next one.
const COUNT_MAX: usize = 200;

/// What an answer says besides its patients.
struct Answer {
    /// MSH-9.
    kind: [&'static str; 3],
    /// QAK-2: `OK`, `NF`, `AE`.
    status: &'static str,
    patients: Vec<Line>,
    next: Option<Cursor>,
    problem: Option<Problem>,
}

impl Receiver {
    /// Answers a query, and keeps both.
    pub(super) async fn query(
        &self,
        cx: &Ctx,
        arrived: &Arrived<'_>,
        message: &Message<'_>,
    ) -> One {
        let event = arrived.header.trigger_event().into_owned();
        let act = Interaction::of(AuditAction::Search, ResourceType::PATIENT)
            .with_detail(format!("hl7 QBP^{event}"));
        let reader = self.chart().reader(cx, act);
        let found = match event.as_str() {
            "Q22" => self.candidates(&reader, message),
            "Q23" => self.identifiers(&reader, message),
            _ => {
                let at = Location::header(9);
                let kind = ProblemKind::UnknownStructure;
                let problem = Problem::new(Severity::Error, kind, at);
                return self.refuse(cx, arrived, Verdict::Reject, &[problem]).await;
            }
        };
        let answer = match found {
            Ok(answer) => answer,
            Err(error) => {
                let error = ward_store::CommitError::Unavailable(error);
                return self.not_safe(arrived, &error);
            }
        };
        let Some(bytes) = self.response(arrived, message, &answer) else { return One::Close };
        let kept = NewMessage {
            answer: Phi::new(bytes.clone()),
            ..arrived.kept(MessageState::Ignored, None, Vec::new())
        };
        let mut unit = CommitUnit { message: Some(kept), ..CommitUnit::default() };
        arrived.numbering.join(&mut unit);
        match reader.commit(cx, unit).await {
            Ok(receipt) if receipt.replayed.is_some() => replayed(&receipt),
            Ok(_) => One::Answer(bytes),
            Err(error) => self.not_safe(arrived, &error),
        }
    }

    /// Patients who fit what is known of one.
    fn candidates(
        &self,
        reader: &Reader<'_>,
        message: &Message<'_>,
    ) -> Result<Answer, &'static str> {
        let kind = ["RSP", "K22", "RSP_K21"];
        let none =
            |status, problem| Answer { kind, status, patients: Vec::new(), next: None, problem };
        let pairs = self.asked(message);
        if pairs.is_empty() {
            let at = field_of(message, "QPD", 3);
            let problem = Problem::new(Severity::Error, ProblemKind::MissingField, at);
            return Ok(none("AE", Some(problem)));
        }
        let Ok(request) = parse_pairs(Some(ResourceType::PATIENT), &pairs, Handling::Strict) else {
            let at = field_of(message, "QPD", 3);
            let problem = Problem::new(Severity::Error, ProblemKind::DataType, at);
            return Ok(none("AE", Some(problem)));
        };
        let conditions = request.parts.into_iter().next().map(|part| part.conditions.clauses);
        let clauses = conditions.unwrap_or_default().into_iter().map(Filter::Clause).collect();
        let count = text(message, "RCP-2.1").and_then(|n| n.parse().ok()).unwrap_or(COUNT);
        let after = text(message, "DSC-1").and_then(|text| text.parse::<Cursor>().ok());
        let found = reader.search(&Query {
            parts: vec![Part { kind: ResourceType::PATIENT, filter: Filter::All(clauses) }],
            patient: None,
            sort: Vec::new(),
            count: count.clamp(1, COUNT_MAX),
            after,
            total: false,
        });
        let found = found.map_err(|_| "the index")?;
        let domains = self.domains(message, 8);
        let mut patients = Vec::new();
        for hit in &found.hits {
            let stored = reader.fetch(hit).map_err(|_| "reading what is there")?;
            let Ok(patient) = Json::parse(&stored.body) else { continue };
            if join::is_replaced(&patient) {
                continue;
            }
            let patient = of_domains(&patient, &domains);
            patients.extend(self.converter().pid(&patient));
        }
        let status = if patients.is_empty() { "NF" } else { "OK" };
        Ok(Answer { next: found.next, patients, ..none(status, None) })
    }

    /// The numbers of one patient, whom one number names.
    fn identifiers(
        &self,
        reader: &Reader<'_>,
        message: &Message<'_>,
    ) -> Result<Answer, &'static str> {
        let kind = ["RSP", "K23", "RSP_K23"];
        let mut answer =
            Answer { kind, status: "AE", patients: Vec::new(), next: None, problem: None };
        let unknown =
            Problem::new(Severity::Error, ProblemKind::UnknownRecord, field_of(message, "QPD", 3));
        let Some((system, value)) = self.numbers(message, 3).into_iter().next() else {
            answer.problem = Some(unknown);
            return Ok(answer);
        };
        let pairs = [("identifier".to_owned(), token(&system, &value))];
        let request = parse_pairs(Some(ResourceType::PATIENT), &pairs, Handling::Strict);
        let conditions =
            request.ok().and_then(|it| it.parts.into_iter().next()).map(|it| it.conditions.clauses);
        let clauses = conditions.unwrap_or_default().into_iter().map(Filter::Clause).collect();
        let found = reader.search(&Query {
            parts: vec![Part { kind: ResourceType::PATIENT, filter: Filter::All(clauses) }],
            patient: None,
            sort: Vec::new(),
            count: COUNT,
            after: None,
            total: false,
        });
        let found = found.map_err(|_| "the index")?;
        let mut known = Vec::new();
        for hit in &found.hits {
            let stored = reader.fetch(hit).map_err(|_| "reading what is there")?;
            let Ok(patient) = Json::parse(&stored.body) else { continue };
            if !join::is_replaced(&patient) {
                known.push(patient.into_owned());
            }
        }
        // Of two who are not merged, nobody can say which one is meant.
        let [patient] = known.as_slice() else {
            answer.problem = Some(unknown);
            return Ok(answer);
        };
        let patient = without(&of_domains(patient, &self.domains(message, 4)), (&system, &value));
        let mut bare = ward_fhir::json::Object::new();
        bare.insert("resourceType", Json::string("Patient"));
        if let Some(identifiers) = patient.get("identifier") {
            bare.insert("identifier", identifiers.clone());
        }
        answer.status = "NF";
        if patient.get("identifier").is_some_and(|it| !it.items().is_empty())
            && let Some(mut line) = self.converter().pid(&Json::Object(bare))
        {
            // The standard asks for a name, and the transaction for none.
            line.put(&Place::field(5).part(&[7]), "S");
            answer.status = "OK";
            answer.patients.push(line);
        }
        Ok(answer)
    }

    /// What is known of the patient, as search parameters.
    fn asked(&self, message: &Message<'_>) -> Vec<(String, String)> {
        const NAMES: [(&str, &str); 12] = [
            ("PID.5.1", "family"),
            ("PID.5.2", "given"),
            ("PID.7", "birthdate"),
            ("PID.8", "gender"),
            ("PID.11.1", "address"),
            ("PID.11.3", "address-city"),
            ("PID.11.4", "address-state"),
            ("PID.11.5", "address-postalcode"),
            ("PID.11.6", "address-country"),
            ("PID.13.1", "phone"),
            ("PID.13", "phone"),
            ("PID.5", "name"),
        ];
        let mut pairs = Vec::new();
        let mut number: [String; 4] = Default::default();
        let field = segment(message, "QPD").and_then(|it| it.field(3));
        for repetition in field.into_iter().flat_map(|it| it.repetitions()) {
            let part = |n| repetition.component(n).and_then(|it| it.text());
            let (Some(name), Some(value)) = (part(1), part(2)) else { continue };
            let name = name.trim_start_matches('@').replace('-', ".");
            let value = value.trim().trim_end_matches('*').to_owned();
            if value.is_empty() {
                continue;
            }
            let of_number = match name.as_str() {
                "PID.3" | "PID.3.1" => Some(0),
                "PID.3.4" | "PID.3.4.1" => Some(1),
                "PID.3.4.2" => Some(2),
                "PID.3.4.3" => Some(3),
                _ => None,
            };
            if let Some(slot) = of_number.and_then(|n: usize| number.get_mut(n)) {
                *slot = value;
                continue;
            }
            let found = NAMES.iter().find(|(own, _)| {
                name == *own || name.strip_prefix(own).is_some_and(|rest| rest == ".1")
            });
            let Some((own, parameter)) = found else { continue };
            let value = match *own {
                "PID.7" => match day(&value) {
                    Some(day) => day,
                    None => value,
                },
                "PID.8" => match value.as_str() {
                    "F" => "female".to_owned(),
                    "M" => "male".to_owned(),
                    "U" => "unknown".to_owned(),
                    _ => "other".to_owned(),
                },
                _ => escaped(&value),
            };
            pairs.push(((*parameter).to_owned(), value));
        }
        let [id, name, universal, kind] = &number;
        if !id.is_empty() {
            let cx =
                format!("{}^^^{}&{}&{}", plain(id), plain(name), plain(universal), plain(kind));
            match self.read_numbers(&cx).into_iter().next() {
                Some((system, value)) if !name.is_empty() || !universal.is_empty() => {
                    pairs.push(("identifier".to_owned(), token(&system, &value)));
                }
                _ => pairs.push(("identifier".to_owned(), escaped(id))),
            }
        }
        pairs
    }

    /// The numbers in a field of QPD, as (system, value).
    fn numbers(&self, message: &Message<'_>, n: usize) -> Vec<(String, String)> {
        let field = segment(message, "QPD").and_then(|it| it.field(n));
        let mut found = Vec::new();
        for repetition in field.into_iter().flat_map(|it| it.repetitions()) {
            let part = |n| repetition.component(n);
            let authority = |n| part(4).and_then(|it| it.subcomponent(n)?.text());
            let id = part(1).and_then(|it| it.text()).unwrap_or_default();
            let text = |n| authority(n).unwrap_or_default();
            // A domain alone is a number that nobody asks for.
            let id = if id.is_empty() { "0".into() } else { id };
            let cx = format!(
                "{}^^^{}&{}&{}",
                plain(&id),
                plain(&text(1)),
                plain(&text(2)),
                plain(&text(3))
            );
            found.extend(self.read_numbers(&cx));
        }
        found
    }

    /// The systems of the domains that a field of QPD asks for; none is all.
    fn domains(&self, message: &Message<'_>, n: usize) -> Vec<String> {
        self.numbers(message, n).into_iter().map(|(system, _)| system).collect()
    }

    /// A number as the maps read it, so that a query finds what a message brought.
    fn read_numbers(&self, cx: &str) -> Vec<(String, String)> {
        let text = format!(
            "MSH|^~\\&|||||||ADT^A31^ADT_A05|1|P|2.5.1||||||UNICODE UTF-8\rEVN|\rPID|1||{cx}\r"
        );
        let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
        let Some(message) = message else { return Vec::new() };
        let converted = self.converter().to_fhir(&message, self.now());
        let patient = converted.resources.into_iter().find(|it| it.kind == "Patient");
        match patient.map(|it| it.identity) {
            Some(Identity::Identifiers(identifiers)) => identifiers,
            _ => Vec::new(),
        }
    }

    /// RSP: the acknowledgment, how the query went, the query again, and the patients.
    fn response(
        &self,
        arrived: &Arrived<'_>,
        message: &Message<'_>,
        answer: &Answer,
    ) -> Option<Vec<u8>> {
        let verdict = if answer.problem.is_some() { Verdict::Error } else { Verdict::Accept };
        let problems: Vec<Problem> = answer.problem.iter().cloned().collect();
        let ack = self.reply(arrived, AckCode::application(verdict), &problems)?;
        let (ack, _) = Message::read(&ack, &arrived.interface.read);
        let ack = ack?;
        let write = |recode: bool| -> Result<Vec<u8>, EditError> {
            let mut draft = Draft::of(&ack);
            if recode {
                draft.recode(Charset::Utf8);
            }
            fill(&mut draft, message, answer, ack.separators())?;
            draft.to_bytes().map_err(|_| EditError::Unmappable)
        };
        // A name that the set of the query cannot write is written in one that can.
        write(false).or_else(|_| write(true)).ok()
    }
}

fn fill(
    draft: &mut Draft<'_>,
    message: &Message<'_>,
    answer: &Answer,
    separators: &Separators,
) -> Result<(), EditError> {
    let id = |name: &str| SegmentId::new(name.as_bytes()).ok_or(EditError::NoSegment);
    let put = |draft: &mut Draft<'_>, place: usize, path: &str, text: &str| {
        let path: Path = path.parse().map_err(|_| EditError::NoField)?;
        draft.set_at(place, &path, Put::Text(text))
    };
    for (n, part) in (1..).zip(answer.kind) {
        put(draft, 0, &format!("MSH-9.{n}"), part)?;
    }
    let qak = draft.push(id("QAK")?);
    for (path, text) in [
        ("QAK-1", text(message, "QPD-2").unwrap_or_default()),
        ("QAK-2", answer.status.to_owned()),
        ("QAK-4", answer.patients.len().to_string()),
    ] {
        put(draft, qak, path, &text)?;
    }
    let qpd = draft.push(id("QPD")?);
    if let Some(segment) = segment(message, "QPD") {
        for (n, field) in segment.fields() {
            let path = Path::of_field(id("QPD")?, n);
            // As it was asked: the delimiters are the same.
            draft.set_at(qpd, &path, Put::Written(field.raw()))?;
        }
    }
    for (n, line) in (1_u32..).zip(&answer.patients) {
        let mut line = line.clone();
        line.replace(&Place::field(1), &n.to_string());
        line.write(draft, separators)?;
    }
    if let Some(next) = &answer.next {
        let dsc = draft.push(id("DSC")?);
        put(draft, dsc, "DSC-1", &next.to_string())?;
        put(draft, dsc, "DSC-2", "I")?;
    }
    Ok(())
}

fn segment<'m>(message: &'m Message<'m>, name: &str) -> Option<ward_hl7::Segment<'m>> {
    message.first(SegmentId::new(name.as_bytes())?)
}

fn text(message: &Message<'_>, path: &str) -> Option<String> {
    let text = message.text_at(&path.parse().ok()?)?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn field_of(message: &Message<'_>, name: &str, n: u32) -> Location {
    match segment(message, name) {
        Some(segment) => message.location_of(segment.place()).field(n),
        None => Location::MESSAGE,
    }
}

/// `identifier` of a system and a value.
fn token(system: &str, value: &str) -> String {
    format!("{}|{}", escaped(system), escaped(value))
}

/// A value in which nothing is a sign of search.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text that is none of the delimiters.
fn plain(text: &str) -> String {
    ward_hl7::escape::escape(text, &Separators::RECOMMENDED)
        .map_or_else(|_| String::new(), |text| text.into_owned())
}

/// `19700506` as `1970-05-06`.
fn day(text: &str) -> Option<String> {
    let digits = text.get(..text.len().min(8))?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        4 => Some(digits.to_owned()),
        6 => Some(format!("{}-{}", digits.get(..4)?, digits.get(4..6)?)),
        8 => Some(format!("{}-{}-{}", digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?)),
        _ => None,
    }
}

/// A patient with the numbers of some domains alone; of all, where none is asked for.
fn of_domains(patient: &Json<'_>, domains: &[String]) -> Json<'static> {
    let mut patient = patient.clone().into_owned();
    if !domains.is_empty()
        && let Some(identifiers) = patient.get_mut("identifier").and_then(Json::as_array_mut)
    {
        identifiers.retain(|it| {
            let system = it.get("system").and_then(Json::as_str).unwrap_or_default();
            domains.iter().any(|domain| domain == system)
        });
    }
    patient
}

/// A patient without the number that was asked by.
fn without(patient: &Json<'static>, (system, value): (&str, &str)) -> Json<'static> {
    let mut patient = patient.clone();
    if let Some(identifiers) = patient.get_mut("identifier").and_then(Json::as_array_mut) {
        identifiers.retain(|it| {
            let text = |name: &str| it.get(name).and_then(Json::as_str).unwrap_or_default();
            text("system") != system || text("value") != value
        });
    }
    patient
}
