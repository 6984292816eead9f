//! Reading a file of any size line by line, with its problems and how far it is.

use std::io::{self, BufRead, Read};

use super::problem::Problems;

/// Longest line that is taken, in bytes.
/// LIMIT: the longest attribute of a full RxNorm has some 30,000.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Bytes between two times that somebody is told how far it is.
const STEP_BYTES: u64 = 4 * 1024 * 1024;

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub file: &'a str,
    /// Of this file.
    pub bytes: u64,
    pub rows: u64,
}

/// What goes along with reading: the problems found, and who is told how far it is.
pub struct Intake<'a> {
    pub problems: Problems,
    tell: &'a mut dyn FnMut(Step<'_>),
}

impl<'a> Intake<'a> {
    pub fn new(tell: &'a mut dyn FnMut(Step<'_>)) -> Intake<'a> {
        Intake { problems: Problems::default(), tell }
    }

    pub fn tell(&mut self, step: Step<'_>) {
        (self.tell)(step);
    }
}

/// A file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailed {
    #[error("reading {file}")]
    Io {
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("{file}: {why}")]
    Format { file: String, why: String },
    #[error("{file} is larger than {max_bytes} bytes")]
    TooLarge { file: String, max_bytes: u64 },
}

/// Lines of a text file; what is not text or too long is noted and left out.
pub struct Lines<R> {
    source: R,
    file: String,
    line: u64,
    bytes: u64,
    told: u64,
    buffer: Vec<u8>,
}

/// One line without its end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'l> {
    pub number: u64,
    pub text: &'l str,
}

enum Filled {
    Line,
    Skipped,
    End,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R, file: &str) -> Lines<R> {
        let file = file.to_owned();
        Lines { source, file, line: 0, bytes: 0, told: 0, buffer: Vec::new() }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn next(&mut self, intake: &mut Intake<'_>) -> Result<Option<Line<'_>>, ReadFailed> {
        loop {
            match self.fill(intake)? {
                Filled::Line => break,
                Filled::Skipped => {}
                Filled::End => return Ok(None),
            }
        }
        // `fill` has looked: it is text.
        let text = std::str::from_utf8(&self.buffer).unwrap_or_default();
        Ok(Some(Line { number: self.line, text }))
    }

    fn fill(&mut self, intake: &mut Intake<'_>) -> Result<Filled, ReadFailed> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let failed = |file: &str, source| ReadFailed::Io { file: file.to_owned(), source };
        let mut line = (&mut self.source).take(limit);
        let n = line
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| failed(&self.file, source))?;
        if n == 0 {
            self.tell(intake);
            return Ok(Filled::End);
        }
        self.line = self.line.saturating_add(1);
        self.count(n);
        if self.buffer.last() != Some(&b'\n') && n == LINE_BYTES_MAX {
            let rest = self.skip().map_err(|source| failed(&self.file, source))?;
            self.count(rest);
            let says = format!("the line has more than {LINE_BYTES_MAX} bytes");
            intake.problems.note(&self.file, self.line, "", says);
            return Ok(Filled::Skipped);
        }
        while self.buffer.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            self.buffer.pop();
        }
        if STEP_BYTES <= self.bytes.saturating_sub(self.told) {
            self.tell(intake);
        }
        if std::str::from_utf8(&self.buffer).is_err() {
            intake.problems.note(&self.file, self.line, "", "the line is not UTF-8");
            return Ok(Filled::Skipped);
        }
        Ok(Filled::Line)
    }

    fn count(&mut self, n: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
    }

    fn tell(&mut self, intake: &mut Intake<'_>) {
        self.told = self.bytes;
        intake.tell(Step { file: &self.file, bytes: self.bytes, rows: self.line });
    }

    /// Passes over the rest of a line without keeping it.
    fn skip(&mut self) -> io::Result<usize> {
        let mut n = 0;
        loop {
            let found = self.source.fill_buf()?;
            if found.is_empty() {
                return Ok(n);
            }
            let end = found.iter().position(|b| *b == b'\n');
            let used = end.map_or(found.len(), |at| at + 1);
            self.source.consume(used);
            n += used;
            if end.is_some() {
                return Ok(n);
            }
        }
    }
}

/// The whole of a file that has to be in memory at once.
pub fn whole(
    source: impl Read,
    file: &str,
    max_bytes: u64,
    intake: &mut Intake<'_>,
) -> Result<Vec<u8>, ReadFailed> {
    let mut bytes = Vec::new();
    let read = source.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes);
    let n = read.map_err(|source| ReadFailed::Io { file: file.to_owned(), source })?;
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    if max_bytes < n {
        return Err(ReadFailed::TooLarge { file: file.to_owned(), max_bytes });
    }
    intake.tell(Step { file, bytes: n, rows: 1 });
    Ok(bytes)
}
