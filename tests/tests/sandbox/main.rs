//! No stage can hurt its host: hostile guests, components that want too much, a compiled-code cache
//! that was tampered with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod admission;
mod answers;
mod code_cache;
mod faults;
mod memory;
mod stage;
