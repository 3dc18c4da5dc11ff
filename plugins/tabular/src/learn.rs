//! What steps learn from a column, as mergeable reductions.

mod counts;
mod range;

use serde::{Deserialize, Serialize};
use trueline_sdk::{Batch, Error, Result, exact_sum::ExactMoments, quantiles::QuantileRefiner};

use crate::{encoder::Categories, eval::Integers, kernel::any_missing, order, value::Operand};

use counts::Counts;
use range::Range;

/// What is to be learned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    Mean,
    Median,
    MostFrequent,
    /// Mean and standard deviation.
    Moments,
    /// The smallest and the largest number.
    Range,
    Categories(Selection),
}

/// Which of the values that occur become categories.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// Those that occur at least so often,
    pub(crate) min_count: u64,
    /// of these the most frequent; among equally frequent ones the smallest,
    pub(crate) keep: Option<usize>,
    /// and never more than this
    pub(crate) limit: usize,
    /// or less than this.
    pub(crate) at_least: usize,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fitted {
    Number(f64),
    Text(String),
    Moments { mean: f64, deviation: f64 },
    Range { min: f64, max: f64 },
    Categories(Categories),
}

/// A reduction under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Learner {
    Moments(Box<ExactMoments>),
    Median(Box<QuantileRefiner>),
    Range(Range),
    Texts(Counts<String>),
    Integers(Counts<i64>),
    /// Numbers by their place in the order of numbers.
    Numbers(Counts<i64>),
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

impl Task {
    /// How many passes over the rows it takes.
    pub(crate) fn passes(&self) -> u32 {
        match self {
            Self::Median => QuantileRefiner::PASSES,
            _ => 1,
        }
    }

    /// Whether integers are to be taken as such.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self, Self::Categories(_))
    }
}

impl Learner {
    /// Begins the first pass of a task.
    pub(crate) fn new(task: &Task, operand: &Operand) -> Result<Self> {
        Ok(match (task, operand) {
            (Task::Mean | Task::Moments, _) => Self::Moments(Box::default()),
            (Task::Median, _) => Self::Median(Box::new(QuantileRefiner::new(&[0.5])?)),
            (Task::Range, _) => Self::Range(Range::default()),
            (Task::MostFrequent | Task::Categories(_), Operand::Texts(_)) => {
                Self::Texts(Counts::default())
            }
            (Task::MostFrequent | Task::Categories(_), Operand::Integers(_)) => {
                Self::Integers(Counts::default())
            }
            (Task::MostFrequent | Task::Categories(_), Operand::Numbers(_)) => {
                Self::Numbers(Counts::default())
            }
        })
    }

    /// Takes in the rows of a batch, but those where the value is missing. `numbers` is space to work in.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values to count.
    pub(crate) fn update(
        &mut self,
        operand: &Operand,
        batch: &Batch<'_>,
        numbers: &mut Vec<f64>,
    ) -> Result<()> {
        match (self, operand) {
            (Self::Texts(counts), Operand::Texts(text)) => {
                let texts = text.texts(batch)?;
                (0..batch.rows())
                    .filter_map(|row| texts.get(row))
                    .try_for_each(|text| counts.add(text))
            }
            (Self::Integers(counts), Operand::Integers(input)) => {
                let integers = Integers::of(batch, *input)?;
                (0..batch.rows())
                    .filter_map(|row| integers.get(row))
                    .try_for_each(|integer| counts.add(&integer))
            }
            (learner, Operand::Numbers(scalar)) => {
                numbers.clear();
                numbers.resize(batch.rows(), 0.0);
                scalar.eval_all(batch, numbers)?;
                if any_missing(numbers) {
                    numbers.retain(|number| !number.is_nan());
                }
                learner.update_numbers(numbers)
            }
            _ => Err(Error::other(
                "a lesson was begun for values of another kind",
            )),
        }
    }

    fn update_numbers(&mut self, numbers: &[f64]) -> Result<()> {
        match self {
            Self::Moments(moments) => moments.add_slice(numbers),
            Self::Median(refiner) => refiner.add_slice(numbers),
            Self::Range(range) => range.add_slice(numbers),
            Self::Numbers(counts) => numbers
                .iter()
                .try_for_each(|number| counts.add(&order::key(*number)))?,
            Self::Texts(_) | Self::Integers(_) => {
                return Err(Error::other(
                    "a lesson was begun for values of another kind",
                ));
            }
        }
        Ok(())
    }

