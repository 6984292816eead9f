//! The root key: where it comes from, and how it wraps what is below it.
//!
//! The root never lies on the data's own volume. A provider gives back opaque wrapped bytes, so
//! that a remote one (Vault transit, a cloud's KMS) fits where a file stands.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{CryptoFailed, OpenError, Random, Secret32, hierarchy::WrapKey, sha256};

/// Wraps and unwraps keys under a root that only the provider knows.
pub trait RootKey: Send + Sync {
    fn wrap(&self, plain: &Secret32, context: &[u8]) -> Result<Vec<u8>, RootKeyError>;
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, RootKeyError>;
    /// The kind of provider and where it is, for the compliance report; never key material.
    fn describe(&self) -> String;
}

#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    #[error("key file `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("key file `{0}` can be read by others than its owner; set its mode to 0600")]
    Readable(PathBuf),
    #[error("key file `{0}` lies inside the data folder; a thief of one would have both")]
    InsideData(PathBuf),
    #[error("not a Ward key file, or cut short: {0}")]
    Format(&'static str),
    #[error("the key needs a passphrase")]
    PassphraseMissing,
    #[error("wrong passphrase, or the key file was changed")]
    PassphraseWrong,
    #[error("environment variable `{0}` is not set to 32 bytes in base64")]
    Variable(String),
    #[error("the key below was wrapped by another root key, or was changed")]
    WrongRoot(#[source] OpenError),
    #[error(transparent)]
    Crypto(#[from] CryptoFailed),
    #[error("the key provider does not answer: {0}")]
    Unavailable(String),
}

impl RootKeyError {
    pub fn kind(&self) -> ward_core::Kind {
        match self {
            RootKeyError::Unavailable(_) | RootKeyError::Io { .. } => ward_core::Kind::Unavailable,
            RootKeyError::Crypto(_) => ward_core::Kind::Bug,
            _ => ward_core::Kind::Refused,
        }
    }
}

/// A root key in a file of its own, mode 0600, with or without a passphrase.
pub struct RootKeyFile {
    path: PathBuf,
    wrap: WrapKey,
    protected: bool,
}

const HEADER_PLAIN: &str = "ward-root-key-1";
const HEADER_PASSPHRASE: &str = "ward-root-key-1-argon2id";

/// LIMIT: a key file is a few lines; anything larger is not one.
const FILE_BYTES_MAX: u64 = 4096;

/// Memory, passes and lanes of the passphrase hash: 64 MiB, 3, 1 (RFC 9106, second choice).
const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;

impl RootKeyFile {
    /// Makes a new key in a new file, and refuses to replace an old one.
    pub fn create(
        path: &Path,
        passphrase: Option<&str>,
        random: &dyn Random,
    ) -> Result<RootKeyFile, RootKeyError> {
        let secret = Secret32::random(random)?;
        let text = match passphrase {
            None => format!("{HEADER_PLAIN}\n{}\n", line_of(secret.expose())),
            Some(passphrase) => {
                let mut salt = [0; 16];
                random.fill(&mut salt)?;
                let key = WrapKey::new(&stretch(passphrase, &salt)?)?;
                let wrapped = key.wrap(HEADER_PASSPHRASE.as_bytes(), &secret, random)?;
                format!("{HEADER_PASSPHRASE}\n{}\n{}\n", line_of(&salt), line_of(&wrapped))
            }
        };
        let text = Zeroizing::new(text);
        let failed = |source| RootKeyError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|it| it.sync_all()).map_err(failed)?;
        }
        Ok(RootKeyFile {
            path: path.to_owned(),
            wrap: WrapKey::new(&secret)?,
            protected: passphrase.is_some(),
        })
    }

    /// Opens an existing key file.
    pub fn open(path: &Path, passphrase: Option<&str>) -> Result<RootKeyFile, RootKeyError> {
        let failed = |source| RootKeyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(RootKeyError::Readable(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let secret = secret_of(&text, passphrase)?;
        let protected = text.starts_with(HEADER_PASSPHRASE);
        Ok(RootKeyFile { path: path.to_owned(), wrap: WrapKey::new(&secret)?, protected })
    }

    /// Refuses a key file that lies in the data folder.
    pub fn check_outside(path: &Path, data: &Path) -> Result<(), RootKeyError> {
        // A file that does not exist yet is placed by its folder.
        let place = |path: &Path| {
            let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            match (whole.canonicalize(), whole.parent(), whole.file_name()) {
                (Ok(real), _, _) => real,
                (Err(_), Some(folder), Some(name)) => {
                    folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(name)
                }
                _ => whole,
            }
        };
        if place(path).starts_with(place(data)) {
            return Err(RootKeyError::InsideData(path.to_owned()));
        }
        Ok(())
    }
}

impl RootKey for RootKeyFile {
    fn wrap(&self, plain: &Secret32, context: &[u8]) -> Result<Vec<u8>, RootKeyError> {
        // Wrapping happens a few times in the life of a chart: the system's source is right here.
        Ok(self.wrap.wrap(context, plain, &crate::OsRandom::default())?)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, RootKeyError> {
        self.wrap.unwrap(context, wrapped).map_err(RootKeyError::WrongRoot)
    }

    fn describe(&self) -> String {
        let passphrase = if self.protected { "with" } else { "without" };
        format!("key file {} {passphrase} passphrase", self.path.display())
    }
}

/// A root key in an environment variable, for platforms that inject secrets that way.
pub struct RootKeyVariable {
    name: String,
    wrap: WrapKey,
}

impl RootKeyVariable {
    /// Takes the value as it was read at the edge.
    pub fn new(name: &str, value: &str) -> Result<RootKeyVariable, RootKeyError> {
        let wrong = || RootKeyError::Variable(name.to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(value.trim()).map_err(|_| wrong())?);
        let secret: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
        let wrap = WrapKey::new(&Secret32::new(secret))?;
        Ok(RootKeyVariable { name: name.to_owned(), wrap })
    }
}

impl RootKey for RootKeyVariable {
    fn wrap(&self, plain: &Secret32, context: &[u8]) -> Result<Vec<u8>, RootKeyError> {
        Ok(self.wrap.wrap(context, plain, &crate::OsRandom::default())?)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, RootKeyError> {
        self.wrap.unwrap(context, wrapped).map_err(RootKeyError::WrongRoot)
    }

    fn describe(&self) -> String {
        format!("environment variable {}", self.name)
    }
}

fn secret_of(text: &str, passphrase: Option<&str>) -> Result<Secret32, RootKeyError> {
    let mut lines = text.lines();
    match lines.next() {
        Some(HEADER_PLAIN) => {
            let secret = bytes_of(lines.next())?;
            let secret: [u8; 32] =
                secret.as_slice().try_into().map_err(|_| RootKeyError::Format("key length"))?;
            Ok(Secret32::new(secret))
        }
        Some(HEADER_PASSPHRASE) => {
            let passphrase = passphrase.ok_or(RootKeyError::PassphraseMissing)?;
            let salt = bytes_of(lines.next())?;
            let wrapped = bytes_of(lines.next())?;
            let key = WrapKey::new(&stretch(passphrase, &salt)?)?;
            key.unwrap(HEADER_PASSPHRASE.as_bytes(), &wrapped)
                .map_err(|_| RootKeyError::PassphraseWrong)
        }
        _ => Err(RootKeyError::Format("first line")),
    }
}

/// Base64, then the first eight hex digits of its SHA-256, so that a bad copy is noticed.
fn line_of(bytes: &[u8]) -> String {
    let sum = sha256(bytes);
    let sum: String = sum.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("{} {sum}", STANDARD.encode(bytes))
}

fn bytes_of(line: Option<&str>) -> Result<Zeroizing<Vec<u8>>, RootKeyError> {
    let line = line.ok_or(RootKeyError::Format("a line is missing"))?;
    let (text, _) = line.split_once(' ').ok_or(RootKeyError::Format("checksum missing"))?;
    let bytes = STANDARD.decode(text).map_err(|_| RootKeyError::Format("base64"))?;
    if line_of(&bytes) != line.trim_end() {
        return Err(RootKeyError::Format("checksum"));
    }
    Ok(Zeroizing::new(bytes))
}

fn stretch(passphrase: &str, salt: &[u8]) -> Result<Secret32, CryptoFailed> {
    let params =
        Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, 1, Some(32)).map_err(|_| CryptoFailed)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut out)
        .map_err(|_| CryptoFailed)?;
    Ok(Secret32::new(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_key_file_is_private_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let random = SeededRandom::new(1);
        let made = RootKeyFile::create(&path, None, &random).unwrap();
        let secret = Secret32::new([4; 32]);
        let wrapped = made.wrap(&secret, b"tenant").unwrap();

        let opened = RootKeyFile::open(&path, None).unwrap();
        assert_eq!(opened.unwrap(&wrapped, b"tenant").unwrap().expose(), secret.expose());
        assert!(matches!(opened.unwrap(&wrapped, b"other"), Err(RootKeyError::WrongRoot(_))));
        assert!(matches!(RootKeyFile::create(&path, None, &random), Err(RootKeyError::Io { .. })));
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::Readable(_))));

        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen(&text[20..21], "_", 1)).unwrap();
        assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::Format(_))));
    }

    #[test]
    fn a_passphrase_is_needed_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made =
            RootKeyFile::create(&path, Some("correct horse"), &SeededRandom::new(1)).unwrap();
        let wrapped = made.wrap(&Secret32::new([4; 32]), b"x").unwrap();
        assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::PassphraseMissing)));
        assert!(matches!(
            RootKeyFile::open(&path, Some("battery")),
            Err(RootKeyError::PassphraseWrong)
        ));
        let opened = RootKeyFile::open(&path, Some("correct horse")).unwrap();
        assert!(opened.unwrap(&wrapped, b"x").is_ok());
    }

    #[test]
    fn a_key_inside_the_data_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        assert!(RootKeyFile::check_outside(&data.join("keys"), &data).is_err());
        assert!(RootKeyFile::check_outside(&data.join("../data/keys"), &data).is_err());
        assert!(RootKeyFile::check_outside(&folder.path().join("data.keys"), &data).is_ok());
    }

    #[test]
    fn a_variable_is_32_bytes_in_base64() {
        assert!(RootKeyVariable::new("K", &STANDARD.encode([1; 32])).is_ok());
        for bad in ["", "AAAA", "not base64!"] {
            assert!(matches!(RootKeyVariable::new("K", bad), Err(RootKeyError::Variable(_))));
        }
    }
}
