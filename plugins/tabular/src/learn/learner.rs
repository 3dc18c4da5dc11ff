//! A reduction under way: what takes in the values of a lesson.

use serde::{Deserialize, Serialize};
use trueline_sdk::{
    Batch, Error, Result, Validity, exact_sum::ExactMoments, order, quantiles::QuantileRefiner,
};

use super::{Fitted, Groups, Keyed, Material, Progress, Range, TargetSums, Task};
use crate::{
    power::{Power, PowerSearch},
    value::Operand,
};

/// A reduction under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Learner {
    Moments(Box<ExactMoments>),
    Quantiles(Box<QuantileRefiner>),
    Range(Range),
    Counts(Keyed<u64>),
    Targets(Box<TargetSums>),
    Power(Box<PowerSearch>),
    /// One for each element of a vector.
    Elements(Vec<Self>),
}

impl Learner {
    /// Begins the first pass of a task.
    pub(crate) fn new(task: &Task, material: &Material) -> Result<Self> {
        match (material, task) {
            (
                Material::Values(operand),
                Task::MostFrequent | Task::Categories(_) | Task::Frequencies,
            ) => Ok(Self::Counts(Keyed::new(operand))),
            (Material::Targets(operand, target), Task::Targets) => {
                Ok(Self::Targets(Box::new(TargetSums::new(operand, target))))
            }
            (Material::Values(_), task) => Self::of_numbers(task),
            (Material::Elements(elements), task) => {
                let each = (0..elements.width()).map(|_| Self::of_numbers(task));
                each.collect::<Result<_>>().map(Self::Elements)
            }
            (Material::Targets(..), _) => Err(other_kind()),
        }
    }

    /// Of numbers that may be computed.
    fn of_numbers(task: &Task) -> Result<Self> {
        Ok(match task {
            Task::Mean | Task::Moments => Self::Moments(Box::default()),
            // Which quantiles may depend on how many numbers there are; the first pass does not.
            Task::Quantiles(_) => Self::Quantiles(Box::new(QuantileRefiner::new(&[])?)),
            Task::Range => Self::Range(Range::default()),
            Task::MostFrequent => Self::Counts(Keyed::Numbers(Groups::default())),
            Task::Power(method) => Self::Power(Box::new(PowerSearch::new(*method))),
            Task::Categories(_) | Task::Frequencies | Task::Targets => return Err(other_kind()),
        })
    }

    /// Takes in the rows of a batch, but those where the value is missing. `numbers` is space to work in.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values to count.
    pub(crate) fn update(
        &mut self,
        material: &Material,
        batch: &Batch<'_>,
        numbers: &mut Vec<f64>,
    ) -> Result<()> {
        match (self, material) {
            (Self::Counts(counts), Material::Values(operand)) => counts.each_row(
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
            (Self::Targets(sums), Material::Targets(operand, target)) => {
                sums.update((operand, target), batch, numbers)
            }
            (learner, Material::Values(Operand::Numbers(scalar))) => {
                numbers.clear();
                numbers.resize(batch.rows(), 0.0);
                scalar.eval_all(batch, numbers)?;
                if Validity::of_numbers(numbers).null_count() > 0 {
                    numbers.retain(|number| !number.is_nan());
                }
                learner.update_numbers(numbers)
            }
            (Self::Elements(learners), Material::Elements(elements)) => {
                elements.each_block(batch, |element, block| {
                    numbers.clear();
                    numbers.extend(block.iter().filter(|number| !number.is_nan()));
                    let learner = learners.get_mut(element).ok_or_else(other_kind)?;
                    learner
                        .update_numbers(numbers)
                        .map_err(|error| of_element(element, error))
                })
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
            Self::Counts(Keyed::Numbers(groups)) => {
                for number in numbers {
                    *groups.entry(&order::key(*number), || 0)? += 1;
                }
            }
            Self::Counts(_) | Self::Targets(_) | Self::Elements(_) => return Err(other_kind()),
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
            (Self::Elements(own), Self::Elements(other)) if own.len() == other.len() => {
                for (element, (own, other)) in own.iter_mut().zip(other).enumerate() {
                    own.merge(other)
                        .map_err(|error| of_element(element, error))?;
                }
            }
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
            (Self::Elements(learners), task) => {
                return Self::finish_elements(learners, task, is_last);
            }
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

    fn finish_elements(learners: Vec<Self>, task: &Task, is_last: bool) -> Result<Progress> {
        let (mut learned, mut learning) = (Vec::new(), Vec::new());
        for (element, learner) in learners.into_iter().enumerate() {
            let progress = learner.finish(task, is_last);
            match progress.map_err(|error| of_element(element, error))? {
                Progress::Learned(fitted) => learned.push(fitted),
                Progress::Learning(learner) => learning.push(learner),
                Progress::Waiting => return Err(other_kind()),
            }
        }
        Ok(if is_last {
            Progress::Learned(Fitted::Elements(learned))
        } else {
            Progress::Learning(Self::Elements(learning))
        })
    }
}

/// The same error, said to be about an element of a vector.
fn of_element(element: usize, error: Error) -> Error {
    match error {
        Error::Data(message) => Error::Data(format!("element {element}: {message}")),
        error => error,
    }
}

fn other_kind() -> Error {
    Error::other("a lesson was begun for values of another kind")
}
