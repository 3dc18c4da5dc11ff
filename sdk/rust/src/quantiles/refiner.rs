//! Exact quantiles in four passes.

use super::{buckets::Buckets, order};
use crate::{
    Error, Result,
    canonical::{Reader, serde_as_canonical_bytes},
};

const VERSION: u8 = 1;
/// Bits of the key that one pass settles: 65,536 buckets for each wanted value.
const BITS_PER_PASS: u32 = 16;

/// Exact quantiles of a column: an order-free, mergeable reduction of [`PASSES`](Self::PASSES)
/// passes over the same rows.
///
/// Pass 0 counts values by the leading 16 bits of their order; from the counts,
/// [`advance`](Self::advance) learns the 16 bits of each wanted order statistic. Pass 1 counts the
/// values that share those by the next 16 bits, and so on: after four passes all 64 bits are known.
/// Takes at most 512 KiB for each order statistic, of which a quantile has two, and far less for
/// ordinary data.
///
/// ```
/// use trueline_sdk::quantiles::QuantileRefiner;
///
/// let column = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0];
/// let mut refiner = QuantileRefiner::new(&[0.5])?;
/// for _ in 0..QuantileRefiner::PASSES {
///     refiner.add_slice(&column);
///     refiner.advance()?;
/// }
/// let median = refiner.results().unwrap()[0];
/// assert_eq!(median.midpoint(), 3.5);
/// # Ok::<(), trueline_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileRefiner {
    quantiles: Vec<f64>,
    pass: u8,
    /// All values; known after pass 0.
    count: u64,
    /// The lower and the upper order statistic of each quantile; known after pass 0.
    targets: Vec<Target>,
    /// What this pass has counted.
    buckets: Buckets,
}

/// An order statistic in search of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    /// The leading bits of the key, as far as they are known.
    prefix: u64,
    /// The rank among the values that share them, from 0 in ascending order.
    rank: u64,
}

/// The two neighbouring values between which a quantile lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderStatistics {
    /// The value of rank `floor(q * (count - 1))`, from 0 in ascending order.
    pub lower: f64,
    /// The value of the next rank, or the same if there is none.
    pub upper: f64,
    /// How far the quantile lies from lower to upper: at least 0, less than 1.
    pub fraction: f64,
}

impl OrderStatistics {
    /// Those of a quantile `q` among so many values; `value` tells the one of a rank, from 0 in ascending
    /// order. `None` if there are no values.
    ///
    /// ```
    /// use trueline_sdk::quantiles::OrderStatistics;
    ///
    /// let sorted = [1.0, 2.0, 4.0];
    /// let statistics = OrderStatistics::at(0.75, sorted.len(), |rank| sorted[rank]);
    /// assert_eq!(statistics.unwrap().linear(), 3.0);
    /// ```
    #[must_use]
    pub fn at(q: f64, count: usize, value: impl Fn(usize) -> f64) -> Option<Self> {
        let last = count.checked_sub(1)?;
        let position = last as f64 * q;
        let lower = (position as usize).min(last);
        Some(Self {
            lower: value(lower),
            upper: value((lower + 1).min(last)),
            fraction: position - position.floor(),
        })
    }

    /// The quantile by linear interpolation: the bits that `numpy.quantile` gives, and
    /// `numpy.percentile` for `100 * q`.
    #[must_use]
    pub fn linear(&self) -> f64 {
        let difference = self.upper - self.lower;
        if self.fraction == 0.0 {
            self.lower
        } else if self.fraction < 0.5 {
            self.lower + difference * self.fraction
        } else {
            self.upper - difference * (1.0 - self.fraction)
        }
    }

    /// The mean of the two, or `lower` if the quantile is exactly there. For `q` = 0.5 the bits
    /// that `numpy.median` gives, which [`linear`](Self::linear) can miss by a rounding.
    #[must_use]
    pub fn midpoint(&self) -> f64 {
        if self.fraction == 0.0 {
            self.lower
        } else {
            (self.lower + self.upper) / 2.0
        }
    }
}

impl QuantileRefiner {
    /// How many passes it takes.
    pub const PASSES: u32 = 64 / BITS_PER_PASS;

