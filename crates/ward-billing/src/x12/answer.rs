//! What the simulated payer says to X12: eligibility and reviews, by the plan table and by the
//! member's number.

use jiff::Timestamp;
use jiff::{civil::DateTime, tz::TimeZone};
use ward_rules::payer::{
    Authorization, Cover, PlanTable, Stay, Verdict, decide,
    simulated::{self, LABEL},
};
use ward_x12::{
    Interchange,
    ack::{self, Acknowledgments},
    eligibility::{self, Benefit, Benefits, Inquiry},
    party::Rejection,
    review::{self, Review, Reviewed},
    write::{Envelope, GroupOut, Set, interchange},
};

use crate::answer::action_code;

/// What an interchange is answered with.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Answered {
    pub acknowledgments: Acknowledgments,
    pub benefits: Vec<Benefits>,
    pub reviews: Vec<Reviewed>,
}

/// Who answers questions.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    pub plans: &'a PlanTable,
    /// Whether the simulated payer speaks; nobody does otherwise.
    pub is_simulated: bool,
    pub now: Timestamp,
}

/// Acknowledges an interchange, and answers the questions in what was accepted of it.
///
/// - Shape: `since` says how long ago a review was asked first, by its trace, in seconds.
pub fn answer(
    of: &Interchange,
    note: Option<&'static str>,
    voice: &Voice<'_>,
    since: &dyn Fn(&str) -> i64,
) -> Answered {
    let acknowledgments = ack::acknowledge(of, note);
    let mut answered = Answered { acknowledgments, ..Answered::default() };
    if note.is_some() || !of.problems.is_empty() {
        return answered;
    }
    for group in of.groups.iter().filter(|it| it.problems.is_empty()) {
        for set in group.transactions.iter().filter(|it| it.is_accepted()) {
            let segments = set.segments(of);
            match set.kind(of) {
                "270" => {
                    let asked = eligibility::inquiries(segments, &of.separators);
                    answered.benefits.extend(asked.iter().map(|it| benefits(it, voice)));
                }
                "278" => {
                    // An answer is one too; only questions are answered.
                    let is_question = segments
                        .iter()
                        .any(|it| &*it.tag == "BHT" && matches!(it.element(2), "13" | "01" | "36"));
                    if is_question {
                        let asked = review::requests(segments, &of.separators);
                        answered.reviews.extend(asked.iter().map(|it| reviewed(it, voice, since)));
                    }
                }
                _ => {}
            }
        }
    }
    answered
}

impl Answered {
    pub fn is_empty(&self) -> bool {
        self.acknowledgments.ta1.is_none()
            && self.acknowledgments.groups.is_empty()
            && self.benefits.is_empty()
            && self.reviews.is_empty()
    }

    /// The interchange that says all of it, and how many groups it has.
    ///
    /// - Shape: groups are numbered from `group`.
    pub fn to_text(&self, envelope: &Envelope, group: u32) -> (String, u32) {
        let (day, time) = clock(envelope.time);
        let at = (day.as_str(), time.as_str());
        let numbered = |kind: &'static str, bodies: Vec<ward_x12::write::Body>| -> Vec<Set> {
            let sets = bodies.into_iter().zip(1_u32..);
            sets.map(|(body, n)| Set { kind, control: format!("{n:04}"), body }).collect()
        };
        let benefits = self.benefits.iter().map(|it| eligibility::write_271(it, at)).collect();
        let reviews = self.reviews.iter().map(|it| review::write_answer(it, at)).collect();
        let all = [
            ("FA", ack::VERSION, self.acknowledgments.sets()),
            ("HB", eligibility::VERSION, numbered("271", benefits)),
            ("HI", review::VERSION, numbered("278", reviews)),
        ];
        let mut groups = Vec::new();
        for (functional, version, sets) in all {
            if !sets.is_empty() {
                let n = u32::try_from(groups.len()).unwrap_or(0);
                let control = group.saturating_add(n);
                groups.push(GroupOut { functional, version, control, sets });
            }
        }
        let ta1: Vec<_> = self.acknowledgments.ta1.iter().cloned().collect();
        let text = interchange(envelope, &ta1, &groups);
        (text, u32::try_from(groups.len()).unwrap_or(0))
    }
}

