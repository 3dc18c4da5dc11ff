//! `cargo xtask bench`: measures with optimized code and writes down what was measured.

use crate::command::{Failure, cargo, step};
use crate::setup;

pub(crate) fn run() -> Result<(), Failure> {
    setup::everything()?;
    step("measuring", || {
        cargo(&["run", "--release", "-p", "trueline-tests", "--bin", "bench"])
    })
}
