//! What the chart knows of a Claim: who is insured where, and for which stay.

use jiff::Timestamp;
use serde_json::Value;
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_rules::payer::{Cover, Stay};
use ward_store::{
    ReadError, Reader,
    values::{id_of, key, read, text},
};

/// A Claim with what it points at.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) claim: Value,
    pub(crate) key: RecordKey,
    pub(crate) patient_id: FhirId,
    pub(crate) patient: Value,
    pub(crate) coverage: Value,
    /// `Organization` of the payer, when it is one of this chart.
    pub(crate) payer: Value,
    pub(crate) encounter: Value,
}

impl Facts {
    /// `None` when there is no such Claim, or it is about nobody.
    pub(crate) fn read(reader: &Reader<'_>, key: &RecordKey) -> Result<Option<Facts>, ReadError> {
        match read(reader, key)? {
            Some((claim, _)) => Facts::of(reader, claim, key),
            None => Ok(None),
        }
    }

    fn of(reader: &Reader<'_>, claim: Value, key: &RecordKey) -> Result<Option<Facts>, ReadError> {
        let patient = claim.pointer("/patient/reference").and_then(Value::as_str);
        let Some(patient_id) = patient.and_then(|it| id_of(it, "Patient")) else {
            return Ok(None);
        };
        let patient = follow(reader, claim.get("patient"), ResourceType::PATIENT)?;
        let coverage = follow(reader, focal(&claim), ResourceType::COVERAGE)?;
        let payer = follow(reader, coverage.pointer("/payor/0"), ResourceType::ORGANIZATION)?;
        let encounter = claim.pointer("/item/0/encounter/0");
        let encounter = follow(reader, encounter, ResourceType::ENCOUNTER)?;
        let key = key.clone();
        Ok(Some(Facts { claim, key, patient_id, patient, coverage, payer, encounter }))
    }

    /// What finds the plan.
    pub(crate) fn cover(&self, now: Timestamp) -> Cover {
        let mut payer = Vec::new();
        for payor in list(&self.coverage, "payor") {
            let identifier = payor.pointer("/identifier/value").and_then(Value::as_str);
            let names = [text(payor, "reference"), text(payor, "display"), identifier];
            payer.extend(names.into_iter().flatten().map(str::to_owned));
        }
        payer.extend(text(&self.payer, "name").map(str::to_owned));
        let identifiers = list(&self.payer, "identifier");
        payer.extend(identifiers.filter_map(|it| text(it, "value")).map(str::to_owned));
        let classes = list(&self.coverage, "class").filter_map(|it| text(it, "value"));
        let now = now.to_string();
        let today = prefix(&now);
        let starts = self.coverage.pointer("/period/start").and_then(Value::as_str);
        let ends = self.coverage.pointer("/period/end").and_then(Value::as_str);
        Cover {
            payer,
            classes: classes.map(str::to_owned).collect(),
            in_force: text(&self.coverage, "status") == Some("active")
                && starts.is_none_or(|start| prefix(start) <= shortened(today, start))
                && ends.is_none_or(|end| shortened(today, end) <= prefix(end)),
        }
    }

    /// What of the stay a rule looks at.
    pub(crate) fn stay(&self) -> Stay {
        let encounter = &self.encounter;
        let class = encounter.pointer("/class/code").and_then(Value::as_str).unwrap_or("IMP");
        let service = ["/serviceType/text", "/serviceType/coding/0/code"];
        let service = service.iter().find_map(|at| encounter.pointer(at)?.as_str());
        let length = encounter.get("length").filter(|it| text(it, "code") == Some("d"));
        let days = length.and_then(|it| it.get("value")).and_then(Value::as_f64);
        Stay {
            class: class.to_owned(),
            service: service.map(str::to_owned),
            days: days.and_then(whole_days),
        }
    }

    /// The member's number, as the payer knows it; empty when nobody wrote it down.
    pub(crate) fn member(&self) -> &str {
        let identifier = self.coverage.pointer("/identifier/0/value").and_then(Value::as_str);
        text(&self.coverage, "subscriberId").or(identifier).unwrap_or_default()
    }

    /// The admission that waits for the answer, when one does.
    pub(crate) fn admission(&self) -> Option<&str> {
        let mut identifiers = list(&self.claim, "identifier");
        let of = identifiers.find(|it| text(it, "system") == Some("urn:ward:admission"))?;
        text(of, "value")
    }

    pub(crate) fn is_active(&self) -> bool {
        text(&self.claim, "status") == Some("active")
    }

    pub(crate) fn is_preauthorization(&self) -> bool {
        text(&self.claim, "use") == Some("preauthorization")
    }
}

/// The elements of an array; none when there is no such array.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The reference to the coverage that is asked.
fn focal(claim: &Value) -> Option<&Value> {
    let is_focal = |it: &&Value| it.get("focal").and_then(Value::as_bool) == Some(true);
    let insurance = list(claim, "insurance").find(is_focal);
    insurance.or_else(|| claim.pointer("/insurance/0"))?.get("coverage")
}

/// The resource that a reference names, or nothing.
fn follow(
    reader: &Reader<'_>,
    reference: Option<&Value>,
    kind: ResourceType,
) -> Result<Value, ReadError> {
    let id = reference.and_then(|it| text(it, "reference")).and_then(|it| id_of(it, kind.name()));
    let found = match id {
        Some(id) => read(reader, &key(kind, &id))?,
        None => None,
    };
    Ok(found.map_or(Value::Null, |(resource, _)| resource))
}

/// The date of a dateTime.
fn prefix(text: &str) -> &str {
    text.get(..10).unwrap_or(text)
}

/// Today to the precision of another date.
fn shortened<'d>(today: &'d str, like: &str) -> &'d str {
    today.get(..prefix(like).len()).unwrap_or(today)
}

fn whole_days(days: f64) -> Option<u32> {
    // LIMIT: nobody is authorized to stay for ten years.
    const DAYS_MAX: u32 = 3_650;
    (1..=DAYS_MAX).find(|n| days <= f64::from(*n))
}
