//! The parameters.

use trueline_sdk::prelude::*;

/// The parameters of `metrics`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    pub(crate) label: Option<String>,
    pub(crate) prediction: Option<String>,
    pub(crate) weight: Option<String>,
    pub(crate) task: Option<Task>,
    pub(crate) positive: Option<Positive>,
    #[serde(default = "default_threshold")]
    pub(crate) threshold: f64,
    #[serde(default)]
    pub(crate) nulls: Nulls,
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Task {
    /// One of two classes.
    Classification,
    /// A number.
    Regression,
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

/// What happens to rows with a null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Nulls {
    #[default]
    Error,
    Skip,
}

fn default_threshold() -> f64 {
    0.5
}
