//! What a check finds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::knowledge::Rxcui;

/// How loud an issue is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Kept, not shown.
    Log,
    /// Shown beside the order.
    Passive,
    /// The order goes on with a coded reason.
    Interruptive,
    /// The order goes on only when a second person who may do so agrees.
    HardStop,
}

impl Tier {
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Log => "log",
            Tier::Passive => "passive",
            Tier::Interruptive => "interruptive",
            Tier::HardStop => "hard-stop",
        }
    }

    pub fn named(name: &str) -> Option<Tier> {
        [Tier::Log, Tier::Passive, Tier::Interruptive, Tier::HardStop]
            .into_iter()
            .find(|tier| tier.name() == name)
    }
}

/// What an issue is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueKind {
    Interaction,
    Allergy,
    CrossAllergy,
    /// An allergy that could not be matched with any substance.
    AllergyUnmatched,
    AllergyNotAssessed,
    DuplicateDrug,
    DuplicateClass,
    SingleDose,
    DailyDose,
    CumulativeDose,
    Rate,
    Interval,
    Duration,
    Concentration,
    Renal,
    Hepatic,
    Pregnancy,
    Lactation,
    Age,
    Route,
    Frequency,
    Condition,
    Laboratory,
    Monitoring,
    /// A way of writing that is misread.
    Writing,
    /// Something could not be checked; `why` says what.
    NotCheckable,
}

/// Why something could not be checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCheckable {
    /// The drug is not in the knowledge base.
    UnknownDrug,
    /// The drug is known, limits of its dose are not.
    NoDoseLimit,
    UnknownRoute,
    NoRoute,
    UnknownUnit,
    NoDose,
    NoFrequency,
    /// The dose is in pieces or milliliters, and how much is in one is not known.
    NoStrength,
    NoAge,
    NoSex,
    NoWeight,
    OldWeight,
    NoHeight,
    NoCreatinine,
    OldCreatinine,
    NoLab,
    OldLab,
    NoPregnancyStatus,
    UnreadableSource,
    /// Another service was asked and gave no answer in time.
    RemoteService,
}

/// Something that a person should know before an order goes on.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub kind: IssueKind,
    pub tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<NotCheckable>,
    /// Of the knowledge base, or of the check itself: `check.duplicate-drug`.
    pub rule: RuleRef,
    /// Ids of the orders that are concerned; the one that was checked comes first.
    pub orders: Vec<String>,
    /// Ids of allergies, conditions and the like that are concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substances: Vec<Rxcui>,
    pub message: Message,
    /// What the finding rests on, with its age.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Used>,
    /// A number in it was not confirmed against a label.
    pub illustrative: bool,
    /// The same for the same finding on unchanged grounds: an override holds as long as it does.
    pub key: String,
}

/// Rule and knowledge base, with their versions.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleRef {
    pub id: String,
    pub version: u16,
    pub knowledge_base: String,
}

/// The parts of what is shown.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What is wrong, in a sentence.
    pub summary: String,
    /// Why that is bad.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mechanism: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// A value that went into a finding.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// `weight`, `creatinine`, `creatinine clearance (Cockcroft-Gault)`, ...
    pub what: String,
    /// With its unit.
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_h: Option<i64>,
}

/// Why somebody lets an order go on in spite of an issue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideReason {
    /// The benefit is greater.
    BenefitOutweighsRisk,
    /// The patient has had it before without harm.
    ToleratedBefore,
    /// It will be watched: levels, laboratory, vital signs.
    WillMonitor,
    /// The dose or the times were changed for this reason.
    DoseAdjusted,
    /// What the check went by is not right any more.
    DataOutdated,
    /// No other drug will do.
    NoAlternative,
    /// The other order is being stopped.
    OtherOrderStopping,
    /// In an emergency.
    Emergency,
    /// Comfort care.
    PalliativeCare,
    /// By a protocol of the house.
    Protocol,
    /// A specialist or a pharmacist was asked.
    SpecialistAdvised,
    /// Anything else; words are asked for.
    Other,
}

impl OverrideReason {
    pub const ALL: [OverrideReason; 12] = [
        OverrideReason::BenefitOutweighsRisk,
        OverrideReason::ToleratedBefore,
        OverrideReason::WillMonitor,
        OverrideReason::DoseAdjusted,
        OverrideReason::DataOutdated,
        OverrideReason::NoAlternative,
        OverrideReason::OtherOrderStopping,
        OverrideReason::Emergency,
        OverrideReason::PalliativeCare,
        OverrideReason::Protocol,
        OverrideReason::SpecialistAdvised,
        OverrideReason::Other,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            OverrideReason::BenefitOutweighsRisk => "benefit-outweighs-risk",
            OverrideReason::ToleratedBefore => "tolerated-before",
            OverrideReason::WillMonitor => "will-monitor",
            OverrideReason::DoseAdjusted => "dose-adjusted",
            OverrideReason::DataOutdated => "data-outdated",
            OverrideReason::NoAlternative => "no-alternative",
            OverrideReason::OtherOrderStopping => "other-order-stopping",
            OverrideReason::Emergency => "emergency",
            OverrideReason::PalliativeCare => "palliative-care",
            OverrideReason::Protocol => "protocol",
            OverrideReason::SpecialistAdvised => "specialist-advised",
            OverrideReason::Other => "other",
        }
    }

    pub const fn display(self) -> &'static str {
        match self {
            OverrideReason::BenefitOutweighsRisk => "Benefit outweighs the risk",
            OverrideReason::ToleratedBefore => "Tolerated before",
            OverrideReason::WillMonitor => "Will be monitored",
            OverrideReason::DoseAdjusted => "Dose or times were adjusted",
            OverrideReason::DataOutdated => "The data behind the alert is outdated or wrong",
            OverrideReason::NoAlternative => "No suitable alternative",
            OverrideReason::OtherOrderStopping => "The other order is being stopped",
            OverrideReason::Emergency => "Emergency",
            OverrideReason::PalliativeCare => "Palliative care",
            OverrideReason::Protocol => "Protocol of the house",
            OverrideReason::SpecialistAdvised => "Advised by a specialist or pharmacist",
            OverrideReason::Other => "Other (in words)",
        }
    }

    pub fn of_code(code: &str) -> Option<OverrideReason> {
        OverrideReason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Whether words are asked for.
    pub const fn needs_text(self) -> bool {
        matches!(self, OverrideReason::Other)
    }
}
