//! The parameters.

use trueline_sdk::prelude::*;

/// The parameters of `linear`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    pub(crate) model: Model,
    #[serde(default = "default_features")]
    pub(crate) features: Vec<String>,
    pub(crate) label: Option<String>,
    pub(crate) weight: Option<String>,
    pub(crate) positive: Option<Class>,
    #[serde(default = "default_intercept")]
    pub(crate) intercept: bool,
    pub(crate) alpha: Option<f64>,
    pub(crate) l1_ratio: Option<f64>,
    pub(crate) max_iterations: Option<u32>,
    pub(crate) tolerance: Option<f64>,
    #[serde(default = "default_into")]
    pub(crate) into: String,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Model {
    Linear,
    Ridge,
    Lasso,
    ElasticNet,
    Logistic,
    Multinomial,
}

impl Model {
    /// Whether it learns classes.
    pub(crate) fn is_logistic(self) -> bool {
        matches!(self, Self::Logistic | Self::Multinomial)
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Ridge => "ridge",
            Self::Lasso => "lasso",
            Self::ElasticNet => "elastic-net",
            Self::Logistic => "logistic",
            Self::Multinomial => "multinomial",
        })
    }
}

/// A label of a class.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`positive` must be true, false, an integer or a text"
)]
pub(crate) enum Class {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(class) => write!(f, "{class}"),
            Self::Integer(class) => write!(f, "{class}"),
            Self::Text(class) => f.write_str(class),
        }
    }
}

/// What the parameters say of the training, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Training {
    pub(crate) model: Model,
    pub(crate) intercept: bool,
    /// How much large coefficients cost; 0 for none.
    pub(crate) alpha: f64,
    /// How much of that is for their size rather than their square.
    pub(crate) l1_ratio: f64,
    pub(crate) max_iterations: u32,
    pub(crate) tolerance: f64,
}

impl Training {
    /// What the size of a coefficient costs.
    pub(crate) fn sizes(&self) -> f64 {
        self.alpha * self.l1_ratio
    }

    /// What half of its square costs.
    pub(crate) fn squares(&self) -> f64 {
        self.alpha * (1.0 - self.l1_ratio)
    }
}

fn default_features() -> Vec<String> {
    vec!["features".to_owned()]
}

fn default_intercept() -> bool {
    true
}

fn default_into() -> String {
    "prediction".to_owned()
}

impl Params {
    /// # Errors
    /// [`Error::Params`] with the parameter, its value and what it may be.
    pub(crate) fn check(&self) -> Result<Training> {
        let model = self.model;
        let refuse = |name: &str| {
            Err(Error::params(format!(
                "`{name}` means nothing to a {model} model: leave it out"
            )))
        };
        if self.alpha.is_some() && model == Model::Linear {
            return refuse("alpha");
        }
        if self.l1_ratio.is_some() && model != Model::ElasticNet && !model.is_logistic() {
            return refuse("l1_ratio");
        }
        if self.positive.is_some() && model != Model::Logistic {
            return refuse("positive");
        }
        if matches!(model, Model::Linear | Model::Ridge)
            && (self.max_iterations.is_some() || self.tolerance.is_some())
        {
            return refuse(if self.tolerance.is_some() {
                "tolerance"
            } else {
                "max_iterations"
            });
        }
        let not_negative = |name: &str, value: f64| {
            if (0.0..f64::INFINITY).contains(&value) {
                return Ok(value);
            }
            Err(Error::params(format!(
                "`{name}` is {value}, which must be 0 or more, and finite"
            )))
        };
        let alpha = match model {
            Model::Linear => 0.0,
            _ => not_negative("alpha", self.alpha.unwrap_or(1.0))?,
        };
        let l1_ratio = match model {
            Model::Lasso => 1.0,
            Model::ElasticNet => self.l1_ratio.unwrap_or(0.5),
            _ => self.l1_ratio.unwrap_or(0.0),
        };
        if !(0.0..=1.0).contains(&l1_ratio) {
            return Err(Error::params(format!(
                "`l1_ratio` is {l1_ratio}, which must be from 0 to 1"
            )));
        }
        let iterations = if model.is_logistic() { 100 } else { 10_000 };
        Ok(Training {
            model,
            intercept: self.intercept,
            alpha,
            l1_ratio,
            max_iterations: self.max_iterations.unwrap_or(iterations),
            tolerance: not_negative("tolerance", self.tolerance.unwrap_or(1e-12))?,
        })
    }
}
