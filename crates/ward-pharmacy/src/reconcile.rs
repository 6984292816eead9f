//! Reconciliation: what a patient took before is decided at admission, transfer and discharge.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_policy::Action;
use ward_rules::medication_order::{
    order::State,
    reconcile::{Choice, Decision, Occasion, check},
};
use ward_store::{
    CommitUnit, Interaction, Reader,
    values::{self, put, text},
    workflow::own_read,
};

use crate::{
    emar,
    order::{MedsError, OrderKept, Pharmacy, SYSTEM, Sheet, commit::sheet_key, fhir::actor, whole},
    recall::subject,
};

/// Statements read at once. The list itself is whole: what is not on it is not decided.
/// LIMIT: some hundred kilobytes.
const PAGE: usize = 100;

/// A drug that has to be decided on.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// `MedicationStatement/ID`, or `MedicationRequest/ID`.
    pub of: String,
    pub text: String,
    /// As FHIR's Dosage, every line.
    pub dosage: Vec<Value>,
    /// Told to be taken at home, or ordered here.
    pub is_home: bool,
}

/// Everything that is decided at once.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reconciling {
    pub patient: String,
    pub occasion: Occasion,
    pub encounter: Option<String>,
    pub decisions: Vec<Decision>,
}

impl Pharmacy {
    /// What has to be decided on: at admission what is taken at home, later what is ordered too.
    ///
    /// - Audit: `read` of the patient's medication.
    pub async fn to_reconcile(
        &self,
        cx: &Ctx,
        patient: &FhirId,
        occasion: Occasion,
    ) -> Result<Vec<Listed>, MedsError> {
        self.may(cx, (Action::Read, ResourceType::MEDICATION_STATEMENT), patient)?;
        let whole = whole(cx);
        let key = values::key(ResourceType::PATIENT, patient);
        let act = Interaction::on(AuditAction::Read, key).with_detail("reconciliation".to_owned());
        let reader = self.chart().reader(&whole, act);
        let found = self.list(&reader, patient, occasion);
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        found
    }

    /// Writes down what was decided, all of it or nothing.
    ///
    /// - Shape: a List of the decisions; a statement that is stopped says so. Orders that are
    ///   made for it are made before, by [`Pharmacy::order`].
    /// - Errors: [`MedsError::Undecided`] with what is left.
    /// - Audit: `operation` on the patient.
    pub async fn reconcile(&self, cx: &Ctx, said: &Reconciling) -> Result<FhirId, MedsError> {
        let patient = values::id_of(&said.patient, "Patient");
        let patient =
            patient.ok_or(MedsError::Request { place: "patient", why: "is not `Patient/ID`" })?;
        self.may(cx, (Action::Create, ResourceType::MEDICATION_STATEMENT), &patient)?;
        let whole = whole(cx);
        let key = values::key(ResourceType::PATIENT, &patient);
        let act = Interaction::on(AuditAction::Operation, key).with_detail("reconciled".to_owned());
        let reader = self.chart().reader(&whole, act);
        let made = self.decided(&reader, cx, &patient, said);
        let (id, unit) = match made {
            Ok(made) => made,
            Err(error) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
        };
        let heard = unit.writes.clone();
        reader.commit(&whole, unit).await?;
        self.engine.heard(&heard);
        Ok(id)
    }

