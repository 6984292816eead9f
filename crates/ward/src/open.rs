//! Where the chart and its keys are, and how they are opened from the command line.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ward_crypto::{OsRandom, RootKey, RootKeyFile, RootKeyVariable};
use ward_policy::Policy;
use ward_store::{Chart, ChartOptions, StoreLimits};

use crate::Failure;

/// The environment variable that may hold the root key instead of a file.
const ROOT_VARIABLE: &str = "WARD_ROOT_KEY";

/// Where the chart is.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// Folder of the chart.
    #[arg(long, default_value = "./ward-data", env = "WARD_DATA")]
    pub data: PathBuf,
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

impl Place {
    pub fn keys(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| beside(&self.data, "keys"))
    }

    pub fn anchor(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| beside(&self.data, "checkpoints"))
    }

    pub fn socket(&self) -> PathBuf {
        self.data.join("ward.sock")
    }

    /// The provider of the root key: the variable if it is set, else the file.
    pub fn root(&self, is_new: bool) -> Result<Arc<dyn RootKey>, Failure> {
        if let Ok(value) = std::env::var(ROOT_VARIABLE) {
            return Ok(Arc::new(RootKeyVariable::new(ROOT_VARIABLE, &value)?));
        }
        let path = self.keys();
        RootKeyFile::check_outside(&path, &self.data)?;
        let passphrase = match &self.passphrase_file {
            None => None,
            Some(file) => Some(
                fs::read_to_string(file)
                    .map_err(|e| Failure::Io("reading the passphrase file", e))?,
            ),
        };
        let passphrase = passphrase.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
        Ok(Arc::new(if is_new {
            RootKeyFile::create(&path, passphrase, &OsRandom::default())?
        } else {
            RootKeyFile::open(&path, passphrase)?
        }))
    }

    pub fn options(&self, root: Arc<dyn RootKey>) -> ChartOptions {
        ChartOptions {
            data: self.data.clone(),
            root,
            random: Arc::new(OsRandom::default()),
            policy: Arc::new(Policy::standard()),
            anchors: vec![self.anchor()],
            limits: StoreLimits::default(),
        }
    }

    pub fn open(&self) -> Result<Chart, Failure> {
        let root = self.root(false)?;
        Ok(Chart::open(self.options(root), ward_web::now())?)
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
