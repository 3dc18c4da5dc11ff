//! How many different values there are: exactly while they are few, then estimated.
//!
//! Of the hashes of the values, which are spread evenly, the [`KEPT`] smallest different ones are kept. If
//! there are fewer, they are all, and their number is the answer; else the largest of them tells how densely they lie.
//! The estimate's standard error is 1 ÷ √([`KEPT`] − 2), which is 3.1 %. It is a function of the set of values,
//! so neither order nor merging change it.
//!
//! Source: Z. Bar-Yossef et al., *Counting distinct elements in a data stream* (2002); K. Beyer et al., *On
//! synopses for distinct-value estimation under multiset operations* (2007), for the unbiased estimate.

use serde::{Deserialize, Serialize};

/// Values are counted exactly below this number.
pub(super) const KEPT: usize = 1024;

/// The smallest hashes, ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Distinct {
    hashes: Vec<u64>,
}

impl Distinct {
    pub(super) fn add(&mut self, hash: u64) {
        if let Err(place) = self.hashes.binary_search(&hash)
            && place < KEPT
        {
            self.hashes.truncate(KEPT - 1);
            self.hashes.insert(place, hash);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.hashes.extend(&other.hashes);
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.truncate(KEPT);
    }

    pub(super) fn estimate(&self) -> i64 {
        estimate(self.hashes.len(), || self.hashes.last().copied())
    }
}

/// The number of values of which there are `hashes` different hashes, at least as far as the [`KEPT`] smallest
/// go; `last` is the largest of those.
pub(super) fn estimate(hashes: usize, last: impl FnOnce() -> Option<u64>) -> i64 {
    let estimate = match last {
        _ if hashes < KEPT => hashes as u128,
        last => ((KEPT as u128 - 1) << 64) / (u128::from(last().unwrap_or(u64::MAX)) + 1),
    };
    i64::try_from(estimate).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use trueline_sdk::hash::mix;

    use super::*;

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        for (count, bound) in [
            (0, 0.0),
            (1, 0.0),
            (1023, 0.0),
            (5_000, 0.1),
            (300_000, 0.1),
        ] {
            let mut distinct = Distinct::default();
            for number in (0..count).chain(0..count / 2) {
                distinct.add(mix(number));
            }
            let error = (distinct.estimate() as f64 - count as f64).abs();
            assert!(
                error <= bound * count as f64,
                "{count}: {}",
                distinct.estimate()
            );
        }
    }

    #[test]
    fn parts_merge_into_the_whole() {
        let of = |range: std::ops::Range<u64>| {
            let mut distinct = Distinct::default();
            range.rev().for_each(|number| distinct.add(mix(number)));
            distinct
        };
        for (cut, end) in [(0, 7), (700, 2000), (1500, 2000)] {
            let mut merged = of(cut / 2..end);
            merged.merge(&of(0..cut));
            assert_eq!(merged, of(0..end));
        }
    }
}
