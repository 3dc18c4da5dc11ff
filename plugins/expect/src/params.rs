//! The parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Error as _, MapAccess, SeqAccess, Visitor,
    value::{MapAccessDeserializer, SeqAccessDeserializer},
};
use serde::{Deserializer, de::DeserializeOwned};
use trueline_sdk::prelude::*;

/// The parameters of `expect`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, OneOrMany<Column>>,
    pub(crate) names: Option<Names>,
    pub(crate) rows: Option<Rows>,
    #[serde(default, deserialize_with = "unique")]
    pub(crate) unique: Vec<Unique>,
    #[serde(default)]
    pub(crate) compare: Vec<Compare>,
    #[serde(default)]
    pub(crate) row_sums: Vec<RowSum>,
    pub(crate) as_of: Option<Literal>,
    pub(crate) key: Option<Vec<String>>,
    #[serde(default = "default_examples")]
    pub(crate) examples: usize,
    #[serde(default)]
    pub(crate) severity: Level,
}

impl Params {
    /// Whether an expectation looks at one row after another.
    pub(crate) fn has_order(&self) -> bool {
        let mut columns = self.columns.values().flat_map(|column| &column.0);
        columns.any(|column| column.order.is_some())
    }
}

/// What is expected of a column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    #[serde(default, rename = "type", deserialize_with = "data_type")]
    pub(crate) data_type: Option<DataType>,
    pub(crate) max_null_share: Option<f64>,
    pub(crate) max_nan_share: Option<f64>,
    pub(crate) max_infinite_share: Option<f64>,
    #[serde(default)]
    pub(crate) finite: bool,
    pub(crate) min: Option<Literal>,
    pub(crate) max: Option<Literal>,
    pub(crate) above: Option<Literal>,
    pub(crate) below: Option<Literal>,
    pub(crate) allowed: Option<Vec<Literal>>,
    pub(crate) forbidden: Option<Vec<Literal>>,
    pub(crate) contains: Option<Vec<Literal>>,
    pub(crate) most_common: Option<Vec<Literal>>,
    pub(crate) matches: Option<String>,
    pub(crate) not_matches: Option<String>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    #[serde(default)]
    pub(crate) unique: bool,
    pub(crate) distinct: Option<Range>,
    pub(crate) distinct_share: Option<Range>,
    pub(crate) mean: Option<Range>,
    pub(crate) median: Option<Range>,
    pub(crate) std: Option<Range>,
    pub(crate) sum: Option<Range>,
    #[serde(default)]
    pub(crate) quantiles: Vec<Quantile>,
    pub(crate) order: Option<Order>,
    pub(crate) max_age: Option<String>,
    pub(crate) mostly: Option<f64>,
    pub(crate) severity: Option<Level>,
}

/// The bounds of a number, themselves allowed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// The bounds of a quantile.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quantile {
    pub(crate) q: f64,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// How values follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    Increasing,
    StrictlyIncreasing,
    Decreasing,
    StrictlyDecreasing,
}

impl Order {
    /// What parameters call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Increasing => "increasing",
            Self::StrictlyIncreasing => "strictly-increasing",
            Self::Decreasing => "decreasing",
            Self::StrictlyDecreasing => "strictly-decreasing",
        }
    }
}

/// The columns of the table.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) columns: Vec<String>,
    pub(crate) any_order: bool,
    pub(crate) allow_others: bool,
}

/// How many rows are expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) previous: Option<Previous>,
    pub(crate) max_change: Option<f64>,
    pub(crate) severity: Option<Level>,
}

/// How many rows there were before.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "`previous` must be a number of rows, or false where there was nothing before"
)]
pub(crate) enum Previous {
    Rows(u64),
    /// `false`.
    Known(bool),
}

/// Columns that identify a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unique {
    pub(crate) columns: Vec<String>,
    pub(crate) mostly: Option<f64>,
    pub(crate) severity: Option<Level>,
}

/// One column against another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compare {
    pub(crate) column: String,
    pub(crate) op: Operator,
    pub(crate) with: String,
    pub(crate) mostly: Option<f64>,
    pub(crate) severity: Option<Level>,
}

/// How two values relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Operator {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = ">")]
    Greater,
}

/// What columns add up to in each row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowSum {
    pub(crate) columns: Vec<String>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) mostly: Option<f64>,
    pub(crate) severity: Option<Level>,
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
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

fn default_examples() -> usize {
    5
}

fn data_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DataType>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse()
        .map(Some)
        .map_err(|error: Error| D::Error::custom(error.message()))
}

/// A table, or a list of tables.
///
/// Not an untagged enum, whose errors would not name the key that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or a list of tables")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// A list of columns is one key; a list of lists or tables several.
fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Unique>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "`unique` must be a list of columns, { columns = […], severity = \"warn\" }, or a list of these"
    )]
    enum Key {
        One(Unique),
        Columns(Vec<String>),
        Many(Vec<Item>),
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Item {
        Columns(Vec<String>),
        Detailed(Unique),
    }

    let of_columns = |columns| Unique {
        columns,
        mostly: None,
        severity: None,
    };
    Ok(match Key::deserialize(deserializer)? {
        Key::One(unique) => vec![unique],
        Key::Columns(columns) => vec![of_columns(columns)],
        Key::Many(keys) => keys
            .into_iter()
            .map(|key| match key {
                Item::Columns(columns) => of_columns(columns),
                Item::Detailed(unique) => unique,
            })
            .collect(),
    })
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Detailed {
            columns: Vec<String>,
            #[serde(default)]
            any_order: bool,
            #[serde(default)]
            allow_others: bool,
        }

        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "`names` must be a list of columns, or { columns = […], any_order = true, allow_others = true }"
        )]
        enum Either {
            List(Vec<String>),
            Detailed(Detailed),
        }

        Ok(match Either::deserialize(deserializer)? {
            Either::List(columns) => Self {
                columns,
                any_order: false,
                allow_others: false,
            },
            Either::Detailed(names) => Self {
                columns: names.columns,
                any_order: names.any_order,
                allow_others: names.allow_others,
            },
        })
    }
}
