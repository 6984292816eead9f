//! The look at the bedside before a drug goes into a patient.
//!
//! The seven elements of bar code medication administration: patient, medication, dose, time,
//! vital signs, allergies of this patient, a second nurse. What is wrong blocks; what cannot be
//! scanned is bypassed with a reason that is counted.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    Quantity,
    order::states,
    schedule::{AsNeeded, Given, Timeliness, Window},
};

states! {
    /// What a look is about.
    ///
    /// - Source: the Leapfrog Group's standard on bar code medication administration.
    Element {
        Patient = "patient",
        Medication = "medication",
        Dose = "dose",
        Time = "time",
        VitalSigns = "vital-signs",
        Allergy = "allergy",
        SecondNurse = "second-nurse",
    }
}

states! {
    /// Why something was not scanned.
    Bypass {
        /// The wristband cannot be read or is not there.
        NoWristband = "no-wristband",
        Isolation = "isolation",
        /// The label is damaged or missing.
        BadLabel = "bad-label",
        /// The code is not known to the stock.
        UnknownCode = "unknown-code",
        ScannerBroken = "scanner-broken",
        Emergency = "emergency",
        /// Part of a package, or drawn up.
        NotInPackage = "not-in-package",
        PatientAsleep = "patient-asleep",
    }
}

/// A code, or why there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scanned<T> {
    Is(T),
    Bypassed(Bypass),
    /// Neither: it blocks.
    Nothing,
}

/// A vital sign that has to be known, and has to be within bounds.
///
/// - Units: those of the Observation that carries this code.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VitalRule {
    /// LOINC code.
    pub code: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    pub max_age_min: u32,
}

/// A measured vital sign.
#[derive(Clone, PartialEq, Debug)]
pub struct Vital {
    pub code: String,
    pub value: f64,
    pub at: Timestamp,
}

/// Everything that is looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct Look<'a> {
    pub now: Timestamp,
    /// The same day where the patient lies.
    pub today: Date,
    /// Whether the wristband is that of the order's patient.
    pub patient: Scanned<bool>,
    /// What the drug's code is of.
    pub drug: Scanned<Unit>,
    pub ordered: Quantity,
    pub dose: Quantity,
    /// When the dose is due; `None` when it is given as needed.
    pub due: Option<Timestamp>,
    pub window: Window,
    pub as_needed: Option<&'a AsNeeded>,
    /// Why it is given, when it is given as needed.
    pub as_needed_for: Option<&'a str>,
    pub given: &'a [Given],
    pub vital_rules: &'a [VitalRule],
    pub vitals: &'a [Vital],
    /// Whether a check just found something that no earlier reason covers: allergies above all.
    pub unsettled_allergy: bool,
    pub unsettled: bool,
    pub is_high_alert: bool,
    pub has_second: bool,
    /// Why it is given all the same where that can be decided at the bedside.
    pub reason: Option<&'a str>,
    /// When it was given, as it is told.
    pub at: Timestamp,
}

/// The unit dose that was scanned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// It is what the order was dispensed with.
    pub is_of_order: bool,
    /// Nothing of it is on the ward for this patient.
    pub is_on_ward: bool,
    /// Why its lot may not be given any more.
    pub lot: LotFitness,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LotFitness {
    Fit,
    Expired,
    Recalled,
    Quarantined,
    /// A batch past its time of use.
    BeyondUse,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub element: Element,
    /// A short word for programs.
    pub code: &'static str,
    pub says: String,
    /// Whether a reason settles it; otherwise it blocks.
    pub is_overridable: bool,
}

