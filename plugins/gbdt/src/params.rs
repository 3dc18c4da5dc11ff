//! Parameters under XGBoost's names, with its defaults.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use trueline_sdk::{Error, Result};

use crate::{Metric, Objective};

/// The parameters as a pipeline gives them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What to learn; by default `binary:logistic` for a boolean label and `reg:squarederror` for
    /// any other.
    pub objective: Option<Objective>,
    /// How many trees, at most.
    #[serde(alias = "n_estimators")]
    pub num_boost_round: u32,
    /// What each tree's leaves are multiplied by.
    #[serde(alias = "learning_rate")]
    pub eta: f32,
    /// Levels of splits in a tree; 0 for no limit.
    pub max_depth: u32,
    /// L2 regularization of leaves.
    #[serde(alias = "reg_lambda")]
    pub lambda: f32,
    /// L1 regularization of leaves.
    #[serde(alias = "reg_alpha")]
    pub alpha: f32,
    /// How much a split must at least lower the loss.
    #[serde(alias = "min_split_loss")]
    pub gamma: f32,
    /// The least sum of second derivatives in a child.
    pub min_child_weight: f32,
    /// The largest value of a leaf before `eta`; 0 for no limit.
    pub max_delta_step: f32,
    /// Into how many bins a feature's values are cut.
    pub max_bin: u32,
    /// What the weight of rows with label 1 is multiplied by.
    pub scale_pos_weight: f32,
    /// The prediction to start from; by default the mean label.
    pub base_score: Option<f32>,
    /// Stop when the last metric has not improved on the validation rows for so many rounds, and
    /// keep the trees up to its best.
    pub early_stopping_rounds: Option<u32>,
    /// What to watch: one name or several; by default the objective's own.
    #[serde(deserialize_with = "one_or_many")]
    pub eval_metric: Vec<Metric>,
    /// The columns to learn from: numbers, booleans or vectors.
    pub features: Vec<String>,
    /// The column to learn; by default the one with the role `label`.
    pub label: Option<String>,
    /// The column of row weights; by default the one with the role `weight`, if there is one.
    pub weight: Option<String>,
    /// What the column of predictions is called.
    pub into: String,
    /// If given, a second column of this name gets the margins: what predictions are before the
    /// logistic function.
    pub margin_into: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            objective: None,
            num_boost_round: 100,
            eta: 0.3,
            max_depth: 6,
            lambda: 1.0,
            alpha: 0.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            max_delta_step: 0.0,
            max_bin: 256,
            scale_pos_weight: 1.0,
            base_score: None,
            early_stopping_rounds: None,
            eval_metric: Vec::new(),
            features: vec!["features".into()],
            label: None,
            weight: None,
            into: "prediction".into(),
            margin_into: None,
        }
    }
}

/// What training needs, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostParams {
    pub objective: Objective,
    pub rounds: u32,
    pub tree: TreeParams,
    pub max_bin: usize,
    pub scale_pos_weight: f32,
    pub base_score: Option<f32>,
    pub early_stopping_rounds: Option<u32>,
    /// At least one.
    pub metrics: Vec<Metric>,
}

/// What growing a tree needs, checked. The names are XGBoost's.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeParams {
    pub eta: f32,
    /// At least 1; `None` for no limit.
    pub max_depth: Option<u32>,
    pub lambda: f32,
    pub alpha: f32,
    pub gamma: f32,
    pub min_child_weight: f32,
    pub max_delta_step: f32,
}

