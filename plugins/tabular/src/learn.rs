//! What steps learn from a column, as mergeable reductions.

mod groups;
mod keys;
mod learner;
mod range;
mod selection;
mod targets;

use serde::{Deserialize, Serialize};
use trueline_sdk::quantiles::{OrderStatistics, QuantileRefiner};

use crate::{
    elements::Elements,
    encoder::Categories,
    power::{Method, Power, PowerSearch},
    quantile::evenly,
    value::Operand,
};

use groups::Groups;
use keys::Keyed;
use range::Range;
use targets::TargetSums;

pub(crate) use learner::Learner;
pub(crate) use selection::Selection;
pub(crate) use targets::{TargetMoments, TargetsByCategory};

/// What is to be learned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    Mean,
    MostFrequent,
    /// Mean and standard deviation.
    Moments,
    /// The smallest and the largest number.
    Range,
    Quantiles(Quantiles),
    Categories(Selection),
    /// All values, and how often each occurs.
    Frequencies,
    /// What another column is where this one has a value.
    Targets,
    /// The exponent that makes numbers most like a normal distribution's.
    Power(Method),
}

/// Which quantiles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Quantiles {
    Median,
    /// The median, and these two.
    Spread([f64; 2]),
    /// So many at equal distances from the smallest number to the largest; no more than numbers.
    Ranks(usize),
    /// The edges of so many bins.
    Bins(usize),
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fitted {
    Number(f64),
    Text(String),
    Moments {
        mean: f64,
        deviation: f64,
    },
    Range {
        min: f64,
        max: f64,
    },
    /// In the order asked for.
    Quantiles(Vec<f64>),
    Categories(Categories),
    Frequencies {
        categories: Categories,
        counts: Vec<u64>,
    },
    Targets(TargetsByCategory),
    /// A transform, and what it makes of the numbers.
    Power {
        power: Power,
        mean: f64,
        deviation: f64,
    },
    /// From each element of a vector.
    Elements(Vec<Self>),
}

/// How far a lesson is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Progress {
    /// It is not its turn yet.
    Waiting,
    /// It takes another pass.
    Learning(Learner),
    Learned(Fitted),
}

/// The values that a lesson is about.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    Values(Operand),
    /// Values, and for [`Task::Targets`] the target.
    Targets(Operand, Operand),
    /// Each element of a vector for itself.
    Elements(Elements),
}

impl Task {
    /// How many passes over the rows it takes.
    pub(crate) fn passes(&self) -> u32 {
        match self {
            Self::Quantiles(_) => QuantileRefiner::PASSES,
            Self::Power(_) => PowerSearch::PASSES,
            _ => 1,
        }
    }

    /// Whether integers are to be taken as such.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(
            self,
            Self::Categories(_) | Self::Frequencies | Self::Targets
        )
    }
}

impl Quantiles {
    /// Those of so many numbers.
    fn of(&self, count: u64) -> Vec<f64> {
        match self {
            Self::Median => vec![0.5],
            Self::Spread([low, high]) => vec![0.5, *low, *high],
            // In percent and back, as numpy is asked for them.
            Self::Ranks(most) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let ranks = evenly(count.clamp(1, *most));
                ranks.iter().map(|rank| rank * 100.0 / 100.0).collect()
            }
            Self::Bins(bins) => {
                let step = 100.0 / *bins as f64;
                let inner = (0..*bins).map(|edge| edge as f64 * step / 100.0);
                inner.chain([1.0]).collect()
            }
        }
    }

    fn values(&self, statistics: &[OrderStatistics]) -> Fitted {
        let linear = |statistics: &[OrderStatistics]| -> Vec<f64> {
            statistics.iter().map(OrderStatistics::linear).collect()
        };
        match (self, statistics) {
            (Self::Median, [median, ..]) => Fitted::Number(median.midpoint()),
            (Self::Spread(_), [median, rest @ ..]) => {
                let mut values = vec![median.midpoint()];
                values.extend(linear(rest));
                Fitted::Quantiles(values)
            }
            _ => Fitted::Quantiles(linear(statistics)),
        }
    }
}

impl Fitted {
    /// Whether all numbers to compute with are finite.
    fn is_finite(&self) -> bool {
        match self {
            Self::Number(number) => number.is_finite(),
            Self::Moments { mean, deviation } => mean.is_finite() && deviation.is_finite(),
            Self::Range { min, max } => (max - min).is_finite(),
            Self::Quantiles(values) => values.iter().all(|value| value.is_finite()),
            Self::Power {
                mean, deviation, ..
            } => mean.is_finite() && deviation.is_finite(),
            Self::Targets(targets) => {
                let is_finite =
                    |target: &TargetMoments| target.mean.is_finite() && target.variance.is_finite();
                is_finite(&targets.all) && targets.each.iter().all(is_finite)
            }
            Self::Text(_) | Self::Categories(_) | Self::Frequencies { .. } => true,
            Self::Elements(each) => each.iter().all(Self::is_finite),
        }
    }
}
