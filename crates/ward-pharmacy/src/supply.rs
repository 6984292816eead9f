//! Preparing, dispensing, wasting and returning: between the shelf and the ward.

use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{Ctx, FhirId, ResourceType, Role};
use ward_policy::Action;
use ward_rules::medication_order::{
    Quantity, barcode,
    order::Event,
    prepare::{self, Category, Component, Storage},
    stock::{Picked, StockRefusal},
    supply::Move,
};
use ward_store::values::{self, put};

use crate::{
    order::{
        Act, Batch, DispenseKept, MedsError, Needs, OrderKept, Pharmacy, SYSTEM, Second,
        fhir::{actor, drug},
    },
    stock::{self, Movement, WITNESSES, movement},
};

/// What is made ready.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preparation {
    /// So much of the product is made.
    pub quantity: Quantity,
    pub category: Category,
    pub storage: Storage,
    /// What goes into it, from which lots.
    pub components: Vec<Component>,
    /// Where the parts are taken from.
    pub location: String,
}

/// What is handed out.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dispensing {
    /// The shelf: the pharmacy, or a cabinet of a ward.
    pub location: String,
    pub quantity: Quantity,
    /// A lot; else the one that expires first.
    pub lot: Option<String>,
    /// What the scanner read off the package.
    pub scan: Option<String>,
    /// Something that was made for this order.
    pub batch: Option<String>,
    /// Why it cannot wait for the pharmacist.
    pub urgent: Option<String>,
}

/// What becomes of something on the ward.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leftover {
    pub lot: String,
    /// The product, where the order was dispensed with several.
    pub product: Option<String>,
    pub quantity: Quantity,
    pub reason: String,
    /// Where it goes back to.
    pub location: Option<String>,
}

const DISPENSES: Needs = (Action::Create, ResourceType::MEDICATION_DISPENSE);
const GIVES: Needs = (Action::Create, ResourceType::MEDICATION_ADMINISTRATION);

