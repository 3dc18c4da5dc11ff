//! The parameters.

use std::collections::BTreeMap;

use serde::de::Error as _;
use trueline_sdk::prelude::*;

/// The parameters of `expect`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, Column>,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) rows: Option<Rows>,
    pub(crate) unique: Option<Unique>,
    #[serde(default)]
    pub(crate) severity: Level,
}

/// What is expected of a column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    #[serde(default, rename = "type", deserialize_with = "data_type")]
    pub(crate) data_type: Option<DataType>,
    pub(crate) max_null_share: Option<f64>,
    pub(crate) min: Option<Literal>,
    pub(crate) max: Option<Literal>,
    #[serde(default)]
    pub(crate) finite: bool,
    pub(crate) allowed: Option<Vec<Literal>>,
    pub(crate) severity: Option<Level>,
}

/// How many rows are expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) severity: Option<Level>,
}

/// Columns that identify a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "`unique` must be a list of columns, or { columns = […], severity = \"warn\" }"
)]
pub(crate) enum Unique {
    Columns(Vec<String>),
    Detailed {
        columns: Vec<String>,
        severity: Option<Level>,
    },
}

impl Unique {
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::Columns(columns) | Self::Detailed { columns, .. } => columns,
        }
    }

    pub(crate) fn severity(&self) -> Option<Level> {
        match self {
            Self::Columns(_) => None,
            Self::Detailed { severity, .. } => *severity,
        }
    }
}

/// How bad it is if an expectation is not met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Worth a look.
    Warn,
    /// The run fails.
    #[default]
    Fail,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Warn => Self::Warn,
            Level::Fail => Self::Fail,
        }
    }
}

/// A value in a pipeline file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "a value must be true, false, a number or a text"
)]
pub(crate) enum Literal {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

/// As it is written in a pipeline file.
impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

fn data_type<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DataType>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse()
        .map(Some)
        .map_err(|error: Error| D::Error::custom(error.message()))
}
