//! Differences of moments.

use trueline_sdk::{Batch, Result, Values};

use crate::eval::unexpected;

const MICROSECONDS_PER_DAY: i128 = 86_400_000_000;

/// The time from one moment to another, in a unit.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) unit_microseconds: f64,
}

/// A moment of a row, or one for all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A timestamp or date column of the batch; a date is its midnight in UTC.
    Input(usize),
    /// Microseconds since the epoch.
    Fixed(i64),
}

impl Difference {
    /// The numbers of the rows from `start` on; missing where a moment is.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        for (row, number) in (start..).zip(numbers) {
            let (from, to) = (self.from.of(batch, row)?, self.to.of(batch, row)?);
            *number = match (from, to) {
                // Wider than int64, which dates and differences leave; the quotient is rounded once more.
                (Some(from), Some(to)) => (to - from) as f64 / self.unit_microseconds,
                _ => f64::NAN,
            };
        }
        Ok(())
    }
}

impl Moment {
    fn of(self, batch: &Batch<'_>, row: usize) -> Result<Option<i128>> {
        let input = match self {
            Self::Input(input) => input,
            Self::Fixed(microseconds) => return Ok(Some(microseconds.into())),
        };
        let column = batch.column(input);
        let microseconds = match &column.values {
            Values::Timestamp(values) => i128::from(values[row]),
            Values::Date(values) => i128::from(values[row]) * MICROSECONDS_PER_DAY,
            _ => return Err(unexpected(column)),
        };
        Ok(column.is_valid(row).then_some(microseconds))
    }
}
