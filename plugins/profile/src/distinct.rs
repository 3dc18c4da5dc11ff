//! How many different values there are, and which are common: exactly while they are few, and by sketches
//! that depend on no order when they are many.

use std::collections::BTreeMap;

use trueline_sdk::hash::{Hasher, mix};
use trueline_sdk::order::Value;
use trueline_sdk::prelude::*;
use trueline_sdk::quantiles::OrderStatistics;

/// 2^12 registers: the estimate is off by 1.6 % in the root mean square.
const REGISTER_BITS: u32 = 12;
/// Counters in a row of the count-min sketch, and rows.
const WIDTH: usize = 1 << 14;
const DEPTH: usize = 2;
/// When there are too many values to count each, those with this share of them are still counted.
const COMMON_SHARE: f64 = 1e-3;

/// The first pass over a column's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distinct {
    /// How often each value is there; none if there are more than may be kept.
    counts: Option<BTreeMap<Value, u64>>,
    /// The registers of a HyperLogLog sketch.
    registers: Vec<u8>,
    /// A count-min sketch, row after row.
    counters: Vec<u64>,
    values: u64,
}

/// The second pass: counts of values that may be common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Common(BTreeMap<Value, u64>);

impl Distinct {
    pub(crate) fn new() -> Self {
        Self {
            counts: Some(BTreeMap::new()),
            registers: vec![0; 1 << REGISTER_BITS],
            counters: vec![0; WIDTH * DEPTH],
            values: 0,
        }
    }

    /// Counts a value; `most` different ones are kept.
    pub(crate) fn add(&mut self, value: Value, most: usize) {
        let hash = hash(&value);
        self.values += 1;
        let (register, rank) = register(hash);
        self.registers[register] = self.registers[register].max(rank);
        for place in places(hash) {
            self.counters[place] += 1;
        }
        if let Some(counts) = &mut self.counts {
            *counts.entry(value).or_default() += 1;
            if counts.len() > most {
                self.counts = None;
            }
        }
    }

    /// Adds what another counted. That there are too many to keep is known in any order: an instance that
    /// saw too many saw no more than there are.
    pub(crate) fn merge(&mut self, other: Self, most: usize) {
        self.values += other.values;
        for (register, more) in self.registers.iter_mut().zip(other.registers) {
            *register = (*register).max(more);
        }
        for (counter, more) in self.counters.iter_mut().zip(other.counters) {
            *counter += more;
        }
        self.counts = self
            .counts
            .take()
            .zip(other.counts)
            .and_then(|(mut counts, more)| {
                for (value, count) in more {
                    *counts.entry(value).or_default() += count;
                }
                (counts.len() <= most).then_some(counts)
            });
    }

    /// How many different values there are, and whether that is exact.
    pub(crate) fn count(&self) -> (u64, bool) {
        match &self.counts {
            Some(counts) => (counts.len() as u64, true),
            None => (estimate(&self.registers), false),
        }
    }

    /// Whether each value was counted.
    pub(crate) fn is_exact(&self) -> bool {
        self.counts.is_some()
    }

    /// The neighbours of a quantile among the values that `number` makes a number of, if each was counted.
    pub(crate) fn quantile(
        &self,
        q: f64,
        number: impl Fn(&Value) -> Option<f64>,
    ) -> Option<OrderStatistics> {
        let counts = self.counts.as_ref()?.iter();
        let mut count = 0;
        // Where each distinct value ends among all.
        let ends: Vec<(usize, f64)> = counts
            .filter_map(|(value, times)| {
                let number = number(value)?;
                count += usize::try_from(*times).unwrap_or(usize::MAX);
                Some((count, number))
            })
            .collect();
        let value = |rank: usize| ends[ends.partition_point(|(end, _)| *end <= rank)].1;
        OrderStatistics::at(q, count, value)
    }

    /// Whether a value may have the share that makes it common: true of all that have it.
    fn may_be_common(&self, value: &Value) -> bool {
        let hash = hash(value);
        let least = places(hash)
            .map(|place| self.counters[place])
            .into_iter()
            .min();
        least.unwrap_or_default() as f64 >= COMMON_SHARE * self.values as f64
    }