    fn list(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        occasion: Occasion,
    ) -> Result<Vec<Listed>, MedsError> {
        if !emar::is_known(reader, patient)? {
            return Err(MedsError::NotFound);
        }
        let mut list = Vec::new();
        let query = format!("subject=Patient/{patient}&status=active,intended,on-hold,unknown");
        let kind = ResourceType::MEDICATION_STATEMENT;
        let (mut hits, mut after) = (Vec::new(), None);
        loop {
            let page = values::search(reader, kind, &query, (PAGE, after))?;
            hits.extend(page.hits);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for hit in &hits {
            let stored = reader.fetch(hit)?;
            let Ok(it) = serde_json::from_slice::<Value>(&stored.body) else { continue };
            if subject(&it).as_ref() != Some(patient) {
                continue;
            }
            let concept = it.get("medicationCodeableConcept");
            let name = concept.and_then(|it| text(it, "text"));
            let name = name.or_else(|| concept?.pointer("/coding/0/display")?.as_str());
            let name = name.or_else(|| it.pointer("/medicationReference/display")?.as_str());
            list.push(Listed {
                of: stored.key.to_string(),
                text: name.unwrap_or("unnamed").to_owned(),
                dosage: it.get("dosage").and_then(Value::as_array).cloned().unwrap_or_default(),
                is_home: true,
            });
        }
        if occasion != Occasion::Admission {
            let sheet = own_read::<Sheet>(reader, &sheet_key(patient))?;
            let orders = sheet.map(|(sheet, _)| sheet.orders).unwrap_or_default();
            let goes_on = |state: State| state.is_active() || state == State::OnHold;
            for on_sheet in orders.into_iter().filter(|it| goes_on(it.state)) {
                let Ok(id) = on_sheet.id.parse::<FhirId>() else { continue };
                let Some(instance) = self.engine.load(reader, &id)? else { continue };
                let Some(kept) = OrderKept::of(&instance) else { continue };
                list.push(Listed {
                    of: format!("MedicationRequest/{id}"),
                    dosage: kept.request.dosage,
                    text: kept.request.medication.text,
                    is_home: false,
                });
            }
        }
        Ok(list)
    }

    fn decided(
        &self,
        reader: &Reader<'_>,
        cx: &Ctx,
        patient: &FhirId,
        said: &Reconciling,
    ) -> Result<(FhirId, CommitUnit), MedsError> {
        let list = self.list(reader, patient, said.occasion)?;
        let names: Vec<String> = list.iter().map(|it| it.of.clone()).collect();
        let wrong = check(&names, &said.decisions);
        if !wrong.is_empty() {
            return Err(MedsError::Undecided(wrong));
        }
        let (now, base) = (cx.now, self.engine.base());
        let mut writes = Vec::new();
        let mut entries = Vec::new();
        for it in &said.decisions {
            let mut flag = json!({
                "coding": [{ "system": "urn:ward:reconciliation", "code": it.choice.as_str() }],
            });
            if let Some(reason) = &it.reason {
                put(&mut flag, "text", json!(reason));
            }
            let mut entry = json!({ "flag": flag, "item": { "reference": it.of } });
            put(&mut entry, "deleted", json!(it.choice == Choice::Stop));
            entries.push(entry);
            if let Some(order) = &it.order {
                let order = values::id_of(order, "MedicationRequest").ok_or(MedsError::NotFound)?;
                let key = values::key(ResourceType::MEDICATION_REQUEST, &order);
                let found = values::read(reader, &key)?;
                // An order of somebody else decides nothing here.
                let is_own =
                    found.as_ref().and_then(|(it, _)| subject(it)).as_ref() == Some(patient);
                if !is_own {
                    let why = "is no order of this patient";
                    return Err(MedsError::Request { place: "decisions.order", why });
                }
                let flag = json!({ "text": format!("for {}", it.of) });
                entries.push(json!({ "flag": flag, "item": { "reference": key.to_string() } }));
            }
            let is_over = matches!(it.choice, Choice::Stop | Choice::Substitute);
            if let (true, Some(id)) = (is_over, values::id_of(&it.of, "MedicationStatement")) {
                let key = values::key(ResourceType::MEDICATION_STATEMENT, &id);
                if let Some((mut statement, version)) = values::read(reader, &key)? {
                    put(&mut statement, "status", json!("stopped"));
                    if let Some(reason) = &it.reason {
                        put(&mut statement, "statusReason", json!([{ "text": reason }]));
                    }
                    writes.extend(values::write(&statement, &key, Some(version), now, base));
                }
            }
        }
        let occasion = said.occasion.as_str();
        let parts = ["reconciliation", patient.as_str(), occasion, &now.to_string()];
        let id = self.chart().derived_id(&parts);
        let mut record = json!({
            "resourceType": "List",
            "identifier": [{ "system": SYSTEM, "value": id.as_str() }],
            "status": "current",
            "mode": "snapshot",
            "title": format!("Medication reconciliation at {occasion}"),
            "code": { "coding": [{ "system": "urn:ward:reconciliation", "code": occasion }] },
            "subject": { "reference": format!("Patient/{patient}") },
            "date": now.to_string(),
            "source": actor(&cx.actor.id.to_string()),
        });
        if !entries.is_empty() {
            put(&mut record, "entry", Value::Array(entries));
        }
        if let Some(encounter) =
            said.encounter.as_ref().and_then(|it| values::id_of(it, "Encounter"))
        {
            let encounter = json!({ "reference": format!("Encounter/{encounter}") });
            put(&mut record, "encounter", encounter);
        }
        let key = values::key(ResourceType::LIST, &id);
        writes.extend(values::write(&record, &key, None, now, base));
        Ok((id, CommitUnit { writes, ..CommitUnit::default() }))
    }
}
