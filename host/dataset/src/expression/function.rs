//! The functions an expression may call. They are CEL's own, with CEL's meaning.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::compute::{DatePart, cast, date_part};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use regex::Regex;

use super::Kind;
use super::node::downcast;
use crate::time::microseconds;

/// What a hint lists. A method may also be written as a function of its receiver, as `size` in CEL.
pub(super) const NAMES: [&str; 19] = [
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "int",
    "double",
    "timestamp",
    "duration",
    "seconds",
    "minutes",
    "hours",
    "has",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfWeek",
    "getHours",
    "getMinutes",
];

#[derive(Clone, Debug)]
pub(super) enum Function {
    /// The number of code points of a text.
    Size,
    StartsWith,
    EndsWith,
    Contains,
    /// Whether the pattern matches anywhere in the text.
    Matches(Regex),
    /// A number (cut towards zero) or a text as an int; null if it is not one or does not fit.
    ToInt,
    /// An int (rounded) or a text as a double; null if it is not one.
    ToDouble,
    /// A part of a timestamp in UTC, and what to subtract: CEL counts months from 0.
    Part(DatePart, i64),
    /// An int as that many times these microseconds; null if it does not fit.
    Span(i64),
}

impl Function {
    /// The method of this name on a value of `receiver`, which takes arguments of these kinds and
    /// gives a value of this kind. `matches` is not here: its pattern is part of the function.
    pub(super) fn method(name: &str, receiver: Kind) -> Option<(Self, &'static [Kind], Kind)> {
        let part = |part, first| Some((Self::Part(part, first), [].as_slice(), Kind::Int));
        let span = |unit_us| Some((Self::Span(unit_us), [].as_slice(), Kind::Duration));
        match (name, receiver) {
            ("size", Kind::Text) => Some((Self::Size, &[], Kind::Int)),
            ("startsWith", Kind::Text) => Some((Self::StartsWith, &[Kind::Text], Kind::Boolean)),
            ("endsWith", Kind::Text) => Some((Self::EndsWith, &[Kind::Text], Kind::Boolean)),
            ("contains", Kind::Text) => Some((Self::Contains, &[Kind::Text], Kind::Boolean)),
            ("int", Kind::Int | Kind::Double | Kind::Text) => Some((Self::ToInt, &[], Kind::Int)),
            ("double", Kind::Int | Kind::Double | Kind::Text) => {
                Some((Self::ToDouble, &[], Kind::Double))
            }
            ("seconds", Kind::Int) => span(1_000_000),
            ("minutes", Kind::Int) => span(60_000_000),
            ("hours", Kind::Int) => span(3_600_000_000),
            ("getFullYear", Kind::Timestamp) => part(DatePart::Year, 0),
            ("getMonth", Kind::Timestamp) => part(DatePart::Month, 1),
            ("getDate", Kind::Timestamp) => part(DatePart::Day, 0),
            ("getDayOfWeek", Kind::Timestamp) => part(DatePart::DayOfWeekSunday0, 0),
            ("getHours", Kind::Timestamp) => part(DatePart::Hour, 0),
            ("getMinutes", Kind::Timestamp) => part(DatePart::Minute, 0),
            _ => None,
        }
    }

    /// Whether it can be null although no argument is.
    pub(super) fn may_fail(&self) -> bool {
        matches!(self, Self::ToInt | Self::ToDouble | Self::Span(_))
    }

    pub(super) fn evaluate(&self, arguments: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
        let [receiver, arguments @ ..] = arguments else {
            return Err(ArrowError::InvalidArgumentError(
                "a function needs an argument".to_owned(),
            ));
        };
        let test = |holds: fn(&str, &str) -> bool| -> Result<ArrayRef, ArrowError> {
            let [argument] = arguments else {
                return Err(ArrowError::InvalidArgumentError(
                    "a text test needs one argument".to_owned(),
                ));
            };
            let (texts, argument) = (
                downcast::<StringArray>(receiver)?,
                downcast::<StringArray>(argument)?,
            );
            Ok(Arc::new(BooleanArray::from_binary(texts, argument, holds)))
        };
        match self {
            Self::StartsWith => test(|text, prefix| text.starts_with(prefix)),
            Self::EndsWith => test(|text, suffix| text.ends_with(suffix)),
            Self::Contains => test(|text, part| text.contains(part)),
            Self::Matches(pattern) => {
                let texts = downcast::<StringArray>(receiver)?;
                Ok(Arc::new(BooleanArray::from_unary(texts, |text| {
                    pattern.is_match(text)
                })))
            }
            Self::Size => {
                let sizes = downcast::<StringArray>(receiver)?.iter();
                let count = |text: &str| i64::try_from(text.chars().count()).ok();
                Ok(Arc::new(
                    sizes.map(|text| count(text?)).collect::<Int64Array>(),
                ))
            }
            Self::ToInt => to_int(receiver),
            Self::ToDouble => to_double(receiver),
            Self::Span(unit_us) => {
                let counts = downcast::<Int64Array>(receiver)?.iter();
                let lengths = counts.map(|count| count?.checked_mul(*unit_us));
                Ok(Arc::new(lengths.collect::<Int64Array>()))
            }
            Self::Part(part, first) => {
                let parts = cast(
                    &date_part(&microseconds(receiver)?, *part)?,
                    &DataType::Int64,
                )?;
                Ok(Arc::new(
                    downcast::<Int64Array>(&parts)?
                        .unary::<_, arrow::datatypes::Int64Type>(|part| part - first),
                ))
            }
        }
    }
}

fn to_int(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match values.data_type() {
        DataType::Int64 => values.clone(),
        DataType::Float64 => {
            // 2^63 is the first double that does not fit; NaN fails both comparisons.
            const LIMIT: f64 = 9_223_372_036_854_775_808.0;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "cutting the fraction is what int() does"
            )]
            let cut = |value: f64| (-LIMIT..LIMIT).contains(&value).then_some(value as i64);
            Arc::new(
                downcast::<Float64Array>(values)?
                    .iter()
                    .map(|value| cut(value?))
                    .collect::<Int64Array>(),
            )
        }
        _ => {
            let texts = downcast::<StringArray>(values)?.iter();
            Arc::new(
                texts
                    .map(|text| text?.parse::<i64>().ok())
                    .collect::<Int64Array>(),
            )
        }
    })
}

fn to_double(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match values.data_type() {
        DataType::Utf8 => {
            let texts = downcast::<StringArray>(values)?.iter();
            Ok(Arc::new(
                texts
                    .map(|text| text?.parse::<f64>().ok())
                    .collect::<Float64Array>(),
            ))
        }
        _ => cast(values, &DataType::Float64),
    }
}