impl Params {
    /// Checks what concerns training. `default_objective` is what the label's type suggests.
    ///
    /// # Errors
    /// [`Error::Params`] with the first value out of range and the range.
    pub fn check(&self, default_objective: Objective) -> Result<BoostParams> {
        let at_least_0 = [
            ("eta", self.eta),
            ("lambda", self.lambda),
            ("alpha", self.alpha),
            ("gamma", self.gamma),
            ("min_child_weight", self.min_child_weight),
            ("max_delta_step", self.max_delta_step),
            ("scale_pos_weight", self.scale_pos_weight),
        ];
        for (name, value) in at_least_0 {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::params(format!(
                    "`{name}` is {value}; it must be 0 or more"
                )));
            }
        }
        // Bin numbers, and the one that stands for a missing value, have 16 bits.
        if !(2..=65_535).contains(&self.max_bin) {
            return Err(Error::params(format!(
                "`max_bin` is {}; it must be 2 to 65535",
                self.max_bin
            )));
        }
        for (name, value) in [
            ("num_boost_round", Some(self.num_boost_round)),
            ("early_stopping_rounds", self.early_stopping_rounds),
        ] {
            if value == Some(0) {
                return Err(Error::params(format!(
                    "`{name}` is 0; it must be 1 or more"
                )));
            }
        }
        let objective = self.objective.unwrap_or(default_objective);
        if let Some(base_score) = self.base_score {
            objective.check_base_score(base_score)?;
        }
        if let (Objective::SquaredError, Some(metric)) = (
            objective,
            self.eval_metric
                .iter()
                .find(|metric| metric.is_for_classes()),
        ) {
            return Err(Error::params(format!(
                "`eval_metric` is `{metric}`, which measures probabilities; for `{objective}` take `rmse` or `mae`"
            )));
        }
        Ok(BoostParams {
            objective,
            rounds: self.num_boost_round,
            tree: TreeParams {
                eta: self.eta,
                max_depth: (self.max_depth > 0).then_some(self.max_depth),
                lambda: self.lambda,
                alpha: self.alpha,
                gamma: self.gamma,
                min_child_weight: self.min_child_weight,
                max_delta_step: self.max_delta_step,
            },
            max_bin: self.max_bin as usize,
            scale_pos_weight: self.scale_pos_weight,
            base_score: self.base_score,
            early_stopping_rounds: self.early_stopping_rounds,
            metrics: if self.eval_metric.is_empty() {
                vec![objective.default_metric()]
            } else {
                self.eval_metric.clone()
            },
        })
    }
}

/// Reads one metric or a list of them.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Metric>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<Metric>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of a metric or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
            Metric::deserialize(serde::de::value::StrDeserializer::new(name))
                .map(|metric| vec![metric])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            let mut metrics = Vec::new();
            while let Some(metric) = names.next_element()? {
                metrics.push(metric);
            }
            Ok(metrics)
        }
    }

    deserializer.deserialize_any(OneOrMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Params> {
        trueline_sdk::parse_params(json)
    }

    #[test]
    fn takes_both_of_xgboosts_names() {
        let params = parse(
            r#"{"learning_rate": 0.1, "reg_lambda": 2, "n_estimators": 7, "max_depth": 0,
                "eval_metric": ["auc", "logloss"], "objective": "binary:logistic"}"#,
        )
        .unwrap()
        .check(Objective::SquaredError)
        .unwrap();
        assert_eq!(
            (params.tree.eta, params.tree.lambda, params.rounds),
            (0.1, 2.0, 7)
        );
        assert_eq!(
            (params.tree.max_depth, params.objective),
            (None, Objective::BinaryLogistic)
        );
        assert_eq!(params.metrics, [Metric::Auc, Metric::LogLoss]);
        let defaults = parse("{}").unwrap().check(Objective::SquaredError).unwrap();
        assert_eq!(defaults.metrics, [Metric::Rmse]);
    }

    #[test]
    fn errors_name_the_parameter_and_the_choices() {
        for (json, expected) in [
            (
                r#"{"etta": 1}"#,
                "unknown field `etta`, expected one of `objective`, ",
            ),
            (
                r#"{"objective": "rank:ndcg"}"#,
                "expected `binary:logistic` or `reg:squarederror`",
            ),
            (
                r#"{"eval_metric": "f1"}"#,
                "expected one of `logloss`, `auc`, `error`, `rmse`, `mae`",
            ),
            (
                r#"{"eval_metric": 1}"#,
                "expected the name of a metric or a list of them",
            ),
            (r#"{"eta": -1}"#, "`eta` is -1; it must be 0 or more"),
            (r#"{"max_bin": 1}"#, "`max_bin` is 1; it must be 2 to 65535"),
            (
                r#"{"num_boost_round": 0}"#,
                "`num_boost_round` is 0; it must be 1 or more",
            ),
            (
                r#"{"base_score": 2, "objective": "binary:logistic"}"#,
                "`base_score` is 2",
            ),
            (r#"{"eval_metric": "auc"}"#, "`eval_metric` is `auc`"),
            (
                r#"{"eta": 0.1, "learning_rate": 0.1}"#,
                "duplicate field `eta`",
            ),
        ] {
            let error = parse(json)
                .and_then(|params| params.check(Objective::SquaredError))
                .unwrap_err();
            assert!(
                error.message().contains(expected),
                "{json}: {}",
                error.message()
            );
        }
    }
}
