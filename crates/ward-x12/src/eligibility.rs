//! 270 and 271: is somebody covered, for what, and what do they pay themselves?

use crate::{
    loops::{Level, above, levels},
    party::{Member, Party, Rejection},
    put,
    segment::Segment,
    separators::Separators,
    write::{Body, Element},
};

pub const VERSION: &str = "005010X279A1";

/// One question of a 270.
///
/// - Source: 270 as 005010X279A1.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Inquiry {
    /// BHT03: the asker's number of it.
    pub reference: String,
    pub payer: Party,
    pub provider: Party,
    pub subscriber: Member,
    pub dependent: Option<Member>,
    /// TRN02 and TRN03: the asker's trace, which the answer repeats.
    pub trace: Option<(String, String)>,
    /// EQ01, such as `30` (health benefit plan coverage) or `48` (hospital, inpatient).
    pub services: Vec<String>,
    /// Eight digits.
    pub date: Option<String>,
}

/// One benefit of a 271.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Benefit {
    /// EB01: `1` active, `6` inactive, `A` coinsurance, `B` copay, `C` deductible, `I` not covered.
    pub code: String,
    pub services: Vec<String>,
    /// EB05.
    pub plan: Option<String>,
    /// EB06, such as `27` (visit) or `23` (calendar year).
    pub period: Option<String>,
    /// EB07.
    pub amount: Option<String>,
    /// EB08, a part of one.
    pub percent: Option<String>,
    /// EB11: `Y` when an authorization is needed.
    pub authorization: Option<String>,
    pub message: Option<String>,
}

/// One answer of a 271.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Benefits {
    pub reference: String,
    pub payer: Party,
    pub provider: Party,
    pub subscriber: Member,
    pub dependent: Option<Member>,
    pub trace: Option<(String, String)>,
    pub benefits: Vec<Benefit>,
    pub rejections: Vec<Rejection>,
}

/// The questions of a 270.
pub fn inquiries(segments: &[Segment], separators: &Separators) -> Vec<Inquiry> {
    let levels = levels(segments);
    let asked = levels.iter().filter(|level| level.first("EQ").is_some());
    let asked = asked.filter(|level| matches!(level.code, "22" | "23"));
    let inquiry = |level: &Level<'_>| {
        let (subscriber, dependent) = members(&levels, level);
        Inquiry {
            reference: reference(segments),
            payer: named(above(&levels, level, "20")),
            provider: named(above(&levels, level, "21")),
            subscriber,
            dependent,
            trace: trace(level),
            services: level
                .all("EQ")
                .flat_map(|eq| eq.repetitions(1, separators).map(str::to_owned))
                .collect(),
            date: level.first("DTP").and_then(|it| it.text(3)),
        }
    };
    asked.map(inquiry).collect()
}

/// Writes one question.
pub fn write_270(inquiry: &Inquiry, (day, time): (&str, &str)) -> Body {
    let mut body = Body::default();
    put!(body, "BHT", "0022", "13", &inquiry.reference, day, time);
    let (payer, under) = (body.level(None, "20", true), "1");
    debug_assert_eq!(payer.to_string(), under);
    inquiry.payer.put(&mut body, "PR");
    let provider = body.level(Some(payer), "21", true);
    inquiry.provider.put(&mut body, "1P");
    let subscriber = body.level(Some(provider), "22", inquiry.dependent.is_some());
    match &inquiry.dependent {
        None => {
            put_trace(&mut body, "1", &inquiry.trace);
            inquiry.subscriber.put(&mut body, "IL");
        }
        Some(dependent) => {
            inquiry.subscriber.put(&mut body, "IL");
            body.level(Some(subscriber), "23", false);
            put_trace(&mut body, "1", &inquiry.trace);
            dependent.put(&mut body, "03");
        }
    }
    if let Some(date) = &inquiry.date {
        put!(body, "DTP", "291", "D8", date);
    }
    for service in &inquiry.services {
        put!(body, "EQ", service);
    }
    body
}

