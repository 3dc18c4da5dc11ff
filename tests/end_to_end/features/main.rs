//! The feature store through the real `trueline` binary: processes that die, a Redis that goes away, the stock
//! client of Feast, and what a push says.
//!
//! It needs the Python environment and the Redis of `cargo xtask setup`, which `cargo xtask test` makes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod deaths;
mod feast;
mod pushes;