impl Pharmacy {
    /// Makes a batch for an order: its parts leave the shelves, its label says until when it may
    /// be used.
    ///
    /// - Errors: a part may not be used, or the kind of preparation is not kept so.
    pub async fn prepare(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Preparation,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let done = self.act(cx, (id, "prepare"), DISPENSES, second, |act| {
            act.step(Event::Prepare)?;
            let checked_by = match act.kept.chosen.as_ref().is_some_and(|it| it.is_high_alert) {
                true => Some(act.second(
                    &[Role::Pharmacist],
                    "a high-alert preparation is checked by a second pharmacist",
                )?),
                false => act.second.map(|it| it.actor.to_string()),
            };
            if said.components.is_empty() || said.quantity.is_zero() {
                let why = "says what goes into it, and how much of it is made";
                return Err(MedsError::Request { place: "components", why });
            }
            let mut parts: Vec<Component> = Vec::new();
            for part in &said.components {
                let is_same =
                    |it: &&mut Component| it.product == part.product && it.lot == part.lot;
                match parts.iter_mut().find(is_same) {
                    Some(found) => found.quantity = found.quantity.plus(part.quantity),
                    None => parts.push(part.clone()),
                }
            }
            let mut expiries = Vec::new();
            let products: std::collections::BTreeSet<&String> =
                parts.iter().map(|it| &it.product).collect();
            for product in products {
                let of_product: Vec<Picked> = parts
                    .iter()
                    .filter(|it| it.product == *product)
                    .map(|it| Picked {
                        lot: it.lot.clone(),
                        expires: act.today(),
                        quantity: it.quantity,
                    })
                    .collect();
                expiries.extend(act.issue(product, &said.location, &of_product, "prepare")?);
            }
            let made = act.now();
            let kind = (said.category, said.storage);
            let beyond_use =
                prepare::beyond_use(made, kind, &expiries).ok_or(MedsError::Request {
                    place: "storage",
                    why: "is no way to keep this preparation",
                })?;
            let n = act.kept.batches.len().saturating_add(1);
            let short: String = act.id.as_str().chars().rev().take(8).collect();
            act.kept.batches.push(Batch {
                id: format!("B-{}-{n}", short.to_uppercase()),
                made,
                by: act.by(),
                beyond_use,
                category: said.category,
                storage: said.storage,
                components: parts,
                quantity: said.quantity,
                dispensed: Quantity::ZERO,
                checked_by,
            });
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }

    /// Hands out, for one patient.
    ///
    /// - Errors: a lot that is expired, recalled, quarantined or too small; another lot goes
    ///   first; the scan is of something else.
    pub async fn dispense(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Dispensing,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        // A nurse takes out of a cabinet what the nurse is to give.
        let needs = if cx.role == Role::Nurse { GIVES } else { DISPENSES };
        let done = self.act(cx, (id, "dispense"), needs, second, |act| act.dispense(cx, said));
        done.await.map(|((), kept)| kept)
    }

    /// Throws away something that is on the ward.
    ///
    /// - Errors: a controlled substance needs a witness.
    pub async fn waste(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Leftover,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let done = self.act(cx, (id, "waste"), GIVES, second, |act| {
            act.step(Event::Waste)?;
            act.waste(said)
        });
        done.await.map(|((), kept)| kept)
    }

    /// Gives back something that is on the ward.
    pub async fn take_back(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Leftover,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let done = self.act(
            cx,
            (id, "return"),
            (Action::Read, ResourceType::MEDICATION_DISPENSE),
            second,
            |act| {
                act.step(Event::Return)?;
                let (product_id, lot) = act.of_ward(said)?;
                let is_batch = act.kept.batches.iter().any(|it| it.id == lot);
                act.kept.supply.take((&product_id, &lot), Move::Return, said.quantity)?;
                let location = said.location.clone().unwrap_or_else(|| "pharmacy".to_owned());
                // What was made for one patient goes to no other: the pharmacy destroys it.
                if !is_batch {
                    let (key, mut product, version) = stock::product(act.reader, &product_id)?;
                    product.stock.take_back(&lot, &location, said.quantity)?;
                    let line = Movement {
                        lot: Some(lot.clone()),
                        location: Some(location),
                        quantity: said.quantity,
                        order: Some(act.id.to_string()),
                        reason: Some(said.reason.clone()),
                        ..movement(act.cx, "return")
                    };
                    let write = stock::after((key, version), product, line)?;
                    act.writes.push(write);
                }
                act.leftover_task("return", (&product_id, &lot), said, None)?;
                act.close_return_task()
            },
        );
        done.await.map(|((), kept)| kept)
    }
}

impl Act<'_> {
    pub(crate) fn today(&self) -> jiff::civil::Date {
        self.pharmacy.today(self.now())
    }

    fn dispense(&mut self, cx: &Ctx, said: &Dispensing) -> Result<(), MedsError> {
        match &said.urgent {
            Some(why) if why.trim().is_empty() => {
                return Err(MedsError::Request { place: "urgent", why: "says why" });
            }
            Some(why) => {
                self.step(Event::DispenseUrgent)?;
                self.check()?;
                // Whoever takes it has not to be stopped, and everybody sees that it was so.
                self.put_issues()?;
                self.kept.why = Some(format!("taken before verification: {}", why.trim()));
            }
            None => drop(self.step(Event::Dispense)?),
        }
        let product_id = match (&self.kept.chosen, &said.urgent) {
            (Some(chosen), _) => chosen.product.clone(),
            (None, Some(_)) => self.urgent_product(said)?,
            (None, None) => return Err(MedsError::NotFound),
        };
        let scan = match &said.scan {
            Some(text) => Some(barcode::read(text).map_err(|_| MedsError::Request {
                place: "scan",
                why: "is no barcode that can be read",
            })?),
            None => None,
        };
        if let Some(batch) = &said.batch {
            return self.dispense_batch(&product_id, batch, said, cx);
        }
        if self.kept.chosen.as_ref().is_some_and(|it| it.is_compounded) {
            let why = "is named: this order is made for the patient";
            return Err(MedsError::Request { place: "batch", why });
        }
        let (_, product, _) = stock::product(self.reader, &product_id)?;
        if scan.as_ref().is_some_and(|scan| !product.is_scanned(scan)) {
            let why = "is of another product than was verified";
            return Err(MedsError::Request { place: "scan", why });
        }
        let lot = said.lot.clone().or(scan.and_then(|scan| scan.lot));
        let today = self.today();
        let picked = match lot {
            Some(lot) => {
                let expires = product.stock.lot(&lot).map(|it| it.expires);
                let expires = expires.ok_or(StockRefusal::NoSuchLot)?;
                vec![Picked { lot, expires, quantity: said.quantity }]
            }
            None => product.stock.first_expired_first_out(&said.location, said.quantity, today)?,
        };
        self.issue(&product_id, &said.location, &picked, "dispense")?;
        for one in &picked {
            self.kept.supply.dispense(&product_id, &one.lot, one.quantity)?;
            let expires = Some(one.expires.to_string());
            let of = (product_id.as_str(), one.lot.as_str(), expires);
            self.put_dispense(of, one.quantity, &said.location)?;
        }
        Ok(())
    }

    /// What is taken in a hurry is what its code says, or the one product that is what was ordered.
    fn urgent_product(&mut self, said: &Dispensing) -> Result<String, MedsError> {
        let scan = said.scan.as_deref().and_then(|text| barcode::read(text).ok());
        let mut fits = Vec::new();
        for stored in self.reader.own(ResourceType::STOCK)? {
            let Ok(kept) = serde_json::from_slice::<stock::ProductKept>(&stored.body) else {
                continue;
            };
            let is_it = match &scan {
                Some(scan) => kept.is_scanned(scan),
                None => !kept.stock.at(&said.location).is_zero(),
            };
            if is_it && kept.is_for(&self.kept.request.medication) {
                fits.push((stored.key.id.to_string(), kept));
            }
        }
        let [(id, kept)] = fits.as_slice() else {
            let why = "has to say which product it is";
            return Err(MedsError::Request { place: "scan", why });
        };
        let is_high_alert =
            kept.is_high_alert || self.pharmacy.settings.is_high_alert(&self.kept.request);
        self.kept.chosen = Some(crate::order::Chosen {
            product: id.clone(),
            name: kept.name.clone(),
            per_dose: said.quantity,
            unit: kept.unit.clone(),
            is_high_alert,
            schedule: kept.schedule.map(|it| format!("{it:?}")),
            is_compounded: false,
            substitution: None,
        });
        Ok(id.clone())
    }

    fn dispense_batch(
        &mut self,
        product: &str,
        batch: &str,
        said: &Dispensing,
        cx: &Ctx,
    ) -> Result<(), MedsError> {
        let found = self.kept.batches.iter_mut().find(|it| it.id == batch);
        let found = found.ok_or(StockRefusal::NoSuchLot)?;
        let expires = found.beyond_use;
        if expires <= cx.now {
            let why = "is past its beyond-use date";
            return Err(MedsError::Request { place: "batch", why });
        }
        let there = found.quantity.checked_sub(found.dispensed).unwrap_or_default();
        if there < said.quantity || said.quantity.is_zero() {
            return Err(StockRefusal::TooLittle { wanted: said.quantity, there }.into());
        }
        found.dispensed = found.dispensed.plus(said.quantity);
        self.kept.supply.dispense(product, batch, said.quantity)?;
        let of = (product, batch, Some(expires.to_string()));
        self.put_dispense(of, said.quantity, &said.location)
    }

    /// Takes lots of one product off a shelf; gives their days of expiry.
    fn issue(
        &mut self,
        product_id: &str,
        location: &str,
        picked: &[Picked],
        what: &str,
    ) -> Result<Vec<jiff::civil::Date>, MedsError> {
        let (key, mut product, version) = stock::product(self.reader, product_id)?;
        let today = self.today();
        let mut expiries = Vec::new();
        for one in picked {
            product.stock.issue(&one.lot, location, one.quantity, today)?;
            expiries.extend(product.stock.lot(&one.lot).map(|it| it.expires));
        }
        let lots: Vec<&str> = picked.iter().map(|it| it.lot.as_str()).collect();
        let line = Movement {
            lot: Some(lots.join(", ")),
            location: Some(location.to_owned()),
            quantity: picked.iter().map(|it| it.quantity).sum(),
            order: Some(self.id.to_string()),
            ..movement(self.cx, what)
        };
        let write = stock::after((key, version), product, line)?;
        self.writes.push(write);
        Ok(expiries)
    }

    /// The Medication of a lot, and a reference to it.
    pub(crate) fn medication_of(
        &mut self,
        product_id: &str,
        lot: &str,
        expires: Option<String>,
    ) -> Result<Value, MedsError> {
        let (_, product, _) = stock::product(self.reader, product_id)?;
        let id = self.derived(&["medication-lot", product_id, lot]);
        let key = values::key(ResourceType::MEDICATION, &id);
        let is_written = self.writes.iter().any(|write| write.key == key);
        if !is_written && self.pharmacy.chart().current(&key)?.is_none() {
            let medication = stock::medication(&product.about, lot, expires);
            self.put(ResourceType::MEDICATION, &id, &medication)?;
        }
        Ok(json!({ "reference": format!("Medication/{id}"), "display": product.name }))
    }

    /// - Source: FHIR R4, MedicationDispense.
    fn put_dispense(
        &mut self,
        (product, lot, expires): (&str, &str, Option<String>),
        n: Quantity,
        location: &str,
    ) -> Result<(), MedsError> {
        let medication = self.medication_of(product, lot, expires)?;
        let count = self.kept.dispenses.len().to_string();
        let id = self.derived(&["medication-dispense", self.id.as_str(), &count]);
        let unit = self.kept.chosen.as_ref().map_or("", |it| it.unit.as_str()).to_owned();
        let now = self.now().to_string();
        let mut dispense = json!({
            "resourceType": "MedicationDispense",
            "identifier": [{ "system": SYSTEM, "value": format!("{}/{count}", self.id) }],
            "status": "completed",
            "medicationReference": medication,
            "subject": { "reference": format!("Patient/{}", self.patient) },
            "performer": [{ "actor": actor(&self.by()) }],
            "location": { "display": location },
            "authorizingPrescription": [{ "reference": format!("MedicationRequest/{}", self.id) }],
            "quantity": quantity(n, &unit),
            "whenPrepared": now,
            "whenHandedOver": now,
            "dosageInstruction": self.kept.request.dosage,
        });
        if let Some(encounter) = self.kept.encounter() {
            let context = json!({ "reference": format!("Encounter/{encounter}") });
            put(&mut dispense, "context", context);
        }
        self.put(ResourceType::MEDICATION_DISPENSE, &id, &dispense)?;
        self.kept.dispenses.push(DispenseKept {
            id: id.to_string(),
            product: product.to_owned(),
            lot: lot.to_owned(),
            quantity: n,
            at: self.now(),
            by: self.by(),
            location: location.to_owned(),
        });
        Ok(())
    }

    /// Product and lot of something that is on the ward.
    fn of_ward(&self, said: &Leftover) -> Result<(String, String), MedsError> {
        if said.reason.trim().is_empty() {
            return Err(MedsError::Request { place: "reason", why: "says why" });
        }
        let is_it = |product: &str| said.product.as_ref().is_none_or(|it| it == product);
        let found =
            self.kept.supply.lots.iter().find(|it| it.lot == said.lot && is_it(&it.product));
        let found = found.ok_or(ward_rules::medication_order::supply::SupplyRefusal::NoSuchLot)?;
        Ok((found.product.clone(), found.lot.clone()))
    }

    pub(crate) fn waste(&mut self, said: &Leftover) -> Result<(), MedsError> {
        let (product_id, lot) = self.of_ward(said)?;
        let (key, product, version) = stock::product(self.reader, &product_id)?;
        let witness = match product.schedule.is_some() {
            true => Some(
                self.second(WITNESSES, "a controlled substance is thrown away before a witness")?,
            ),
            false => self.second.map(|it| it.actor.to_string()),
        };
        self.kept.supply.take((&product_id, &lot), Move::Waste, said.quantity)?;
        if product.schedule.is_some() {
            let line = Movement {
                lot: Some(lot.clone()),
                quantity: said.quantity,
                order: Some(self.id.to_string()),
                witness: witness.clone(),
                reason: Some(said.reason.clone()),
                ..movement(self.cx, "waste")
            };
            let write = stock::after((key, version), product, line)?;
            self.writes.push(write);
        }
        self.leftover_task("waste", (&product_id, &lot), said, witness)?;
        self.close_return_task()
    }

    /// What became of it, as a Task that is done.
    fn leftover_task(
        &mut self,
        code: &str,
        (product, lot): (&str, &str),
        said: &Leftover,
        witness: Option<String>,
    ) -> Result<(), MedsError> {
        let now = self.now().to_string();
        let id = self.derived(&["medication-leftover", self.id.as_str(), code, lot, &now]);
        let unit = self.kept.chosen.as_ref().map_or("", |it| it.unit.as_str()).to_owned();
        let input =
            |name: &str, value: &str| json!({ "type": { "text": name }, "valueString": value });
        let mut inputs = vec![input("product", product), input("lot", lot)];
        inputs.push(json!({
            "type": { "text": "quantity" }, "valueQuantity": quantity(said.quantity, &unit),
        }));
        inputs.extend(witness.map(|it| input("witness", &it)));
        let task = json!({
            "resourceType": "Task",
            "identifier": [{ "system": SYSTEM, "value": self.id.as_str() }],
            "status": "completed",
            "intent": "order",
            "code": { "coding": [{ "system": SYSTEM, "code": code }] },
            "focus": { "reference": format!("MedicationRequest/{}", self.id) },
            "for": { "reference": format!("Patient/{}", self.patient) },
            "authoredOn": now,
            "lastModified": now,
            "owner": actor(&self.by()),
            "reasonCode": { "text": said.reason },
            "input": inputs,
        });
        self.put(ResourceType::TASK, &id, &task)
    }

    /// Nothing is left on the ward: nobody has to bring anything back.
    fn close_return_task(&mut self) -> Result<(), MedsError> {
        let id = self.derived(&["medication-return", self.id.as_str()]);
        let key = values::key(ResourceType::TASK, &id);
        if !self.kept.supply.on_ward().is_zero() {
            return Ok(());
        }
        if let Some((mut task, _)) = values::read(self.reader, &key)? {
            put(&mut task, "status", json!("completed"));
            put(&mut task, "lastModified", json!(self.now().to_string()));
            self.put(ResourceType::TASK, &id, &task)?;
        }
        Ok(())
    }
}

/// A quantity as FHIR has it.
pub(crate) fn quantity(n: Quantity, unit: &str) -> Value {
    let value = serde_json::to_value(n).unwrap_or_default();
    match unit {
        "" => json!({ "value": value }),
        unit => json!({ "value": value, "unit": unit }),
    }
}

/// The concept of what was ordered, for records that carry no lot.
pub(crate) fn ordered(kept: &OrderKept) -> Value {
    drug(&kept.request.medication.text, &kept.request.medication.codes)
}
