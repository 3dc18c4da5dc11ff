//! Windows over a history, as instants move on: each row comes once, when it counts, and goes once, when it is as
//! old as the window is long. So the work is linear in rows and instants, and late rows are no exception.

use std::collections::{BTreeMap, BTreeSet};

use trueline_sdk::exact_sum::ExactSum;

use super::distinct::{self, KEPT};
use super::layout::{Layout, Measure, Output};
use super::spread::Spread;
use super::state::{extreme, quantile};
use super::total::{bits, quotient};
use super::words::Words;
use crate::contract::window_start;
use crate::definition::Function;

/// The rows of one entity, in the contract's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'h> {
    pub(super) events: &'h [i64],
    /// From when on each counts.
    pub(super) dues: &'h [i64],
    /// Their indices, by when they begin to count.
    pub(super) by_due: &'h [u32],
}

/// Calls `enter` and `leave` for the rows that come into a window and go, and `answer` with each instant's
/// index and the number of rows in the window. Instants are ascending.
pub(super) fn sweep<S>(
    rows: Rows<'_>,
    over_us: i64,
    instants: impl Iterator<Item = i64>,
    state: &mut S,
    enter: impl Fn(&mut S, u32),
    leave: impl Fn(&mut S, u32),
    mut answer: impl FnMut(&mut S, usize, usize),
) {
    let mut count = 0_usize;
    // Before this row, all have left; from this one on, by due, none has come.
    let (mut left, mut come) = (0, 0);
    let mut before: Option<i64> = None;
    for (index, at_us) in instants.enumerate() {
        let after_us = window_start(at_us, over_us);
        let end = rows.events.partition_point(|event_us| *event_us <= at_us);
        match before {
            None => {
                left = rows
                    .events
                    .partition_point(|event_us| *event_us <= after_us);
                come = rows
                    .by_due
                    .partition_point(|row| rows.dues[*row as usize] <= at_us);
                for row in (0_u32..).take(end).skip(left) {
                    if rows.dues[row as usize] <= at_us {
                        count += 1;
                        enter(state, row);
                    }
                }
            }
            Some(before) => {
                let gone = (0_u32..).take(end).skip(left);
                for row in gone.take_while(|row| rows.events[*row as usize] <= after_us) {
                    left += 1;
                    if rows.dues[row as usize] <= before {
                        count -= 1;
                        leave(state, row);
                    }
                }
                while let Some(&row) = rows.by_due.get(come) {
                    if rows.dues[row as usize] > at_us {
                        break;
                    }
                    come += 1;
                    if rows.events[row as usize] > after_us {
                        count += 1;
                        enter(state, row);
                    }
                }
            }
        }
        before = Some(at_us);
        answer(state, index, count);
    }
}

/// What a measure knows of the rows in a window, from which rows can be taken out again.
#[derive(Clone, Debug)]
pub(super) enum Sliding {
    Count(u64),
    Total(SlidingTotal),
    /// How often each key is there; hashes among them.
    Keys(BTreeMap<i64, u32>),
    Distinct(BTreeMap<u64, u32>),
    /// The rows.
    Rows(BTreeSet<u32>),
    Spread(Spread, BTreeMap<i64, u32>),
}

/// A sum that is exact whatever comes and goes.
#[derive(Clone, Debug)]
pub(super) struct SlidingTotal {
    count: u64,
    /// How many NaNs, infinities and negative infinities.
    specials: [u64; 3],
    finite: Finite,
}

#[derive(Clone, Debug)]
enum Finite {
    /// Of integers.
    Whole(i128),
    /// Of floats that are multiples of 2^unit, and not too large.
    Scaled { sum: i128, unit: i32 },
    /// Of any floats.
    Any(Box<ExactSum>),
}

impl Sliding {
    /// What a measure of a layout knows of no rows, of a column with these words.
    pub(super) fn new(layout: &Layout, measure: usize, words: &Words) -> Self {
        match layout.measures[measure].0 {
            Measure::Count => Self::Count(0),
            Measure::Extremes => Self::Keys(BTreeMap::new()),
            Measure::Distinct => Self::Distinct(BTreeMap::new()),
            Measure::First | Measure::Last => Self::Rows(BTreeSet::new()),
            Measure::Spread => Self::Spread(Spread::default(), BTreeMap::new()),
            Measure::Total => Self::Total(SlidingTotal {
                count: 0,
                specials: [0; 3],
                finite: if !layout.is_of_floats(measure) {
                    Finite::Whole(0)
                } else if let Some(unit) = common_unit(words) {
                    Finite::Scaled { sum: 0, unit }
                } else {
                    Finite::Any(Box::new(ExactSum::new()))
                },
            }),
        }
    }

    pub(super) fn enter(&mut self, row: u32, word: i64) {
        match self {
            Self::Count(count) => *count += 1,
            Self::Total(total) => total.change(word, false),
            Self::Keys(keys) => enter(keys, word),
            Self::Distinct(hashes) => enter(hashes, word.cast_unsigned()),
            Self::Rows(rows) => {
                rows.insert(row);
            }
            Self::Spread(spread, keys) => {
                spread.add(word);
                enter(keys, word);
            }
        }
    }

