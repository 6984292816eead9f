//! The plan table: what a site writes down of the plans that its patients bring.

use serde::{Deserialize, Deserializer};
use ward_core::Amount;

use super::{Cover, Stay};

/// The plans of a site, in the order in which they are tried.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTable {
    #[serde(default, rename = "plan")]
    pub plans: Vec<Plan>,
}

/// One plan.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What people call it.
    pub name: String,
    /// Names of the payer as Coverages write them: reference, value of an identifier, or display.
    pub payer: Vec<String>,
    /// Values of Coverage.class, such as a plan's or a group's number; any if empty.
    #[serde(default)]
    pub class: Vec<String>,
    /// Who is asked where an authorization is needed.
    #[serde(default)]
    pub ask: Ask,
    /// The name of the payer in the file of payers, where `ask` is `x12` or `pas`.
    #[serde(default)]
    pub partner: Option<String>,
    /// ISO 4217.
    #[serde(default = "dollars")]
    pub currency: String,
    /// Paid by the patient for a stay.
    #[serde(default, deserialize_with = "amount")]
    pub copay: Option<Amount>,
    /// Paid by the patient in a year before the plan pays.
    #[serde(default, deserialize_with = "amount")]
    pub deductible: Option<Amount>,
    /// Paid by the patient of what is above, in percent.
    #[serde(default)]
    pub coinsurance_pct: Option<u8>,
    #[serde(default, rename = "rule")]
    pub rules: Vec<PlanRule>,
}

/// Which stays, and what the plan says of them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRule {
    /// Classes of the Encounter; any if empty.
    #[serde(default)]
    pub class: Vec<String>,
    /// Services of the Encounter; any if empty.
    #[serde(default)]
    pub service: Vec<String>,
    /// Most days that the stay is expected to last; it does not fit a stay of unknown length.
    #[serde(default)]
    pub up_to_days: Option<u32>,
    #[serde(default = "yes")]
    pub covered: bool,
    #[serde(default)]
    pub authorization: Authorization,
}

/// Whether the payer has to say yes before.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authorization {
    NotNeeded,
    #[default]
    Needed,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// A person speaks with the payer, and enters the answer.
    #[default]
    Hand,
    /// The payer that Ward plays, for demonstrations and tests.
    Simulated,
    /// By X12 278, in a folder.
    X12,
    /// By Da Vinci PAS.
    Pas,
}

/// A table cannot be meant so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("plan {plan}: {why}")]
pub struct PlanError {
    /// Its place in the table, from 1.
    pub plan: usize,
    pub why: &'static str,
}

impl PlanTable {
    /// Rules across fields, looked at once when the table is read.
    pub fn check(&self) -> Result<(), PlanError> {
        for (plan, n) in self.plans.iter().zip(1..) {
            let wrong = |why| Err(PlanError { plan: n, why });
            if plan.name.trim().is_empty() {
                return wrong("`name` is empty");
            }
            if plan.payer.is_empty() {
                return wrong("`payer` names nobody");
            }
            if matches!(plan.ask, Ask::X12 | Ask::Pas) != plan.partner.is_some() {
                return wrong("`partner` is named where `ask` is `x12` or `pas`, and nowhere else");
            }
            if plan.coinsurance_pct.is_some_and(|pct| 100 < pct) {
                return wrong("`coinsurance_pct` is 0 to 100");
            }
            let is_currency =
                |it: &str| it.len() == 3 && it.bytes().all(|b| b.is_ascii_uppercase());
            if !is_currency(&plan.currency) {
                return wrong("`currency` is three letters of ISO 4217");
            }
            if [plan.copay, plan.deductible].into_iter().flatten().any(|it| it < Amount::ZERO) {
                return wrong("an amount is below zero");
            }
        }
        Ok(())
    }
}

impl Plan {
    pub(super) fn fits(&self, cover: &Cover) -> bool {
        let same = |a: &String, b: &String| a.trim().eq_ignore_ascii_case(b.trim());
        let any = |some: &[String], of: &[String]| {
            some.iter().any(|one| of.iter().any(|other| same(one, other)))
        };
        any(&self.payer, &cover.payer)
            && (self.class.is_empty() || any(&self.class, &cover.classes))
    }
}

impl PlanRule {
    pub(super) fn fits(&self, stay: &Stay) -> bool {
        let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
        let class = self.class.is_empty() || self.class.iter().any(|it| same(it, &stay.class));
        let service = self.service.is_empty()
            || stay.service.as_ref().is_some_and(|of| self.service.iter().any(|it| same(it, of)));
        let days = self.up_to_days.is_none_or(|max| stay.days.is_some_and(|days| days <= max));
        class && service && days
    }
}

fn yes() -> bool {
    true
}

fn dollars() -> String {
    "USD".to_owned()
}

/// Amounts are text, because a number of TOML may not be what was written.
fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Amount>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
