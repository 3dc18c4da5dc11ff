//! `cargo xtask test`: every test of the repository.

use crate::command::{Failure, cargo, step};
use crate::setup;

pub(crate) fn run() -> Result<(), Failure> {
    setup::everything()?;
    step("building and running every test", || {
        cargo(&["test", "--workspace"])
    })
}
