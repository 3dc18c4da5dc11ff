//! Values that parameters give.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result, order};

use crate::{encoder::Categories, table::Column};

/// A value of a column, as a pipeline file writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number or a boolean")]
pub(crate) enum Given {
    Truth(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// As it names an element of a vector.
impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(truth) => truth.fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Given {
    /// The number that it is for a column of numbers; a boolean counts as 0 or 1.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Truth(truth) => Some(f64::from(u8::from(*truth))),
            Self::Integer(integer) => Some(*integer as f64),
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Truth(truth) => Some(i64::from(*truth)),
            Self::Integer(integer) => Some(*integer),
            Self::Number(_) | Self::Text(_) => None,
        }
    }
}

/// Categories in the order given, for a column whose values they are; `what` is what the parameter is called.
///
/// # Errors
/// [`Error::Params`] if one is of another type or given twice, or there is none.
pub(crate) fn categories(what: &str, given: &[Given], column: &Column) -> Result<Categories> {
    let (name, data_type) = (&column.field.name, column.field.data_type);
    let wrong = || {
        Error::params(format!(
            "`{what}` must be values of column `{name}`, which is {data_type}"
        ))
    };
    let categories = match data_type {
        DataType::Utf8 => {
            let texts = given.iter().map(|value| value.text().map(String::from));
            Categories::Texts(texts.collect::<Option<_>>().ok_or_else(wrong)?)
        }
        DataType::Boolean | DataType::Int32 | DataType::Int64 if column.is_exact() => {
            Categories::Integers(
                given
                    .iter()
                    .map(Given::integer)
                    .collect::<Option<_>>()
                    .ok_or_else(wrong)?,
            )
        }
        _ => {
            // The zero added turns -0.0 into 0.0.
            let numbers = given
                .iter()
                .map(|value| value.number().map(|number| number + 0.0));
            Categories::Numbers(numbers.collect::<Option<_>>().ok_or_else(wrong)?)
        }
    };
    let repeated = match &categories {
        Categories::Texts(texts) => has_repeated(texts.clone()),
        Categories::Integers(integers) => has_repeated(integers.clone()),
        Categories::Numbers(numbers) => {
            has_repeated(numbers.iter().map(|number| order::key(*number)).collect())
        }
    };
    match (categories.len(), repeated) {
        (0, _) => Err(Error::params(format!(
            "`{what}` is empty; name its values, or leave it out"
        ))),
        (_, true) => Err(Error::params(format!("`{what}` holds a value twice"))),
        _ => Ok(categories),
    }
}

fn has_repeated<T: Ord>(mut values: Vec<T>) -> bool {
    values.sort_unstable();
    values.windows(2).any(|pair| pair[0] == pair[1])
}
