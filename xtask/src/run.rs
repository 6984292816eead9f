//! Running commands so that a person sees what is run, and a failure stops everything.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Why a command of xtask ended early.
#[derive(Debug)]
pub enum Stop {
    Why(String),
    /// A program failed, and has said why itself.
    Code(u8),
}

/// One program to run in the workspace's root.
pub struct Run(Command);

impl Run {
    pub fn new(program: impl AsRef<OsStr>) -> Run {
        let mut command = Command::new(program);
        command.current_dir(root()).stdin(Stdio::null());
        Run(command)
    }

    pub fn cargo(args: &[&str]) -> Run {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        Run::new(cargo).args(args)
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Run {
        self.0.arg(arg);
        self
    }

    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Run {
        self.0.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.0.env(name, value);
        self
    }

    /// Says what is run, runs it, and turns a failure into its exit code.
    pub fn go(mut self) -> Result<(), Stop> {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        let line = words.join(" ");
        eprintln!("+ {line}");
        let status = self.0.status().map_err(|e| Stop::Why(format!("{line}: {e}")))?;
        match status.code() {
            Some(0) => Ok(()),
            code => Err(Stop::Code(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(1))),
        }
    }

    /// True if it runs and ends well; its output is thrown away.
    pub fn works(mut self) -> bool {
        let quiet = self.0.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|s| s.success())
    }
}

/// The workspace's root.
pub fn root() -> PathBuf {
    // Asked of cargo at run time: clones that share a target folder share this program too.
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_owned)
}

/// Where cargo builds to.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}