    /// Takes in what another learner of the same pass took in.
    ///
    /// # Errors
    /// [`Error::Data`] if the other one learns something else, or there are too many distinct values.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        match (self, other) {
            (Self::Moments(own), Self::Moments(other)) => own.merge(&other),
            (Self::Median(own), Self::Median(other)) => own.merge(&other)?,
            (Self::Range(own), Self::Range(other)) => own.merge(other),
            (Self::Texts(own), Self::Texts(other)) => own.merge::<str>(&other)?,
            (Self::Integers(own), Self::Integers(other))
            | (Self::Numbers(own), Self::Numbers(other)) => {
                own.merge::<i64>(&other)?;
            }
            _ => {
                return Err(Error::data(
                    "a partial result of another stage or pass cannot be merged",
                ));
            }
        }
        Ok(())
    }

    /// Ends a pass.
    ///
    /// # Errors
    /// [`Error::Data`] if there was no value, or what comes out is not finite.
    pub(crate) fn finish(self, task: &Task) -> Result<Progress> {
        let fitted = match (self, task) {
            (Self::Moments(moments), Task::Mean) => moments.mean().map(Fitted::Number),
            (Self::Moments(moments), _) => moments
                .mean()
                .zip(moments.standard_deviation())
                .map(|(mean, deviation)| Fitted::Moments { mean, deviation }),
            (Self::Median(mut refiner), _) => {
                refiner.advance()?;
                if refiner.pass() < QuantileRefiner::PASSES {
                    return Ok(Progress::Learning(Self::Median(refiner)));
                }
                refiner
                    .results()
                    .map(|statistics| Fitted::Number(statistics[0].midpoint()))
            }
            (Self::Range(range), _) => range.bounds().map(|(min, max)| Fitted::Range { min, max }),
            (Self::Texts(counts), Task::Categories(selection)) => selection
                .of(&counts)?
                .map(|texts| Fitted::Categories(Categories::Texts(texts))),
            (Self::Integers(counts), Task::Categories(selection)) => selection
                .of(&counts)?
                .map(|integers| Fitted::Categories(Categories::Integers(integers))),
            (Self::Numbers(counts), Task::Categories(selection)) => {
                selection.of(&counts)?.map(|keys| {
                    Fitted::Categories(Categories::Numbers(
                        keys.into_iter().map(order::number).collect(),
                    ))
                })
            }
            (Self::Texts(counts), _) => counts.most_frequent().map(Fitted::Text),
            (Self::Integers(counts), _) => counts
                .most_frequent()
                .map(|integer| Fitted::Number(integer as f64)),
            (Self::Numbers(counts), _) => counts
                .most_frequent()
                .map(|key| Fitted::Number(order::number(key))),
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
            Self::Text(_) | Self::Categories(_) => true,
        }
    }
}

impl Selection {
    /// The categories in ascending order; `None` if nothing was counted.
    fn of<K: Clone + Ord>(&self, counts: &Counts<K>) -> Result<Option<Vec<K>>> {
        let mut counted = counts.sorted();
        if counted.is_empty() {
            return Ok(None);
        }
        counted.retain(|(_, count)| *count >= self.min_count);
        if counted.is_empty() {
            return Err(Error::data(format!(
                "none of its values occurs {} times, which `min_count` asks for",
                self.min_count
            )));
        }
        if let Some(keep) = self.keep {
            // The sort is stable, so that the smallest of equally frequent ones come first.
            counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counted.truncate(keep);
        }
        if counted.len() > self.limit {
            return Err(Error::data(format!(
                "it has {} categories, more than {}; keep the most frequent with `max_categories` or `min_count`, \
                 or take `ordinal`",
                counted.len(),
                self.limit
            )));
        }
        if counted.len() < self.at_least {
            return Err(Error::data(
                "it has one category only, so that `drop` leaves nothing; leave `drop` or the column out",
            ));
        }
        let mut keys: Vec<K> = counted.into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        Ok(Some(keys))
    }
}
