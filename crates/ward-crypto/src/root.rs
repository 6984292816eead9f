//! The root key: where it comes from, and how it wraps what is below it.
//!
//! The root never lies on the data's own volume. A provider gives back opaque wrapped bytes, so
//! that a remote one (Vault transit, a cloud's KMS) fits where a file stands.

use std::{
    fmt,
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

/// What a new file asks of a passphrase: 64 MiB, 3 passes (RFC 9106, second choice, in one lane).
const STRETCH: Stretch = Stretch { memory_kib: 64 * 1024, passes: 3 };

/// LIMIT: a key file may not make its reader take more than 1 GiB or 16 passes.
const STRETCH_MAX: Stretch = Stretch { memory_kib: 1024 * 1024, passes: 16 };

/// The cost of turning a passphrase into a key. It stands in the file, so that it can rise later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stretch {
    memory_kib: u32,
    passes: u32,
}

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
                let head = format!("{HEADER_PASSPHRASE}\n{STRETCH}\n{}\n", line_of(&salt));
                let key = WrapKey::new(&STRETCH.key(passphrase, &salt)?)?;
                let wrapped = key.wrap(head.as_bytes(), &secret, random)?;
                format!("{head}{}\n", line_of(&wrapped))
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
        if let Err(error) = fill(&mut file, path, text.as_bytes()) {
            // Half a key file would only be in the way of the next attempt.
            drop(std::fs::remove_file(path));
            return Err(failed(error));
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
        let file = KeyFile::parse(&text)?;
        let protected = file.needs_passphrase();
        let secret = file.secret(passphrase)?;
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

/// Wraps anew, under `to`, what was wrapped under `from`: a change of root key.
pub fn rewrap(
    from: &dyn RootKey,
    to: &dyn RootKey,
    wrapped: &[u8],
    context: &[u8],
) -> Result<Vec<u8>, RootKeyError> {
    to.wrap(&from.unwrap(wrapped, context)?, context)
}

/// The text of a key file, taken apart and not yet opened.
///
/// - Shape: first line, then lines of base64 with a checksum. Without a passphrase the key; with
///   one its cost, its salt, and the key wrapped under what the passphrase gives.
pub struct KeyFile(Content);

enum Content {
    Plain(Secret32),
    Passphrase { stretch: Stretch, salt: Vec<u8>, wrapped: Vec<u8>, head: Vec<u8> },
}

impl KeyFile {
    pub fn parse(text: &str) -> Result<KeyFile, RootKeyError> {
        let mut lines = text.lines();
        let content = match lines.next() {
            Some(HEADER_PLAIN) => {
                let secret = bytes_of(lines.next())?;
                let secret: [u8; 32] =
                    secret.as_slice().try_into().map_err(|_| RootKeyError::Format("key length"))?;
                Content::Plain(Secret32::new(secret))
            }
            Some(HEADER_PASSPHRASE) => {
                let stretch = lines.next().and_then(Stretch::parse);
                let stretch = stretch.ok_or(RootKeyError::Format("cost of the passphrase"))?;
                let salt = bytes_of(lines.next())?.to_vec();
                let wrapped = bytes_of(lines.next())?.to_vec();
                if !(8..=64).contains(&salt.len()) {
                    return Err(RootKeyError::Format("salt length"));
                }
                let head = format!("{HEADER_PASSPHRASE}\n{stretch}\n{}\n", line_of(&salt));
                Content::Passphrase { stretch, salt, wrapped, head: head.into_bytes() }
            }
            _ => return Err(RootKeyError::Format("first line")),
        };
        match lines.next() {
            None => Ok(KeyFile(content)),
            Some(_) => Err(RootKeyError::Format("more lines than a key file has")),
        }
    }

    pub fn needs_passphrase(&self) -> bool {
        matches!(self.0, Content::Passphrase { .. })
    }

    fn secret(self, passphrase: Option<&str>) -> Result<Secret32, RootKeyError> {
        match self.0 {
            Content::Plain(secret) => Ok(secret),
            Content::Passphrase { stretch, salt, wrapped, head } => {
                let passphrase = passphrase.ok_or(RootKeyError::PassphraseMissing)?;
                let key = WrapKey::new(&stretch.key(passphrase, &salt)?)?;
                key.unwrap(&head, &wrapped).map_err(|_| RootKeyError::PassphraseWrong)
            }
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p=1", self.memory_kib, self.passes)
    }
}

impl Stretch {
    fn parse(text: &str) -> Option<Stretch> {
        let (memory_kib, rest) = text.strip_prefix("m=")?.split_once(",t=")?;
        let memory_kib = memory_kib.parse().ok()?;
        let passes = rest.strip_suffix(",p=1")?.parse().ok()?;
        let sane = (8..=STRETCH_MAX.memory_kib).contains(&memory_kib)
            && (1..=STRETCH_MAX.passes).contains(&passes);
        sane.then_some(Stretch { memory_kib, passes })
    }

    fn key(self, passphrase: &str, salt: &[u8]) -> Result<Secret32, CryptoFailed> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32));
        let params = params.map_err(|_| CryptoFailed)?;
        let mut out = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, out.as_mut_slice())
            .map_err(|_| CryptoFailed)?;
        Ok(Secret32::new(*out))
    }
}

fn fill(file: &mut File, path: &Path, text: &[u8]) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text)?;
    file.sync_all()?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
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

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
