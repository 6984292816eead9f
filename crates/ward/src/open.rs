//! Where the chart and its keys are, and how they are opened from the command line.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ward_crypto::{OsRandom, RootKey, RootKeyFile, RootKeyVariable};
use ward_policy::Policy;
use ward_store::{Chart, ChartOptions, OpenError, StoreLimits};

use crate::{
    Failure,
    config::{ConfigError, Settings},
    operator::Operator,
};

/// The environment variable that may hold the root key instead of a file.
const ROOT_VARIABLE: &str = "WARD_ROOT_KEY";

/// The settings file in the data folder.
const SETTINGS_FILE: &str = "ward.toml";

/// Where the chart is.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// Settings file; `ward.toml` in the data folder if absent.
    #[arg(long, env = "WARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of the chart [default: ./ward-data].
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Root key file; `<data>.keys` beside the folder if absent.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// File with the passphrase of the root key.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// File outside the data folder that signed checkpoints are appended to;
    /// `<data>.checkpoints` beside it if absent.
    #[arg(long)]
    pub anchor: Option<PathBuf>,
}

/// A setting that the command line says: table, name, value.
pub type Flag = (&'static str, &'static str, String);

/// The settings as they stand for one command.
pub struct Site {
    pub settings: Settings,
    /// The file they were read from, if there was one.
    pub file: Option<PathBuf>,
}

/// Who keeps the chart open.
pub enum Holder {
    /// This command.
    Chart(Chart),
    /// A server that runs.
    Server(Operator),
}

impl Place {
    pub fn site(&self) -> Result<Site, Failure> {
        self.site_with(&[])
    }

    /// The settings, with those of a command's own options over everything else.
    pub fn site_with(&self, flags: &[Flag]) -> Result<Site, Failure> {
        let mut flags = flags.to_vec();
        let named = [
            ("", "data", &self.data),
            ("", "keys", &self.keys),
            ("", "passphrase_file", &self.passphrase_file),
            ("audit", "anchor", &self.anchor),
        ];
        for (section, name, path) in named {
            if let Some(path) = path {
                flags.push((section, name, path.to_string_lossy().into_owned()));
            }
        }
        // What is not UTF-8 is no setting of ours.
        let variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let layered = |file: Option<&Path>| -> Result<Settings, ConfigError> {
            let mut settings = Settings::default();
            if let Some(file) = file {
                settings.add_file(file)?;
            }
            settings.add_environment(variables.iter().cloned())?;
            for (section, name, value) in &flags {
                settings.add_flag(section, name, value)?;
            }
            Ok(settings)
        };
        let settings = layered(self.config.as_deref())?;
        if let Some(file) = &self.config {
            return Ok(Site { settings, file: Some(file.clone()) });
        }
        let data = settings.config.place.data.clone();
        let file = data.join(SETTINGS_FILE);
        if !file.is_file() {
            return Ok(Site { settings, file: None });
        }
        let settings = layered(Some(&file))?;
        if settings.config.place.data != data {
            return Err(Failure::Usage(format!(
                "{}: a settings file inside a data folder cannot name another in `data`",
                file.display()
            )));
        }
        Ok(Site { settings, file: Some(file) })
    }

    pub fn open(&self) -> Result<Chart, Failure> {
        self.site()?.open()
    }

    /// The chart, or the server that keeps it open.
    pub fn holder(&self) -> Result<Holder, Failure> {
        self.site()?.holder()
    }
}

impl Site {
    pub fn data(&self) -> PathBuf {
        self.settings.config.place.data.clone()
    }

    pub fn keys(&self) -> PathBuf {
        let place = &self.settings.config.place;
        place.keys.clone().unwrap_or_else(|| beside(&place.data, "keys"))
    }

    pub fn anchor(&self) -> PathBuf {
        let config = &self.settings.config;
        config.audit.anchor.clone().unwrap_or_else(|| beside(&config.place.data, "checkpoints"))
    }

    /// Where signed checkpoints go, by the names of their settings.
    pub fn anchors(&self) -> Vec<(&'static str, PathBuf)> {
        let mut anchors = vec![("audit.anchor", self.anchor())];
        let folder = self.settings.config.audit.checkpoint_dir.clone();
        anchors.extend(folder.map(|folder| ("audit.checkpoint_dir", folder)));
        anchors
    }

    /// Where versions of the knowledge base are.
    pub fn knowledge(&self) -> PathBuf {
        let config = &self.settings.config;
        config.knowledge.folder.clone().unwrap_or_else(|| config.place.data.join("knowledge"))
    }

    pub fn socket(&self) -> PathBuf {
        let config = &self.settings.config;
        config.http.socket.clone().unwrap_or_else(|| config.place.data.join("ward.sock"))
    }

    pub fn has_root_variable(&self) -> bool {
        std::env::var_os(ROOT_VARIABLE).is_some()
    }

    /// The provider of the root key: the variable if it is set, else the file.
    pub fn root(&self) -> Result<Arc<dyn RootKey>, Failure> {
        self.root_by(RootKeyFile::open)
    }

    /// The same, with a new key file.
    pub fn new_root(&self) -> Result<Arc<dyn RootKey>, Failure> {
        self.root_by(|path, passphrase| RootKeyFile::create(path, passphrase, &OsRandom::default()))
    }

    fn root_by(
        &self,
        make: impl FnOnce(&Path, Option<&str>) -> Result<RootKeyFile, ward_crypto::RootKeyError>,
    ) -> Result<Arc<dyn RootKey>, Failure> {
        if let Ok(value) = std::env::var(ROOT_VARIABLE) {
            return Ok(Arc::new(RootKeyVariable::new(ROOT_VARIABLE, &value)?));
        }
        let path = self.keys();
        RootKeyFile::check_outside(&path, &self.data())?;
        let passphrase = match &self.settings.config.place.passphrase_file {
            None => None,
            Some(file) => Some(zeroize::Zeroizing::new(
                fs::read_to_string(file)
                    .map_err(|e| Failure::Io("reading the passphrase file", e))?,
            )),
        };
        let passphrase = passphrase.as_ref().map(|text| text.trim_end_matches(['\r', '\n']));
        Ok(Arc::new(make(&path, passphrase)?))
    }

    pub fn options(&self, root: Arc<dyn RootKey>) -> ChartOptions {
        let audit = &self.settings.config.audit;
        ChartOptions {
            data: self.data(),
            root,
            random: Arc::new(OsRandom::default()),
            policy: Arc::new(Policy::standard()),
            anchors: self.anchors().into_iter().map(|(_, path)| path).collect(),
            limits: StoreLimits {
                checkpoint_entries: audit.checkpoint_entries.get(),
                checkpoint_s: i64::from(audit.checkpoint_s.get()),
                ..StoreLimits::default()
            },
        }
    }

    pub fn open(&self) -> Result<Chart, Failure> {
        Ok(Chart::open(self.options(self.root()?), ward_web::now())?)
    }

    pub fn holder(&self) -> Result<Holder, Failure> {
        match self.open() {
            Ok(chart) => Ok(Holder::Chart(chart)),
            Err(Failure::Open(OpenError::Locked(_))) if self.socket().exists() => {
                Ok(Holder::Server(Operator::new(&self.socket())))
            }
            Err(failure) => Err(failure),
        }
    }
}

fn beside(data: &Path, extension: &str) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    // `D/` and `D` are the same folder.
    while name.to_string_lossy().ends_with('/') && 1 < name.len() {
        name = PathBuf::from(name.to_string_lossy().trim_end_matches('/')).into_os_string();
    }
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}
