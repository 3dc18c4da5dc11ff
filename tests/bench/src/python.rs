//! The Python that peers run in, which `cargo xtask setup` installs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository;

/// The interpreter of an environment with these packages below `target/`, made if it is not there as it should be.
pub(crate) fn environment(name: &str, packages: &str) -> Result<PathBuf> {
    let folder = repository().join("target").join(name);
    let python = folder.join("bin/python");
    let wanted = folder.join("installed.txt");
    if !fs::read_to_string(&wanted).is_ok_and(|installed| installed == packages) {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        done(&mut venv)?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        done(pip.args(packages.split_whitespace()))?;
        fs::write(wanted, packages)?;
    }
    Ok(python)
}

/// Runs a command to its good end, and answers with what it printed.
pub(crate) fn done(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs one of this crate's scripts and answers with the JSON that it prints.
pub(crate) fn run<A: AsRef<OsStr>>(
    script: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<serde_json::Value> {
    let interpreter = repository().join("target/venv/bin/python");
    ensure!(
        interpreter.exists(),
        "there is no {}: type `cargo xtask setup`",
        interpreter.display()
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(script);
    let output = Command::new(interpreter)
        .arg(&script)
        .args(arguments)
        .output()?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} printed no JSON", script.display()))
}
