//! What an expectation is, whatever it expects.

mod broken;
pub(crate) mod compare;
pub(crate) mod contents;
mod count;
mod distinct;
pub(crate) mod fresh;
mod order;
mod row_sum;
mod rowwise;
mod share;
mod statistic;

use serde::Serialize;
use serde::de::DeserializeOwned;
use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::rows::Rows;
use crate::verdict::Verdict;

pub(crate) use broken::Broken;
pub(crate) use compare::Comparison;
pub(crate) use contents::{Contains, MostCommon};
pub(crate) use count::{Before, Change, RowCount};
pub(crate) use distinct::{Distinct, Share as DistinctShare, Unique};
pub(crate) use fresh::Fresh;
pub(crate) use order::Monotone;
pub(crate) use row_sum::Sums;
pub(crate) use rowwise::{Rowwise, Test, Tolerance};
pub(crate) use share::{MaxShare, What};
pub(crate) use statistic::{Interval, Moment, Moments, Quantiles};

/// What is known when everything was taken in.
pub(crate) struct Seen<'k> {
    pub(crate) rows: u64,
    /// Of the input `previous`, if there is one.
    pub(crate) previous: Option<u64>,
    /// The columns that name a row.
    pub(crate) key: &'k [String],
}

/// One thing that is expected of a table.
pub(crate) trait Expectation {
    /// Takes in a batch.
    ///
    /// # Errors
    /// If a column is not of the type that it was made for.
    fn update(&mut self, rows: &Rows<'_>) -> Result<()>;

    /// What was taken in so far, for another instance.
    ///
    /// # Errors
    /// If it cannot be written.
    fn partial(&self) -> Result<Vec<u8>>;

    /// Takes in what another instance took in.
    ///
    /// # Errors
    /// If the bytes are not a partial of it.
    fn merge(&mut self, partial: &[u8]) -> Result<()>;

    /// Whether it was met.
    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict;

    /// The places of the columns that it reads.
    fn reads(&self) -> Vec<usize>;

    /// Memory that grows with the rows.
    fn bytes_per_row(&self) -> u32 {
        0
    }
}

/// The bytes of what an expectation took in.
fn encode<T: Serialize>(taken: &T) -> Result<Vec<u8>> {
    state::encode(taken)
}

/// What `encode` made these bytes of.
fn decode<T: DeserializeOwned>(partial: &[u8]) -> Result<T> {
    state::decode(partial)
}
