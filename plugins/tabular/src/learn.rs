//! What steps learn from a column, as mergeable reductions.

mod groups;
mod keys;
mod range;
mod selection;
mod targets;

use serde::{Deserialize, Serialize};
use trueline_sdk::{
    Batch, Error, Result, Validity,
    exact_sum::ExactMoments,
    order,
    quantiles::{OrderStatistics, QuantileRefiner},
};

use crate::{
    encoder::Categories,
    power::{Method, Power, PowerSearch},
    quantile::evenly,
    value::Operand,
};

use keys::Keyed;
use range::Range;
use targets::TargetSums;

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
}

/// A reduction under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Learner {
    Moments(Box<ExactMoments>),
    Quantiles(Box<QuantileRefiner>),
    Range(Range),
    Counts(Keyed<u64>),
    Targets(Box<TargetSums>),
    Power(Box<PowerSearch>),
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
pub(crate) struct Material {
    pub(crate) operand: Operand,
    /// For [`Task::Targets`].
    pub(crate) target: Option<Operand>,
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

impl Learner {
    /// Begins the first pass of a task.
    pub(crate) fn new(task: &Task, material: &Material) -> Result<Self> {
        let Material { operand, target } = material;
        Ok(match task {
            Task::Mean | Task::Moments => Self::Moments(Box::default()),
            // Which quantiles may depend on how many numbers there are; the first pass does not.
            Task::Quantiles(_) => Self::Quantiles(Box::new(QuantileRefiner::new(&[])?)),
            Task::Range => Self::Range(Range::default()),
            Task::MostFrequent | Task::Categories(_) | Task::Frequencies => {
                Self::Counts(Keyed::new(operand))
            }
            Task::Targets => {
                let target = target.as_ref().ok_or_else(other_kind)?;
                Self::Targets(Box::new(TargetSums::new(operand, target)))
            }
            Task::Power(method) => Self::Power(Box::new(PowerSearch::new(*method))),
        })
    }

    /// Takes in the rows of a batch, but those where the value is missing. `numbers` is space to work in.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values to count.
    pub(crate) fn update(
        &mut self,
        Material { operand, target }: &Material,
        batch: &Batch<'_>,
        numbers: &mut Vec<f64>,
    ) -> Result<()> {
        match (self, operand, target) {
            (Self::Counts(counts), operand, _) => counts.each_row(
                operand,
                batch,
                numbers,
                || 0,
                |_, count| {
                    if let Some(count) = count {
                        *count += 1;
                    }
                },
            ),
            (Self::Targets(sums), operand, Some(target)) => {
                sums.update((operand, target), batch, numbers)
            }
            (learner, Operand::Numbers(scalar), _) => {
                numbers.clear();
                numbers.resize(batch.rows(), 0.0);
                scalar.eval_all(batch, numbers)?;
                if Validity::of_numbers(numbers).null_count() > 0 {
                    numbers.retain(|number| !number.is_nan());
                }
                learner.update_numbers(numbers)
            }
            _ => Err(other_kind()),
        }
    }

    fn update_numbers(&mut self, numbers: &[f64]) -> Result<()> {
        match self {
            Self::Moments(moments) => moments.add_slice(numbers),
            Self::Quantiles(refiner) => refiner.add_slice(numbers),
            Self::Range(range) => range.add_slice(numbers),
            Self::Power(search) => search.add_slice(numbers),
            Self::Counts(_) | Self::Targets(_) => return Err(other_kind()),
        }
        Ok(())
    }

    /// Takes in what another learner of the same pass took in.
    ///
    /// # Errors
    /// [`Error::Data`] if the other one learns something else, or there are too many distinct values.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Moments(own), Self::Moments(other)) => own.merge(other),
            (Self::Quantiles(own), Self::Quantiles(other)) => own.merge(other)?,
            (Self::Range(own), Self::Range(other)) => own.merge(*other),
            (Self::Counts(own), Self::Counts(other)) => own.merge(other, || 0)?,
            (Self::Targets(own), Self::Targets(other)) => own.merge(other)?,
            (Self::Power(own), Self::Power(other)) => own.merge(other)?,
            _ => {
                return Err(Error::data(
                    "a partial result of another stage or pass cannot be merged",
                ));
            }
        }
        Ok(())
    }

    /// Ends a pass, the last one or not.
    ///
    /// # Errors
    /// [`Error::Data`] if there was no value, or what comes out is not finite.
    pub(crate) fn finish(self, task: &Task, is_last: bool) -> Result<Progress> {
        let fitted = match (self, task) {
            (Self::Moments(moments), Task::Mean) => moments.mean().map(Fitted::Number),
            (Self::Moments(moments), _) => moments
                .mean()
                .zip(moments.standard_deviation())
                .map(|(mean, deviation)| Fitted::Moments { mean, deviation }),
            (Self::Quantiles(mut refiner), Task::Quantiles(quantiles)) => {
                if refiner.pass() == 0 {
                    let wanted = quantiles.of(refiner.seen());
                    *refiner = refiner.with_quantiles(&wanted)?;
                }
                refiner.advance()?;
                if !is_last {
                    return Ok(Progress::Learning(Self::Quantiles(refiner)));
                }
                refiner
                    .results()
                    .map(|statistics| quantiles.values(&statistics))
            }
            (Self::Power(mut search), Task::Power(method)) => {
                search.advance()?;
                if !is_last {
                    return Ok(Progress::Learning(Self::Power(search)));
                }
                search
                    .results()?
                    .map(|(lambda, mean, deviation)| Fitted::Power {
                        power: Power {
                            method: *method,
                            lambda,
                        },
                        mean,
                        deviation,
                    })
            }
            (Self::Range(range), _) => range.bounds().map(|(min, max)| Fitted::Range { min, max }),
            (Self::Counts(counts), Task::Categories(selection)) => {
                selection.of(&counts)?.map(Fitted::Categories)
            }
            (Self::Counts(counts), Task::Frequencies) => {
                let (categories, counts) = counts.sorted();
                (!counts.is_empty()).then_some(Fitted::Frequencies { categories, counts })
            }
            (Self::Counts(Keyed::Texts(counts)), _) => counts.most_frequent().map(Fitted::Text),
            (Self::Counts(Keyed::Integers(counts)), _) => counts
                .most_frequent()
                .map(|integer| Fitted::Number(integer as f64)),
            (Self::Counts(Keyed::Numbers(counts)), _) => counts
                .most_frequent()
                .map(|key| Fitted::Number(order::float(key))),
            (Self::Targets(sums), _) => sums.finish().map(Fitted::Targets),
            (Self::Quantiles(_) | Self::Power(_), _) => return Err(other_kind()),
        };
        let fitted = fitted.ok_or_else(|| Error::data("it has no value to learn from"))?;
        if fitted.is_finite() {
            Ok(Progress::Learned(fitted))
        } else {
            Err(Error::data(
                "it holds infinite values, or such that float64 arithmetic overflows; `clip` it first",
            ))
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
        }
    }
}

fn other_kind() -> Error {
    Error::other("a lesson was begun for values of another kind")
}
