//! The files of a listener's certificate, followed while it listens.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;
use ward_crypto::tls;
use ward_interop::listen::{Certificate, Tls};

/// How often the files are looked at.
/// LIMIT: a new certificate is in use within five seconds.
const REST: Duration = Duration::from_secs(5);

/// The files of one certificate.
pub struct CertificateFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// With it, every client must show a certificate signed by it.
    pub client_ca: Option<PathBuf>,
}

impl CertificateFiles {
    /// The certificate as it is now, and as it will be; follows its files until nobody listens.
    ///
    /// - Shape: `None` is plain TCP.
    pub fn follow(files: Option<CertificateFiles>) -> Result<Tls, tls::TlsError> {
        let first = files.as_ref().map(CertificateFiles::load).transpose()?;
        let (sender, tls) = watch::channel(first);
        if let Some(files) = files {
            tokio::spawn(files.watch(sender));
        }
        Ok(tls)
    }

    fn load(&self) -> Result<Certificate, tls::TlsError> {
        tls::server_config(&self.cert, &self.key, self.client_ca.as_deref(), &[]).map(Arc::new)
    }

    fn changed(&self) -> Vec<Option<SystemTime>> {
        let files = [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()];
        files.into_iter().flatten().map(|path| written(path)).collect()
    }

    /// Uses a new certificate for the connections after it; one that cannot be read is passed over.
    async fn watch(self, sender: watch::Sender<Option<Certificate>>) {
        let mut known = self.changed();
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(REST) => {}
            }
            let changed = self.changed();
            if changed == known {
                continue;
            }
            match self.load() {
                Ok(config) => {
                    known = changed;
                    tracing::info!("certificate of a listener read again");
                    let _nobody_listens = sender.send(Some(config));
                }
                Err(error) => tracing::error!(%error, "new certificate not used"),
            }
        }
    }
}

/// When a file was last written.
pub fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
