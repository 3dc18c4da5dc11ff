//! Quantiles within a relative error, of counts in buckets.
//!
//! Values share a bucket if their sign, exponent and the first [`MANTISSA_BITS`] bits of their mantissa are
//! equal, as in the sketches of the stages' kit; but values can leave again, as windows move on. A quantile is the
//! middle of the bucket in which the value of its rank is: within 2⁻⁸ of it, relative to it. The smallest and the
//! largest value are exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trueline_sdk::order;

const MANTISSA_BITS: u32 = 7;
const DROPPED_BITS: u32 = 52 - MANTISSA_BITS;

/// Counts of values by bucket; values are given by keys that sort as they do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spread {
    buckets: BTreeMap<i64, u64>,
    count: u64,
}

impl Spread {
    pub(super) fn add(&mut self, key: i64) {
        *self.buckets.entry(key >> DROPPED_BITS).or_insert(0) += 1;
        self.count += 1;
    }

    /// Takes out a value that was added.
    pub(super) fn remove(&mut self, key: i64) {
        let bucket = key >> DROPPED_BITS;
        if let Some(count) = self.buckets.get_mut(&bucket) {
            *count -= 1;
            self.count -= 1;
            if *count == 0 {
                self.buckets.remove(&bucket);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_insert(0) += count;
        }
        self.count += other.count;
    }

    /// The key of the value of rank `q × (count − 1)`, rounded, where `least` and `greatest` are the outermost
    /// keys; none without values.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is from 0 to the count of values"
    )]
    pub(super) fn quantile(&self, q: f64, least: i64, greatest: i64) -> Option<i64> {
        let last = self.count.checked_sub(1)?;
        let rank = (q * last as f64).round() as u64;
        if rank == 0 {
            return Some(least);
        }
        if rank >= last {
            return Some(greatest);
        }
        let mut before = 0;
        let bucket = self.buckets.iter().find_map(|(bucket, count)| {
            before += count;
            (rank < before).then_some(*bucket)
        })?;
        let middle = bucket << DROPPED_BITS | 1 << (DROPPED_BITS - 1);
        Some(middle.clamp(least, greatest))
    }
}

/// The key of a float that is not NaN.
pub(super) fn key(value: f64) -> Option<i64> {
    (!value.is_nan()).then(|| order::key(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trueline_sdk::quantiles::QuantileSketch;

    use super::*;

    fn of(values: &[f64], q: f64) -> Option<f64> {
        let keys: Vec<i64> = values.iter().filter_map(|value| key(*value)).collect();
        let mut spread = Spread::default();
        keys.iter().for_each(|key| spread.add(*key));
        let (least, greatest) = (keys.iter().min()?, keys.iter().max()?);
        spread.quantile(q, *least, *greatest).map(order::float)
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_kit(
            values in prop::collection::vec(any::<f64>(), 0..40),
            q in 0.0..=1.0_f64,
        ) {
            let mut sketch = QuantileSketch::new();
            sketch.add_slice(&values);
            let expected = sketch.quantile(q);
            let found = of(&values, q);
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    // The two turn negative numbers around another way, so that middles differ by a unit.
                    prop_assert!((found - expected).abs() <= expected.abs() * 1e-12 || found == expected);
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn what_left_is_as_if_it_had_never_been() {
        let mut spread = Spread::default();
        for value in [1.0, 2.0, -3.5, 2.0] {
            spread.add(order::key(value));
        }
        for value in [2.0, -3.5, 2.0] {
            spread.remove(order::key(value));
        }
        let mut one = Spread::default();
        one.add(order::key(1.0));
        assert_eq!(spread, one);
    }
}
