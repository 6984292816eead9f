//! Files to load, cut into transactions.

#![expect(
    clippy::indexing_slicing,
    reason = "an absent member of a serde_json value reads as null"
)]

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::Failure;

/// Resources of NDJSON that go in one transaction.
/// LIMIT: one durable commit of a few milliseconds.
const LINES_PER_BATCH: usize = 200;

/// One file to load.
pub(super) struct SourceFile {
    path: PathBuf,
    pub(super) bytes: u64,
}

/// One transaction's worth of a file.
pub(super) struct Batch {
    /// The transaction, or why there is none.
    pub(super) bundle: Result<Vec<u8>, String>,
    pub(super) kinds: Vec<String>,
    /// The line it starts at, from 1.
    pub(super) line: usize,
    pub(super) bytes: u64,
}

/// The batches of one open file.
pub(super) enum Batches {
    Bundle(Option<PathBuf>),
    Lines { reader: BufReader<fs::File>, line: usize, refused: VecDeque<Batch> },
}

/// The files in order: what others refer to comes first.
pub(super) fn files_of(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    const ORDER: [&[&str]; 3] =
        [&["hospital", "organization"], &["location", "practitioner"], &["patient"]];
    let mut files = Vec::new();
    for path in paths {
        gather(path, &mut files)?;
    }
    files.sort_by_cached_key(|file: &SourceFile| {
        let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = name.to_lowercase();
        let comes_first = |words: &&[&str]| words.iter().any(|word| name.starts_with(word));
        (ORDER.iter().position(comes_first).unwrap_or(ORDER.len()), file.path.clone())
    });
    Ok(files)
}

fn gather(path: &Path, files: &mut Vec<SourceFile>) -> Result<(), Failure> {
    let failed = |e| Failure::Io("reading a file or folder to import", e);
    let meta = fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_ours = path.is_dir()
                || path.extension().is_some_and(|ext| ext == "json" || ext == "ndjson");
            // The log of a bulk export is no resource.
            let is_log = path.file_name().is_some_and(|name| name == "log.ndjson");
            if is_ours && !is_log {
                gather(&path, files)?;
            }
        }
        return Ok(());
    }
    files.push(SourceFile { path: path.to_owned(), bytes: meta.len() });
    Ok(())
}

/// Names a batch by its content, so that a second run knows it.
pub(super) fn mark_of(bundle: &[u8], _: &SourceFile, batch: &Batch) -> String {
    let mut named = bundle.to_vec();
    named.extend_from_slice(&batch.line.to_be_bytes());
    ward_crypto::sha256(&named).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SourceFile {
    pub(super) fn open(&self) -> Result<Batches, Failure> {
        if self.path.extension().is_some_and(|ext| ext == "ndjson") {
            let file = fs::File::open(&self.path)
                .map_err(|e| Failure::Io("opening a file to import", e))?;
            return Ok(Batches::Lines {
                reader: BufReader::with_capacity(1 << 20, file),
                line: 0,
                refused: VecDeque::new(),
            });
        }
        Ok(Batches::Bundle(Some(self.path.clone())))
    }
}

impl Batches {
    pub(super) fn next_batch(&mut self) -> Result<Option<Batch>, Failure> {
        match self {
            Batches::Bundle(path) => match path.take() {
                None => Ok(None),
                Some(path) => {
                    let text =
                        fs::read(path).map_err(|e| Failure::Io("reading a file to import", e))?;
                    Ok(Some(bundle_of(text)))
                }
            },
            Batches::Lines { reader, line, refused } => {
                if let Some(batch) = refused.pop_front() {
                    return Ok(Some(batch));
                }
                lines(reader, line, refused)
            }
        }
    }
}

fn bundle_of(text: Vec<u8>) -> Batch {
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let batch = |bundle, kinds| Batch { bundle, kinds, line: 1, bytes };
    let Ok(tree) = serde_json::from_slice::<Value>(&text) else {
        return batch(Err("not JSON".to_owned()), Vec::new());
    };
    let entries = tree["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let kinds: Vec<String> =
        entries.iter().filter_map(|entry| kind_of(&entry["resource"])).collect();
    if tree["resourceType"] != "Bundle" {
        // A single resource.
        let Some(kind) = kind_of(&tree) else {
            return batch(Err("neither a bundle nor a resource".to_owned()), Vec::new());
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        return batch(transaction_of(&[(tree, text)]), vec![kind]);
    }
    match tree["type"].as_str() {
        Some("transaction") => batch(Ok(text), kinds),
        Some("collection" | "searchset" | "document" | "batch") => {
            let resources: Vec<(Value, String)> = entries
                .iter()
                .map(|entry| (entry["resource"].clone(), entry["resource"].to_string()))
                .collect();
            batch(transaction_of(&resources), kinds)
        }
        _ => batch(Err("a bundle of a type that is not loaded".to_owned()), Vec::new()),
    }
}

fn lines(
    reader: &mut BufReader<fs::File>,
    line: &mut usize,
    refused: &mut VecDeque<Batch>,
) -> Result<Option<Batch>, Failure> {
    let first = *line + 1;
    let mut resources = Vec::new();
    let mut kinds = Vec::new();
    let mut bytes = 0;
    let mut text = String::new();
    while resources.len() < LINES_PER_BATCH {
        text.clear();
        let n =
            reader.read_line(&mut text).map_err(|e| Failure::Io("reading a file to import", e))?;
        if n == 0 {
            break;
        }
        *line += 1;
        let n_bytes = u64::try_from(n).unwrap_or(0);
        bytes += n_bytes;
        if text.trim().is_empty() {
            continue;
        }
        let tree = serde_json::from_str::<Value>(&text).ok();
        match tree.and_then(|tree| Some((kind_of(&tree)?, tree))) {
            Some((kind, tree)) => {
                kinds.push(kind);
                resources.push((tree, text.trim().to_owned()));
            }
            None => refused.push_back(Batch {
                bundle: Err("not a resource in JSON".to_owned()),
                kinds: Vec::new(),
                line: *line,
                bytes: 0,
            }),
        }
    }
    if resources.is_empty() {
        return Ok(refused.pop_front());
    }
    Ok(Some(Batch { bundle: transaction_of(&resources), kinds, line: first, bytes }))
}

/// A transaction that puts each resource where its id says.
///
/// The resource's own text is kept, so that numbers stay as they were written.
fn transaction_of(resources: &[(Value, String)]) -> Result<Vec<u8>, String> {
    let mut out = String::from(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    for (at, (tree, text)) in resources.iter().enumerate() {
        let kind = kind_of(tree).ok_or("a resource without a type")?;
        let request = match tree["id"].as_str() {
            Some(id) => json!({"method": "PUT", "url": format!("{kind}/{id}")}),
            None => json!({"method": "POST", "url": kind}),
        };
        if at != 0 {
            out.push(',');
        }
        out.push_str(&format!(r#"{{"resource":{text},"request":{request}}}"#));
    }
    out.push_str("]}");
    Ok(out.into_bytes())
}

fn kind_of(resource: &Value) -> Option<String> {
    resource["resourceType"].as_str().map(str::to_owned)
}
