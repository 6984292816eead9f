//! What the context says of the patient, worked out once for a check.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::medication::{
    CheckContext, KnowledgeBase,
    context::{Condition, Measured, Sex, system},
    formula::{self, WeightUsed},
    issue::{NotCheckable, Used},
    knowledge::ConditionGroup,
    lab::Analyte,
    units::{height_cm, lab_value, weight_kg},
};

/// A value, or why there is none.
pub(super) type Known<T> = Result<T, NotCheckable>;

/// A number with what it was made of.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Fact {
    pub value: f64,
    pub used: Vec<Used>,
}

pub(super) struct Facts {
    pub age_y: Known<f64>,
    pub sex: Known<Sex>,
    pub weight_kg: Known<Fact>,
    pub height_cm: Known<Fact>,
    pub surface_m2: Known<Fact>,
    /// mL/min.
    pub crcl: Known<Fact>,
    /// mL/min/1.73 m2.
    pub egfr: Known<Fact>,
    /// Newest value of each analyte, in its unit.
    labs: BTreeMap<Analyte, (f64, Option<Timestamp>)>,
    /// A value is there, and its unit is none of that analyte.
    unreadable_labs: BTreeSet<Analyte>,
    /// Ids of groups with the ids of the conditions that are in them.
    conditions: BTreeMap<String, Vec<String>>,
    now: Timestamp,
    lab_h: f64,
}

/// Age from which the formulas of adults hold.
pub(super) const ADULT_FROM_Y: f64 = 18.0;

/// Kidney function that somebody on dialysis is taken to have, in mL/min.
const DIALYSIS_CRCL: f64 = 5.0;

impl Facts {
    pub fn of(kb: &KnowledgeBase, cx: &CheckContext) -> Facts {
        let age_y = age(cx).ok_or(NotCheckable::NoAge);
        let sex = cx.patient.sex.ok_or(NotCheckable::NoSex);
        let fresh = &cx.freshness;
        let weight_h = match age_y {
            Ok(age) if age < 2.0 => fresh.weight_infant_h,
            Ok(age) if age < ADULT_FROM_Y => fresh.weight_child_h,
            _ => fresh.weight_adult_h,
        };
        let weight_kg = newest(cx, &cx.patient.weights, weight_kg).map_or(
            Err(NotCheckable::NoWeight),
            |(kg, at)| match is_fresh(cx.now, at, f64::from(weight_h)) {
                true => Ok(Fact { value: kg, used: [used(cx.now, "weight", kg, "kg", at)].into() }),
                false => Err(NotCheckable::OldWeight),
            },
        );
        let height_cm = newest(cx, &cx.patient.heights, height_cm)
            .filter(|(_, at)| is_fresh(cx.now, *at, f64::from(fresh.height_h)))
            .map(|(cm, at)| Fact { value: cm, used: [used(cx.now, "height", cm, "cm", at)].into() })
            .ok_or(NotCheckable::NoHeight);
        let surface_m2 = match (&weight_kg, &height_cm) {
            (Ok(kg), Ok(cm)) => {
                let value = formula::body_surface_m2(cm.value, kg.value);
                let mut from = [kg.used.clone(), cm.used.clone()].concat();
                from.push(made("body surface (Mosteller)", value, "m2"));
                Ok(Fact { value, used: from })
            }
            (Err(why), _) | (_, Err(why)) => Err(*why),
        };
        let (labs, unreadable_labs) = labs(cx);
        let mut facts = Facts {
            crcl: Err(NotCheckable::NoCreatinine),
            egfr: Err(NotCheckable::NoCreatinine),
            conditions: conditions(kb, &cx.conditions),
            lab_h: f64::from(fresh.lab_h),
            now: cx.now,
            age_y,
            sex,
            weight_kg,
            height_cm,
            surface_m2,
            labs,
            unreadable_labs,
        };
        if cx.patient.on_dialysis || facts.conditions.contains_key("dialysis") {
            let on_dialysis = Fact {
                value: DIALYSIS_CRCL,
                used: [made(
                    "kidney function, taken for somebody on dialysis",
                    DIALYSIS_CRCL,
                    "mL/min",
                )]
                .into(),
            };
            facts.crcl = Ok(on_dialysis.clone());
            facts.egfr = Ok(on_dialysis);
        } else {
            let creatinine = facts.creatinine(f64::from(fresh.creatinine_h));
            facts.egfr = facts.egfr_of(&creatinine);
            facts.crcl = facts.crcl_of(&creatinine);
        }
        facts
    }

