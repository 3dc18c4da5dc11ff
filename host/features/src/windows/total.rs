//! Exact sums and means.

use serde::{Deserialize, Serialize};
use trueline_sdk::exact_sum::ExactSum;

/// How many values there are, and their exact sum: mergeable, and the same in every order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Total {
    /// Of integers and booleans.
    Whole { count: u64, sum: i128 },
    /// Of floats.
    Real { count: u64, sum: Box<ExactSum> },
}

impl Total {
    pub(super) fn new(is_float: bool) -> Self {
        if is_float {
            let sum = Box::new(ExactSum::new());
            Self::Real { count: 0, sum }
        } else {
            Self::Whole { count: 0, sum: 0 }
        }
    }

    /// Adds a value: an integer, or the bits of a float.
    pub(super) fn add(&mut self, word: i64) {
        match self {
            Self::Whole { count, sum } => {
                *count += 1;
                *sum += i128::from(word);
            }
            Self::Real { count, sum } => {
                *count += 1;
                sum.add(f64::from_bits(word.cast_unsigned()));
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (
                Self::Whole { count, sum },
                Self::Whole {
                    count: more,
                    sum: other,
                },
            ) => {
                *count += more;
                *sum += other;
            }
            (
                Self::Real { count, sum },
                Self::Real {
                    count: more,
                    sum: other,
                },
            ) => {
                *count += more;
                sum.merge(other);
            }
            // A measure is of one input, whose values are of one type.
            _ => {}
        }
    }

    /// The sum, as an integer or the bits of a float; none without values, or if int64 does not hold it.
    pub(super) fn sum(&self) -> Option<i64> {
        match self {
            Self::Whole { count: 0, .. } | Self::Real { count: 0, .. } => None,
            Self::Whole { sum, .. } => i64::try_from(*sum).ok(),
            Self::Real { sum, .. } => Some(bits(sum.value())),
        }
    }

    /// The bits of the mean; none without values.
    pub(super) fn mean(&self) -> Option<i64> {
        match self {
            Self::Whole { count, sum } => (*count > 0).then(|| bits(quotient(*sum, 0, *count))),
            Self::Real { count, sum } => sum.mean(*count).map(bits),
        }
    }
}

pub(super) fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

/// `sum × 2^unit ÷ count`, rounded once: to nearest, ties to even. `count` is not 0, and `unit` is at least
/// −1074, as that of a sum of floats is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a mantissa has 53 bits, and exponents are small"
)]
pub(super) fn quotient(sum: i128, unit: i32, count: u64) -> f64 {
    let magnitude = sum.unsigned_abs();
    if magnitude == 0 {
        return 0.0;
    }
    // With the highest bit of 128 set, the quotient has 64 bits or more: enough to round from.
    let shift = magnitude.leading_zeros();
    let (dividend, divisor) = (magnitude << shift, u128::from(count));
    let (whole, has_more) = (dividend / divisor, dividend % divisor != 0);
    let unit = unit - shift as i32;
    let exponent = 127 - whole.leading_zeros() as i32 + unit;
    if exponent > 1023 {
        return if sum < 0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    // The bits below the last place: 11 or more, and more than that for subnormal numbers.
    let dropped = ((exponent - 52).max(-1074) - unit) as u32;
    let mantissa = whole.checked_shr(dropped).unwrap_or(0) as u64;
    let below = if dropped > 127 {
        whole
    } else {
        whole & ((1 << dropped) - 1)
    };
    let half = if dropped > 128 {
        u128::MAX
    } else {
        1 << (dropped - 1)
    };
    let is_up = below > half || below == half && (has_more || mantissa & 1 == 1);
    // The leading one of a normal mantissa adds one to the exponent field, and so does a carry.
    let field = (exponent + 1022).max(0) as u64;
    let value = f64::from_bits((field << 52) + mantissa + u64::from(is_up));
    if sum < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Both ways of summing round alike, so that it does not matter which one a store takes.
        #[test]
        fn quotients_are_those_of_exact_sums(
            mantissas in prop::collection::vec(-(1_i64 << 53)..1 << 53, 1..20),
            unit in prop_oneof![Just(0), -1074..900_i32],
            spread in 0..20_u32,
        ) {
            let mut exact = ExactSum::new();
            let mut sum = 0_i128;
            for (index, mantissa) in (0_u32..).zip(&mantissas) {
                let shift = index % (spread + 1);
                sum += i128::from(*mantissa) << shift;
                // Exact: a product of two values that each are one.
                exact.add_product(
                    *mantissa as f64 * f64::from(1_u32 << shift),
                    if unit < -1022 { f64::from_bits(1 << (unit + 1074)) } else { 2_f64.powi(unit) },
                );
            }
            prop_assert_eq!(quotient(sum, unit, 1).to_bits(), exact.value().to_bits());
            for count in [1, 3, 7, 1 << 20, u64::MAX] {
                let mean = exact.mean(count).unwrap();
                prop_assert_eq!(quotient(sum, unit, count).to_bits(), mean.to_bits(), "{}", count);
            }
        }
    }

    #[test]
    fn sums_that_do_not_fit_are_null_and_means_are_not() {
        let mut total = Total::new(false);
        assert_eq!((total.sum(), total.mean()), (None, None));
        total.add(i64::MAX);
        assert_eq!(total.sum(), Some(i64::MAX));
        total.add(i64::MAX);
        assert_eq!(total.sum(), None);
        assert_eq!(total.mean(), Some(bits(9_223_372_036_854_775_807.0)));
    }
}
