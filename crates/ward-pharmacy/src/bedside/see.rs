//! What was scanned, and everything that speaks against giving it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use ward_core::ResourceType;
use ward_rules::medication_order::{
    Quantity, barcode,
    bedside::{self as rules, Look, LotFitness, Scanned, Unit, Vital},
    dose,
    order::Event,
    schedule::Given,
    stock::StockRefusal,
};
use ward_store::{
    values::{self, read, text},
    workflow::own_read,
};

use super::{Giving, SECOND, Seen};
use crate::{
    order::{Act, MedsError},
    stock::{self, ProductKept},
};

/// Most values of one vital sign looked at.
/// LIMIT: one every minute for as long as a rule looks back, usually an hour.
const VITALS_MAX: usize = 100;

impl Act<'_> {
    /// What was scanned, and everything that speaks against giving it.
    pub(super) fn see(&self, said: &Giving) -> Result<Seen, MedsError> {
        let chosen = self.kept.chosen.clone();
        let chosen =
            chosen.ok_or(MedsError::State(ward_rules::medication_order::order::Refused {
                state: self.kept.state,
                event: Event::Give,
            }))?;
        let now = self.now();
        let at = said.at.unwrap_or(now);
        let mut bypassed = BTreeMap::new();
        let patient = match (&said.patient_scan, said.patient_bypass) {
            (Some(scan), _) => Scanned::Is(self.is_wristband(scan)?),
            (None, Some(why)) => {
                bypassed.insert("patient".to_owned(), why.as_str().to_owned());
                Scanned::Bypassed(why)
            }
            (None, None) => Scanned::Nothing,
        };
        let dose = said.quantity.unwrap_or(chosen.per_dose);
        let needed = dose.plus(said.waste.unwrap_or_default());
        let (drug, lot) = match (&said.drug_scan, said.drug_bypass) {
            (Some(scan), _) => {
                let (unit, lot) = self.unit_of(scan, said.lot.as_deref(), needed)?;
                (Scanned::Is(unit), lot)
            }
            (None, Some(why)) => {
                bypassed.insert("drug".to_owned(), why.as_str().to_owned());
                let lot = self.lot_by_hand(said.lot.as_deref(), needed);
                // What is not scanned is looked at all the same.
                match &lot {
                    Some((product, name)) => {
                        let fit = self.fitness(product, name)?;
                        let unit = Unit { is_of_order: true, is_on_ward: true, lot: fit };
                        match fit {
                            LotFitness::Fit => (Scanned::Bypassed(why), lot),
                            _ => (Scanned::Is(unit), lot),
                        }
                    }
                    None => {
                        let unit =
                            Unit { is_of_order: true, is_on_ward: false, lot: LotFitness::Fit };
                        (Scanned::Is(unit), None)
                    }
                }
            }
            (None, None) => (Scanned::Nothing, None),
        };
        let given: Vec<Given> = self
            .kept
            .doses
            .iter()
            .filter(|it| matches!(it.state, dose::State::Given | dose::State::Running))
            .map(|it| Given { at: it.at, quantity: it.quantity })
            .collect();
        let is_needed = self.kept.request.is_as_needed();
        let limits = is_needed.then(|| self.kept.request.as_needed.clone().unwrap_or_default());
        let due = if is_needed { None } else { said.due };
        if let Some(due) = due {
            self.is_due(due)?;
            dose::step(self.dose_state(Some(due)), dose::Event::Give)?;
        } else if !is_needed && !self.is_continuous() {
            let why = "says which dose it is";
            return Err(MedsError::Request { place: "due", why });
        }
        let vitals = self.vitals(now)?;
        let has_second =
            self.second.is_some_and(|it| it.actor != self.cx.actor.id && SECOND.contains(&it.role));
        let loud: Vec<_> = self.loud().collect();
        let findings = rules::look(&Look {
            now,
            today: self.today(),
            patient,
            drug,
            ordered: chosen.per_dose,
            dose,
            due,
            window: self.window()?,
            as_needed: limits.as_ref(),
            as_needed_for: said.needed_for.as_deref(),
            given: &given,
            vital_rules: &self.kept.request.vital_signs,
            vitals: &vitals,
            unsettled_allergy: loud.iter().any(|it| it.is_allergy()),
            unsettled: !loud.is_empty(),
            is_high_alert: chosen.is_high_alert,
            has_second,
            reason: said.reason.as_deref(),
            at,
        });
        Ok(Seen { lot, findings, quantity: dose, bypassed })
    }

    /// Whether a wristband is the patient's: a number of theirs, or the id of their record.
    fn is_wristband(&self, scan: &str) -> Result<bool, MedsError> {
        let scan = scan.trim();
        let plain = match barcode::read(scan) {
            Ok(it) => it.text.unwrap_or_else(|| scan.to_owned()),
            Err(_) => scan.to_owned(),
        };
        let plain = plain.trim();
        if plain.is_empty() {
            return Ok(false);
        }
        let key = values::key(ResourceType::PATIENT, &self.patient);
        let Some((patient, _)) = read(self.reader, &key)? else { return Ok(false) };
        let own = [self.patient.to_string(), format!("Patient/{}", self.patient)];
        let numbers = patient.get("identifier").and_then(Value::as_array).into_iter().flatten();
        Ok(own.iter().any(|it| it == plain)
            || numbers.filter_map(|it| text(it, "value")).any(|it| it == plain || it == scan))
    }

    /// The unit dose of a scan: its product, its lot, and what is to be said of them.
    fn unit_of(
        &self,
        scan: &str,
        lot: Option<&str>,
        needed: Quantity,
    ) -> Result<(Unit, Option<(String, String)>), MedsError> {
        let other = Unit { is_of_order: false, is_on_ward: false, lot: LotFitness::Fit };
        let Ok(scan) = barcode::read(scan) else { return Ok((other, None)) };
        // The label of a batch of our own.
        if let Some(batch) = scan.text.as_deref()
            && let Some(found) = self.kept.supply.lots.iter().find(|it| it.lot == batch)
        {
            let fit = self.fitness(&found.product, batch)?;
            let is_on_ward = needed <= found.on_ward;
            let unit = Unit { is_of_order: true, is_on_ward, lot: fit };
            return Ok((unit, Some((found.product.clone(), batch.to_owned()))));
        }
        let products: std::collections::BTreeSet<&String> =
            self.kept.supply.lots.iter().map(|it| &it.product).collect();
        let chosen = self.kept.chosen.as_ref().map(|it| &it.product);
        for product in products.into_iter().chain(chosen) {
            let key = stock::key_of(product)?;
            let Some((kept, _)) = own_read::<ProductKept>(self.reader, &key)? else { continue };
            if !kept.is_scanned(&scan) {
                continue;
            }
            let name = scan.lot.as_deref().or(lot).map(str::to_owned);
            let of_product = self.kept.supply.lots.iter().filter(|it| it.product == *product);
            let found = match &name {
                Some(name) => of_product.clone().find(|it| it.lot == *name),
                None => of_product.clone().find(|it| needed <= it.on_ward),
            };
            let Some(found) = found else {
                let fit = match &name {
                    Some(name) => self.fitness(product, name)?,
                    None => LotFitness::Fit,
                };
                return Ok((Unit { is_of_order: true, is_on_ward: false, lot: fit }, None));
            };
            let mut fit = self.fitness(product, &found.lot)?;
            if scan.expires.is_some_and(|day| day < self.today()) {
                fit = LotFitness::Expired;
            }
            let is_on_ward = needed <= found.on_ward;
            let unit = Unit { is_of_order: true, is_on_ward, lot: fit };
            return Ok((unit, Some((product.clone(), found.lot.clone()))));
        }
        Ok((other, None))
    }

    /// A lot that is on the ward, where nothing can be scanned.
    fn lot_by_hand(&self, lot: Option<&str>, needed: Quantity) -> Option<(String, String)> {
        let lots = self.kept.supply.lots.iter().filter(|it| needed <= it.on_ward);
        let mut lots = lots.filter(|it| lot.is_none_or(|lot| it.lot == lot));
        lots.next().map(|it| (it.product.clone(), it.lot.clone()))
    }

    fn fitness(&self, product: &str, lot: &str) -> Result<LotFitness, MedsError> {
        if let Some(batch) = self.kept.batches.iter().find(|it| it.id == lot) {
            let is_past = batch.beyond_use <= self.now();
            // A part of it may be recalled since.
            for part in &batch.components {
                let (_, kept, _) = stock::product(self.reader, &part.product)?;
                match stock::fitness(&kept, &part.lot, self.today()) {
                    Some(StockRefusal::Recalled) => return Ok(LotFitness::Recalled),
                    Some(StockRefusal::Quarantined) => return Ok(LotFitness::Quarantined),
                    _ => {}
                }
            }
            return Ok(if is_past { LotFitness::BeyondUse } else { LotFitness::Fit });
        }
        let (_, kept, _) = stock::product(self.reader, product)?;
        Ok(match stock::fitness(&kept, lot, self.today()) {
            None | Some(StockRefusal::NoSuchLot) => LotFitness::Fit,
            Some(StockRefusal::Recalled) => LotFitness::Recalled,
            Some(StockRefusal::Quarantined) => LotFitness::Quarantined,
            Some(_) => LotFitness::Expired,
        })
    }

    /// The vital signs that this order asks for.
    fn vitals(&self, now: Timestamp) -> Result<Vec<Vital>, MedsError> {
        let mut vitals = Vec::new();
        for rule in &self.kept.request.vital_signs {
            let back = SignedDuration::from_mins(i64::from(rule.max_age_min).max(24 * 60));
            let since = now.checked_sub(back).unwrap_or(Timestamp::MIN);
            let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
            let code = &rule.code;
            if !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(MedsError::Request { place: "vitalSigns.code", why: "is no code" });
            }
            let query =
                format!("subject=Patient/{}&code={code}&date=ge{since}&_sort=-date", self.patient);
            let kind = ResourceType::OBSERVATION;
            let found = values::search(self.reader, kind, &query, (VITALS_MAX, None))?;
            for hit in &found.hits {
                let stored = self.reader.fetch(hit)?;
                let Ok(it) = serde_json::from_slice::<Value>(&stored.body) else { continue };
                let value = it.pointer("/valueQuantity/value").and_then(Value::as_f64);
                let at = text(&it, "effectiveDateTime").and_then(|it| it.parse().ok());
                let is_final =
                    !matches!(text(&it, "status"), Some("entered-in-error" | "cancelled"));
                if let (Some(value), Some(at), true) = (value, at, is_final) {
                    vitals.push(Vital { code: code.clone(), value, at });
                }
            }
        }
        Ok(vitals)
    }
}