    fn creatinine(&self, max_h: f64) -> Known<Fact> {
        match self.lab(Analyte::Creatinine, Some(max_h)) {
            Err(NotCheckable::NoLab) => Err(NotCheckable::NoCreatinine),
            Err(NotCheckable::OldLab) => Err(NotCheckable::OldCreatinine),
            // A creatinine of nothing is a failed measurement.
            Ok(fact) if fact.value <= 0.0 => Err(NotCheckable::NoCreatinine),
            other => other,
        }
    }

    fn egfr_of(&self, creatinine: &Known<Fact>) -> Known<Fact> {
        let creatinine = creatinine.clone()?;
        let age = self.age_y?;
        let mut from = creatinine.used;
        if age < ADULT_FROM_Y {
            let height = self.height_cm.clone()?;
            let value = formula::bedside_schwartz(height.value, creatinine.value);
            from.extend(height.used);
            from.push(made("eGFR (bedside Schwartz)", value, "mL/min/1.73 m2"));
            return Ok(Fact { value, used: from });
        }
        let value = formula::ckd_epi_2021(age, creatinine.value, self.sex?);
        from.push(made("eGFR (CKD-EPI 2021)", value, "mL/min/1.73 m2"));
        Ok(Fact { value, used: from })
    }

    fn crcl_of(&self, creatinine: &Known<Fact>) -> Known<Fact> {
        let age = self.age_y?;
        if age < ADULT_FROM_Y {
            return self.egfr_of(creatinine);
        }
        let creatinine = creatinine.clone()?;
        let (sex, weight) = (self.sex?, self.weight_kg.clone()?);
        let height = self.height_cm.as_ref().ok();
        let (kg, which) =
            formula::clearance_weight_kg(weight.value, height.map(|it| it.value), sex);
        let value = formula::cockcroft_gault(age, kg, creatinine.value, sex);
        let mut from = [creatinine.used, weight.used].concat();
        from.extend(height.into_iter().flat_map(|it| it.used.clone()));
        if which != WeightUsed::Actual {
            from.push(made(which.name(), kg, "kg"));
        }
        from.push(made("creatinine clearance (Cockcroft-Gault)", value, "mL/min"));
        Ok(Fact { value, used: from })
    }

    /// The newest value, if it is not older than `max_h`, or than values may be.
    pub fn lab(&self, analyte: Analyte, max_h: Option<f64>) -> Known<Fact> {
        if self.unreadable_labs.contains(&analyte) && !self.labs.contains_key(&analyte) {
            return Err(NotCheckable::UnknownUnit);
        }
        let (value, at) = self.labs.get(&analyte).ok_or(NotCheckable::NoLab)?;
        if !is_fresh(self.now, *at, max_h.unwrap_or(self.lab_h)) {
            return Err(NotCheckable::OldLab);
        }
        let unit = analyte.unit().trim_matches(['{', '}']);
        let from = used(self.now, analyte.name(), *value, unit, *at);
        Ok(Fact { value: *value, used: [from].into() })
    }

    /// Ids of the patient's conditions that are in the group.
    pub fn condition(&self, group: &str) -> Option<&[String]> {
        self.conditions.get(group).map(Vec::as_slice)
    }
}

