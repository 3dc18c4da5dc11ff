//! The reduction: exact sums in two passes, or all rows in one.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::columns::Columns;
use crate::fitted::{Fit, State};
use crate::gram::{Centers, Gram};
use crate::params::{Model, Training};
use crate::{least_squares, logistic};

/// Takes in rows and learns a model.
pub struct Train {
    training: Training,
    columns: Columns,
    taken: Taken,
}

/// What was taken in.
enum Taken {
    /// The first pass of least squares.
    Centers(Centers),
    /// The second.
    Gram(Box<Gram>),
    /// Of a logistic model.
    Rows {
        features: Vec<f64>,
        labels: Vec<u32>,
        weights: Vec<f64>,
        /// The numbers of a multinomial model's classes, as they came.
        classes: BTreeMap<String, u32>,
    },
}

/// What the stage says of its reduction.
///
/// # Errors
/// [`Error::Params`] or [`Error::Schema`], with the column and what to change.
pub(crate) fn describe(params: &Params, inputs: &[Input]) -> Result<Reduction> {
    if let Some(other) = inputs.iter().find(|input| input.name != Input::ROWS) {
        return Err(Error::schema(format!(
            "a linear model learns from one table, and has no use for the input `{}`",
            other.name
        )));
    }
    let training = params.check()?;
    let columns = Columns::find(params, trueline_sdk::schema::rows(inputs)?)?;
    let is_logistic = training.model.is_logistic();
    // Features, the 1 of the intercept, weight, class and a probability; memory doubles when it is full.
    let numbers = 2 * (columns.features.count() + 4);
    Ok(Reduction {
        passes: if is_logistic { 1 } else { 2 },
        mergeable: !is_logistic,
        bytes_per_row: match is_logistic {
            true => u32::try_from(8 * numbers).unwrap_or(u32::MAX),
            false => 0,
        },
        ..Reduction::one_pass(columns.names())
    })
}

impl Reduce for Train {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], pass: u32, state: &[u8]) -> Result<Self> {
        let training = params.check()?;
        let columns = Columns::find(&params, trueline_sdk::schema::rows(inputs)?)?;
        let features = columns.features.count();
        if features == 0 {
            return Err(Error::schema("the features are a vector without elements"));
        }
        let taken = if training.model.is_logistic() {
            Taken::Rows {
                features: Vec::new(),
                labels: Vec::new(),
                weights: Vec::new(),
                classes: BTreeMap::new(),
            }
        } else if pass == 0 {
            Taken::Centers(Centers::new(features))
        } else {
            let centers: Vec<f64> = state::decode(state)?;
            if centers.len() != features + 1 {
                return Err(Error::data("the state is of other features"));
            }
            Taken::Gram(Box::new(Gram::new(centers)))
        };
        Ok(Self {
            training,
            columns,
            taken,
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        let columns = &self.columns;
        let features = columns.features.read(batch)?;
        let weights = columns.weights(batch)?;
        match &mut self.taken {
            Taken::Centers(centers) => centers.update(&features, &columns.numbers(batch)?),
            Taken::Gram(gram) => gram.update(&features, &columns.numbers(batch)?, &weights),
            Taken::Rows {
                features: all,
                labels,
                weights: all_weights,
                classes,
            } => {
                labels.extend(match self.training.model {
                    Model::Multinomial => columns.classes(batch, classes)?,
                    _ => columns.is_positive(batch)?,
                });
                for row in features.chunks_exact(columns.features.count()) {
                    all.extend_from_slice(row);
                    all.push(f64::from(self.training.intercept));
                }
                all_weights.extend(weights);
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        match &self.taken {
            Taken::Centers(centers) => state::encode(centers),
            Taken::Gram(gram) => state::encode(&**gram),
            Taken::Rows { .. } => Err(in_order()),
        }
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        match &mut self.taken {
            Taken::Centers(centers) => centers.merge(&state::decode(partial)?),
            Taken::Gram(gram) => gram.merge(&state::decode(partial)?),
            Taken::Rows { .. } => return Err(in_order()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let training = self.training;
        let count = self.columns.features.count();
        let fit = match self.taken {
            Taken::Centers(centers) => {
                return Ok(Outcome::state(state::encode(
                    &centers.finish(training.intercept),
                )?));
            }
            Taken::Gram(gram) => least_squares::fit(&training, &gram.finish(training.intercept)?),
            Taken::Rows {
                features,
                mut labels,
                weights,
                classes,
            } => {
                let classes = sorted(classes, &mut labels);
                let rows = logistic::Rows::new(count + 1, features, labels, weights)?;
                if training.model == Model::Logistic {
                    self.columns.check_both(&rows)?;
                }
                if training.model == Model::Multinomial && classes.len() < 2 {
                    return Err(Error::data(format!(
                        "all rows are of the class {}: there is nothing to tell apart",
                        classes.join(", ")
                    )));
                }
                logistic::fit(&training, &rows, classes)
            }
        };
        outcome(fit, training.model, self.columns.features.names)
    }
}

/// Numbers classes in an order that does not depend on that of the rows: whole numbers by value, then texts.
fn sorted(classes: BTreeMap<String, u32>, labels: &mut [u32]) -> Vec<String> {
    let mut names: Vec<(String, u32)> = classes.into_iter().collect();
    names.sort_by_key(|(name, _)| match name.parse::<i64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, name.clone()),
    });
    let numbers: BTreeMap<u32, u32> = names.iter().map(|(_, old)| *old).zip(0..).collect();
    for label in labels {
        *label = numbers.get(label).copied().unwrap_or(*label);
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn outcome(fit: Fit, model: Model, features: Vec<String>) -> Result<Outcome> {
    let report = fit.report(model, &features).to_string();
    let mut metrics: Vec<Metric> = fit
        .metrics
        .iter()
        .map(|(name, value)| Metric::new(*name, *value))
        .collect();
    metrics.push(Metric::new("iterations", f64::from(fit.iterations)));
    let mut findings = Vec::new();
    if !fit.converged {
        findings.push(Finding {
            severity: Severity::Warn,
            subject: "coefficients".to_owned(),
            message: format!(
                "they still changed after {} iterations: allow more with `max_iterations`, scale the features, \
                 or raise `alpha` (classes that features tell apart without error need one)",
                fit.iterations
            ),
            count: fit.rows,
        });
    }
    let numbers = fit
        .fitted
        .coefficients
        .iter()
        .flatten()
        .chain(&fit.fitted.intercepts);
    if numbers.into_iter().any(|number| !number.is_finite()) {
        return Err(Error::data(
            "no finite coefficients come of these rows: scale the features before",
        ));
    }
    let state = State {
        features,
        fitted: fit.fitted,
    };
    Ok(Outcome {
        metrics,
        findings,
        report: Some(report),
        ..Outcome::state(state::encode(&state)?)
    })
}

fn in_order() -> Error {
    Error::other(
        "a logistic model learns from rows in their order: this reduction is not mergeable",
    )
}
