//! Quantiles that do not depend on the order of the values, nor on how they were split and merged.
//!
//! Both kinds count values in buckets that share the leading bits of a key: the bits of an
//! `f64` rearranged so that they sort like the numbers. Counts are integers, so merging is exact.
//!
//! - [`QuantileSketch`] takes one pass and answers within a stated relative error.
//! - [`QuantileRefiner`] takes four passes over the same rows, each of which settles 16 more bits
//!   of the wanted values, and gives the exact answer in bounded memory.
//!
//! NaN is not counted (leave nulls out), `-0.0` is `0.0`, and infinities are values like all
//! others.
#![expect(
    clippy::cast_possible_truncation,
    reason = "ranks are below the count of values"
)]

mod buckets;
mod order;
mod refiner;
mod sketch;
#[cfg(test)]
mod tests;

pub use refiner::{OrderStatistics, QuantileRefiner};
pub use sketch::QuantileSketch;
