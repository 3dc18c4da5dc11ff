//! Beside XGBoost itself: `tests/python/xgboost_parity.py` trains both on many tables and compares every
//! array of their models, and how each reads the other's.
//!
//! It needs the Python environment of `cargo xtask setup`, which `cargo xtask test` makes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{env, path::Path, process::Command};

/// Runs the script with the example `train_csv`, which Cargo builds with the tests.
fn check(what: &str) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = repository.join("target/venv/bin/python");
    assert!(
        python.exists(),
        "there is no {}; type `cargo xtask setup`",
        python.display()
    );
    // target/debug/deps/peer-1234, beside target/debug/examples.
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let output = Command::new(python)
        .arg(repository.join("tests/python/xgboost_parity.py"))
        .arg(what)
        .arg(profile.join("examples/train_csv"))
        // Other tests run beside.
        .env("OMP_NUM_THREADS", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
}

#[test]
fn trees_and_answers_are_xgboosts() {
    check("trees");
}

#[test]
fn models_are_as_good_as_xgboosts() {
    check("quality");
}

#[test]
fn rankings_by_drawn_pairs_are_as_good_as_xgboosts() {
    check("rankings");
}
