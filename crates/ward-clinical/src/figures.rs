//! Who is in the house now, counted, for those who watch it; never anything of a patient. What
//! happens is counted from the event feed, by `ward-events`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_store::{Chart, Interaction, Write};

use crate::{beds::LoadError, stay::StayKept};

/// Who is in the house now.
#[derive(Default)]
pub struct HouseFigures {
    stays: Mutex<BTreeMap<FhirId, StayKept>>,
}

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
            stays.insert(write.key.id.clone(), now);
        }
    }

    /// Lines for Prometheus.
    pub fn page(&self) -> String {
        let stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
        let active = stays.values().filter(|stay| stay.is_open).count();
        format!(
            "# HELP active_patients Patients in a stay now.\n# TYPE active_patients gauge\n\
             active_patients {active}\n"
        )
    }
}
