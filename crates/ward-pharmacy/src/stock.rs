//! The stock: products, lots, shelves, and a ledger of everything that moves.
//!
//! A product is one record, and every movement is its next version, with who moved what and what
//! the shelf held afterwards: the history of the record is the ledger, and nothing is taken out of
//! it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType, Role};
use ward_rules::medication_order::{
    Quantity, barcode,
    stock::{Discrepancy, LotStatus, Schedule, Stock, StockRefusal},
};
use ward_store::{
    CommitError, CommitUnit, HistoryOf, Interaction, Reader, Write, values,
    workflow::{own_read, own_write},
};

use crate::order::{
    Coded, Drug, MedsError, Pharmacy, Second,
    commit::{TRIES_MAX, second_of, whole},
};

/// Most movements shown at once.
/// LIMIT: a month of a busy cabinet.
const LEDGER_MAX: usize = 500;

/// What is known of a product.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductKept {
    #[serde(flatten)]
    pub about: About,
    #[serde(default)]
    pub stock: Stock,
    /// The movement that made this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Movement>,
    /// Movements that were made under a key, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<String>,
}

/// What a product is.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// `Amoxicillin 500 mg capsule`.
    pub name: String,
    /// RxNorm of the drug and of what is in it, and the like.
    #[serde(default)]
    pub codes: Vec<Coded>,
    /// Eleven digits each.
    #[serde(default)]
    pub ndc: Vec<String>,
    /// Fourteen digits each.
    #[serde(default)]
    pub gtin: Vec<String>,
    #[serde(default)]
    pub form: String,
    /// What is counted: `capsule`, `vial`, `mL`.
    pub unit: String,
    /// So much of the drug is in one unit, as `500 mg`.
    #[serde(default)]
    pub strength: Option<Strength>,
    #[serde(default)]
    pub manufacturer: Option<String>,
    #[serde(default)]
    pub schedule: Option<Schedule>,
    #[serde(default)]
    pub is_high_alert: bool,
    /// It is made here for each order.
    #[serde(default)]
    pub is_compounded: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strength {
    pub value: f64,
    pub unit: String,
}

/// One line of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    pub at: Timestamp,
    pub by: String,
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default)]
    pub quantity: Quantity,
    /// What all lots of the product at the location are afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Quantity>,
    /// The order that it was for; never the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Who has watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is done to a shelf.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StockAct {
    Receive {
        lot: String,
        expires: Date,
        location: String,
        quantity: Quantity,
    },
    Transfer {
        lot: String,
        location: String,
        to: String,
        quantity: Quantity,
    },
    Discard {
        lot: String,
        location: String,
        quantity: Quantity,
        reason: String,
    },
    /// Somebody counted what is there.
    Count {
        lot: String,
        location: String,
        counted: Quantity,
        reason: Option<String>,
    },
    /// Quarantine, recall, or give free again.
    Status {
        lot: String,
        status: LotStatus,
        reason: String,
    },
}

/// Whether there is something to write.
#[derive(Clone, Copy)]
enum Done {
    Now,
    /// Under the same key; nothing is changed.
    Before,
}

/// Who may watch a controlled substance being thrown away, or a count that does not fit.
pub(crate) const WITNESSES: &[Role] = &[Role::Pharmacist, Role::Nurse, Role::Physician];

impl std::ops::Deref for ProductKept {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

impl ProductKept {
    /// Whether it is what was ordered: by a code of both, or by name where one has no code.
    pub fn is_for(&self, drug: &Drug) -> bool {
        let key = |it: &Coded| Some((it.system.clone(), it.code.clone()?));
        let own: Vec<_> = self.codes.iter().filter_map(key).collect();
        let asked: Vec<_> = drug.codes.iter().filter_map(key).collect();
        if own.is_empty() || asked.is_empty() {
            let first = |text: &str| text.split_whitespace().next().map(str::to_lowercase);
            return first(&self.name).is_some() && first(&self.name) == first(&drug.text);
        }
        asked.iter().any(|it| own.contains(it))
    }

    /// Whether a scan is of it.
    pub fn is_scanned(&self, scan: &barcode::Scan) -> bool {
        let by_gtin = scan.gtin.as_ref().is_some_and(|gtin| self.gtin.contains(gtin));
        let possible = scan.ndc10.as_deref().map(barcode::ndc11_of).unwrap_or_default();
        let plain = scan.text.as_deref().map(|text| text.replace('-', ""));
        by_gtin || self.ndc.iter().any(|ndc| possible.contains(ndc) || plain.as_ref() == Some(ndc))
    }
}

impl Pharmacy {
    /// Makes a product, or says anew what it is. Its lots stay.
    ///
    /// - Audit: `operation` on the product.
    pub async fn set_product(
        &self,
        cx: &Ctx,
        id: &str,
        about: &About,
    ) -> Result<ProductKept, MedsError> {
        let is_digits =
            |text: &String, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        let wrong = |place: &'static str, why: &'static str| Err(MedsError::Request { place, why });
        if about.name.trim().is_empty() {
            return wrong("name", "is what people call it");
        }
        if about.unit.trim().is_empty() {
            return wrong("unit", "is what is counted");
        }
        if !about.ndc.iter().all(|it| is_digits(it, 11)) {
            return wrong("ndc", "has 11 digits each");
        }
        if !about.gtin.iter().all(|it| is_digits(it, 14)) {
            return wrong("gtin", "has 14 digits each");
        }
        let key = key_of(id)?;
        self.on_product(cx, &key, "set", |found, _| {
            let mut kept = found.unwrap_or_default();
            kept.about = about.clone();
            kept.last = Some(movement(cx, "set"));
            Ok((kept, Done::Now))
        })
        .await
    }

