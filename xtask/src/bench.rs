//! `cargo xtask bench`.

use crate::run::{self, Run, Stop};

/// Builds with optimizations and runs `ward bench`.
pub fn run(rest: &[&str]) -> Result<(), Stop> {
    Run::cargo(&["build", "--release", "--package", "ward"]).go()?;
    let ward = Run::new(run::target().join("release/ward")).arg("bench");
    let ["--flush-us", us, rest @ ..] = rest else { return ward.args(rest).go() };
    let library = run::target().join("slow_flush.so");
    let source = run::root().join("xtask/data/slow_flush.c");
    Run::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).go()?;
    ward.args(rest).env("LD_PRELOAD", library).env("WARD_FLUSH_US", us).go()
}
