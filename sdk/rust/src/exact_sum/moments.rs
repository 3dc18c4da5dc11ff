//! Count, mean and variance from exact sums.

use super::{CANONICAL_NAN, ExactSum, LIMBS, UNIT_EXPONENT, VERSION, magnitude};
use crate::{
    Result,
    canonical::{Reader, serde_as_canonical_bytes, write_nested},
};

/// The unit of squared sums.
const SQUARED_UNIT: i32 = 2 * UNIT_EXPONENT;

/// Count, sum and sum of squares of a column, exact: mean and variance are rounded once, from the
/// true values.
///
/// NaN is not counted, as in scikit-learn's `StandardScaler`; leave nulls out. Infinities are
/// counted and make the mean infinite (or NaN) and the variance NaN. Order-free and mergeable like
/// [`ExactSum`].
///
/// ```
/// use trueline_sdk::exact_sum::ExactMoments;
///
/// let mut moments = ExactMoments::new();
/// moments.add_slice(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
/// assert_eq!(moments.mean(), Some(1e9 + 10.0));
/// assert_eq!(moments.variance(), Some(22.5));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExactMoments {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl ExactMoments {
    /// The moments of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            sum: ExactSum::new(),
            squares: ExactSum::new(),
        }
    }

    /// Adds one value, unless it is NaN.
    pub fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.count += 1;
            self.sum.add(value);
            self.squares.add_product(value, value);
        }
    }

    /// Adds every value that is not NaN.
    pub fn add_slice(&mut self, values: &[f64]) {
        let nans = values.iter().filter(|value| value.is_nan()).count();
        if nans > 0 {
            values.iter().for_each(|value| self.add(*value));
            return;
        }
        self.count += values.len() as u64;
        self.sum.add_slice(values);
        self.squares.add_squares(values);
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        // Bytes from elsewhere may claim any count.
        self.count = self.count.saturating_add(other.count);
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    /// How many values were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact sum.
    #[must_use]
    pub fn sum(&self) -> &ExactSum {
        &self.sum
    }

    /// The exact sum of squares.
    #[must_use]
    pub fn sum_of_squares(&self) -> &ExactSum {
        &self.squares
    }

    /// The mean, correctly rounded. `None` if there are no values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.sum.mean(self.count)
    }

    /// The population variance (divisor n, as scikit-learn's `StandardScaler`), correctly rounded:
    /// exactly zero if and only if all values are equal, or so close that their variance is below
    /// the smallest number. NaN if an infinity was added; infinity if the variance is out of range.
    /// `None` if there are no values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        if self.squares.specials != 0 {
            return Some(CANONICAL_NAN);
        }
        let Some(mut scaled) = self.scaled_variance() else {
            return Some(CANONICAL_NAN);
        };
        let first_remainder = magnitude::divide(&mut scaled, self.count);
        let second_remainder = magnitude::divide(&mut scaled, self.count);
        Some(magnitude::round_to_f64(
            &scaled,
            SQUARED_UNIT,
            first_remainder || second_remainder,
        ))
    }

    /// The square root of [`variance`](Self::variance): rounded twice, so within one unit in the
    /// last place.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// The canonical state: version 1, the count (8 bytes), then both sums, each after its length
    /// (4 bytes).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.count.to_le_bytes());
        write_nested(&mut bytes, &self.sum.to_bytes());
        write_nested(&mut bytes, &self.squares.to_bytes());
        bytes
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If the bytes are not in the canonical form, or no values can have this sum and sum of
    /// squares.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("exact moments", VERSION, bytes)?;
        let moments = Self {
            count: reader.u64()?,
            sum: ExactSum::from_bytes(reader.nested()?)?,
            squares: ExactSum::from_bytes(reader.nested()?)?,
        };
        let (negative, _) = moments.squares.magnitude();
        if negative || moments.scaled_variance().is_none() {
            return Err(reader.error("no values have these sums"));
        }
        reader.finish()?;
        Ok(moments)
    }

    /// The variance of the finite part times n²: n Σx² - (Σx)², in units of 2^[`SQUARED_UNIT`]. It
    /// is never negative, by Cauchy and Schwarz, so `None` says that no values have these sums.
    fn scaled_variance(&self) -> Option<Vec<u32>> {
        const UNIT_LIMBS: usize = (UNIT_EXPONENT - SQUARED_UNIT) as usize / 32;
        let (_, sum) = self.sum.magnitude();
        let (_, squares) = self.squares.magnitude();
        let count = [magnitude::low(self.count), magnitude::low(self.count >> 32)];
        let mut scaled = vec![0; UNIT_LIMBS];
        scaled.extend(magnitude::multiply(&squares, &count));
        scaled.resize(2 * LIMBS, 0);
        let negative = magnitude::subtract(&mut scaled, &magnitude::multiply(&sum, &sum));
        (!negative).then_some(scaled)
    }
}

serde_as_canonical_bytes!(ExactMoments);
