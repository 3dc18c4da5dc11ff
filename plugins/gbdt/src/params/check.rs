//! Parameters are checked into types that cannot be wrong.

use std::collections::BTreeSet;

use trueline_sdk::{Error, Result};

use super::{BoostParams, Params, TreeParams};
use crate::{
    Objective,
    constraints::Constraints,
    cuts::MAX_BINS,
    loss::{PairMethod, Ranking},
    num::to_index,
    sample::Sampling,
};

impl Params {
    /// Checks what concerns training. `default_objective` is what the label's type suggests.
    /// Features by name wait for [`BoostParams::with_features`].
    ///
    /// # Errors
    /// [`Error::Params`] with the first value out of range and the range.
    pub fn check(&self, default_objective: Objective) -> Result<BoostParams> {
        let objective = self.objective.unwrap_or(default_objective);
        self.check_ranges()?;
        self.check_use(objective)?;
        if let Some(base_score) = self.base_score {
            objective.check_base_score(base_score)?;
        }
        for metric in &self.eval_metric {
            metric.check(objective)?;
        }
        let default_step = match objective {
            Objective::Poisson => 0.7,
            _ => 0.0,
        };
        let max_delta_step = self.max_delta_step.unwrap_or(default_step);
        let ranking = Ranking {
            pair_method: self.lambdarank_pair_method,
            num_pair_per_sample: self
                .lambdarank_num_pair_per_sample
                .unwrap_or(self.lambdarank_pair_method.default_pairs()),
            normalization: self.lambdarank_normalization,
            score_normalization: self.lambdarank_score_normalization,
            exponential_gain: self.ndcg_exp_gain,
        };
        Ok(BoostParams {
            objective,
            class_count: self.num_class.map(|count| count as usize),
            rounds: self.num_boost_round,
            tree: TreeParams {
                eta: self.eta,
                max_depth: (self.max_depth > 0).then_some(self.max_depth),
                max_leaves: (self.max_leaves > 0).then_some(self.max_leaves),
                grow_policy: self.grow_policy,
                lambda: self.lambda,
                alpha: self.alpha,
                gamma: self.gamma,
                min_child_weight: self.min_child_weight,
                max_delta_step,
                max_cat_to_onehot: self.max_cat_to_onehot,
                max_cat_threshold: self.max_cat_threshold,
                constraints: Constraints::default(),
            },
            sampling: Sampling {
                subsample: self.subsample,
                colsample_bytree: self.colsample_bytree,
                colsample_bylevel: self.colsample_bylevel,
                colsample_bynode: self.colsample_bynode,
                seed: self.seed,
            },
            max_bin: self.max_bin as usize,
            scale_pos_weight: self.scale_pos_weight,
            tweedie_variance_power: self.tweedie_variance_power,
            ranking,
            base_score: self.base_score,
            early_stopping_rounds: self.early_stopping_rounds,
            metrics: if self.eval_metric.is_empty() {
                vec![objective.default_metric(&ranking, self.tweedie_variance_power)]
            } else {
                self.eval_metric.clone()
            },
            label: self.label.clone().unwrap_or_else(|| "label".to_owned()),
            categorical: Vec::new(),
        })
    }

    fn check_ranges(&self) -> Result<()> {
        let wrong = |name: &str, value: &dyn std::fmt::Display, range: &str| {
            Err(Error::params(format!(
                "`{name}` is {value}; it must be {range}"
            )))
        };
        for (name, value) in [
            ("eta", self.eta),
            ("lambda", self.lambda),
            ("alpha", self.alpha),
            ("gamma", self.gamma),
            ("min_child_weight", self.min_child_weight),
            ("max_delta_step", self.max_delta_step.unwrap_or(0.0)),
            ("scale_pos_weight", self.scale_pos_weight),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(name, &value, "0 or more");
            }
        }
        for (name, share) in [
            ("subsample", self.subsample),
            ("colsample_bytree", self.colsample_bytree),
            ("colsample_bylevel", self.colsample_bylevel),
            ("colsample_bynode", self.colsample_bynode),
        ] {
            if !(share > 0.0 && share <= 1.0) {
                return wrong(name, &share, "above 0 and at most 1");
            }
        }
        if !(2..=MAX_BINS).contains(&(self.max_bin as usize)) {
            return wrong("max_bin", &self.max_bin, "2 to 65535");
        }
        for (name, value) in [
            ("num_boost_round", Some(self.num_boost_round)),
            ("early_stopping_rounds", self.early_stopping_rounds),
            ("max_cat_to_onehot", Some(self.max_cat_to_onehot)),
            ("max_cat_threshold", Some(self.max_cat_threshold)),
            (
                "lambdarank_num_pair_per_sample",
                self.lambdarank_num_pair_per_sample,
            ),
        ] {
            if value == Some(0) {
                return wrong(name, &0, "1 or more");
            }
        }
        if !(1.0..2.0).contains(&self.tweedie_variance_power) {
            return wrong(
                "tweedie_variance_power",
                &self.tweedie_variance_power,
                "1 or more and below 2",
            );
        }
        if let Some(count @ (0 | 1 | 65_536..)) = self.num_class {
            return wrong("num_class", &count, "2 to 65535");
        }
        for (feature, direction) in &self.monotone_constraints {
            if !(-1..=1).contains(direction) {
                return wrong(
                    &format!("monotone_constraints.{feature}"),
                    direction,
                    "1, 0 or -1",
                );
            }
        }
        Ok(())
    }

    /// Refuses what would be passed over in silence.
    fn check_use(&self, objective: Objective) -> Result<()> {
        let unused = match objective {
            Objective::MultiSoftprob if self.scale_pos_weight.total_cmp(&1.0).is_ne() => {
                "scale_pos_weight"
            }
            _ if self.num_class.is_some() && objective != Objective::MultiSoftprob => "num_class",
            _ if self.group.is_some() && objective != Objective::RankNdcg => "group",
            _ => return Ok(()),
        };
        Err(Error::params(format!(
            "`{unused}` has no meaning for `{objective}`: leave it out, or set another `objective`"
        )))
    }
}

