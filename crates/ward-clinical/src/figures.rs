//! Counts of what happens in the house, for those who watch it; never anything of a patient.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_store::{Chart, Interaction, Stored, Write};

use crate::{beds::LoadError, records::text, stay::StayKept};

/// Counts since the process started, and who is in the house now.
#[derive(Default)]
pub struct HouseFigures {
    stays: Mutex<BTreeMap<FhirId, StayKept>>,
    admissions: AtomicU64,
    discharges: AtomicU64,
    medication_orders: AtomicU64,
    lab_orders: AtomicU64,
    imaging_orders: AtomicU64,
    critical_results: AtomicU64,
}

/// Categories of orders: SNOMED CT, and HL7 table 0074 as interfaces send it.
const LABORATORY: [&str; 8] = ["108252007", "laboratory", "LAB", "CH", "HM", "MB", "CP", "BLB"];
const IMAGING: [&str; 8] = ["363679005", "imaging", "RAD", "RX", "CT", "MRI", "NMR", "RUS"];

impl HouseFigures {
    /// Reads who is in the house.
    ///
    /// - Audit: `search` of stays.
    /// - Cost: proportional to all versions of all stays; for the start.
    pub async fn load(chart: &Chart, cx: &Ctx) -> Result<HouseFigures, LoadError> {
        let figures = HouseFigures::default();
        let reader = chart.reader(cx, Interaction::of(AuditAction::Search, ResourceType::STAY));
        let all = reader.own(ResourceType::STAY);
        reader.finish(AuditOutcome::Success).await?;
        let mut stays = figures.stays.lock().unwrap_or_else(PoisonError::into_inner);
        for stored in all? {
            if let Ok(stay) = serde_json::from_slice(&stored.body) {
                stays.insert(stored.key.id, stay);
            }
        }
        drop(stays);
        Ok(figures)
    }

    /// Hears of what was committed of stays.
    pub fn heard(&self, writes: &[Write]) {
        for write in writes.iter().filter(|write| write.key.kind == ResourceType::STAY) {
            let Ok(now) = serde_json::from_slice::<StayKept>(&write.body) else { continue };
            let mut stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
            let before = stays.insert(write.key.id.clone(), now.clone());
            let was_in = before.filter(|before| before.is_open).map(|before| before.encounter);
            let is_in = now.is_open.then_some(now.encounter);
            if was_in == is_in {
                continue;
            }
            if is_in.is_some() {
                self.admissions.fetch_add(1, Ordering::Relaxed);
            }
            if was_in.is_some() {
                self.discharges.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Sees one version of the log.
    pub fn saw(&self, stored: &Stored) {
        let is_new = stored.version == 1 && !stored.deleted;
        let one = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match stored.key.kind {
            ResourceType::MEDICATION_REQUEST if is_new => {
                one(&self.medication_orders);
            }
            ResourceType::SERVICE_REQUEST if is_new => {
                let Ok(order) = serde_json::from_slice::<Value>(&stored.body) else { return };
                // What a plan only proposes is no order.
                if text(&order, "intent") == Some("proposal") {
                    return;
                }
                if is_of(&order, &LABORATORY) {
                    one(&self.lab_orders);
                } else if is_of(&order, &IMAGING) {
                    one(&self.imaging_orders);
                }
            }
            // A result that becomes critical by a correction is one too.
            ResourceType::OBSERVATION if !stored.deleted => {
                let Ok(result) = serde_json::from_slice::<Value>(&stored.body) else { return };
                // SPEC: v3 ObservationInterpretation: HH and LL are critical, AA critically abnormal.
                if codes(&result, "interpretation").any(|code| matches!(code, "HH" | "LL" | "AA")) {
                    one(&self.critical_results);
                }
            }
            _ => {}
        }
    }

    /// Lines for Prometheus.
    pub fn page(&self) -> String {
        let stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
        let active = stays.values().filter(|stay| stay.is_open).count();
        drop(stays);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = [
            ("patient_admissions_total", "Stays that began.", of(&self.admissions)),
            ("patient_discharges_total", "Stays that ended.", of(&self.discharges)),
            ("medication_orders_total", "New MedicationRequests.", of(&self.medication_orders)),
            ("lab_orders_total", "New orders for the laboratory.", of(&self.lab_orders)),
            ("imaging_orders_total", "New orders for imaging.", of(&self.imaging_orders)),
            ("critical_alerts_total", "Results that are critical.", of(&self.critical_results)),
        ];
        let mut page = String::new();
        for (name, help, value) in counters {
            // Writing to a String cannot fail.
            let _ok = writeln!(page, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        let _ok = writeln!(
            page,
            "# HELP active_patients Patients in a stay now.\n# TYPE active_patients gauge\n\
             active_patients {active}"
        );
        page
    }
}

fn is_of(order: &Value, known: &[&str]) -> bool {
    codes(order, "category").any(|code| known.contains(&code))
}

/// The codes of a list of concepts.
fn codes<'v>(resource: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    let concepts = resource.get(name).and_then(Value::as_array).into_iter().flatten();
    let codings = concepts.flat_map(|it| it.get("coding").and_then(Value::as_array).into_iter());
    codings.flatten().filter_map(|coding| text(coding, "code"))
}