/// Everything that is wrong; what is not overridable blocks.
pub fn look(it: &Look<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |element, code, says: &str, is_overridable| {
        found.push(Finding { element, code, says: says.to_owned(), is_overridable });
    };
    match it.patient {
        Scanned::Is(true) | Scanned::Bypassed(_) => {}
        Scanned::Is(false) => {
            say(Element::Patient, "wrong-patient", "this is not the patient of the order", false);
        }
        Scanned::Nothing => {
            say(Element::Patient, "no-patient-scan", "the wristband was not scanned", false);
        }
    }
    match &it.drug {
        Scanned::Bypassed(_) => {}
        Scanned::Nothing => {
            say(Element::Medication, "no-drug-scan", "the drug was not scanned", false);
        }
        Scanned::Is(unit) if !unit.is_of_order => {
            let says = "this is not the drug, form or strength of the order";
            say(Element::Medication, "wrong-medication", says, false);
        }
        Scanned::Is(unit) => {
            if !unit.is_on_ward {
                let says = "nothing of this lot is on the ward for this patient";
                say(Element::Medication, "not-on-ward", says, false);
            }
            match unit.lot {
                LotFitness::Fit => {}
                LotFitness::Expired => {
                    say(Element::Medication, "expired", "the lot has expired", false);
                }
                LotFitness::Recalled => {
                    say(Element::Medication, "recalled", "the lot is recalled", false);
                }
                LotFitness::Quarantined => {
                    say(Element::Medication, "quarantined", "the lot is quarantined", false);
                }
                LotFitness::BeyondUse => {
                    let says = "the preparation is past its beyond-use date";
                    say(Element::Medication, "beyond-use", says, false);
                }
            }
        }
    }
    match () {
        () if it.ordered < it.dose => {
            let says = format!("{} is more than was ordered, {}", it.dose, it.ordered);
            say(Element::Dose, "dose-too-high", &says, false);
        }
        () if it.dose < it.ordered => {
            let says = format!("{} is less than was ordered, {}", it.dose, it.ordered);
            say(Element::Dose, "dose-too-low", &says, true);
        }
        () => {}
    }
    // What will be is not yet; a minute is the difference of two clocks.
    if it.now.checked_add(SignedDuration::from_mins(1)).is_ok_and(|soon| soon < it.at) {
        say(Element::Time, "in-the-future", "nothing is given in the future", false);
    }
    if let Some(due) = it.due {
        match it.window.judge(due, it.at) {
            Timeliness::Due => {}
            Timeliness::Early => say(Element::Time, "early", "it is not due yet", true),
            Timeliness::Late => say(Element::Time, "late", "it is late", true),
            Timeliness::Missed => say(Element::Time, "missed", "its time is long past", true),
        }
    }
    if let Some(limits) = it.as_needed {
        if it.as_needed_for.is_none_or(|why| why.trim().is_empty()) {
            let says = "why it is needed is not said";
            say(Element::Time, "no-indication", says, false);
        }
        for no in limits.refusals(it.given, it.at, it.dose) {
            say(Element::Time, "too-much-as-needed", &no.to_string(), false);
        }
    }
    for rule in it.vital_rules {
        if let Some((code, says)) = rule.judge(it.vitals, it.now) {
            say(Element::VitalSigns, code, &says, true);
        }
    }
    if it.unsettled_allergy {
        let says = "an allergy of this patient speaks against it";
        say(Element::Allergy, "allergy", says, true);
    } else if it.unsettled {
        let says = "a check speaks against it as the patient is now";
        say(Element::Medication, "check", says, true);
    }
    if it.is_high_alert && !it.has_second {
        let says = "a high-alert drug is checked by a second nurse";
        say(Element::SecondNurse, "no-second-check", says, false);
    }
    found
}

/// Whether nothing stands in the way, given whether a reason was told.
pub fn may_give(found: &[Finding], reason: Option<&str>) -> bool {
    let has_reason = reason.is_some_and(|why| !why.trim().is_empty());
    found.iter().all(|it| it.is_overridable && has_reason)
}

impl VitalRule {
    fn judge(&self, vitals: &[Vital], now: Timestamp) -> Option<(&'static str, String)> {
        let of_code = vitals.iter().filter(|it| it.code == self.code);
        let age = SignedDuration::from_mins(i64::from(self.max_age_min));
        let Some(last) = of_code.max_by_key(|it| it.at) else {
            return Some(("vital-unknown", format!("{} is not known", self.name)));
        };
        if age < now.duration_since(last.at) {
            return Some(("vital-old", format!("{} was not measured lately", self.name)));
        }
        if self.at_least.is_some_and(|bound| last.value < bound) {
            return Some(("vital-low", format!("{} is too low for it", self.name)));
        }
        if self.at_most.is_some_and(|bound| bound < last.value) {
            return Some(("vital-high", format!("{} is too high for it", self.name)));
        }
        None
    }
}
