//! Checks which way the crates depend on each other (ARCHITECTURE.md draws the arrows).

use std::collections::BTreeSet;

use crate::command::{Failure, output, step};

/// The crates of the host, lowest first. One may depend on those before it, never on those after.
const LAYERS: &[&str] = &[
    "trueline-files",
    "trueline-table",
    "trueline-wire",
    "trueline-runtime",
    "trueline-dataset",
    "trueline-store",
    "trueline-declaration",
    "trueline-features",
    "trueline-study",
    "trueline-pipeline",
    "trueline-engine",
    "trueline-serving",
    "trueline-web",
    "trueline-cli",
];

/// A store, HTTP or a query engine: what a program that embeds the runtime must not get.
const HEAVY: &[&str] = &["rusqlite", "hyper", "axum", "datafusion"];

/// What a crate's default build may never pull in, however indirectly.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("trueline-table", HEAVY),
    // The parsers build, and are fuzzed, without the sandbox.
    (
        "trueline-wire",
        &[
            "wasmtime",
            "rusqlite",
            "hyper",
            "axum",
            "tokio",
            "datafusion",
        ],
    ),
    ("trueline-runtime", HEAVY),
    ("trueline-cli", &["datafusion", "aws-config", "aws-sdk-s3"]),
];

pub(crate) fn check() -> Result<(), Failure> {
    step("checking which crate depends on which", || {
        let mut wrong = Vec::new();
        for (position, layer) in LAYERS.iter().enumerate() {
            wrong.extend(broken(layer, &LAYERS[position + 1..])?);
        }
        for (name, forbidden) in FORBIDDEN {
            wrong.extend(broken(name, forbidden)?);
        }
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.push(
            "see who brings it in with `cargo tree -p CRATE -e normal -i DEPENDENCY`".to_owned(),
        );
        Err(Failure::new(wrong.join("\n       ")))
    })
}

fn broken(name: &str, forbidden: &[&str]) -> Result<Vec<String>, Failure> {
    let dependencies = dependencies(name)?;
    let found = forbidden
        .iter()
        .filter(|crate_name| dependencies.contains(**crate_name));
    Ok(found
        .map(|found| format!("{name} depends on {found}, which it may not"))
        .collect())
}

/// Everything that a crate's default build links, directly or not.
fn dependencies(name: &str) -> Result<BTreeSet<String>, Failure> {
    let tree = [
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
        name,
    ];
    let text = output("cargo", &tree)
        .ok_or_else(|| Failure::new(format!("`cargo {}` failed", tree.join(" "))))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect())
}
