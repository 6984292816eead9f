//! Telling people: a Communication for each thing that happened, a Task for what they have to do.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::ResourceType;
use ward_rules::payer::Verdict;
use ward_store::{
    Chart, ReadError, Reader, Write,
    values::{key, put, read, text, write},
};

use crate::{answer::Answer, facts::Facts};

/// The code system of what billing asks of people, and tells them.
pub(crate) const SYSTEM: &str = "urn:ward:billing";

/// Where records are written, and when.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) chart: &'a Chart,
    pub(crate) reader: &'a Reader<'a>,
    pub(crate) base: &'a str,
    pub(crate) now: Timestamp,
}

impl Desk<'_> {
    /// What everybody is told of an answer, and what somebody has to do about it.
    ///
    /// - Shape: one Communication for each verdict of one Claim. A denial is a Task on hold; so is
    ///   what is pended, unless an admission shows it as its own step.
    pub(crate) fn of_answer(
        &self,
        facts: &Facts,
        answer: &Answer,
    ) -> Result<Vec<Write>, ReadError> {
        let claim = facts.key.id.as_str();
        let topic = match answer.verdict {
            Verdict::Granted => "authorization-granted",
            Verdict::Denied => "authorization-denied",
            Verdict::Pended => "authorization-pended",
        };
        let said = match answer.verdict {
            Verdict::Granted => "The authorization of a stay was granted",
            Verdict::Denied => "The authorization of a stay was denied; care goes on",
            Verdict::Pended => "The authorization of a stay is pended; care goes on",
        };
        let said = format!("{said} ({}).", answer.origin.words());
        let mut writes = Vec::new();
        let told = ["billing", topic, claim];
        let told_key = key(ResourceType::COMMUNICATION, &self.chart.derived_id(&told));
        if self.chart.current(&told_key)?.is_none() {
            let message = self.communication(facts, (topic, &said), &told_key.id.to_string());
            writes.extend(write(&message, &told_key, None, self.now, self.base));
        }
        let asked = ["billing", "task", claim];
        let asked_key = key(ResourceType::TASK, &self.chart.derived_id(&asked));
        let open = read(self.reader, &asked_key)?;
        let wants = match answer.verdict {
            Verdict::Granted => None,
            Verdict::Denied => {
                Some(("authorization-denied", "Speak with the payer and the patient"))
            }
            Verdict::Pended if facts.admission().is_none() => {
                Some(("authorization-pended", "The payer has not decided"))
            }
            Verdict::Pended => None,
        };
        let base = open.as_ref().map(|(_, version)| *version);
        match (wants, open) {
            (Some((code, title)), _) => {
                let task = self.task(facts, (code, title), &said);
                writes.extend(write(&task, &asked_key, base, self.now, self.base));
            }
            (None, Some((mut task, _))) if text(&task, "status") == Some("on-hold") => {
                put(&mut task, "status", json!("completed"));
                put(&mut task, "lastModified", json!(self.now.to_string()));
                writes.extend(write(&task, &asked_key, base, self.now, self.base));
            }
            (None, _) => {}
        }
        Ok(writes)
    }

    /// Something that somebody has to do about one Claim.
    pub(crate) fn asks(
        &self,
        facts: &Facts,
        (code, title): (&str, &str),
        why: &str,
    ) -> Result<Vec<Write>, ReadError> {
        let id = ["billing", code, facts.key.id.as_str()];
        let key = key(ResourceType::TASK, &self.chart.derived_id(&id));
        let base = self.chart.current(&key)?.map(|(version, _)| version);
        let task = self.task(facts, (code, title), why);
        Ok(write(&task, &key, base, self.now, self.base).into_iter().collect())
    }

    /// Something that somebody has to do about a partner; about no patient.
    pub(crate) fn of_partner(
        &self,
        partner: &str,
        code: &str,
        why: &str,
    ) -> Result<Vec<Write>, ReadError> {
        let id = ["billing", "partner", partner, code];
        let key = key(ResourceType::TASK, &self.chart.derived_id(&id));
        let base = self.chart.current(&key)?.map(|(version, _)| version);
        let now = self.now.to_string();
        let title = format!("X12 with partner {partner}");
        let task = json!({
            "resourceType": "Task",
            "status": "on-hold",
            "intent": "order",
            "code": { "coding": [{ "system": SYSTEM, "code": code, "display": title }], "text": title },
            "businessStatus": { "text": why },
            "authoredOn": now,
            "lastModified": now,
        });
        Ok(write(&task, &key, base, self.now, self.base).into_iter().collect())
    }

    fn communication(&self, facts: &Facts, (topic, said): (&str, &str), id: &str) -> Value {
        let mut message = json!({
            "resourceType": "Communication",
            "identifier": [{ "system": "urn:ward:notification", "value": id }],
            "status": "completed",
            "category": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/communication-category",
                "code": "notification",
            }] }],
            "topic": { "coding": [{ "system": SYSTEM, "code": topic }], "text": said },
            "subject": { "reference": format!("Patient/{}", facts.patient_id) },
            "about": [{ "reference": facts.key.to_string() }],
            "sent": self.now.to_string(),
            "payload": [{ "contentString": said }],
        });
        if let Some(encounter) = facts.claim.pointer("/item/0/encounter/0") {
            put(&mut message, "encounter", encounter.clone());
        }
        if let Some(attending) = facts.encounter.pointer("/participant/0/individual") {
            put(&mut message, "recipient", json!([attending]));
        }
        message
    }

    fn task(&self, facts: &Facts, (code, title): (&str, &str), why: &str) -> Value {
        let now = self.now.to_string();
        let mut task = json!({
            "resourceType": "Task",
            "status": "on-hold",
            "intent": "order",
            "code": { "coding": [{ "system": SYSTEM, "code": code, "display": title }], "text": title },
            "focus": { "reference": facts.key.to_string() },
            "for": { "reference": format!("Patient/{}", facts.patient_id) },
            "businessStatus": { "text": why },
            "authoredOn": now,
            "lastModified": now,
        });
        if let Some(encounter) = facts.claim.pointer("/item/0/encounter/0") {
            put(&mut task, "encounter", encounter.clone());
        }
        task
    }
}