    /// Moves something.
    ///
    /// - Errors: a recalled, quarantined or expired lot does not move on; a controlled substance
    ///   is thrown away, and a count that does not fit is entered, with a witness.
    /// - Audit: `operation` on the product.
    pub async fn move_stock(
        &self,
        cx: &Ctx,
        id: &str,
        act: &StockAct,
        second: Option<Second>,
    ) -> Result<ProductKept, MedsError> {
        let key = key_of(id)?;
        let today = self.today(cx.now);
        self.on_product(cx, &key, "move", |found, _| {
            let mut kept = found.ok_or(MedsError::NotFound)?;
            if self.is_done(&mut kept.once) {
                return Ok((kept, Done::Before));
            }
            let mut line = moved(&mut kept, cx, act, second, today)?;
            line.balance = line.location.as_ref().map(|it| kept.stock.at(it));
            kept.last = Some(line);
            Ok((kept, Done::Now))
        })
        .await
    }

    /// Every product.
    ///
    /// - Audit: `search` of the stock.
    pub async fn products(&self, cx: &Ctx) -> Result<Vec<(FhirId, ProductKept)>, MedsError> {
        let whole = whole(cx);
        let act = Interaction::of(AuditAction::Search, ResourceType::STOCK);
        let reader = self.chart().reader(&whole, act);
        let found = reader.own(ResourceType::STOCK);
        reader.finish(AuditOutcome::Success).await?;
        let mut all = Vec::new();
        for stored in found? {
            if let Ok(kept) = serde_json::from_slice::<ProductKept>(&stored.body) {
                all.push((stored.key.id, kept));
            }
        }
        all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The ledger of a product, newest first.
    ///
    /// - Audit: `history` of the product.
    pub async fn ledger(&self, cx: &Ctx, id: &str) -> Result<Vec<Movement>, MedsError> {
        let key = key_of(id)?;
        let whole = whole(cx);
        let act = Interaction::on(AuditAction::HistoryInstance, key.clone());
        let reader = self.chart().reader(&whole, act);
        let found = reader.history(&HistoryOf::Instance(key), None, None, None, LEDGER_MAX);
        reader.finish(AuditOutcome::Success).await?;
        let lines = found?.into_iter().filter_map(|stored| {
            serde_json::from_slice::<ProductKept>(&stored.body).ok().and_then(|kept| kept.last)
        });
        Ok(lines.collect())
    }

    /// The day, where the hospital is.
    pub(crate) fn today(&self, now: Timestamp) -> Date {
        self.zone().to_datetime(now).date()
    }

    async fn on_product(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        word: &str,
        make: impl Fn(Option<ProductKept>, &Reader<'_>) -> Result<(ProductKept, Done), MedsError>,
    ) -> Result<ProductKept, MedsError> {
        let whole = whole(cx);
        for _ in 0..TRIES_MAX {
            let act = Interaction::on(AuditAction::Operation, key.clone())
                .with_detail(format!("stock {word}"));
            let reader = self.chart().reader(&whole, act);
            let made =
                own_read::<ProductKept>(&reader, key).map_err(MedsError::from).and_then(|found| {
                    let version = found.as_ref().map(|(_, version)| *version);
                    let (kept, done) = make(found.map(|(kept, _)| kept), &reader)?;
                    let write = match done {
                        Done::Now => Some(own_write(key.clone(), version, None, &kept)?),
                        Done::Before => None,
                    };
                    Ok((kept, write))
                });
            let (kept, write) = match made {
                Ok((kept, Some(write))) => (kept, write),
                Ok((kept, None)) => {
                    reader.finish(AuditOutcome::Success).await?;
                    return Ok(kept);
                }
                Err(error) => {
                    reader.finish(AuditOutcome::MinorFailure).await?;
                    return Err(error);
                }
            };
            let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
            match reader.commit(&whole, unit).await {
                Ok(_) => return Ok(kept),
                Err(
                    CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed,
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(MedsError::Contended)
    }
}

fn moved(
    kept: &mut ProductKept,
    cx: &Ctx,
    act: &StockAct,
    second: Option<Second>,
    today: Date,
) -> Result<Movement, MedsError> {
    let is_controlled = kept.schedule.is_some();
    let witness = |why: &'static str| match is_controlled {
        true => second_of(cx, second, WITNESSES, why).map(Some),
        false => Ok(second.map(|it| it.actor.to_string())),
    };
    let has_text = |text: &str| !text.trim().is_empty();
    let why = |reason: &str| match has_text(reason) {
        true => Ok(Some(reason.trim().to_owned())),
        false => Err(MedsError::Request { place: "reason", why: "says why" }),
    };
    let stock = &mut kept.stock;
    let line = match act {
        StockAct::Receive { lot, expires, location, quantity } => {
            if !has_text(lot) || !has_text(location) {
                return Err(MedsError::Request { place: "lot", why: "and `location` are named" });
            }
            stock.receive((lot, *expires), location, *quantity)?;
            let (lot, location) = (Some(lot.clone()), Some(location.clone()));
            Movement { lot, location, quantity: *quantity, ..movement(cx, "receive") }
        }
        StockAct::Transfer { lot, location, to, quantity } => {
            stock.transfer(lot, (location, to), *quantity, today)?;
            let (lot, location) = (Some(lot.clone()), Some(location.clone()));
            let to = Some(to.clone());
            Movement { lot, location, to, quantity: *quantity, ..movement(cx, "transfer") }
        }
        StockAct::Discard { lot, location, quantity, reason } => {
            let witness = witness("a controlled substance is thrown away before a witness")?;
            let reason = why(reason)?;
            stock.discard(lot, location, *quantity)?;
            let (lot, location) = (Some(lot.clone()), Some(location.clone()));
            let line = movement(cx, "discard");
            Movement { lot, location, quantity: *quantity, witness, reason, ..line }
        }
        StockAct::Count { lot, location, counted, reason } => {
            let differs = stock.would_differ(lot, location, *counted);
            let witness = match differs {
                true => witness("a count that does not fit is entered before a witness")?,
                false => None,
            };
            let reason = match differs {
                true => why(reason.as_deref().unwrap_or_default())?,
                false => reason.clone(),
            };
            let (what, quantity) = match stock.count(lot, location, *counted)? {
                Discrepancy::None => ("count", *counted),
                Discrepancy::More(n) => ("count-more", n),
                Discrepancy::Less(n) => ("count-less", n),
            };
            let (lot, location) = (Some(lot.clone()), Some(location.clone()));
            Movement { lot, location, quantity, witness, reason, ..movement(cx, what) }
        }
        StockAct::Status { lot, status, reason } => {
            let reason = why(reason)?;
            stock.set_status(lot, *status)?;
            Movement { lot: Some(lot.clone()), reason, ..movement(cx, status.as_str()) }
        }
    };
    Ok(line)
}

/// A line of the ledger by who acts, still empty.
pub(crate) fn movement(cx: &Ctx, what: &str) -> Movement {
    Movement {
        at: cx.now,
        by: cx.actor.id.to_string(),
        what: what.to_owned(),
        lot: None,
        location: None,
        to: None,
        quantity: Quantity::ZERO,
        balance: None,
        order: None,
        witness: None,
        reason: None,
    }
}

pub(crate) fn key_of(id: &str) -> Result<RecordKey, MedsError> {
    let id =
        id.parse().map_err(|_| MedsError::Request { place: "product", why: "is not an id" })?;
    Ok(RecordKey::new(ResourceType::STOCK, id))
}

/// A product by its id, and its version.
pub(crate) fn product(
    reader: &Reader<'_>,
    id: &str,
) -> Result<(RecordKey, ProductKept, u32), MedsError> {
    let key = key_of(id)?;
    let (kept, version) = own_read::<ProductKept>(reader, &key)?.ok_or(MedsError::NotFound)?;
    Ok((key, kept, version))
}

/// A product after a movement.
pub(crate) fn after(
    (key, version): (RecordKey, u32),
    mut kept: ProductKept,
    mut line: Movement,
) -> Result<Write, MedsError> {
    line.balance = line.location.as_ref().map(|it| kept.stock.at(it));
    kept.last = Some(line);
    Ok(own_write(key, Some(version), None, &kept)?)
}

/// The Medication of one lot of a product.
///
/// - Source: FHIR R4, Medication.batch.
pub(crate) fn medication(about: &About, lot: &str, expires: Option<String>) -> Value {
    let mut codes = about.codes.clone();
    codes.extend(about.ndc.iter().map(|ndc| Coded {
        system: Some("http://hl7.org/fhir/sid/ndc".to_owned()),
        code: Some(ndc.clone()),
        text: None,
    }));
    let mut batch = json!({ "lotNumber": lot });
    if let Some(expires) = expires {
        values::put(&mut batch, "expirationDate", json!(expires));
    }
    let mut medication = json!({
        "resourceType": "Medication",
        "code": crate::order::fhir::drug(&about.name, &codes),
        "status": "active",
        "batch": batch,
    });
    if !about.form.is_empty() {
        values::put(&mut medication, "form", json!({ "text": about.form }));
    }
    medication
}

/// Why a lot that a nurse holds may not be given.
pub(crate) fn fitness(kept: &ProductKept, lot: &str, today: Date) -> Option<StockRefusal> {
    match kept.stock.lot(lot) {
        Some(lot) => lot.refusal(today),
        None => Some(StockRefusal::NoSuchLot),
    }
}
