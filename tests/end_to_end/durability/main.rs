//! The real `trueline` binary, killed and let down by its disk at every point and at random ones: what was
//! committed stays, what was not is done again, and the end is the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod clocks;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod disks;
mod kills;
mod ledger;
mod outcome;
mod pipelines;
mod points;
mod random;
mod together;
mod upgrades;
