//! A number of a whole column in a range.

use trueline_sdk::exact_sum::ExactMoments;
use trueline_sdk::order::{float, is_nan, key, show_float};
use trueline_sdk::prelude::*;
use trueline_sdk::quantiles::OrderStatistics;

use super::{Expectation, Seen, decode, encode};
use crate::params::Range;
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

/// The bounds of a number, themselves allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    min: Option<f64>,
    max: Option<f64>,
}

impl Interval {
    /// # Errors
    /// [`Error::Params`] if a bound is NaN, both are missing, or they are the wrong way round.
    pub(crate) fn new(range: Range, what: &str) -> Result<Self> {
        let Range { min, max } = range;
        if min.is_none() && max.is_none() {
            return Err(Error::params(format!("{what} needs `min`, `max` or both")));
        }
        if [min, max].into_iter().flatten().any(f64::is_nan) {
            return Err(Error::params(format!("{what} has a bound that is NaN")));
        }
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(Error::params(format!("{what} has a `min` above its `max`")));
        }
        Ok(Self { min, max })
    }

    /// NaN lies in no interval.
    pub(crate) fn contains(self, value: f64) -> bool {
        !value.is_nan()
            && self.min.is_none_or(|min| value >= min)
            && self.max.is_none_or(|max| value <= max)
    }
}

/// `from 1 to 2`, `at least 1` or `at most 2`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "from {} to {}", show_float(min), show_float(max)),
            (Some(min), None) => write!(f, "at least {}", show_float(min)),
            (None, Some(max)) => write!(f, "at most {}", show_float(max)),
            (None, None) => f.write_str("anything"),
        }
    }
}

/// Says that `what` is in the interval or not; a number that there is none of is.
pub(crate) fn judge(about: About, what: &str, value: Option<f64>, interval: Interval) -> Verdict {
    let met = value.is_none_or(|value| interval.contains(value));
    let found = match value {
        None => format!("there is no {what}: no value"),
        Some(value) if met => format!("the {what} is {}", show_float(value)),
        Some(value) => format!(
            "the {what} is {}, where {interval} is expected",
            show_float(value)
        ),
    };
    about.verdict(met, 0, Some(found))
}

/// What is computed of exact sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Mean,
    /// The sample's, with the divisor n - 1.
    StandardDeviation,
    Sum,
}

impl Moment {
    /// What parameters call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::StandardDeviation => "std",
            Self::Sum => "sum",
        }
    }
}

/// Mean, standard deviation or sum of a column of numbers.
pub(crate) struct Moments {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) moment: Moment,
    pub(crate) interval: Interval,
    pub(crate) moments: Box<ExactMoments>,
}

impl Expectation for Moments {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        // Nulls are NaN here, and NaN is not counted.
        let numbers = rows.column(self.place).numbers(rows.count())?;
        self.moments.add_slice(&numbers);
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.moments)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.moments.merge(&decode::<ExactMoments>(partial)?);
        Ok(())
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        let count = self.moments.count();
        let (what, value) = match self.moment {
            Moment::Mean => ("mean", self.moments.mean()),
            Moment::Sum => ("sum", Some(self.moments.sum().value())),
            Moment::StandardDeviation => {
                let variance = self.moments.variance().filter(|_| count > 1);
                let of_sample =
                    |variance: f64| (variance * (count as f64 / (count as f64 - 1.0))).sqrt();
                ("standard deviation", variance.map(of_sample))
            }
        };
        judge(self.about, what, value, self.interval)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}

/// A quantile of a column of numbers, exactly.
pub(crate) struct Quantiles {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) q: f64,
    pub(crate) interval: Interval,
    /// Every value but NaN.
    pub(crate) keys: Vec<i64>,
}

impl Expectation for Quantiles {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let numbers = rows.column(self.place).numbers(rows.count())?;
        let keys = numbers.iter().map(|&number| key(number));
        self.keys.extend(keys.filter(|&key| !is_nan(key)));
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.keys)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.keys.extend(decode::<Vec<i64>>(partial)?);
        Ok(())
    }

    fn verdict(mut self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        self.keys.sort_unstable();
        let value = quantile(&self.keys, self.q);
        let what = if self.q == 0.5 {
            "median".to_owned()
        } else {
            format!("quantile {}", self.q)
        };
        judge(self.about, &what, value, self.interval)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }

    /// Eight bytes a value, twice: memory is doubled when it is full.
    fn bytes_per_row(&self) -> u32 {
        16
    }
}

/// By linear interpolation, as `numpy.quantile`.
fn quantile(sorted: &[i64], q: f64) -> Option<f64> {
    let statistics = OrderStatistics::at(q, sorted.len(), |rank| float(sorted[rank]))?;
    Some(if q == 0.5 {
        statistics.midpoint()
    } else {
        statistics.linear()
    })
}