impl BoostParams {
    /// Whether anything is left to chance.
    pub fn draws(&self) -> bool {
        let is_paired = self.objective == Objective::RankNdcg;
        self.sampling.draws() || is_paired && self.ranking.pair_method == PairMethod::Mean
    }

    /// The same, with the parameters that name features resolved to these.
    ///
    /// # Errors
    /// [`Error::Params`] with the name that is none of them.
    pub fn with_features(mut self, params: &Params, names: &[String]) -> Result<Self> {
        let place = |parameter: &str, name: &String| {
            names.iter().position(|other| other == name).ok_or_else(|| {
                Error::params(format!(
                    "`{parameter}` names `{name}`, which is none of the features {}",
                    names.join(", ")
                ))
            })
        };
        if params.monotone_constraints.values().any(|&way| way != 0) {
            let mut monotone = vec![0; names.len()];
            for (name, &direction) in &params.monotone_constraints {
                monotone[place("monotone_constraints", name)?] = direction;
            }
            self.tree.constraints.monotone = monotone;
        }
        for set in &params.interaction_constraints {
            let set: Result<BTreeSet<u32>> = set
                .iter()
                .map(|name| place("interaction_constraints", name).map(to_index))
                .collect();
            self.tree.constraints.interactions.push(set?);
        }
        if !params.categorical.is_empty() {
            let mut categorical = vec![false; names.len()];
            for name in &params.categorical {
                categorical[place("categorical", name)?] = true;
            }
            for (feature, &is_category) in categorical.iter().enumerate() {
                if is_category && self.tree.constraints.direction(feature) != 0 {
                    return Err(Error::params(format!(
                        "`monotone_constraints` names `{}`, which is categorical and has no direction",
                        names[feature]
                    )));
                }
            }
            self.categorical = categorical;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metric;

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
        let poisson = parse("{}").unwrap().check(Objective::Poisson).unwrap();
        assert_eq!(poisson.tree.max_delta_step, 0.7);
    }

    #[test]
    fn errors_name_the_parameter_and_the_choices() {
        for (json, expected) in [
            (
                r#"{"etta": 1}"#,
                "unknown field `etta`, expected one of `objective`, ",
            ),
            (
                r#"{"objective": "rank:map"}"#,
                "expected one of `binary:logistic`, `multi:softprob`, ",
            ),
            (
                r#"{"eval_metric": "f1"}"#,
                "there is no metric `f1`; the metrics are rmse, ",
            ),
            (
                r#"{"eval_metric": 1}"#,
                "expected the name of a metric or a list of them",
            ),
            (r#"{"eta": -1}"#, "`eta` is -1; it must be 0 or more"),
            (
                r#"{"subsample": 0}"#,
                "`subsample` is 0; it must be above 0 and at most 1",
            ),
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
            (r#"{"tweedie_variance_power": 2}"#, "1 or more and below 2"),
            (r#"{"num_class": 3}"#, "`num_class` has no meaning for"),
            (
                r#"{"num_class": 1, "objective": "multi:softprob"}"#,
                "`num_class` is 1",
            ),
            (r#"{"group": "query"}"#, "`group` has no meaning for"),
            (
                r#"{"monotone_constraints": {"a": 2}}"#,
                "`monotone_constraints.a` is 2; it must be 1, 0 or -1",
            ),
            (
                r#"{"grow_policy": "leafwise"}"#,
                "expected `depthwise` or `lossguide`",
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

    #[test]
    fn features_are_found_by_name() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let resolve = |json: &str| {
            let params = parse(json)?;
            params
                .check(Objective::SquaredError)?
                .with_features(&params, &names)
        };
        let resolved = resolve(
            r#"{"monotone_constraints": {"b": -1}, "interaction_constraints": [["a", "c"]],
                "categorical": ["c"]}"#,
        )
        .unwrap();
        assert_eq!(resolved.tree.constraints.monotone, [0, -1, 0]);
        assert_eq!(resolved.tree.constraints.interactions, [[0, 2].into()]);
        assert_eq!(resolved.categorical, [false, false, true]);
        for (json, expected) in [
            (
                r#"{"categorical": ["d"]}"#,
                "`categorical` names `d`, which is none of the features a, b, c",
            ),
            (
                r#"{"categorical": ["a"], "monotone_constraints": {"a": 1}}"#,
                "`a`, which is categorical",
            ),
        ] {
            let error = resolve(json).unwrap_err();
            assert!(error.message().contains(expected), "{error:?}");
        }
    }
}
