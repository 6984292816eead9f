//! A version of the knowledge base as one file: compressed, checked, named by what is in it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::facts::Facts;

/// What a file begins with: its kind and the form of what follows.
const MAGIC: &[u8; 8] = b"WARDKB1\n";

/// Digest and length.
const HEAD_BYTES: usize = 8 + 32 + 8;

/// Largest content, in bytes.
/// LIMIT: a full RxNorm and every label of DailyMed stay below one thousand million.
pub const CONTENT_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// How hard it is compressed. A version is written once and read at each start.
const LEVEL: i32 = 6;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0}")]
    Io(String, #[source] io::Error),
    #[error("{0} is not a knowledge base of Ward")]
    Kind(String),
    #[error("{0} is damaged: its content is not what its digest says")]
    Damaged(String),
    #[error("{0} cannot be understood by this version of Ward")]
    Form(String, #[source] serde_json::Error),
    #[error("the knowledge base is larger than {CONTENT_BYTES_MAX} bytes")]
    TooLarge,
    #[error("no knowledge base is called {0}")]
    NoSuch(String),
}

/// Bytes of a file, and the name they have.
pub struct Encoded {
    pub version: String,
    pub bytes: Vec<u8>,
}

/// The same facts make the same bytes and the same name.
pub fn encode(facts: &Facts) -> Result<Encoded, FileError> {
    let content = serde_json::to_vec(facts)
        .map_err(|e| FileError::Form("the knowledge base".to_owned(), e))?;
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if CONTENT_BYTES_MAX < length {
        return Err(FileError::TooLarge);
    }
    let digest = ward_crypto::sha256(&content);
    let packed = zstd::encode_all(content.as_slice(), LEVEL)
        .map_err(|e| FileError::Io("compressing".to_owned(), e))?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + packed.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&packed);
    Ok(Encoded { version: version_of(&digest), bytes })
}

/// Reads what [`encode`] has written.
///
/// - Errors: anything that is not byte for byte what was written.
pub fn decode(mut source: impl Read, name: &str) -> Result<(String, Facts), FileError> {
    let failed = |e| FileError::Io(format!("reading {name}"), e);
    let mut head = [0; HEAD_BYTES];
    source.read_exact(&mut head).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => FileError::Kind(name.to_owned()),
        _ => failed(e),
    })?;
    let (magic, rest) = head.split_at(MAGIC.len());
    let (digest, length) = rest.split_at(32);
    if magic != MAGIC {
        return Err(FileError::Kind(name.to_owned()));
    }
    let damaged = || FileError::Damaged(name.to_owned());
    let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?);
    if CONTENT_BYTES_MAX < length {
        return Err(FileError::TooLarge);
    }
    let decoder = zstd::Decoder::new(source).map_err(failed)?;
    let mut content = Vec::new();
    // What is damaged inside fails to unpack.
    decoder.take(length.saturating_add(1)).read_to_end(&mut content).map_err(|_| damaged())?;
    if u64::try_from(content.len()).ok() != Some(length)
        || ward_crypto::sha256(&content).as_slice() != digest
    {
        return Err(damaged());
    }
    let mut facts: Facts =
        serde_json::from_slice(&content).map_err(|e| FileError::Form(name.to_owned(), e))?;
    facts.release.index();
    let digest: [u8; 32] = digest.try_into().map_err(|_| damaged())?;
    Ok((version_of(&digest), facts))
}

fn version_of(digest: &[u8; 32]) -> String {
    let hex: Vec<String> = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    format!("kb-{}", hex.concat())
}

/// The versions of a house, and which of them is in use.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// The file that names the version in use.
const CURRENT: &str = "current";

impl Shelf {
    pub fn new(folder: &Path) -> Shelf {
        Shelf { folder: folder.to_owned() }
    }

    fn path(&self, version: &str) -> Option<PathBuf> {
        let is_version = version.starts_with("kb-")
            && version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_version.then(|| self.folder.join(format!("{version}.wardkb")))
    }

    /// Keeps a version; it is there whole or not at all.
    pub fn put(&self, facts: &Facts) -> Result<String, FileError> {
        let Encoded { version, bytes } = encode(facts)?;
        let path = self.path(&version).ok_or_else(|| FileError::NoSuch(version.clone()))?;
        self.write(&path, &bytes)?;
        Ok(version)
    }

    /// Reads a version.
    ///
    /// - Errors: also when the file's content has another name than the file.
    pub fn get(&self, version: &str) -> Result<Facts, FileError> {
        let no_such = || FileError::NoSuch(version.to_owned());
        let path = self.path(version).ok_or_else(no_such)?;
        let name = path.display().to_string();
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_such()),
            other => other.map_err(|e| FileError::Io(format!("opening {name}"), e))?,
        };
        let (found, facts) = decode(io::BufReader::new(file), &name)?;
        if found == version { Ok(facts) } else { Err(FileError::Damaged(name)) }
    }

    /// Names of the versions that are there.
    pub fn versions(&self) -> Result<Vec<String>, FileError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|e| FileError::Io("the folder of versions".to_owned(), e))?,
        };
        let mut versions: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|it| Some(it.file_name().to_str()?.strip_suffix(".wardkb")?.to_owned()))
            .collect();
        versions.sort();
        Ok(versions)
    }

    /// The version in use; `None` when the starter is.
    pub fn current(&self) -> Result<Option<String>, FileError> {
        match fs::read_to_string(self.folder.join(CURRENT)) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|it| !it.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::Io("which version is in use".to_owned(), error)),
        }
    }

    /// Takes a version into use; `None` is the starter. A running server follows within a second.
    pub fn set_current(&self, version: Option<&str>) -> Result<(), FileError> {
        let text = version.map(|it| format!("{it}\n")).unwrap_or_default();
        self.write(&self.folder.join(CURRENT), text.as_bytes())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        let failed = |e| FileError::Io(format!("writing {}", path.display()), e);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).open(&new).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)?;
        // The name is durable when the folder is.
        File::open(&self.folder).and_then(|it| it.sync_all()).map_err(failed)
    }
}