    pub(super) fn leave(&mut self, row: u32, word: i64) {
        match self {
            Self::Count(count) => *count -= 1,
            Self::Total(total) => total.change(word, true),
            Self::Keys(keys) => leave(keys, word),
            Self::Distinct(hashes) => leave(hashes, word.cast_unsigned()),
            Self::Rows(rows) => {
                rows.remove(&row);
            }
            Self::Spread(spread, keys) => {
                spread.remove(word);
                leave(keys, word);
            }
        }
    }

    /// What a function says of the rows; of a first or last value, which row it is in.
    pub(super) fn value(&self, output: &Output) -> Option<i64> {
        match self {
            Self::Count(count) => i64::try_from(*count).ok(),
            Self::Total(total) if output.function == Function::Sum => total.sum(),
            Self::Total(total) => total.mean(),
            Self::Keys(keys) => extreme(output, outermost(keys)),
            Self::Distinct(hashes) => Some(distinct::estimate(hashes.len(), || {
                hashes.keys().nth(KEPT - 1).copied()
            })),
            Self::Rows(rows) if output.function == Function::First => {
                rows.first().map(|row| i64::from(*row))
            }
            Self::Rows(rows) => rows.last().map(|row| i64::from(*row)),
            Self::Spread(spread, keys) => quantile(output, spread, outermost(keys)),
        }
    }
}

fn enter<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
    *counts.entry(key).or_insert(0) += 1;
}

fn leave<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
    if let std::collections::btree_map::Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

fn outermost(keys: &BTreeMap<i64, u32>) -> Option<(i64, i64)> {
    Some((*keys.first_key_value()?.0, *keys.last_key_value()?.0))
}

impl SlidingTotal {
    fn change(&mut self, word: i64, is_leaving: bool) {
        let signed = |number: i128| if is_leaving { -number } else { number };
        self.count = self
            .count
            .wrapping_add_signed(if is_leaving { -1 } else { 1 });
        let value = f64::from_bits(word.cast_unsigned());
        match &mut self.finite {
            Finite::Whole(sum) => *sum += signed(i128::from(word)),
            _ if !value.is_finite() => {
                let special = if value.is_nan() {
                    0
                } else {
                    1 + usize::from(value < 0.0)
                };
                let count = &mut self.specials[special];
                *count = count.wrapping_add_signed(if is_leaving { -1 } else { 1 });
            }
            Finite::Scaled { sum, unit } => {
                let (mantissa, exponent) = split(value);
                // The unit is that of the smallest place of all values, so no bit is lost.
                let (zeros, mantissa) = (mantissa.trailing_zeros(), i128::from(mantissa));
                let shift = exponent - *unit;
                let number = if mantissa == 0 {
                    0
                } else if shift >= 0 {
                    mantissa << shift
                } else {
                    debug_assert!(shift.unsigned_abs() <= zeros);
                    mantissa >> shift.unsigned_abs()
                };
                *sum += signed(if value < 0.0 { -number } else { number });
            }
            Finite::Any(sum) => sum.add(if is_leaving { -value } else { value }),
        }
    }

    /// The special value that the sum is, if there are such values.
    fn special(&self) -> Option<f64> {
        match self.specials {
            [0, 0, 0] => None,
            [0, _, 0] => Some(f64::INFINITY),
            [0, 0, _] => Some(f64::NEG_INFINITY),
            // The sign and payload of `f64::NAN` are not guaranteed.
            _ => Some(f64::from_bits(0x7ff8_0000_0000_0000)),
        }
    }

    fn sum(&self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        if let Some(special) = self.special() {
            return Some(bits(special));
        }
        match &self.finite {
            Finite::Whole(sum) => i64::try_from(*sum).ok(),
            Finite::Scaled { sum, unit } => Some(bits(quotient(*sum, *unit, 1))),
            Finite::Any(sum) => Some(bits(sum.value())),
        }
    }

    fn mean(&self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        if let Some(special) = self.special() {
            return Some(bits(special));
        }
        match &self.finite {
            Finite::Whole(sum) => Some(bits(quotient(*sum, 0, self.count))),
            Finite::Scaled { sum, unit } => Some(bits(quotient(*sum, *unit, self.count))),
            Finite::Any(sum) => sum.mean(self.count).map(bits),
        }
    }
}

/// The magnitude of a finite float as mantissa × 2^exponent.
fn split(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let field = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let leading_one = i64::from(field != 0) << 52;
    let mantissa = bits.cast_signed() & ((1 << 52) - 1) | leading_one;
    (mantissa, field.max(1) - 1075)
}

/// The exponent that all finite values of a column are multiples of, if sums of them are within 127 bits of it.
fn common_unit(words: &Words) -> Option<i32> {
    let (mut lowest, mut highest, mut count) = (i32::MAX, i32::MIN, 1_u64);
    for word in words.iter() {
        let value = f64::from_bits(word.cast_unsigned());
        let (mantissa, exponent) = split(value);
        if value.is_finite() && mantissa != 0 {
            let zeros = i32::try_from(mantissa.trailing_zeros()).unwrap_or(0);
            lowest = lowest.min(exponent + zeros);
            highest = highest.max(exponent + 53);
            count += 1;
        }
    }
    if lowest > highest {
        return Some(0);
    }
    let carries = i32::try_from(u64::BITS - count.leading_zeros()).unwrap_or(64);
    (highest - lowest + carries < 127).then_some(lowest)
}
