//! `cargo xtask bench`: measures with optimized code and writes down what was measured.

use crate::command::{self, Failure, cargo, step};
use crate::setup;

const PROGRAM: &str = "target/release/trueline-bench";

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
    // Not by `cargo run`: of one package alone it selects other features, and builds nearly all of it anew.
    step("measuring", || command::run(PROGRAM, &[]))
}