/// Eight digits of a day and four of a time.
pub(crate) fn clock(time: DateTime) -> (String, String) {
    let day = format!("{:04}{:02}{:02}", time.year(), time.month(), time.day());
    (day, format!("{:02}{:02}", time.hour(), time.minute()))
}

/// The time of an instant, in UTC.
pub fn civil(now: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(now)
}

fn benefits(asked: &Inquiry, voice: &Voice<'_>) -> Benefits {
    let mut told = Benefits {
        reference: asked.reference.clone(),
        payer: asked.payer.clone(),
        provider: asked.provider.clone(),
        subscriber: asked.subscriber.clone(),
        dependent: asked.dependent.clone(),
        trace: asked.trace.clone(),
        ..Benefits::default()
    };
    let reject = |reason: &str, follow_up: &str| {
        vec![Rejection { reason: reason.to_owned(), follow_up: follow_up.to_owned() }]
    };
    let payer = vec![asked.payer.name.clone(), asked.payer.number().to_owned()];
    let cover = Cover { payer, classes: Vec::new(), in_force: true };
    let stay = Stay { class: "IMP".to_owned(), ..Stay::default() };
    if !voice.is_simulated {
        // Nobody here is a payer.
        told.rejections = reject("42", "N");
    } else if asked.subscriber.party.number().is_empty() {
        told.rejections = reject("72", "C");
    } else if let Some(decision) = decide(voice.plans, &cover, &stay) {
        told.benefits = of_plan(&decision, &asked.services);
    } else {
        told.rejections = reject("79", "C");
    }
    told
}

fn of_plan(decision: &ward_rules::payer::Decision<'_>, services: &[String]) -> Vec<Benefit> {
    let plan = decision.plan;
    let all = || vec!["30".to_owned()];
    let stay = || vec!["48".to_owned()];
    let mut told = vec![Benefit {
        code: "1".to_owned(),
        services: if services.is_empty() { all() } else { services.to_vec() },
        plan: Some(plan.name.clone()),
        message: Some(LABEL.to_owned()),
        ..Benefit::default()
    }];
    if let Some(amount) = plan.deductible {
        told.push(Benefit {
            code: "C".to_owned(),
            services: all(),
            period: Some("23".to_owned()),
            amount: Some(amount.to_string()),
            ..Benefit::default()
        });
    }
    let needs = match decision.authorization {
        Authorization::Needed => "Y",
        Authorization::NotNeeded => "N",
    };
    if !decision.covered {
        told.push(Benefit { code: "I".to_owned(), services: stay(), ..Benefit::default() });
        return told;
    }
    told.push(Benefit {
        code: "B".to_owned(),
        services: stay(),
        period: Some("36".to_owned()),
        amount: Some(plan.copay.unwrap_or_default().to_string()),
        authorization: Some(needs.to_owned()),
        ..Benefit::default()
    });
    if let Some(pct) = plan.coinsurance_pct {
        told.push(Benefit {
            code: "A".to_owned(),
            services: stay(),
            percent: Some(format!("{}.{:02}", pct / 100, pct % 100)),
            ..Benefit::default()
        });
    }
    told
}

fn reviewed(asked: &Review, voice: &Voice<'_>, since: &dyn Fn(&str) -> i64) -> Reviewed {
    let mut told = Reviewed { review: asked.clone(), ..Reviewed::default() };
    let member = asked.subscriber.party.number();
    let trace = asked.trace.as_ref().map_or(asked.reference.as_str(), |(number, _)| number);
    if !voice.is_simulated {
        told.rejections = vec![Rejection { reason: "42".to_owned(), follow_up: "N".to_owned() }];
        return told;
    }
    if member.is_empty() {
        told.rejections = vec![Rejection { reason: "72".to_owned(), follow_up: "C".to_owned() }];
        return told;
    }
    if asked.certification == "3" {
        // Taken back, as was asked.
        told.action = "C".to_owned();
        told.message = Some(LABEL.to_owned());
        return told;
    }
    let verdict = simulated::verdict(member, since(trace));
    told.action = action_code(verdict).to_owned();
    told.message = Some(LABEL.to_owned());
    if verdict != Verdict::Pended {
        let end: String = trace.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        told.number = Some(format!("SIM-{end}"));
    }
    told
}
