//! What the tests of the whole system share.
//!
//! The tests themselves are in `tests/`: the sandbox against hostile guests (`sandbox`), the four laws
//! of every standard stage as a component (`stage_laws`), and what scikit-learn says of the same rows
//! (`peers`). Those in `end_to_end/` run the real `trueline`
//! binary (`cli`), and the example on real data (`flights`). Cargo tells the path of a binary only to the
//! tests of its own package, so `host/cli/Cargo.toml` names them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails the test that called it"
)]

pub mod guests;
pub mod project;
pub mod redis;
pub mod rows;
pub mod server;

use std::path::{Path, PathBuf};

/// The folder that holds the whole repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().to_owned()
}