/// The answers of a 271.
pub fn answers(segments: &[Segment], separators: &Separators) -> Vec<Benefits> {
    let levels = levels(segments);
    let of_level = |level: &Level<'_>| {
        let (subscriber, dependent) = members(&levels, level);
        Benefits {
            reference: reference(segments),
            payer: named(above(&levels, level, "20")),
            provider: named(above(&levels, level, "21")),
            subscriber,
            dependent,
            trace: trace(level),
            benefits: benefits(level, separators),
            rejections: level.all("AAA").map(Rejection::of).collect(),
        }
    };
    let has_answer =
        |level: &&Level<'_>| level.first("EB").is_some() || level.first("AAA").is_some();
    levels.iter().filter(has_answer).map(of_level).collect()
}

/// Writes one answer.
pub fn write_271(answer: &Benefits, (day, time): (&str, &str)) -> Body {
    let mut body = Body::default();
    put!(body, "BHT", "0022", "11", &answer.reference, day, time);
    let payer = body.level(None, "20", true);
    answer.payer.put(&mut body, "PR");
    let provider = body.level(Some(payer), "21", true);
    answer.provider.put(&mut body, "1P");
    let subscriber = body.level(Some(provider), "22", answer.dependent.is_some());
    match &answer.dependent {
        None => {
            put_trace(&mut body, "2", &answer.trace);
            answer.subscriber.put(&mut body, "IL");
        }
        Some(dependent) => {
            answer.subscriber.put(&mut body, "IL");
            body.level(Some(subscriber), "23", false);
            put_trace(&mut body, "2", &answer.trace);
            dependent.put(&mut body, "03");
        }
    }
    for rejection in &answer.rejections {
        rejection.put(&mut body);
    }
    for benefit in &answer.benefits {
        let Benefit { code, plan, period, amount, percent, authorization, .. } = benefit;
        body.put(
            "EB",
            [
                code.into(),
                "".into(),
                Element::Repeated(benefit.services.clone()),
                "".into(),
                plan.into(),
                period.into(),
                amount.into(),
                percent.into(),
                "".into(),
                "".into(),
                authorization.into(),
            ],
        );
        if let Some(message) = &benefit.message {
            put!(body, "MSG", message);
        }
    }
    body
}

fn benefits(level: &Level<'_>, separators: &Separators) -> Vec<Benefit> {
    let mut benefits: Vec<Benefit> = Vec::new();
    for segment in level.segments {
        match (&*segment.tag, benefits.last_mut()) {
            ("EB", _) => benefits.push(Benefit {
                code: segment.element(1).to_owned(),
                services: segment.repetitions(3, separators).map(str::to_owned).collect(),
                plan: segment.text(5),
                period: segment.text(6),
                amount: segment.text(7),
                percent: segment.text(8),
                authorization: segment.text(11),
                message: None,
            }),
            ("MSG", Some(last)) => last.message = segment.text(1),
            _ => {}
        }
    }
    benefits
}

pub(crate) fn reference(segments: &[Segment]) -> String {
    let bht = segments.iter().find(|it| &*it.tag == "BHT");
    bht.and_then(|it| it.text(3)).unwrap_or_default()
}

pub(crate) fn named(level: Option<&Level<'_>>) -> Party {
    level.and_then(|level| level.first("NM1")).map(Party::of).unwrap_or_default()
}

pub(crate) fn trace(level: &Level<'_>) -> Option<(String, String)> {
    let trn = level.first("TRN")?;
    Some((trn.text(2)?, trn.text(3).unwrap_or_default()))
}

/// Who is insured, and who depends on them when that is who is asked about.
pub(crate) fn members(levels: &[Level<'_>], level: &Level<'_>) -> (Member, Option<Member>) {
    let subscriber = match level.code {
        "22" => Some(level),
        _ => above(levels, level, "22"),
    };
    let dependent = match level.code {
        "23" => Some(level),
        _ => above(levels, level, "23"),
    };
    let subscriber = subscriber.and_then(|it| Member::of(it.segments, &["IL"]));
    let dependent = dependent.and_then(|it| Member::of(it.segments, &["03", "QC"]));
    (subscriber.unwrap_or_default(), dependent)
}

pub(crate) fn put_trace(body: &mut Body, kind: &str, trace: &Option<(String, String)>) {
    if let Some((number, origin)) = trace {
        put!(body, "TRN", kind, number, origin);
    }
}
