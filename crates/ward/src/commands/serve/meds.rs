//! Medication: the pharmacy over the chart, with the knowledge base of the house.

use std::{fs, sync::Arc};

use jiff::tz::TimeZone;
use ward_pharmacy::{
    cds::answer::Checks,
    checks::HouseChecker,
    intake::Intake,
    order::Pharmacy,
    settings::{HighAlert, Settings},
};
use ward_rules::{
    medication::{KnowledgeBase, timing::Schedule},
    medication_order::schedule::Window,
};
use ward_store::{handler::Following, workflow::Engine};

use crate::{Failure, config::MedsSection};

/// The clock of the wards.
pub fn zone(meds: &MedsSection) -> Result<TimeZone, Failure> {
    match &meds.zone {
        None => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name)
            .map_err(|_| Failure::Usage("`meds.zone` is no time zone".to_owned())),
    }
}

/// Opens the pharmacy.
///
/// - Errors: a file of the settings cannot be read, or the time zone is not known.
pub fn open(engine: &Engine, meds: &MedsSection, checks: &Checks) -> Result<Pharmacy, Failure> {
    let zone = zone(meds)?;
    let mut settings = Settings {
        zone: zone.clone(),
        window: Window {
            early_min: meds.early_min.get(),
            late_min: meds.late_min.get(),
            missed_min: meds.missed_min.get(),
        },
        orders_of_others: meds.orders_of_others,
        ..Settings::default()
    };
    let read = |path| fs::read_to_string(path).map_err(|e| Failure::Io("reading a list", e));
    if let Some(path) = &meds.windows {
        let windows = toml::from_str(&read(path)?);
        let wrong = |e: toml::de::Error| Failure::Usage(format!("`meds.windows`: {}", e.message()));
        settings.windows = windows.map_err(wrong)?;
    }
    if let Some(path) = &meds.high_alert {
        let list = HighAlert::from_toml(&read(path)?);
        settings.high_alert = list.map_err(|e| Failure::Usage(e.to_string()))?;
    }
    let house = Arc::clone(&checks.house);
    let checker = HouseChecker {
        // Another version is taken into use without a restart; one check goes by one version.
        knowledge: Arc::new(move |lend: &mut dyn FnMut(Option<&KnowledgeBase>)| {
            lend(Some(&house.current().base));
        }),
        zone,
        schedule: Schedule::default(),
    };
    let pharmacy = Pharmacy::new(engine.clone(), Arc::new(checker), settings);
    Ok(pharmacy.with_services(checks.remotes.clone()))
}

/// Takes in orders of other systems, so that each waits for the pharmacist.
pub async fn taking(pharmacy: Pharmacy) {
    let chart = pharmacy.engine().chart().clone();
    let Some(intake) = Intake::new(pharmacy) else { return };
    ward_events::follow(Following::new(chart, intake, Arc::new(ward_web::now))).await;
}
