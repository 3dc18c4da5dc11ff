//! The smallest and the largest number.

use serde::{Deserialize, Serialize};

/// The bounds of the numbers seen. -0.0 counts as 0.0, since which of the two came first must not matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    min: f64,
    max: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Range {
    /// Takes in numbers, none of them NaN.
    pub(crate) fn add_slice(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.merge(Self {
                min: number + 0.0,
                max: number + 0.0,
            });
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Both bounds, if there was a number.
    pub(crate) fn bounds(self) -> Option<(f64, f64)> {
        (self.min <= self.max).then_some((self.min, self.max))
    }
}
