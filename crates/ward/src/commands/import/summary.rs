//! What an import did, for people and for scripts.

use std::{collections::BTreeMap, time::Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use ward_core::ResourceType;

use super::{
    flow::{Done, Listener},
    source::SourceFile,
    target::Loaded,
};

/// Refusals told one by one.
/// LIMIT: a screenful; the count goes on.
const TOLD_MAX: usize = 100;

#[derive(Serialize)]
pub(super) struct Summary {
    /// Loaded by this run, by type.
    resources: BTreeMap<&'static str, u64>,
    /// Loaded by an earlier run, by type.
    already: BTreeMap<&'static str, u64>,
    /// Transactions that an earlier run had loaded.
    skipped: u64,
    n_refused: u64,
    /// The first refusals.
    refused: Vec<Refused>,
    seconds: f64,
    #[serde(skip)]
    began: Instant,
    #[serde(skip)]
    bar: ProgressBar,
    #[serde(skip)]
    names: Option<Vec<String>>,
    #[serde(skip)]
    read: BTreeMap<usize, u64>,
}

#[derive(Serialize)]
struct Refused {
    /// Position of the file in the order of loading; a file's name may name a patient.
    file: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    line: usize,
    why: String,
}

impl Summary {
    pub(super) fn new(files: &[SourceFile], show_names: bool) -> Summary {
        let names = files.iter().map(|file| file.path.display().to_string());
        Summary {
            resources: BTreeMap::new(),
            already: BTreeMap::new(),
            skipped: 0,
            n_refused: 0,
            refused: Vec::new(),
            seconds: 0.0,
            began: Instant::now(),
            bar: progress(files.iter().map(|file| file.bytes).sum()),
            names: show_names.then(|| names.collect()),
            read: BTreeMap::new(),
        }
    }

    pub(super) fn end(&mut self) {
        self.bar.finish_and_clear();
        self.seconds = self.began.elapsed().as_secs_f64();
    }

    pub(super) fn n_refused(&self) -> u64 {
        self.n_refused
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.resources.iter().map(|(kind, n)| format!("{n:>9}  {kind}")).collect();
        let n: u64 = self.resources.values().sum();
        lines.push(format!("{n:>9}  in all, in {:.1} s", self.seconds));
        if self.skipped != 0 {
            let n: u64 = self.already.values().sum();
            lines.push(format!("{n:>9}  had been loaded before"));
        }
        for Refused { file, name, line, why } in &self.refused {
            let file = name.as_ref().map_or_else(|| format!("file {file}"), Clone::clone);
            lines.push(format!("refused: {file}, line {line}: {why}"));
        }
        if 0 < self.n_refused {
            lines.push(format!("{:>9}  refused", self.n_refused));
        }
        lines
    }
}

impl Listener for Summary {
    fn done(&mut self, done: Done) {
        let Done { file, line, kinds, loaded } = done;
        match loaded {
            Loaded::Now => count(&mut self.resources, &kinds),
            Loaded::Before => {
                self.skipped = self.skipped.saturating_add(1);
                count(&mut self.already, &kinds);
            }
            Loaded::Refused(why) => {
                self.n_refused = self.n_refused.saturating_add(1);
                if self.refused.len() < TOLD_MAX {
                    let names = self.names.as_ref();
                    let name = names.and_then(|it| it.get(file.checked_sub(1)?)).cloned();
                    self.refused.push(Refused { file, name, line, why });
                }
            }
        }
    }

    fn read(&mut self, file: usize, bytes: u64) {
        let known = self.read.entry(file).or_default();
        // Pieces end in another order than they began in.
        self.bar.inc(bytes.saturating_sub(*known));
        *known = bytes.max(*known);
    }
}

fn count(counts: &mut BTreeMap<&'static str, u64>, kinds: &[ResourceType]) {
    for kind in kinds {
        let n = counts.entry(kind.name()).or_default();
        *n = n.saturating_add(1);
    }
}

fn progress(n_bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(n_bytes), ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
