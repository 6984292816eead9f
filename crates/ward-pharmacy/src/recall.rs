//! From a lot to the patients who got it.

use serde::Serialize;
use serde_json::Value;
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_rules::medication_order::{Quantity, stock::Lot};
use ward_store::{
    Interaction,
    values::{self, id_of, text},
};

use crate::{
    order::{MedsError, OrderKept, Pharmacy, whole},
    stock,
};

/// Most records of one lot.
/// LIMIT: a pallet given out in single doses.
const FOUND_MAX: usize = 20_000;

/// Records read at once.
const PAGE: usize = 500;

/// Where a lot is and was.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recall {
    pub product: String,
    pub name: String,
    /// What is on the shelves.
    pub lot: Lot,
    pub patients: Vec<Reached>,
}

/// A patient whom a lot was dispensed for.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reached {
    pub patient: String,
    pub order: String,
    pub administered: Quantity,
    pub on_ward: Quantity,
    /// When it was given, each time.
    pub given: Vec<String>,
    /// It went into something that was made.
    pub in_batch: Option<String>,
}

impl Pharmacy {
    /// Everybody whom a lot reached, by itself or within a preparation.
    ///
    /// - Errors: a lot that was never received.
    /// - Audit: `search` of dispenses, with the patients who were found.
    pub async fn recall(&self, cx: &Ctx, product: &str, lot: &str) -> Result<Recall, MedsError> {
        let whole = whole(cx);
        let act = Interaction::of(AuditAction::Search, ResourceType::MEDICATION_DISPENSE)
            .with_detail(format!("recall of lot {lot} of {product}"));
        let reader = self.chart().reader(&whole, act);
        let found = (|| {
            let (_, kept, _) = stock::product(&reader, product)?;
            let of_stock = kept.stock.lot(lot).cloned();
            let of_stock =
                of_stock.ok_or(ward_rules::medication_order::stock::StockRefusal::NoSuchLot)?;
            let mut orders = std::collections::BTreeSet::new();
            let id = self.chart().derived_id(&["medication-lot", product, lot]);
            let query = format!("medication=Medication/{id}");
            let mut after = None;
            loop {
                let kind = ResourceType::MEDICATION_DISPENSE;
                let page = values::search(&reader, kind, &query, (PAGE, after))?;
                for hit in &page.hits {
                    let stored = reader.fetch(hit)?;
                    let Ok(it) = serde_json::from_slice::<Value>(&stored.body) else { continue };
                    let order = it.pointer("/authorizingPrescription/0/reference");
                    let order = order.and_then(Value::as_str);
                    orders.extend(order.and_then(|it| id_of(it, "MedicationRequest")));
                }
                after = page.next;
                if after.is_none() || FOUND_MAX <= orders.len() {
                    break;
                }
            }
            // What was made of it is known by the ledger: each preparation names its order.
            let key = stock::key_of(product)?;
            let of = ward_store::HistoryOf::Instance(key);
            for stored in reader.history(&of, None, None, None, FOUND_MAX)? {
                let Ok(it) = serde_json::from_slice::<stock::ProductKept>(&stored.body) else {
                    continue;
                };
                let line = it.last.filter(|it| it.what == "prepare");
                let has = |lots: &str| lots.split(", ").any(|it| it == lot);
                let line = line.filter(|it| it.lot.as_deref().is_some_and(has));
                orders.extend(line.and_then(|it| it.order?.parse::<FhirId>().ok()));
            }
            let mut patients = Vec::new();
            for order in orders {
                let Some(instance) = self.engine.load(&reader, &order)? else { continue };
                let Some(kept) = OrderKept::of(&instance) else { continue };
                patients.extend(reached(&instance.kept.patient, &order, &kept, product, lot));
            }
            Ok(Recall {
                product: product.to_owned(),
                name: kept.about.name,
                lot: of_stock,
                patients,
            })
        })();
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        found
    }
}

fn reached(
    patient: &str,
    order: &FhirId,
    kept: &OrderKept,
    product: &str,
    lot: &str,
) -> Vec<Reached> {
    let in_batch = |name: &str| {
        let batch = kept.batches.iter().find(|it| it.id == name);
        batch
            .is_some_and(|it| it.components.iter().any(|it| it.product == product && it.lot == lot))
    };
    let given = |of: &str| -> Vec<String> {
        let doses = kept.doses.iter().filter(|it| it.lot.as_deref() == Some(of));
        let doses = doses.filter(|it| !it.quantity.is_zero());
        doses
            .filter(|it| it.state != ward_rules::medication_order::dose::State::InError)
            .map(|it| it.at.to_string())
            .collect()
    };
    kept.supply
        .lots
        .iter()
        .filter(|it| (it.product == product && it.lot == lot) || in_batch(&it.lot))
        .map(|it| Reached {
            patient: patient.to_owned(),
            order: order.to_string(),
            administered: it.administered,
            on_ward: it.on_ward,
            given: given(&it.lot),
            in_batch: in_batch(&it.lot).then(|| it.lot.clone()),
        })
        .collect()
}

/// The name of a resource's patient.
pub(crate) fn subject(resource: &Value) -> Option<FhirId> {
    let reference = resource.get("subject").and_then(|it| text(it, "reference"))?;
    id_of(reference, "Patient")
}
