//! The first pass: everything but what needs to know the range.

use trueline_sdk::exact_sum::ExactMoments;
use trueline_sdk::order::{is_infinite, is_nan};
use trueline_sdk::prelude::*;
use trueline_sdk::quantiles::QuantileSketch;

use crate::distinct::Distinct;
use crate::lanes::{Cells, Lane};

/// Mantissa bits of the quantiles: within 2^-11, relative.
const QUANTILE_BITS: u8 = 10;

/// What is counted of a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct First {
    pub(crate) nulls: u64,
    pub(crate) values: u64,
    pub(crate) nans: u64,
    pub(crate) infinities: u64,
    pub(crate) zeros: u64,
    pub(crate) negatives: u64,
    /// The keys of the lowest and highest value but NaN.
    pub(crate) extremes: Option<(i64, i64)>,
    /// Those of the lowest and highest finite value.
    pub(crate) finite: Option<(i64, i64)>,
    /// Of numbers.
    pub(crate) moments: Option<Box<ExactMoments>>,
    /// Of whatever has a range.
    pub(crate) sketch: Option<QuantileSketch>,
    pub(crate) lengths: Option<Lengths>,
    pub(crate) distinct: Distinct,
}

/// Of texts, in characters, and binaries, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lengths {
    pub(crate) extremes: Option<(u64, u64)>,
    pub(crate) sum: u64,
}

impl First {
    /// # Errors
    /// None: the number of bits is one that sketches take.
    pub(crate) fn new(lane: &Lane) -> Result<Self> {
        let sketch = match lane.kind.has_range() {
            true => Some(QuantileSketch::with_mantissa_bits(QUANTILE_BITS)?),
            false => None,
        };
        Ok(Self {
            nulls: 0,
            values: 0,
            nans: 0,
            infinities: 0,
            zeros: 0,
            negatives: 0,
            extremes: None,
            finite: None,
            moments: lane.kind.is_number().then(|| Box::new(ExactMoments::new())),
            sketch,
            lengths: matches!(lane.data_type, DataType::Utf8 | DataType::Binary)
                .then(Lengths::default),
            distinct: Distinct::new(),
        })
    }

    /// Takes in a batch; so many different values are kept.
    pub(crate) fn update(&mut self, lane: &Lane, cells: &Cells<'_>, most: usize) {
        self.nulls += cells.nulls();
        if lane.kind.has_range() {
            self.update_keys(lane, cells);
        }
        if let (Some(lengths), Some(more)) = (&mut self.lengths, cells.lengths()) {
            for length in more {
                lengths.sum += length;
                lengths.extremes = union(lengths.extremes, Some((length, length)));
            }
        }
        cells.each(|value| {
            self.values += 1;
            self.distinct.add(value, most);
        });
    }

    fn update_keys(&mut self, lane: &Lane, cells: &Cells<'_>) {
        let is_float = lane.kind.is_float();
        let mut numbers = Vec::new();
        for key in cells.keys() {
            if is_float && is_nan(key) {
                self.nans += 1;
                continue;
            }
            self.extremes = union(self.extremes, Some((key, key)));
            if is_float && is_infinite(key) {
                self.infinities += 1;
            } else {
                self.finite = union(self.finite, Some((key, key)));
            }
            let number = lane.number(key);
            self.zeros += u64::from(number == 0.0);
            self.negatives += u64::from(number < 0.0);
            numbers.push(number);
        }
        if let Some(moments) = &mut self.moments {
            moments.add_slice(&numbers);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.add_slice(&numbers);
        }
    }

    /// # Errors
    /// If the other is of another lane.
    pub(crate) fn merge(&mut self, other: Self, most: usize) -> Result<()> {
        self.nulls += other.nulls;
        self.values += other.values;
        self.nans += other.nans;
        self.infinities += other.infinities;
        self.zeros += other.zeros;
        self.negatives += other.negatives;
        self.extremes = union(self.extremes, other.extremes);
        self.finite = union(self.finite, other.finite);
        if let (Some(moments), Some(more)) = (&mut self.moments, &other.moments) {
            moments.merge(more);
        }
        if let (Some(sketch), Some(more)) = (&mut self.sketch, &other.sketch) {
            sketch.merge(more)?;
        }
        if let (Some(lengths), Some(more)) = (&mut self.lengths, &other.lengths) {
            lengths.sum += more.sum;
            lengths.extremes = union(lengths.extremes, more.extremes);
        }
        self.distinct.merge(other.distinct, most);
        Ok(())
    }
}

/// The range that holds both.
fn union<T: Ord + Copy>(a: Option<(T, T)>, b: Option<(T, T)>) -> Option<(T, T)> {
    match (a, b) {
        (Some((low, high)), Some((other_low, other_high))) => {
            Some((low.min(other_low), high.max(other_high)))
        }
        (a, b) => a.or(b),
    }
}
