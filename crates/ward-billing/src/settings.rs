//! The site's own data about who pays: its plan table and its file of payers.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ward_rules::payer::{Ask, PlanError, PlanTable};

use crate::payers::{Payers, PayersError, Way};

/// Plans that are nobody's, for demonstrations.
pub const ILLUSTRATIVE: &str = include_str!("../data/plans-illustrative.toml");

/// Longest file of plans or payers, in bytes.
/// LIMIT: thousands of plans; a larger file is not a table that people keep.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a site says of who pays.
#[derive(Clone, Default, Debug)]
pub struct Settings {
    pub plans: PlanTable,
    pub payers: Payers,
    /// Whether Ward plays a payer, for demonstrations and tests.
    pub simulated: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("reading `{0}`")]
    Read(String, #[source] io::Error),
    #[error("`{0}` is larger than 4 MiB")]
    TooLarge(String),
    #[error("`{path}`, line {line}: {why}")]
    Toml { path: String, line: usize, why: String },
    #[error("`{0}`")]
    Plan(String, #[source] PlanError),
    #[error("`{0}`")]
    Payers(String, #[source] PayersError),
    #[error("`{path}`: plan `{plan}` asks a partner that the file of payers does not have")]
    NoPartner { path: String, plan: String },
    #[error(
        "`{path}`: plan `{plan}` asks the simulated payer, and `billing.simulated_payer` is off"
    )]
    NotSimulated { path: String, plan: String },
}

impl Settings {
    /// Reads the files that the configuration names.
    ///
    /// - Shape: without a plan table, the illustrative one where the payer is simulated, and none
    ///   otherwise: a person enters what payers decide.
    /// - Errors: the first thing that cannot be meant, with its place.
    pub fn read(
        plans: Option<&Path>,
        payers: Option<&Path>,
        simulated: bool,
    ) -> Result<Settings, SettingsError> {
        let mut settings = Settings { simulated, ..Settings::default() };
        if let Some(path) = payers {
            settings.payers = parsed(path, &text_of(path)?)?;
            let said = |error| SettingsError::Payers(path.display().to_string(), error);
            settings.payers.check().map_err(said)?;
            settings.payers.stand_at(path);
        }
        let (path, text) = match plans {
            Some(path) => (path.to_owned(), text_of(path)?),
            None if simulated => {
                (PathBuf::from("plans-illustrative.toml"), ILLUSTRATIVE.to_owned())
            }
            None => return Ok(settings),
        };
        settings.plans = parsed(&path, &text)?;
        let path = path.display().to_string();
        let said = |error| SettingsError::Plan(path.clone(), error);
        settings.plans.check().map_err(said)?;
        for plan in &settings.plans.plans {
            let name = plan.name.clone();
            let way = plan.partner.as_ref().and_then(|it| settings.payers.named(it));
            let is_there = match (plan.ask, way.map(|it| &it.way)) {
                (Ask::X12, Some(Way::X12(_))) | (Ask::Pas, Some(Way::Pas(_))) => true,
                (Ask::X12 | Ask::Pas, _) => false,
                (Ask::Hand | Ask::Simulated, _) => true,
            };
            if !is_there {
                return Err(SettingsError::NoPartner { path, plan: name });
            }
            if plan.ask == Ask::Simulated && !simulated {
                return Err(SettingsError::NotSimulated { path, plan: name });
            }
        }
        Ok(settings)
    }
}

pub(crate) fn text_of(path: &Path) -> Result<String, SettingsError> {
    let failed = |error| SettingsError::Read(path.display().to_string(), error);
    if FILE_BYTES_MAX < fs::metadata(path).map_err(failed)?.len() {
        return Err(SettingsError::TooLarge(path.display().to_string()));
    }
    fs::read_to_string(path).map_err(failed)
}

pub(crate) fn parsed<T: serde::de::DeserializeOwned>(
    path: &Path,
    text: &str,
) -> Result<T, SettingsError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let why = error.message().to_owned();
        SettingsError::Toml { path: path.display().to_string(), line, why }
    })
}
