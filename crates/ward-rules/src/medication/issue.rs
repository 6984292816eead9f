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
    /// What another service says, in its own words.
    Remote,
    /// Something could not be checked; `why` says what.
    NotCheckable,
}

impl IssueKind {
    /// As it is written in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            IssueKind::Interaction => "interaction",
            IssueKind::Allergy => "allergy",
            IssueKind::CrossAllergy => "cross-allergy",
            IssueKind::AllergyUnmatched => "allergy-unmatched",
            IssueKind::AllergyNotAssessed => "allergy-not-assessed",
            IssueKind::DuplicateDrug => "duplicate-drug",
            IssueKind::DuplicateClass => "duplicate-class",
            IssueKind::SingleDose => "single-dose",
            IssueKind::DailyDose => "daily-dose",
            IssueKind::CumulativeDose => "cumulative-dose",
            IssueKind::Rate => "rate",
            IssueKind::Interval => "interval",
            IssueKind::Duration => "duration",
            IssueKind::Concentration => "concentration",
            IssueKind::Renal => "renal",
            IssueKind::Hepatic => "hepatic",
            IssueKind::Pregnancy => "pregnancy",
            IssueKind::Lactation => "lactation",
            IssueKind::Age => "age",
            IssueKind::Route => "route",
            IssueKind::Frequency => "frequency",
            IssueKind::Condition => "condition",
            IssueKind::Laboratory => "laboratory",
            IssueKind::Monitoring => "monitoring",
            IssueKind::Writing => "writing",
            IssueKind::Remote => "remote",
            IssueKind::NotCheckable => "not-checkable",
        }
    }
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
    /// How fast it runs.
    NoRate,
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

impl NotCheckable {
    /// As it is written in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            NotCheckable::UnknownDrug => "unknown-drug",
            NotCheckable::NoDoseLimit => "no-dose-limit",
            NotCheckable::UnknownRoute => "unknown-route",
            NotCheckable::NoRoute => "no-route",
            NotCheckable::UnknownUnit => "unknown-unit",
            NotCheckable::NoDose => "no-dose",
            NotCheckable::NoFrequency => "no-frequency",
            NotCheckable::NoRate => "no-rate",
            NotCheckable::NoStrength => "no-strength",
            NotCheckable::NoAge => "no-age",
            NotCheckable::NoSex => "no-sex",
            NotCheckable::NoWeight => "no-weight",
            NotCheckable::OldWeight => "old-weight",
            NotCheckable::NoHeight => "no-height",
            NotCheckable::NoCreatinine => "no-creatinine",
            NotCheckable::OldCreatinine => "old-creatinine",
            NotCheckable::NoLab => "no-lab",
            NotCheckable::OldLab => "old-lab",
            NotCheckable::NoPregnancyStatus => "no-pregnancy-status",
            NotCheckable::UnreadableSource => "unreadable-source",
            NotCheckable::RemoteService => "remote-service",
        }
    }

    /// The reason, to go on with after a colon.
    pub const fn text(self) -> &'static str {
        match self {
            NotCheckable::UnknownDrug => "the drug is not in the knowledge base",
            NotCheckable::NoDoseLimit => "the knowledge base has no limit for it",
            NotCheckable::UnknownRoute => "the route is not known here",
            NotCheckable::NoRoute => "no route is given",
            NotCheckable::UnknownUnit => "the unit is not known, or not for this substance",
            NotCheckable::NoDose => "no dose is given",
            NotCheckable::NoFrequency => "it is not said how often",
            NotCheckable::NoRate => "it is not said how fast it runs",
            NotCheckable::NoStrength => "how much is in a piece or a milliliter is not known",
            NotCheckable::NoAge => "the age is not known",
            NotCheckable::NoSex => "the sex is not known",
            NotCheckable::NoWeight => "there is no weight",
            NotCheckable::OldWeight => "the weight is too old",
            NotCheckable::NoHeight => "there is no height that is recent enough",
            NotCheckable::NoCreatinine => "there is no creatinine",
            NotCheckable::OldCreatinine => "the creatinine is too old",
            NotCheckable::NoLab => "the laboratory value is not there",
            NotCheckable::OldLab => "the laboratory value is too old",
            NotCheckable::NoPregnancyStatus => {
                "whether she is pregnant or breast-feeding is not known"
            }
            NotCheckable::UnreadableSource => "the source could not be read",
            NotCheckable::RemoteService => "the other service did not answer in time",
        }
    }

    /// What would make it checkable.
    pub const fn action(self) -> &'static str {
        match self {
            NotCheckable::UnknownDrug | NotCheckable::NoDoseLimit => "Check it by hand.",
            NotCheckable::UnknownRoute | NotCheckable::NoRoute => "Give a route.",
            NotCheckable::UnknownUnit => "Give the dose in another unit.",
            NotCheckable::NoDose | NotCheckable::NoFrequency | NotCheckable::NoRate => {
                "Complete the order."
            }
            NotCheckable::NoStrength => "Give the dose as an amount, or choose a product.",
            NotCheckable::NoAge | NotCheckable::NoSex => "Complete the patient's record.",
            NotCheckable::NoWeight | NotCheckable::OldWeight => "Weigh the patient.",
            NotCheckable::NoHeight => "Measure the patient's height.",
            NotCheckable::NoCreatinine | NotCheckable::OldCreatinine => "Order a creatinine.",
            NotCheckable::NoLab | NotCheckable::OldLab => "Order the value.",
            NotCheckable::NoPregnancyStatus => "Ask, or test.",
            NotCheckable::UnreadableSource => "Look at the source, and check by hand.",
            NotCheckable::RemoteService => "Try again, or check by hand.",
        }
    }
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
