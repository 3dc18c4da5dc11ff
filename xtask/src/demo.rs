//! `cargo xtask demo`: from a clone to a proven package on real data.

use crate::command::{self, Failure, cargo, step};
use crate::setup;

const TRUELINE: &str = "target/debug/trueline";
const PIPELINE: &str = "examples/flights/pipeline.toml";

pub(crate) fn run() -> Result<(), Failure> {
    setup::stage_compiler()?;
    step("building trueline and its stages", || {
        // Features as the tests select them, so that no dependency is compiled twice.
        cargo(&["build", "--workspace", "--bin", "trueline"])
    })?;
    step("training on 2013's flights from New York", || {
        // The stages were just built: a lock file of an earlier build names others.
        command::run(TRUELINE, &["run", "--update-lock", PIPELINE])
    })?;
    step("proving the bytes", || {
        command::run(TRUELINE, &["verify", PIPELINE])
    })?;
    println!("{NEXT}");
    Ok(())
}

const NEXT: &str = "
What to type next:
  target/debug/trueline runs examples/flights/pipeline.toml          every run, newest first
  target/debug/trueline package list examples/flights/pipeline.toml  what can be served
  target/debug/trueline run examples/flights/strict.toml             a gate that says no
  cargo xtask test                                                   every test";
