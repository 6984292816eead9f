//! A chart in a folder of its own, and the process that serves it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Client, wait_until};

/// The binary under test: `WARD_BIN`, or the one beside this test, built if it is missing.
pub fn ward() -> &'static Path {
    static WARD: OnceLock<PathBuf> = OnceLock::new();
    WARD.get_or_init(|| {
        if let Some(path) = std::env::var_os("WARD_BIN") {
            return PathBuf::from(path);
        }
        // TARGET/debug/deps/it-HASH
        let exe = std::env::current_exe().unwrap();
        let debug = exe.parent().and_then(Path::parent).unwrap();
        let path = debug.join("ward");
        if !path.exists() {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut build = Command::new(cargo);
            build
                .args(["build", "--package", "ward"])
                .env("CARGO_TARGET_DIR", debug.parent().unwrap());
            build.current_dir(std::env::var("CARGO_MANIFEST_DIR").unwrap());
            assert!(build.status().unwrap().success(), "building ward");
        }
        path
    })
}

/// The Python with clients and servers that were not written here, where it was set up.
pub fn python() -> Option<PathBuf> {
    // TARGET/debug/ward -> TARGET/clients
    let beside = || {
        let target = ward().parent().and_then(Path::parent).unwrap();
        target.join("clients/bin/python")
    };
    let python = std::env::var_os("WARD_PYTHON").map_or_else(beside, PathBuf::from);
    python.exists().then_some(python)
}

/// A chart on disk with a token, served or not.
pub struct House {
    folder: TempDir,
    pub token: String,
}

impl House {
    /// A new chart, with a token of role `integration`.
    pub fn new() -> House {
        House::on(&std::env::temp_dir())
    }

    /// The same, on a disk of the caller's choice.
    pub fn on(disk: &Path) -> House {
        let folder = tempfile::tempdir_in(disk).unwrap();
        let mut house = House { folder, token: String::new() };
        house.must(&["init"]);
        house.token = house.token_for("integration");
        house
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn token_for(&self, role: &str) -> String {
        let out = self.folder.path().join(format!("{role}.token"));
        self.must(&["token", "create", "--role", role, "--out", out.to_str().unwrap()]);
        fs::read_to_string(out).unwrap().trim().to_owned()
    }

    /// Runs `ward ARGS --data D`.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(ward());
        command.args(args).arg("--data").arg(self.data()).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs `ward ARGS --data D`, which has to end well.
    pub fn must(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ward {args:?}: {why}");
        output
    }

    /// Imports files and answers with the summary.
    pub fn import(&self, paths: &[PathBuf]) -> Value {
        let mut args = vec!["import", "--json"];
        args.extend(paths.iter().map(|p| p.to_str().unwrap()));
        let output = self.run(&args);
        let said = String::from_utf8_lossy(&output.stdout);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "import: {said} {why}");
        let last = said.lines().last().expect("a summary");
        serde_json::from_str(last).unwrap()
    }

    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// Serves with settings from the environment, such as `WARD_LIMITS_HEADER_S`.
    pub fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        self.serve_at("127.0.0.1:0", settings)
    }

    /// Serves where a server was before, for those who know it by its address.
    pub fn serve_at(&self, http: &str, settings: &[(&str, &str)]) -> Server {
        let mut child = Command::new(ward())
            .args(["serve", "--http", http, "--mllp", "127.0.0.1:0", "--data"])
            .arg(self.data())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut setup = None;
        let mut mllp = String::new();
        let address = loop {
            let Some(line) = lines.next() else { panic!("ward ended before it listened") };
            let line = line.unwrap();
            if line.starts_with("set-up token") {
                setup = line.rsplit(' ').next().map(str::to_owned);
            }
            if let Some(address) = line.strip_prefix("listening mllp") {
                mllp = address.trim_start_matches(['s', ':', '/']).to_owned();
            }
            let ready = line.strip_prefix("listening http://");
            if let Some(address) = ready.or_else(|| line.strip_prefix("listening https://")) {
                break address.trim_end_matches('/').to_owned();
            }
        };
        // What it says later has to go somewhere, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address, mllp, token: self.token.clone(), setup }
    }
}

impl Default for House {
    fn default() -> House {
        House::new()
    }
}

/// A process that serves; it ends with this value.
pub struct Server {
    child: Child,
    pub address: String,
    /// Where it listens for MLLP; empty when it does not.
    pub mllp: String,
    token: String,
    setup: Option<String>,
}

impl Server {
    /// The one-time token it printed, when no account was made yet.
    pub fn setup_token(&self) -> Option<String> {
        self.setup.clone()
    }

    /// Sends a signal and answers whether it ended well within `patience`.
    pub fn end(&mut self, signal: &str, patience: Duration) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut ended = None;
        wait_until(patience, || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.is_some_and(|status| status.success())
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address, Some(&self.token))
    }

    /// Ends it the hard way, as a loss of power would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn is_up(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Resident memory in KiB, now and at its highest.
    pub fn memory_kib(&self) -> (u64, u64) {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
