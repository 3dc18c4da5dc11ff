//! What is learned, by name.

use std::fmt;

use serde::Deserialize;
use trueline_sdk::{Error, Result};

/// A loss, under XGBoost's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Objective {
    /// The probability of label 1.
    #[serde(rename = "binary:logistic")]
    BinaryLogistic,
    /// The probability of each of several classes.
    #[serde(rename = "multi:softprob")]
    MultiSoftprob,
    /// The mean.
    #[serde(rename = "reg:squarederror")]
    SquaredError,
    /// The mean of counts.
    #[serde(rename = "count:poisson")]
    Poisson,
    /// The mean of positive amounts.
    #[serde(rename = "reg:gamma")]
    Gamma,
    /// The mean of amounts that are often 0.
    #[serde(rename = "reg:tweedie")]
    Tweedie,
    /// A score that puts the rows of a group in order.
    #[serde(rename = "rank:ndcg")]
    RankNdcg,
}

impl Objective {
    /// Every objective there is.
    pub const ALL: [Self; 7] = [
        Self::BinaryLogistic,
        Self::MultiSoftprob,
        Self::SquaredError,
        Self::Poisson,
        Self::Gamma,
        Self::Tweedie,
        Self::RankNdcg,
    ];

    /// XGBoost's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryLogistic => "binary:logistic",
            Self::MultiSoftprob => "multi:softprob",
            Self::SquaredError => "reg:squarederror",
            Self::Poisson => "count:poisson",
            Self::Gamma => "reg:gamma",
            Self::Tweedie => "reg:tweedie",
            Self::RankNdcg => "rank:ndcg",
        }
    }

    /// Refuses a prediction that no margin gives.
    ///
    /// # Errors
    /// [`Error::Params`] with the range.
    pub fn check_base_score(self, base_score: f32) -> Result<()> {
        let (in_range, range) = match self {
            Self::BinaryLogistic => (
                base_score > 0.0 && base_score < 1.0,
                "a probability between 0 and 1, both excluded",
            ),
            Self::Poisson | Self::Gamma | Self::Tweedie => (
                base_score > 0.0 && base_score.is_finite(),
                "a finite number above 0",
            ),
            Self::SquaredError | Self::MultiSoftprob | Self::RankNdcg => {
                (base_score.is_finite(), "a finite number")
            }
        };
        if in_range {
            return Ok(());
        }
        Err(Error::params(format!(
            "`base_score` is {base_score}; for `{self}` it must be {range}"
        )))
    }

    /// Refuses the first label that this loss does not have. `class_count` is that of
    /// `multi:softprob`, `exponential_gain` concerns `rank:ndcg`.
    ///
    /// # Errors
    /// [`Error::Data`] with the column, the row and the label.
    pub fn check_labels(self, column: &str, labels: &[f32], exponential_gain: bool) -> Result<()> {
        /// The largest relevance whose gain 2^relevance - 1 has 32 bits.
        const MAX_RELEVANCE: f32 = 31.0;
        /// Labels are counted as classes up to here; a tree is grown for each in every round.
        const MAX_CLASS: f32 = 65_535.0;
        let is_whole_to = |label: f32, most: f32| {
            (0.0..=most).contains(&label) && label.fract().abs() < f32::MIN_POSITIVE
        };
        let (is_allowed, range): (&dyn Fn(f32) -> bool, _) = match self {
            Self::SquaredError => return Ok(()),
            Self::RankNdcg if !exponential_gain => (&|label| label >= 0.0, "of 0 or more"),
            Self::BinaryLogistic => (&|label| (0.0..=1.0).contains(&label), "from 0 to 1"),
            Self::MultiSoftprob => (
                &|label| is_whole_to(label, MAX_CLASS),
                "that are whole numbers from 0 to the number of classes less 1",
            ),
            Self::Poisson | Self::Tweedie => (&|label| label >= 0.0, "of 0 or more"),
            Self::Gamma => (&|label| label > 0.0, "above 0"),
            Self::RankNdcg => (
                &|label| is_whole_to(label, MAX_RELEVANCE),
                "that are whole numbers from 0 to 31",
            ),
        };
        let Some(row) = labels.iter().position(|&label| !is_allowed(label)) else {
            return Ok(());
        };
        let hint = match self {
            Self::BinaryLogistic => {
                "; for more classes set `objective` to `multi:softprob`, for other numbers to `reg:squarederror`"
            }
            Self::RankNdcg => "; for other relevances set `ndcg_exp_gain` to false",
            _ => "",
        };
        Err(Error::data(format!(
            "column `{column}`, row {row}: `{self}` learns labels {range}, not {}{hint}",
            labels[row]
        )))
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_outside_the_range_are_named() {
        for (objective, label, expected) in [
            (
                Objective::BinaryLogistic,
                2.0,
                "column `y`, row 1: `binary:logistic` learns labels from 0 to 1, not 2",
            ),
            (Objective::MultiSoftprob, 1.5, "whole numbers from 0"),
            (Objective::MultiSoftprob, -1.0, "not -1"),
            (Objective::Poisson, -0.5, "of 0 or more, not -0.5"),
            (Objective::Gamma, 0.0, "above 0, not 0"),
            (Objective::Tweedie, -1.0, "of 0 or more"),
            (Objective::RankNdcg, 32.0, "whole numbers from 0 to 31"),
        ] {
            let error = objective
                .check_labels("y", &[1.0, label], true)
                .unwrap_err();
            assert!(error.message().contains(expected), "{error:?}");
        }
        let any = [-2.0, 0.5, 1e30];
        assert!(
            Objective::SquaredError
                .check_labels("y", &any, true)
                .is_ok()
        );
        let fine = Objective::RankNdcg.check_labels("y", &[0.5], false);
        assert!(fine.is_ok(), "{fine:?}");
    }
}
