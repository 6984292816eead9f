//! The bill for a stay: its charges become one institutional Claim, written as an 837 where the
//! payer takes those.

use serde_json::{Value, json};
use ward_core::{Amount, AuditAction, Ctx, FhirId, RecordKey, ResourceType};
use ward_store::{
    CommitError, CommitUnit, Interaction, ReadError, Reader, SearchError, Write,
    values::{id_of, key, put, read, search, text, write},
};
use ward_x12::claim::LINES_MAX;

use crate::{Billing, BillingError, ask, facts::list, is_contended};

/// Most times a claim is tried again when others write the same records.
/// LIMIT: past this the caller hears 503 and asks again.
const TRIES_MAX: usize = 8;

/// Why a stay cannot be billed.
#[derive(Debug, thiserror::Error)]
pub enum ChargeError {
    #[error("there is no such stay")]
    NotFound,
    #[error("the stay is not over")]
    NotOver,
    #[error("no active coverage is on file")]
    NoCoverage,
    #[error("there is nothing to bill: no charge of this stay is `billable`")]
    NoCharges,
    #[error("more than 999 charges are billed with two claims")]
    TooMany,
    #[error("charge `{0}` has no price")]
    NoPrice(String),
    #[error("charge `{0}` is in another currency than the others")]
    Currency(String),
    #[error(transparent)]
    Billing(#[from] BillingError),
}

impl From<ReadError> for ChargeError {
    fn from(error: ReadError) -> ChargeError {
        BillingError::from(error).into()
    }
}

impl From<SearchError> for ChargeError {
    fn from(error: SearchError) -> ChargeError {
        BillingError::from(error).into()
    }
}

impl From<CommitError> for ChargeError {
    fn from(error: CommitError) -> ChargeError {
        BillingError::from(error).into()
    }
}

/// One charge of the chart.
struct Charge {
    key: RecordKey,
    version: u32,
    item: Value,
    price: Amount,
    currency: String,
}

impl Billing {
    /// Bills what is billable of a stay that is over.
    ///
    /// - Shape: the Claim; its charges are `billed` in the same commit, and the 837 waits for its
    ///   partner's folder.
    /// - Errors: see [`ChargeError`]; nothing is written then.
    /// - Audit: `operation` on the Encounter, by who asks; every write needs the asker's right.
    /// - Repeat: the second call finds nothing to bill.
    pub async fn bill(&self, cx: &Ctx, encounter: &FhirId) -> Result<Value, ChargeError> {
        let target = key(ResourceType::ENCOUNTER, encounter);
        for _ in 0..TRIES_MAX {
            let act = Interaction::on(AuditAction::Operation, target.clone())
                .with_detail("stay billed".to_owned());
            let reader = self.chart().reader(cx, act);
            let (claim, unit) = match self.claim_for(&reader, cx, &target).await {
                Ok(done) => done,
                Err(error) => {
                    let outcome = ward_core::AuditOutcome::MinorFailure;
                    reader.finish(outcome).await?;
                    return Err(error);
                }
            };
            let heard: Vec<Write> = unit.writes.clone();
            match reader.commit(cx, unit).await {
                Ok(_) => {
                    self.heard(&heard);
                    return Ok(claim);
                }
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(BillingError::Contended.into())
    }

    async fn claim_for(
        &self,
        reader: &Reader<'_>,
        cx: &Ctx,
        target: &RecordKey,
    ) -> Result<(Value, CommitUnit), ChargeError> {
        let Some((encounter, _)) = read(reader, target)? else { return Err(ChargeError::NotFound) };
        if text(&encounter, "status") != Some("finished") {
            return Err(ChargeError::NotOver);
        }
        let patient = encounter.pointer("/subject/reference").and_then(Value::as_str);
        let patient = patient.and_then(|it| id_of(it, "Patient")).ok_or(ChargeError::NotFound)?;
        let charges = charges(reader, target)?;
        let coverage = coverage(reader, &patient)?.ok_or(ChargeError::NoCoverage)?;
        let first = charges.first().ok_or(ChargeError::NoCharges)?;
        let claim_id = self.chart().derived_id(&[
            "claim-of",
            first.key.id.as_str(),
            &first.version.to_string(),
        ]);
        let claim_key = key(ResourceType::CLAIM, &claim_id);
        let authorization = self.authorization(reader, &patient, target)?;
        let claim = claim((&encounter, target), &coverage, &charges, authorization.as_deref(), cx);
        let mut unit = CommitUnit::default();
        unit.writes.extend(write(&claim, &claim_key, None, cx.now, self.base()));
        for charge in &charges {
            let mut item = charge.item.clone();
            put(&mut item, "status", json!("billed"));
            unit.writes.extend(write(
                &item,
                &charge.key,
                Some(charge.version),
                cx.now,
                self.base(),
            ));
        }
        // The numbers of partners are Ward's own: it writes the 837 by itself.
        unit.queue.push(ask::command(&claim_key.id, None).map_err(BillingError::from)?);
        let mut shown = claim;
        put(&mut shown, "id", json!(claim_key.id.as_str()));
        Ok((shown, unit))
    }

    /// The number under which the payer authorized the stay.
    fn authorization(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        encounter: &RecordKey,
    ) -> Result<Option<String>, ChargeError> {
        let query = format!("patient=Patient/{patient}&use=preauthorization&encounter={encounter}");
        let found = search(reader, ResourceType::CLAIM, &query, (LINES_MAX, None))?;
        for hit in &found.hits {
            let asked = reader.key(hit)?;
            let answer = read(reader, &crate::answer::response_key(self.chart(), &asked))?;
            let number = answer.and_then(|(it, _)| text(&it, "preAuthRef").map(str::to_owned));
            if number.is_some() {
                return Ok(number);
            }
        }
        Ok(None)
    }
}

fn charges(reader: &Reader<'_>, encounter: &RecordKey) -> Result<Vec<Charge>, ChargeError> {
    let query = format!("context={encounter}");
    let found = search(reader, ResourceType::CHARGE_ITEM, &query, (LINES_MAX + 1, None))?;
    let mut charges = Vec::new();
    for hit in &found.hits {
        let key = reader.key(hit)?;
        let Some((item, version)) = read(reader, &key)? else { continue };
        if text(&item, "status") != Some("billable") {
            continue;
        }
        let number = item.pointer("/priceOverride/value").map(ToString::to_string);
        let price = number.and_then(|it| it.parse().ok());
        let price = price.ok_or_else(|| ChargeError::NoPrice(key.id.to_string()))?;
        let currency = item.pointer("/priceOverride/currency").and_then(Value::as_str);
        let currency = currency.unwrap_or("USD").to_owned();
        charges.push(Charge { key, version, item, price, currency });
    }
    if LINES_MAX < charges.len() || found.next.is_some() {
        return Err(ChargeError::TooMany);
    }
    charges.sort_by(|a, b| a.key.cmp(&b.key));
    let currency = charges.first().map(|it| it.currency.clone()).unwrap_or_default();
    match charges.iter().find(|it| it.currency != currency) {
        Some(other) => Err(ChargeError::Currency(other.key.id.to_string())),
        None => Ok(charges),
    }
}

/// The coverage that pays first.
fn coverage(reader: &Reader<'_>, patient: &FhirId) -> Result<Option<Value>, ChargeError> {
    let query = format!("beneficiary=Patient/{patient}&status=active");
    let found = search(reader, ResourceType::COVERAGE, &query, (20, None))?;
    let mut covers = Vec::new();
    for hit in &found.hits {
        covers.extend(serde_json::from_slice::<Value>(&reader.fetch(hit)?.body));
    }
    covers.sort_by_key(|cover| cover.get("order").and_then(Value::as_u64).unwrap_or(u64::MAX));
    Ok(covers.into_iter().next())
}

fn claim(
    (encounter, target): (&Value, &RecordKey),
    coverage: &Value,
    charges: &[Charge],
    authorization: Option<&str>,
    cx: &Ctx,
) -> Value {
    let money = |amount: Amount, currency: &str| {
        let value = serde_json::from_str::<Value>(&amount.to_string()).unwrap_or_default();
        json!({ "value": value, "currency": currency })
    };
    let items = charges.iter().zip(1_u32..).map(|(charge, n)| {
        let mut item = json!({
            "sequence": n,
            "productOrService": charge.item.get("code"),
            "net": money(charge.price, &charge.currency),
            "encounter": [{ "reference": target.to_string() }],
        });
        if let Some(quantity) = charge.item.get("quantity") {
            put(&mut item, "quantity", quantity.clone());
        }
        if let Some(day) = text(&charge.item, "occurrenceDateTime").and_then(|it| it.get(..10)) {
            put(&mut item, "servicedDate", json!(day));
        }
        item
    });
    let items: Vec<Value> = items.collect();
    let currency = charges.first().map_or("USD", |it| &it.currency);
    let total: Amount = charges.iter().map(|it| it.price).sum();
    let mut insurance = json!({
        "sequence": 1,
        "focal": true,
        "coverage": { "reference": format!("Coverage/{}", text(coverage, "id").unwrap_or_default()) },
    });
    if let Some(number) = authorization {
        put(&mut insurance, "preAuthRef", json!([number]));
    }
    let payer = coverage.pointer("/payor/0").cloned();
    let mut claim = json!({
        "resourceType": "Claim",
        "status": "active",
        "type": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/claim-type",
            "code": "institutional",
        }] },
        "use": "claim",
        "patient": encounter.get("subject"),
        "created": cx.now.to_string(),
        "insurer": payer.unwrap_or_else(|| json!({ "display": "unknown payer" })),
        "provider": { "display": "this hospital" },
        "priority": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/processpriority",
            "code": "normal",
        }] },
        "insurance": [insurance],
        "item": items,
        "total": money(total, currency),
    });
    let period = ["start", "end"].into_iter().filter_map(|name| {
        let at = encounter.pointer(&format!("/period/{name}"))?.as_str()?.get(..10)?;
        Some((name.to_owned(), json!(at)))
    });
    let period: serde_json::Map<String, Value> = period.collect();
    if !period.is_empty() {
        put(&mut claim, "billablePeriod", Value::Object(period));
    }
    let reasons = list(encounter, "reasonCode").zip(1_u32..);
    let reasons =
        reasons.map(|(reason, n)| json!({ "sequence": n, "diagnosisCodeableConcept": reason }));
    let reasons: Vec<Value> = reasons.collect();
    if !reasons.is_empty() {
        put(&mut claim, "diagnosis", Value::Array(reasons));
    }
    claim
}
