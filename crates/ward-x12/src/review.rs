//! 278: may a patient stay, and what the payer says.

use crate::{
    eligibility::{members, named, put_trace, reference, trace},
    loops::{Level, above, levels},
    party::{Member, Party, Rejection},
    put,
    segment::Segment,
    separators::Separators,
    write::{Body, Element, parts},
};

pub const VERSION: &str = "005010X217";

/// One request for a review.
///
/// - Source: 278 as 005010X217.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Review {
    /// BHT03.
    pub reference: String,
    /// Who decides.
    pub payer: Party,
    /// Who asks.
    pub requester: Party,
    pub subscriber: Member,
    pub dependent: Option<Member>,
    /// TRN02 and TRN03, which the answer repeats.
    pub trace: Option<(String, String)>,
    /// UM01: `AR` (admission), `HS` (services), `SC` (specialty care).
    pub category: String,
    /// UM02: `I` (initial), `3` (cancel), `4` (extension), `R` (renewal), `S` (revised).
    pub certification: String,
    /// UM03.
    pub service: Option<String>,
    /// UM04-1, such as `21` (inpatient hospital).
    pub facility: Option<String>,
    /// Eight digits.
    pub admission: Option<String>,
    /// Days asked for.
    pub days: Option<u32>,
    /// Qualifier, such as `ABF`, and code.
    pub diagnoses: Vec<(String, String)>,
}

/// What was decided.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Reviewed {
    pub review: Review,
    /// HCR01, such as `A1`; empty when only rejections are said.
    pub action: String,
    /// HCR02: the number of the authorization.
    pub number: Option<String>,
    /// HCR03: why.
    pub reason: Option<String>,
    pub message: Option<String>,
    pub rejections: Vec<Rejection>,
}

/// The requests of a 278.
pub fn requests(segments: &[Segment], separators: &Separators) -> Vec<Review> {
    let levels = levels(segments);
    let events = levels.iter().filter(|level| level.first("UM").is_some());
    events.map(|level| request(segments, &levels, level, separators)).collect()
}

/// The answers of a 278.
pub fn answers(segments: &[Segment], separators: &Separators) -> Vec<Reviewed> {
    let levels = levels(segments);
    let has_answer =
        |level: &&Level<'_>| level.first("HCR").is_some() || level.first("AAA").is_some();
    let answer = |level: &Level<'_>| {
        let hcr = level.first("HCR");
        Reviewed {
            review: request(segments, &levels, level, separators),
            action: hcr.map_or(String::new(), |it| it.element(1).to_owned()),
            number: hcr.and_then(|it| it.text(2)),
            reason: hcr.and_then(|it| it.text(3)),
            message: level.first("MSG").and_then(|it| it.text(1)),
            rejections: level.all("AAA").map(Rejection::of).collect(),
        }
    };
    levels.iter().filter(has_answer).map(answer).collect()
}

/// Writes a request.
pub fn write_request(review: &Review, (day, time): (&str, &str)) -> Body {
    let mut body = Body::default();
    put!(body, "BHT", "0007", "13", &review.reference, day, time);
    event(&mut body, review, "1");
    if let Some(admission) = &review.admission {
        put!(body, "DTP", "435", "D8", admission);
    }
    diagnoses(&mut body, review);
    if let Some(days) = review.days {
        put!(body, "HSD", "DY", days.to_string());
    }
    body
}

/// Writes an answer.
pub fn write_answer(answer: &Reviewed, (day, time): (&str, &str)) -> Body {
    let mut body = Body::default();
    put!(body, "BHT", "0007", "11", &answer.review.reference, day, time, "18");
    event(&mut body, &answer.review, "2");
    for rejection in &answer.rejections {
        rejection.put(&mut body);
    }
    if !answer.action.is_empty() {
        put!(body, "HCR", &answer.action, &answer.number, &answer.reason);
    }
    if let Some(admission) = &answer.review.admission {
        put!(body, "DTP", "435", "D8", admission);
    }
    diagnoses(&mut body, &answer.review);
    if let Some(message) = &answer.message {
        put!(body, "MSG", message);
    }
    body
}

/// The levels down to the event, with its TRN and UM.
fn event(body: &mut Body, review: &Review, trace: &str) {
    let payer = body.level(None, "20", true);
    review.payer.put(body, "X3");
    let requester = body.level(Some(payer), "21", true);
    review.requester.put(body, "FA");
    let mut parent = body.level(Some(requester), "22", true);
    review.subscriber.put(body, "IL");
    if let Some(dependent) = &review.dependent {
        parent = body.level(Some(parent), "23", true);
        dependent.put(body, "QC");
    }
    body.level(Some(parent), "EV", false);
    put_trace(body, trace, &review.trace);
    let facility = match &review.facility {
        Some(code) => parts(&[code, "B"]),
        None => Element::from(""),
    };
    body.put(
        "UM",
        [
            (&review.category).into(),
            (&review.certification).into(),
            (&review.service).into(),
            facility,
        ],
    );
}

fn diagnoses(body: &mut Body, review: &Review) {
    // LIMIT: as many as one HI holds.
    const DIAGNOSES_MAX: usize = 12;
    let codes = review.diagnoses.iter().take(DIAGNOSES_MAX);
    let codes: Vec<Element> =
        codes.map(|(of, code)| parts(&[of, &code.replace('.', "")])).collect();
    if !codes.is_empty() {
        body.put("HI", codes);
    }
}

fn request(
    segments: &[Segment],
    levels: &[Level<'_>],
    level: &Level<'_>,
    separators: &Separators,
) -> Review {
    let um = level.first("UM");
    let text = |n: usize| um.and_then(|it| it.text(n));
    let (subscriber, dependent) = members(levels, level);
    let of_dtp = |code: &str| level.all("DTP").find(|it| it.element(1) == code)?.text(3);
    let hsd = level.first("HSD").filter(|it| it.element(1) == "DY");
    let facility = um.map(|it| it.component(4, 1, separators)).filter(|it| !it.is_empty());
    let codes = level.all("HI").flat_map(|hi| {
        (1..=hi.elements.len()).map(|n| {
            let part = |component| hi.component(n, component, separators).to_owned();
            (part(1), part(2))
        })
    });
    Review {
        reference: reference(segments),
        payer: named(above(levels, level, "20")),
        requester: named(above(levels, level, "21")),
        subscriber,
        dependent,
        trace: trace(level),
        category: text(1).unwrap_or_default(),
        certification: text(2).unwrap_or_default(),
        service: text(3),
        facility: facility.map(str::to_owned),
        admission: of_dtp("435"),
        days: hsd.and_then(|it| it.element(2).parse().ok()),
        diagnoses: codes.filter(|(_, code)| !code.is_empty()).collect(),
    }
}
