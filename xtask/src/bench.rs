//! `cargo xtask bench`: measures with optimized code and writes down what was measured.

use crate::command::{Failure, cargo, step};
use crate::setup;

pub(crate) fn run() -> Result<(), Failure> {
    setup::everything()?;
    step("building with optimization", || {
        cargo(&[
            "build",
            "--release",
            "-p",
            "trueline-cli",
            "-p",
            "trueline-bench",
        ])
    })?;
    step("measuring", || {
        cargo(&["run", "--release", "-p", "trueline-bench"])
    })
}
