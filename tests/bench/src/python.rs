//! The Python that peers run in, which `cargo xtask setup` installs.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository;

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
