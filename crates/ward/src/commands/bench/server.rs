//! A real `ward serve` on a fresh data folder, as a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::BenchError;

pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) mllp: SocketAddr,
    pub(super) token: String,
    /// From the start of the process to the line that says it listens.
    pub(super) cold_start: Duration,
    data: PathBuf,
}

impl Server {
    /// Makes a data folder with a token in it.
    pub(super) fn prepare(data: &Path) -> Result<(), BenchError> {
        ward(&["init", "--data"], data, &[])?;
        let token = token_file(data);
        ward(
            &["token", "create", "--role", "integration", "--data"],
            data,
            &["--out".as_ref(), token.as_ref()],
        )
    }

    pub(super) fn start(data: &Path) -> Result<Server, BenchError> {
        Server::start_with(data, &[])
    }

    /// The same with settings from the environment.
    pub(super) fn start_with(data: &Path, settings: &[(&str, &str)]) -> Result<Server, BenchError> {
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe().map_err(BenchError::Io)?)
            .args(["serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BenchError::Io)?;
        let stdout = child.stdout.take().ok_or(BenchError::NoServer)?;
        let mut lines = BufReader::new(stdout).lines();
        let mut mllp = None;
        let address = loop {
            let line = lines.next().ok_or(BenchError::NoServer)?.map_err(BenchError::Io)?;
            if let Some(at) = line.strip_prefix("listening mllp://") {
                mllp = at.trim().parse().ok();
            }
            if let Some(at) = line.strip_prefix("listening http://") {
                break at.trim().parse().map_err(|_| BenchError::NoServer)?;
            }
        };
        let cold_start = started.elapsed();
        // The pipe must not fill up while the server runs.
        std::thread::spawn(move || lines.for_each(drop));
        let token = fs::read_to_string(token_file(data)).map_err(BenchError::Io)?;
        let token = token.trim().to_owned();
        let mllp = mllp.ok_or(BenchError::NoServer)?;
        Ok(Server { child, address, mllp, token, cold_start, data: data.to_owned() })
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(super) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    /// Bytes of the data folder.
    pub(super) fn disk_bytes(&self) -> u64 {
        folder_bytes(&self.data)
    }

    /// Asks for a clean stop and waits for it.
    pub(super) fn stop(mut self) -> Result<(), BenchError> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().map_err(BenchError::Io)?;
        self.child.wait().map_err(BenchError::Io)?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after a clean stop; otherwise nothing may outlive the benchmark.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Makes a token of a role, before the server runs.
pub(super) fn token_of(data: &Path, role: &str) -> Result<String, BenchError> {
    let file = data.with_extension(role);
    let more: &[&std::ffi::OsStr] = &["--out".as_ref(), file.as_ref()];
    ward(&["token", "create", "--role", role, "--data"], data, more)?;
    Ok(fs::read_to_string(file).map_err(BenchError::Io)?.trim().to_owned())
}

fn token_file(data: &Path) -> PathBuf {
    data.with_extension("token")
}

fn ward(args: &[&str], data: &Path, more: &[&std::ffi::OsStr]) -> Result<(), BenchError> {
    let status = Command::new(std::env::current_exe().map_err(BenchError::Io)?)
        .args(args)
        .arg(data)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(BenchError::Io)?;
    if status.success() { Ok(()) } else { Err(BenchError::NoServer) }
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
        Ok(meta) if meta.is_file() => meta.len(),
        _ => 0,
    };
    entries.flatten().map(bytes).sum()
}
