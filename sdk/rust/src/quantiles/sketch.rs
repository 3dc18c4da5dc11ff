//! Approximate quantiles in one pass.

use super::{buckets::Buckets, order};
use crate::{
    Error, Result,
    canonical::{Reader, serde_as_canonical_bytes},
};

const VERSION: u8 = 1;
const DEFAULT_MANTISSA_BITS: u8 = 7;
const MAX_MANTISSA_BITS: u8 = 20;

/// An order-free, mergeable histogram on a logarithmic scale that answers quantiles within a
/// relative error.
///
/// Keeping `b` bits of the mantissa splits each power of two into 2^b buckets of equal width, so a
/// quantile is within 2^-(b + 1) of a value of its rank, relative to that value: 0.4 % for the 7
/// bits of [`new`](Self::new). Subnormal numbers are within 2^-(1023 + b). Like DDSketch, without
/// logarithms. Takes 16 bytes a bucket that holds values, and 2 KiB for each 256 neighbouring ones
/// of which one does.
///
/// ```
/// use trueline_sdk::quantiles::QuantileSketch;
///
/// let mut sketch = QuantileSketch::new();
/// sketch.add_slice(&(1..=1000).map(f64::from).collect::<Vec<_>>());
/// let median = sketch.quantile(0.5).unwrap();
/// assert!((median - 500.0).abs() <= 500.0 / 256.0 + 1.0);
/// assert_eq!(sketch.quantile(1.0), Some(1000.0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantileSketch {
    mantissa_bits: u8,
    buckets: Buckets,
    /// The keys of the smallest and the largest value.
    extremes: Option<(u64, u64)>,
}

impl QuantileSketch {
    /// An empty sketch with a relative error of 2^-8.
    #[must_use]
    pub fn new() -> Self {
        Self {
            mantissa_bits: DEFAULT_MANTISSA_BITS,
            buckets: Buckets::default(),
            extremes: None,
        }
    }

    /// An empty sketch with a relative error of 2^-(bits + 1).
    ///
    /// # Errors
    /// If `bits` is more than 20.
    pub fn with_mantissa_bits(bits: u8) -> Result<Self> {
        if bits > MAX_MANTISSA_BITS {
            return Err(Error::params(format!(
                "a quantile sketch keeps at most {MAX_MANTISSA_BITS} mantissa bits, not {bits}"
            )));
        }
        Ok(Self {
            mantissa_bits: bits,
            ..Self::new()
        })
    }

    /// The bound of the relative error.
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        0.5 / f64::from(1u32 << self.mantissa_bits)
    }

    /// Counts one value, unless it is NaN.
    pub fn add(&mut self, value: f64) {
        self.add_slice(&[value]);
    }

    /// Counts every value that is not NaN.
    pub fn add_slice(&mut self, values: &[f64]) {
        let dropped = self.dropped_bits();
        let (mut low, mut high) = self.extremes.unwrap_or((u64::MAX, 0));
        let keys = values
            .iter()
            .filter(|value| !value.is_nan())
            .map(|value| order::key(*value));
        self.buckets.add_each(keys.map(|key| {
            (low, high) = (low.min(key), high.max(key));
            key >> dropped
        }));
        self.extremes = (low <= high).then_some((low, high));
    }

    /// Counts everything that was counted in `other`.
    ///
    /// # Errors
    /// If the two keep different numbers of mantissa bits.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.mantissa_bits != other.mantissa_bits {
            return Err(Error::data(format!(
                "quantile sketches of {} and of {} mantissa bits cannot be merged",
                self.mantissa_bits, other.mantissa_bits
            )));
        }
        self.buckets.merge(&other.buckets);
        self.extremes = match (self.extremes, other.extremes) {
            (Some((low, high)), Some((other_low, other_high))) => {
                Some((low.min(other_low), high.max(other_high)))
            }
            (own, others) => own.or(others),
        };
        Ok(())
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.count()
    }

    /// The smallest value, exactly. `None` if there are no values.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.extremes.map(|(low, _)| order::value(low))
    }

    /// The largest value, exactly. `None` if there are no values.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.extremes.map(|(_, high)| order::value(high))
    }

    /// A number near the value of rank `q * (count - 1)`, rounded; the exact extremes for 0 and 1.
    /// `None` if there are no values, or `q` is not within 0 and 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let (low, high) = self.extremes.filter(|_| (0.0..=1.0).contains(&q))?;
        let last = self.count() - 1;
        let rank = (q * last as f64).round() as u64;
        if rank == 0 {
            return self.min();
        }
        if rank >= last {
            return self.max();
        }
        let (bucket, _) = self.buckets.find(0..=u64::MAX, rank)?;
        let first_key = bucket << self.dropped_bits();
        let middle = first_key | 1 << (self.dropped_bits() - 1);
        Some(order::value(middle.clamp(low, high)))
    }

    /// The buckets that hold values, ascending: the smallest and the largest number that each
    /// stands for, and its count. An infinity has a bucket of its own.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let (infinite, dropped) = (order::key(f64::INFINITY), self.dropped_bits());
        self.buckets.iter().map(move |(bucket, count)| {
            let (first, last) = (bucket << dropped, bucket << dropped | ((1 << dropped) - 1));
            let (first, last) = (first.max(!infinite), last.min(infinite));
            (order::value(first), order::value(last), count)
        })
    }

    fn dropped_bits(&self) -> u32 {
        52 - u32::from(self.mantissa_bits)
    }

    /// The canonical state: version 1, mantissa bits (one byte each), smallest and largest key if
    /// there are values (8 bytes each), the buckets.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.mantissa_bits];
        self.buckets.write(&mut bytes);
        if let Some((low, high)) = self.extremes {
            bytes.extend(low.to_le_bytes());
            bytes.extend(high.to_le_bytes());
        }
        bytes
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If the bytes are not in the canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("a quantile sketch", VERSION, bytes)?;
        let mut sketch = Self::with_mantissa_bits(reader.u8()?)?;
        sketch.buckets = Buckets::read(&mut reader, 64 - sketch.dropped_bits())?;
        let outer = sketch
            .buckets
            .iter()
            .next()
            .zip(sketch.buckets.iter().last());
        if let Some(((first, _), (last, _))) = outer {
            let (low, high) = (reader.u64()?, reader.u64()?);
            let dropped = sketch.dropped_bits();
            let numbers = !order::value(low).is_nan() && !order::value(high).is_nan();
            if !numbers || low > high || low >> dropped != first || high >> dropped != last {
                return Err(reader.error("the extremes do not lie in the outer buckets"));
            }
            sketch.extremes = Some((low, high));
        }
        reader.finish()?;
        Ok(sketch)
    }
}

impl Default for QuantileSketch {
    fn default() -> Self {
        Self::new()
    }
}

serde_as_canonical_bytes!(QuantileSketch);
