//! Messages in files: one, several, or a batch each; `-` is standard input.

use std::{fs, io::Read, path::PathBuf};

use ward_hl7::{batch, mllp};

use crate::Failure;

/// Largest file read whole, in bytes.
/// LIMIT: a day of a large hospital fits; memory is twice that.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Every message of every file, with its place for people: `day.hl7`, or `day.hl7:3`.
pub fn messages(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    for file in files {
        let bytes = read(file)?;
        let name = file.display().to_string();
        let split = split(&bytes);
        let several = 1 < split.len();
        for (n, message) in split.into_iter().enumerate() {
            let place = if several { format!("{name}:{}", n + 1) } else { name.clone() };
            found.push((place, message));
        }
    }
    Ok(found)
}

/// Every JSON document of every file: the whole of it, or one a line.
pub fn documents(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    for file in files {
        let bytes = read(file)?;
        let name = file.display().to_string();
        let lines: Vec<&[u8]> =
            bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
        let is_ndjson = 1 < lines.len()
            && lines.iter().all(|line| {
                line.trim_ascii().starts_with(b"{") && line.trim_ascii().ends_with(b"}")
            });
        if !is_ndjson {
            found.push((name, bytes));
            continue;
        }
        for (n, line) in lines.into_iter().enumerate() {
            found.push((format!("{name}:{}", n + 1), line.to_vec()));
        }
    }
    Ok(found)
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let failed = |e| Failure::Io("reading a file of messages", e);
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    let size = fs::metadata(file).map_err(failed)?.len();
    if FILE_BYTES_MAX < size {
        return Err(Failure::Usage(format!("{} is larger than 1 GiB", file.display())));
    }
    fs::read(file).map_err(failed)
}

/// MLLP blocks, or the messages of a batch, or of lines one after the other.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.contains(&mllp::START) {
        let mut deframer = mllp::Deframer::new(bytes.len(), mllp::AfterEnd::MayReturn);
        deframer.push(bytes);
        deframer.finish();
        let blocks = std::iter::from_fn(|| deframer.next());
        return blocks
            .filter_map(|event| match event {
                mllp::Event::Block(block) => Some(block),
                mllp::Event::Dropped(_) => None,
            })
            .collect();
    }
    let (file, _) = batch::File::read(bytes);
    let found: Vec<Vec<u8>> = file.messages().map(<[u8]>::to_vec).collect();
    // What holds no message at all is still shown as one that cannot be read.
    if found.is_empty() { vec![bytes.to_vec()] } else { found }
}