/// Years, with the part of the one that runs.
fn age(cx: &CheckContext) -> Option<f64> {
    let birth = cx.patient.birth_date?;
    let today = cx.now.to_zoned_datetime(cx.zone.clone()).date();
    let days = today.since(birth).ok()?.get_days();
    let years = f64::from(days) / 365.25;
    if years < 0.0 {
        return None;
    }
    // On a birthday somebody is as old as the calendar says, whatever leap years did.
    let whole = today.since((jiff::Unit::Year, birth)).ok()?.get_years();
    let whole = f64::from(whole);
    Some(years.max(whole).min(whole + 0.999))
}

fn newest(
    cx: &CheckContext,
    all: &[Measured],
    into: impl Fn(&crate::medication::context::Quantity) -> Option<f64>,
) -> Option<(f64, Option<Timestamp>)> {
    all.iter()
        .filter(|it| it.at.is_none_or(|at| at <= cx.now))
        .filter_map(|it| Some((into(&it.quantity)?, it.at)))
        .max_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.total_cmp(&b.0)))
}

/// What has no time is taken for current: the source says it without one.
fn is_fresh(now: Timestamp, at: Option<Timestamp>, max_h: f64) -> bool {
    at.is_none_or(|at| now.duration_since(at).as_secs_f64() <= max_h * 3600.0)
}

type Labs = (BTreeMap<Analyte, (f64, Option<Timestamp>)>, BTreeSet<Analyte>);

fn labs(cx: &CheckContext) -> Labs {
    let mut newest: BTreeMap<Analyte, (f64, Option<Timestamp>)> = BTreeMap::new();
    let mut unreadable = BTreeSet::new();
    for lab in cx.labs.iter().filter(|it| it.at.is_none_or(|at| at <= cx.now)) {
        let Some(value) = lab_value(lab.analyte, &lab.quantity) else {
            unreadable.insert(lab.analyte);
            continue;
        };
        let here = newest.entry(lab.analyte).or_insert((value, lab.at));
        if (here.1, here.0) < (lab.at, value) {
            *here = (value, lab.at);
        }
    }
    (newest, unreadable)
}

fn conditions(kb: &KnowledgeBase, all: &[Condition]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in &kb.parts().condition_groups {
        for condition in all.iter().filter(|it| is_in(it, group)) {
            found.entry(group.id.clone()).or_default().push(condition.id.clone());
        }
    }
    found
}

fn is_in(condition: &Condition, group: &ConditionGroup) -> bool {
    let coded = condition.codes.iter().any(|it| match it.system.as_str() {
        system::ICD10 | system::ICD10_CM => {
            let code = it.code.replace('.', "");
            group.icd10.iter().any(|begin| code.starts_with(&begin.replace('.', "")))
        }
        system::SNOMED => group.snomed.contains(&it.code),
        _ => false,
    });
    if coded {
        return true;
    }
    // A text says something only where no code does, and not what is denied.
    let text = format!(" {} ", crate::medication::knowledge::fold(&condition.text));
    let is_denied =
        [" no ", " without ", " family history ", " denies "].iter().any(|it| text.contains(it));
    let is_coded = condition
        .codes
        .iter()
        .any(|it| matches!(it.system.as_str(), system::ICD10 | system::ICD10_CM | system::SNOMED));
    !is_coded && !is_denied && group.words.iter().any(|word| text.contains(&format!(" {word} ")))
}

pub(super) fn used(
    now: Timestamp,
    what: &str,
    value: f64,
    unit: &str,
    at: Option<Timestamp>,
) -> Used {
    let age_h = at.map(|at| now.duration_since(at).as_hours());
    Used { what: what.to_owned(), value: format!("{} {unit}", shown(value)), at, age_h }
}

fn made(what: &str, value: f64, unit: &str) -> Used {
    Used { what: what.to_owned(), value: format!("{} {unit}", shown(value)), at: None, age_h: None }
}

/// A number as people read it: four digits that count, none after the point that say nothing.
pub(super) fn shown(value: f64) -> String {
    let digits = match value.abs() {
        v if 1000.0 <= v => 0,
        v if 100.0 <= v => 1,
        v if 1.0 <= v => 2,
        _ => 5,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
