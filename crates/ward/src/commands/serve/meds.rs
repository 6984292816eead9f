//! Medication: the pharmacy over the chart, with the knowledge base of the house.

use std::{fs, sync::Arc};

use jiff::tz::TimeZone;
use ward_pharmacy::{
    checks::HouseChecker,
    knowledge::House,
    order::Pharmacy,
    settings::{HighAlert, Settings},
};
use ward_rules::{
    medication::{KnowledgeBase, timing::Schedule},
    medication_order::schedule::Window,
};
use ward_store::workflow::Engine;

use crate::{Failure, config::MedsSection};

/// Opens the pharmacy.
///
/// - Errors: a file of the settings cannot be read, or the time zone is not known.
pub fn open(engine: &Engine, meds: &MedsSection, house: Arc<House>) -> Result<Pharmacy, Failure> {
    let zone = match &meds.zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| Failure::Usage("`meds.zone` is no time zone".to_owned()))?,
    };
    let mut settings = Settings {
        zone: zone.clone(),
        window: Window {
            early_min: meds.early_min.get(),
            late_min: meds.late_min.get(),
            missed_min: meds.missed_min.get(),
        },
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
    let checker = HouseChecker {
        // Another version is taken into use without a restart; one check goes by one version.
        knowledge: Arc::new(move |lend: &mut dyn FnMut(Option<&KnowledgeBase>)| {
            lend(Some(&house.current().base));
        }),
        zone,
        schedule: Schedule::default(),
    };
    Ok(Pharmacy::new(engine.clone(), Arc::new(checker), settings))
}
