//! Dividing rows into train, valid and test: by time, or by the hash of a key.

mod hash;

use std::fmt;
use std::str::FromStr;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::error::ArrowError;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use trueline_table::{DataType, Schema};

use self::hash::{HashColumn, hash};
use crate::join::is_key_type;
use crate::read::{TimeRange, unknown_column};
use crate::spec::SplitSpec;
use crate::time::microseconds;
use crate::{Error, Result};

/// A part of a dataset. Each row is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Train,
    Valid,
    Test,
}

/// A checked split.
#[derive(Clone, Debug)]
pub(crate) enum Split {
    /// train < `valid_from` ≤ valid < `test_from` ≤ test, in microseconds since the epoch. Without a
    /// valid part both are equal.
    Time {
        column: String,
        valid_from: i64,
        test_from: i64,
        has_valid: bool,
    },
    /// A row is in test if its hash is below the first limit, in valid if it is below the second; the
    /// hashes are evenly spread over 64 bits.
    Hash {
        columns: Vec<String>,
        below_test: u128,
        below_valid: u128,
    },
}

impl Split {
    pub(crate) fn new(dataset: &str, spec: &SplitSpec, schema: &Schema) -> Result<Self> {
        let wrong = |key: &str, problem: String, hint: &str| Error::Spec {
            dataset: dataset.to_owned(),
            key: format!("split{key}"),
            problem,
            hint: Some(hint.to_owned()),
        };
        let by = spec.by.as_slice();
        for name in by {
            if schema.field(name).is_none() {
                return Err(unknown_column(dataset, "split.by", name, schema));
            }
        }
        match (&spec.test_from, spec.test) {
            (Some(test_from), None) => {
                if spec.valid.is_some() {
                    let hint = "use valid_from with test_from, or valid with test";
                    return Err(wrong(
                        ".valid",
                        "a share does not go with `test_from`".to_owned(),
                        hint,
                    ));
                }
                let column = match by {
                    [name] => schema.field(name),
                    _ => None,
                };
                let column = column
                    .filter(|field| matches!(field.data_type, DataType::Timestamp | DataType::Date))
                    .ok_or_else(|| {
                        let problem =
                            "a split by time needs one timestamp or date column".to_owned();
                        wrong(
                            ".by",
                            problem,
                            "name such a column, declare its type in `types`, or split by shares",
                        )
                    })?;
                let time = |key: &str, text: &str| {
                    let hint = "write it as 2013-10-01T00:00:00Z, or 2013-10-01 for midnight UTC";
                    instant(text).ok_or_else(|| wrong(key, format!("`{text}` is not a time"), hint))
                };
                let test_from = time(".test_from", test_from)?;
                let valid_from = spec
                    .valid_from
                    .as_deref()
                    .map(|text| time(".valid_from", text))
                    .transpose()?;
                if valid_from.is_some_and(|valid_from| valid_from >= test_from) {
                    return Err(wrong(
                        "",
                        "`valid_from` is not before `test_from`".to_owned(),
                        "swap them",
                    ));
                }
                Ok(Self::Time {
                    column: column.name.clone(),
                    valid_from: valid_from.unwrap_or(test_from),
                    test_from,
                    has_valid: valid_from.is_some(),
                })
            }
            (None, Some(test)) => {
                if spec.valid_from.is_some() {
                    let hint = "use valid_from with test_from, or valid with test";
                    return Err(wrong(
                        ".valid_from",
                        "a time does not go with `test`".to_owned(),
                        hint,
                    ));
                }
                if by.is_empty() {
                    return Err(wrong(
                        ".by",
                        "no column to split by".to_owned(),
                        "name the key: by = [\"id\"]",
                    ));
                }
                if let Some(field) = by
                    .iter()
                    .filter_map(|name| schema.field(name))
                    .find(|field| !is_key_type(field.data_type))
                {
                    let problem = format!(
                        "`{}` is {}, of which two are rarely the same",
                        field.name, field.data_type
                    );
                    return Err(wrong(
                        ".by",
                        problem,
                        "split by whole numbers, texts, times or dates",
                    ));
                }
                let valid = spec.valid.unwrap_or(0.0);
                // Written so that a NaN fails as well.
                if !(test >= 0.0 && valid >= 0.0 && test + valid < 1.0) {
                    let problem =
                        format!("test = {test} and valid = {valid} leave nothing for train");
                    return Err(wrong(
                        "",
                        problem,
                        "use shares between 0 and 1 whose sum is below 1",
                    ));
                }
                Ok(Self::Hash {
                    columns: by.to_vec(),
                    below_test: limit(test),
                    below_valid: limit(test + valid),
                })
            }
            _ => {
                let problem = "says neither `test_from` nor `test`, or both".to_owned();
                Err(wrong(
                    "",
                    problem,
                    "use test_from to split by time, or test = 0.2 to split by the hash of a key",
                ))
            }
        }
    }