    /// Ready for pass 0, for these quantiles, each within 0 and 1.
    ///
    /// # Errors
    /// If a quantile is not within 0 and 1.
    pub fn new(quantiles: &[f64]) -> Result<Self> {
        if let Some(wrong) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            return Err(Error::params(format!(
                "the quantile {wrong} is not within 0 and 1"
            )));
        }
        Ok(Self {
            // Adding zero makes -0.0 positive.
            quantiles: quantiles.iter().map(|q| q + 0.0).collect(),
            pass: 0,
            count: 0,
            targets: Vec::new(),
            buckets: Buckets::default(),
        })
    }

    /// The same counts, for other quantiles: for those that depend on how many values there are. Only
    /// before pass 0 ends, which counts alike for all quantiles.
    ///
    /// # Errors
    /// If pass 0 has ended, or a quantile is not within 0 and 1.
    pub fn with_quantiles(self, quantiles: &[f64]) -> Result<Self> {
        if self.pass > 0 {
            return Err(Error::data(
                "pass 0 has ended: other quantiles can no longer be asked for",
            ));
        }
        Ok(Self {
            buckets: self.buckets,
            ..Self::new(quantiles)?
        })
    }

    /// How many values this pass has counted so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.buckets.count()
    }

    /// The pass that it is ready for, from 0; [`PASSES`](Self::PASSES) when it is done.
    #[must_use]
    pub fn pass(&self) -> u32 {
        u32::from(self.pass)
    }

    /// Sees values of this pass. NaN is not counted, and nothing is once it is done.
    pub fn add_slice(&mut self, values: &[f64]) {
        let keys = values
            .iter()
            .filter(|value| !value.is_nan())
            .map(|value| order::key(*value));
        match self.pass() {
            0 => self
                .buckets
                .add_each(keys.map(|key| key >> (64 - BITS_PER_PASS))),
            pass if pass < Self::PASSES => {
                let prefixes = self.prefixes();
                let known = pass * BITS_PER_PASS;
                let wanted =
                    keys.filter(|key| prefixes.binary_search(&(key >> (64 - known))).is_ok());
                self.buckets
                    .add_each(wanted.map(|key| key >> (64 - known - BITS_PER_PASS)));
            }
            _ => {}
        }
    }

    /// Sees everything that `other` saw in this pass.
    ///
    /// # Errors
    /// If the two are not parts of the same pass for the same quantiles.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let same = self.quantiles == other.quantiles
            && (self.pass, self.count) == (other.pass, other.count)
            && self.targets == other.targets;
        if !same {
            return Err(Error::data(format!(
                "a part of pass {} of some quantiles cannot be merged into one of pass {} of others",
                other.pass, self.pass
            )));
        }
        self.buckets.merge(&other.buckets);
        Ok(())
    }

    /// Ends a pass: settles 16 more bits of each order statistic, and makes ready for the next
    /// pass.
    ///
    /// # Errors
    /// If this pass saw other rows than the one before, or all are done.
    pub fn advance(&mut self) -> Result<()> {
        if self.pass() >= Self::PASSES {
            return Err(Error::data(
                "quantiles were refined to the end already: there is no further pass",
            ));
        }
        if self.pass == 0 {
            self.count = self.buckets.count();
            self.targets = self
                .ranks()
                .map(|rank| Target { prefix: 0, rank })
                .collect();
        }
        for target in &mut self.targets {
            let first = target.prefix << BITS_PER_PASS;
            let range = first..=first | ((1 << BITS_PER_PASS) - 1);
            let Some((prefix, rank)) = self.buckets.find(range, target.rank) else {
                return Err(Error::data(format!(
                    "pass {} of the quantiles saw fewer rows than pass 0; every pass takes the same rows",
                    self.pass
                )));
            };
            *target = Target { prefix, rank };
        }
        self.buckets = Buckets::default();
        self.pass += 1;
        Ok(())
    }

    /// The order statistics of each quantile, in the order of [`new`](Self::new). `None` until all
    /// passes are done, or if there were no values.
    #[must_use]
    pub fn results(&self) -> Option<Vec<OrderStatistics>> {
        if self.pass() < Self::PASSES || self.count == 0 {
            return None;
        }
        let statistics =
            self.quantiles
                .iter()
                .zip(self.targets.chunks_exact(2))
                .map(|(q, pair)| {
                    let position = self.position(*q);
                    OrderStatistics {
                        lower: order::value(pair[0].prefix),
                        upper: order::value(pair[1].prefix),
                        fraction: position - position.floor(),
                    }
                });
        Some(statistics.collect())
    }

    /// How many values pass 0 counted; 0 before it ends.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Where a quantile lies among the ranks.
    fn position(&self, q: f64) -> f64 {
        (self.count - 1) as f64 * q
    }

    /// The two ranks of each quantile; none if there are no values.
    fn ranks(&self) -> impl Iterator<Item = u64> {
        let quantiles: &[f64] = if self.count == 0 {
            &[]
        } else {
            &self.quantiles
        };
        quantiles.iter().flat_map(|q| {
            let last = self.count - 1;
            let lower = (self.position(*q).floor() as u64).min(last);
            [lower, (lower + 1).min(last)]
        })
    }

    /// The known leading bits of the wanted keys: sorted, each once.
    fn prefixes(&self) -> Vec<u64> {
        let mut prefixes: Vec<u64> = self.targets.iter().map(|target| target.prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }

    /// The canonical state: version 1 and the pass (one byte each); the number of quantiles (4
    /// bytes); each one (8); after pass 0 the count of values (8) and, if there are any, prefix and
    /// rank of each quantile's two order statistics (8 each); the buckets of this pass.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.pass];
        let length =
            u32::try_from(self.quantiles.len()).expect("there are fewer than 2^32 quantiles");
        bytes.extend(length.to_le_bytes());
        bytes.extend(
            self.quantiles
                .iter()
                .flat_map(|q| q.to_bits().to_le_bytes()),
        );
        if self.pass > 0 {
            bytes.extend(self.count.to_le_bytes());
            bytes.extend(self.targets.iter().flat_map(|target| {
                [target.prefix, target.rank]
                    .into_iter()
                    .flat_map(u64::to_le_bytes)
            }));
        }
        self.buckets.write(&mut bytes);
        bytes
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If the bytes are not in the canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("refined quantiles", VERSION, bytes)?;
        let pass = reader.u8()?;
        if u32::from(pass) > Self::PASSES {
            return Err(reader.error(format!("there is no pass {pass}")));
        }
        let mut quantiles = Vec::new();
        for _ in 0..reader.u32()? {
            quantiles.push(f64::from_bits(reader.u64()?));
        }
        let mut refiner = Self {
            pass,
            ..Self::new(&quantiles)?
        };
        let known = BITS_PER_PASS * u32::from(pass);
        if pass > 0 {
            refiner.count = reader.u64()?;
            for _ in refiner.ranks().collect::<Vec<_>>() {
                let target = Target {
                    prefix: reader.u64()?,
                    rank: reader.u64()?,
                };
                if target.prefix.checked_shr(known).unwrap_or(0) != 0 {
                    return Err(reader.error(format!(
                        "a prefix of pass {pass} has more than {known} bits"
                    )));
                }
                refiner.targets.push(target);
            }
        }
        refiner.buckets = Buckets::read(&mut reader, (known + BITS_PER_PASS).min(64))?;
        let prefixes = refiner.prefixes();
        let wanted =
            |bucket: u64| pass == 0 || prefixes.binary_search(&(bucket >> BITS_PER_PASS)).is_ok();
        if u32::from(pass) == Self::PASSES && refiner.buckets != Buckets::default()
            || !refiner.buckets.iter().all(|(bucket, _)| wanted(bucket))
            || refiner
                .quantiles
                .iter()
                .zip(&quantiles)
                .any(|(own, read)| own.to_bits() != read.to_bits())
        {
            return Err(reader.error("it holds what it would not have written"));
        }
        reader.finish()?;
        Ok(refiner)
    }
}

serde_as_canonical_bytes!(QuantileRefiner);
