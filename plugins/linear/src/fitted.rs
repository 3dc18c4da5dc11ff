//! What was learned.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::logistic::{probability, softmax};

/// A model: one row of coefficients and an intercept for each score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fitted {
    /// Of a multinomial model, in the order of the scores.
    pub(crate) classes: Vec<String>,
    pub(crate) coefficients: Vec<Vec<f64>>,
    pub(crate) intercepts: Vec<f64>,
}

/// A model and how it was come by.
pub(crate) struct Fit {
    pub(crate) fitted: Fitted,
    pub(crate) rows: u64,
    pub(crate) iterations: u32,
    pub(crate) converged: bool,
    pub(crate) rank: usize,
    pub(crate) metrics: Vec<(&'static str, f64)>,
}

/// The state: a model and the features that it was trained on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) features: Vec<String>,
    pub(crate) fitted: Fitted,
}

impl State {
    /// # Errors
    /// If the bytes are not a state, or of other features than `names`.
    pub(crate) fn read(bytes: &[u8], names: &[String]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::other(
                "there is no model: the stage must be fitted before it predicts",
            ));
        }
        let state: Self = state::decode(bytes)?;
        if state.features.len() != names.len() {
            return Err(Error::schema(format!(
                "the model was trained on {} features, but the rows have {}",
                state.features.len(),
                names.len()
            )));
        }
        let pairs = state.features.iter().zip(names).enumerate();
        if let Some((at, (trained, found))) = pairs.into_iter().find(|(_, (a, b))| a != b) {
            return Err(Error::schema(format!(
                "feature {at} is `{found}`, but the model was trained with `{trained}` in its place"
            )));
        }
        let fitted = &state.fitted;
        let is_whole = fitted.coefficients.len() == fitted.intercepts.len()
            && !fitted.intercepts.is_empty()
            && fitted
                .coefficients
                .iter()
                .all(|row| row.len() == names.len());
        if !is_whole {
            return Err(Error::data("the state is not that of a model"));
        }
        Ok(state)
    }
}

impl Fitted {
    /// The scores of a row, added up from the first feature to the last, then the intercept.
    pub(crate) fn scores(&self, features: &[f64], scores: &mut [f64]) {
        let models = self.coefficients.iter().zip(&self.intercepts);
        for (score, (coefficients, intercept)) in scores.iter_mut().zip(models) {
            let products = coefficients.iter().zip(features).map(|(a, b)| a * b);
            *score = products.sum::<f64>() + intercept;
        }
    }

    /// Scores of a logistic model as probabilities, one a class.
    pub(crate) fn probabilities(&self, scores: &mut [f64]) {
        match scores {
            // Two classes of a multinomial model have one score, that of the second.
            [first, second] if self.intercepts.len() == 1 => {
                *second = probability(*first);
                *first = probability(-*first);
            }
            [score] => *score = probability(*score),
            scores => {
                softmax(scores, 0);
            }
        }
    }
}

impl Fit {
    /// For pages and people.
    pub(crate) fn report(
        &self,
        model: crate::params::Model,
        names: &[String],
    ) -> serde_json::Value {
        let Fitted {
            classes,
            coefficients,
            intercepts,
        } = &self.fitted;
        let named = |row: &Vec<f64>| -> serde_json::Map<String, serde_json::Value> {
            names
                .iter()
                .cloned()
                .zip(row.iter().map(|&value| value.into()))
                .collect()
        };
        serde_json::json!({
            "model": model, "rows": self.rows, "iterations": self.iterations,
            "converged": self.converged, "rank": self.rank, "classes": classes,
            "coefficients": coefficients.iter().map(named).collect::<Vec<_>>(),
            "intercepts": intercepts,
        })
    }
}