    /// The parts, the empty ones of a hash split included.
    pub(crate) fn parts(&self) -> &'static [Part] {
        let has_valid = match self {
            Self::Time { has_valid, .. } => *has_valid,
            Self::Hash {
                below_test,
                below_valid,
                ..
            } => below_valid > below_test,
        };
        if has_valid {
            &[Part::Train, Part::Valid, Part::Test]
        } else {
            &[Part::Train, Part::Test]
        }
    }

    /// The columns that decide.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::Time { column, .. } => std::slice::from_ref(column),
            Self::Hash { columns, .. } => columns,
        }
    }

    /// The column that must have a value in every row.
    pub(crate) fn time_column(&self) -> Option<&str> {
        if let Self::Time { column, .. } = self {
            Some(column)
        } else {
            None
        }
    }

    /// The stretch of time that holds a part.
    pub(crate) fn range(&self, part: Part) -> Option<TimeRange> {
        let Self::Time {
            column,
            valid_from,
            test_from,
            ..
        } = self
        else {
            return None;
        };
        let (from, until) = match part {
            Part::Train => (None, Some(*valid_from)),
            Part::Valid => (Some(*valid_from), Some(*test_from)),
            Part::Test => (Some(*test_from), None),
        };
        Some(TimeRange {
            column: column.clone(),
            from,
            until,
        })
    }

    /// Which rows of `batch` are in `part`. A row without a time is let through: it is for the caller
    /// to refuse, after conditions had their chance to leave it out.
    pub(crate) fn select(
        &self,
        batch: &RecordBatch,
        part: Part,
    ) -> Result<BooleanArray, ArrowError> {
        let column = |name: &String| {
            let column = batch.column_by_name(name);
            column
                .cloned()
                .ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}`")))
        };
        match self {
            Self::Time {
                column: name,
                valid_from,
                test_from,
                ..
            } => {
                let times = microseconds(&column(name)?)?;
                let part_of = |time| match time {
                    time if time >= *test_from => Part::Test,
                    time if time >= *valid_from => Part::Valid,
                    _ => Part::Train,
                };
                Ok(times
                    .iter()
                    .map(|time| Some(time.is_none_or(|time| part_of(time) == part)))
                    .collect())
            }
            Self::Hash {
                columns,
                below_test,
                below_valid,
            } => {
                let columns = columns
                    .iter()
                    .map(|name| HashColumn::new(&column(name)?))
                    .collect::<Result<Vec<_>, _>>()?;
                let part_of = |row| match u128::from(hash(&columns, row)) {
                    hash if hash < *below_test => Part::Test,
                    hash if hash < *below_valid => Part::Valid,
                    _ => Part::Train,
                };
                Ok((0..batch.num_rows())
                    .map(|row| Some(part_of(row) == part))
                    .collect())
            }
        }
    }
}

/// `share` of all 64-bit numbers.
fn limit(share: f64) -> u128 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the share is at least 0 and below 1, so the product is at least 0 and below 2^64"
    )]
    let limit = (share * 18_446_744_073_709_551_616.0) as u128;
    limit
}

/// Microseconds since the epoch of a time with a zone, or of a date's midnight in UTC.
fn instant(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    let date: Date = text.parse().ok()?;
    Some(
        date.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_microsecond(),
    )
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        })
    }
}

/// A text that names no part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a part; the parts are train, valid and test")]
pub struct UnknownPart(String);

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        Ok(match text {
            "train" => Self::Train,
            "valid" => Self::Valid,
            "test" => Self::Test,
            _ => return Err(UnknownPart(text.to_owned())),
        })
    }
}
