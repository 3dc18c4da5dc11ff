//! The parameters.

use trueline_sdk::prelude::*;

/// The parameters of `metrics`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    pub(crate) label: Option<String>,
    pub(crate) prediction: Option<String>,
    pub(crate) weight: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) task: Option<Task>,
    pub(crate) positive: Option<Positive>,
    pub(crate) classes: Option<Vec<Class>>,
    #[serde(default = "default_threshold")]
    pub(crate) threshold: f64,
    pub(crate) thresholds: Option<Vec<f64>>,
    #[serde(default)]
    pub(crate) calibration: Calibration,
    pub(crate) at: Option<Vec<u32>>,
    #[serde(default)]
    pub(crate) gain: Gain,
    #[serde(default)]
    pub(crate) nulls: Nulls,
    #[serde(default)]
    pub(crate) by: By,
    pub(crate) bootstrap: Option<Bootstrap>,
    #[serde(default)]
    pub(crate) seed: u64,
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// One of two classes.
    Classification,
    /// One of several classes.
    MultiClass,
    /// A number.
    Regression,
    /// The order of the rows of a group.
    Ranking,
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Classification => "classification",
            Self::MultiClass => "multi-class classification",
            Self::Regression => "regression",
            Self::Ranking => "ranking",
        })
    }
}

/// The label of the positive class.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`positive` must be true, false, an integer or a text"
)]
pub(crate) enum Positive {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

/// The label of one of several classes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`classes` must be a list of texts or integers")]
pub(crate) enum Class {
    Integer(i64),
    Text(String),
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(class) => write!(f, "{class}"),
            Self::Text(class) => f.write_str(class),
        }
    }
}

/// How predictions are put into bins to see whether they are calibrated.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Calibration {
    pub(crate) bins: u32,
    pub(crate) strategy: Strategy,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            bins: 10,
            strategy: Strategy::Uniform,
        }
    }
}

/// Where bins end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    /// Bins of equal width.
    Uniform,
    /// Bins of equally many rows.
    Quantile,
}

/// What a row of a ranking is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gain {
    /// Its label.
    #[default]
    Linear,
    /// 2 to the power of its label, less 1.
    Exponential,
}

/// What happens to rows with a null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Nulls {
    #[default]
    Error,
    Skip,
}

/// The columns whose values are measured apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "`by` must be a column or a list of columns")]
pub(crate) enum By {
    One(String),
    Many(Vec<String>),
}

impl Default for By {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl By {
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::One(column) => std::slice::from_ref(column),
            Self::Many(columns) => columns,
        }
    }
}

/// How intervals are drawn.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bootstrap {
    #[serde(default = "default_samples")]
    pub(crate) samples: u32,
    #[serde(default = "default_confidence")]
    pub(crate) confidence: f64,
}

fn default_threshold() -> f64 {
    0.5
}

fn default_samples() -> u32 {
    200
}

fn default_confidence() -> f64 {
    0.95
}

/// More would take minutes.
const MOST_SAMPLES: u32 = 100_000;
const MOST_BINS: u32 = 10_000;

impl Params {
    /// Checks what needs no columns.
    ///
    /// # Errors
    /// [`Error::Params`] with the parameter, its value and what it may be.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::params(what));
        if self.threshold.is_nan() {
            return wrong("`threshold` must be a number".to_owned());
        }
        if let Some(wrong_one) = self.thresholds.iter().flatten().find(|t| t.is_nan()) {
            return wrong(format!("`thresholds` has {wrong_one}, which is no number"));
        }
        if !(1..=MOST_BINS).contains(&self.calibration.bins) {
            return wrong(format!(
                "`calibration` has {} bins: it takes 1 to {MOST_BINS}",
                self.calibration.bins
            ));
        }
        if self.at.iter().flatten().any(|&rank| rank == 0) {
            return wrong("`at` has 0, but ranks begin at 1".to_owned());
        }
        if let Some(Bootstrap {
            samples,
            confidence,
        }) = self.bootstrap
        {
            if !(2..=MOST_SAMPLES).contains(&samples) {
                return wrong(format!(
                    "`bootstrap` has {samples} samples: it takes 2 to {MOST_SAMPLES}"
                ));
            }
            if !(confidence > 0.0 && confidence < 1.0) {
                return wrong(format!(
                    "`bootstrap` has the confidence {confidence}, which must be between 0 and 1"
                ));
            }
        }
        Ok(())
    }

    /// The thresholds of the table.
    pub(crate) fn thresholds(&self) -> Vec<f64> {
        match &self.thresholds {
            Some(thresholds) => thresholds.clone(),
            None => (1..20).map(|step| f64::from(step) / 20.0).collect(),
        }
    }

    /// The ranks up to which lists are measured.
    pub(crate) fn at(&self, task: Task) -> Vec<u32> {
        match (&self.at, task) {
            (Some(at), _) => at.clone(),
            (None, Task::Ranking) => vec![5, 10],
            (None, _) => Vec::new(),
        }
    }
}
