//! `cargo xtask test`: every test of the repository.

use crate::command::{Failure, cargo, step};
use crate::setup;

pub(crate) fn run() -> Result<(), Failure> {
    setup::everything()?;
    step("tests of the host", || cargo(&["test", "--workspace"]))?;
    step("tests of the stages", || {
        cargo(&[
            "test",
            "--workspace",
            "--manifest-path",
            "plugins/Cargo.toml",
        ])
    })
}