    /// The most common values and their counts, the most common first, of equally common ones the lowest.
    /// `common` is what the second pass counted.
    pub(crate) fn top(&self, common: &Common, most: usize) -> Vec<(Value, u64)> {
        let counts = self.counts.as_ref().unwrap_or(&common.0);
        let least = match self.counts {
            Some(_) => 0.0,
            None => COMMON_SHARE * self.values as f64,
        };
        let mut top: Vec<(&Value, &u64)> = counts
            .iter()
            .filter(|(_, count)| **count as f64 >= least)
            .collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let first = top.into_iter().take(most);
        first
            .map(|(value, &count)| (value.clone(), count))
            .collect()
    }
}

impl Common {
    /// Counts a value if it may be common.
    pub(crate) fn add(&mut self, value: Value, first_pass: &Distinct) {
        if first_pass.may_be_common(&value) {
            *self.0.entry(value).or_default() += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (value, count) in other.0 {
            *self.0.entry(value).or_default() += count;
        }
    }
}

fn hash(value: &Value) -> u128 {
    let mut hasher = Hasher::new();
    match value {
        Value::Key(key) => hasher.word(*key as u64),
        Value::Text(text) => hasher.bytes(text.as_bytes()),
    }
    hasher.finish()
}

/// Two numbers of a hash, each mixed once more.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a hash")]
fn halves(hash: u128) -> [u64; 2] {
    [mix(hash as u64), mix((hash >> 64) as u64)]
}

/// Where a value is counted, in each row of the sketch.
#[expect(clippy::cast_possible_truncation, reason = "below the width")]
fn places(hash: u128) -> [usize; DEPTH] {
    let [low, high] = halves(hash);
    [low as usize % WIDTH, WIDTH + high as usize % WIDTH]
}

/// The register of a value, and how many zeros its hash begins with, and one.
fn register(hash: u128) -> (usize, u8) {
    let [low, high] = halves(hash);
    let number = mix(low ^ high);
    let rest = number << REGISTER_BITS;
    let zeros = rest.leading_zeros().min(64 - REGISTER_BITS);
    ((number >> (64 - REGISTER_BITS)) as usize, zeros as u8 + 1)
}

/// How many different values left these registers.
///
/// Source: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, *HyperLogLog* (2007). With 64 bits nothing has to be
/// corrected for large numbers; for small ones empty registers are counted.
#[expect(clippy::cast_possible_truncation, reason = "an estimate is rounded")]
fn estimate(registers: &[u8]) -> u64 {
    let m = registers.len() as f64;
    let empty = registers.iter().filter(|&&register| register == 0).count();
    let sum: f64 = registers
        .iter()
        .map(|&register| 1.0 / (1_u64 << register) as f64)
        .sum();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let estimate = if raw <= 2.5 * m && empty > 0 {
        m * trueline_sdk::math::ln(m / empty as f64)
    } else {
        raw
    };
    estimate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_estimated() {
        for count in [100_i64, 5000, 20_000, 300_000] {
            let mut distinct = Distinct::new();
            for value in 0..count {
                distinct.add(Value::Key(value), 10);
            }
            let (estimate, exact) = distinct.count();
            assert!(!exact);
            let error = estimate as f64 / count as f64 - 1.0;
            assert!(error.abs() < 0.05, "{estimate} for {count}");
        }
    }

    #[test]
    fn common_values_among_many_are_counted_exactly() {
        let mut distinct = Distinct::new();
        let values: Vec<i64> = (0..60_000)
            .map(|i| if i % 3 == 0 { i % 2 } else { i })
            .collect();
        values
            .iter()
            .for_each(|&value| distinct.add(Value::Key(value), 100));
        let mut common = Common::default();
        values
            .iter()
            .for_each(|&value| common.add(Value::Key(value), &distinct));
        let count = |wanted: i64| values.iter().filter(|value| **value == wanted).count() as u64;
        let top = distinct.top(&common, 5);
        assert_eq!(top, [(Value::Key(1), count(1)), (Value::Key(0), count(0))]);
        assert!(common.0.len() < 100);
    }
}
