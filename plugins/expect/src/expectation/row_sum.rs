//! What columns add up to in each row.

use trueline_sdk::order::show_float;
use trueline_sdk::prelude::*;

use super::compare::Counted;
use super::{Expectation, Interval, Seen, Tolerance, decode, encode};
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

/// The float64 sum of columns, from the first to the last; rows with a null in one are left out, NaN is in
/// no range.
pub(crate) struct Sums {
    pub(crate) about: About,
    pub(crate) places: Vec<usize>,
    pub(crate) interval: Interval,
    pub(crate) tolerance: Tolerance,
    pub(crate) most: usize,
    pub(crate) counted: Counted,
}

impl Expectation for Sums {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let columns = self.places.iter().map(|&place| rows.column(place));
        let numbers: Result<Vec<_>> = columns
            .clone()
            .map(|column| column.numbers(rows.count()))
            .collect();
        let numbers = numbers?;
        for row in 0..rows.count() {
            if !columns.clone().all(|column| column.is_valid(row)) {
                continue;
            }
            self.counted.rows += 1;
            let sum = numbers.iter().fold(0.0, |sum, column| sum + column[row]);
            if !self.interval.contains(sum) {
                self.counted.bad += 1;
                let shown = || Ok(show_float(sum));
                let examples = &mut self.counted.examples;
                examples.add(rows, row, self.most, 0, shown)?;
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.counted)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.counted.merge(decode(partial)?, self.most);
        Ok(())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let what = format!("a sum that is not {}", self.interval);
        self.counted
            .verdict(self.about, self.tolerance, &what, seen)
    }

    fn reads(&self) -> Vec<usize> {
        self.places.clone()
    }
}
