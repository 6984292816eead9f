//! Does somebody pay for a stay: the site's plan table, and what it decides by itself.
//!
//! A table is the site's own; nothing here knows a real payer. What a plan cannot decide is asked
//! of the payer, or of a person.

mod plan;
pub mod simulated;
#[cfg(test)]
mod tests;

pub use self::plan::{Ask, Authorization, Plan, PlanError, PlanRule, PlanTable};

use ward_core::Amount;

/// The part of a ClaimResponse's id that names what it answers: with the Claim's id it makes one
/// answer for each Claim, whoever writes it.
pub const RESPONSE: &str = "claim-response";

/// The code system of who gave an answer.
pub const ORIGIN_SYSTEM: &str = "urn:ward:answer-origin";

/// Who gave an answer. It stands wherever the answer is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Origin {
    LocalRules,
    /// The payer, by X12 278.
    X12,
    /// The payer, by X12 271.
    X12Eligibility,
    /// The payer, by X12 835.
    Remittance,
    /// The payer, by Da Vinci PAS.
    Pas,
    /// Nobody: the payer that Ward plays for demonstrations and tests.
    Simulated,
    Hand,
}

impl Origin {
    pub const ALL: [Origin; 7] = [
        Origin::LocalRules,
        Origin::X12,
        Origin::X12Eligibility,
        Origin::Remittance,
        Origin::Pas,
        Origin::Simulated,
        Origin::Hand,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Origin::LocalRules => "local-rules",
            Origin::X12 => "x12-278",
            Origin::X12Eligibility => "x12-271",
            Origin::Remittance => "x12-835",
            Origin::Pas => "pas",
            Origin::Simulated => "simulated-payer",
            Origin::Hand => "hand",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Origin::LocalRules => "local rules",
            Origin::X12 => "payer X12 278",
            Origin::X12Eligibility => "payer X12 271",
            Origin::Remittance => "payer X12 835",
            Origin::Pas => "PAS",
            Origin::Simulated => "simulated payer",
            Origin::Hand => "entered by hand",
        }
    }

    pub fn from_code(code: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|it| it.code() == code)
    }
}

/// What somebody said of a stay.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    Granted,
    Denied,
    /// Somebody looks at it; it is asked again.
    Pended,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Granted => "granted",
            Verdict::Denied => "denied",
            Verdict::Pended => "pended",
        }
    }

    pub fn from_word(word: &str) -> Option<Verdict> {
        [Verdict::Granted, Verdict::Denied, Verdict::Pended]
            .into_iter()
            .find(|it| it.as_str() == word)
    }
}

/// What of a coverage finds its plan.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Cover {
    /// Every way in which the payer is named: reference, identifier, name.
    pub payer: Vec<String>,
    /// Values of the coverage's classes, such as its plan and its group.
    pub classes: Vec<String>,
    /// Whether it is in force on the day.
    pub in_force: bool,
}

/// What of a stay a rule looks at.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stay {
    /// Class of the Encounter, such as `IMP`.
    pub class: String,
    pub service: Option<String>,
    /// Days that it is expected to last; a rule with a number of days needs it.
    pub days: Option<u32>,
}

/// What a plan says of a stay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision<'p> {
    pub plan: &'p Plan,
    /// Number of the rule that decided, from 1; none when no rule fits.
    pub rule: Option<usize>,
    pub covered: bool,
    pub authorization: Authorization,
}

impl Decision<'_> {
    /// What is said without asking anybody.
    pub fn verdict(&self) -> Verdict {
        match (self.covered, self.authorization) {
            (false, _) => Verdict::Denied,
            (true, Authorization::NotNeeded) => Verdict::Granted,
            (true, Authorization::Needed) => Verdict::Pended,
        }
    }

    /// Why, for people; nothing of the patient is in it.
    pub fn why(&self) -> String {
        let plan = &self.plan.name;
        let says = match self.verdict() {
            Verdict::Denied => "the stay is not covered",
            Verdict::Granted => "covered, and no authorization is needed",
            Verdict::Pended => "covered, and the payer has to authorize it",
        };
        match self.rule {
            Some(n) => format!("plan `{plan}`, rule {n}: {says}"),
            None => format!("plan `{plan}`: no rule fits, so {says}"),
        }
    }

    /// What the patient pays: a fixed part and a share, by the plan.
    pub fn patient_pays(&self) -> [(&'static str, Option<Amount>); 2] {
        [("copay", self.plan.copay), ("deductible", self.plan.deductible)]
    }
}

/// Finds the plan of a coverage and lets it decide; `None` when the table does not know it.
///
/// - Shape: the first plan and the first rule that fit. A coverage that is not in force covers
///   nothing. A stay that no rule of a known plan fits is covered by authorization alone: nobody
///   is sent a bill because a table has a gap.
pub fn decide<'p>(table: &'p PlanTable, cover: &Cover, stay: &Stay) -> Option<Decision<'p>> {
    let plan = table.plans.iter().find(|plan| plan.fits(cover))?;
    if !cover.in_force {
        let authorization = Authorization::NotNeeded;
        return Some(Decision { plan, rule: None, covered: false, authorization });
    }
    let found = plan.rules.iter().zip(1..).find(|(rule, _)| rule.fits(stay));
    Some(match found {
        Some((rule, n)) => Decision {
            plan,
            rule: Some(n),
            covered: rule.covered,
            authorization: rule.authorization,
        },
        None => Decision { plan, rule: None, covered: true, authorization: Authorization::Needed },
    })
}
