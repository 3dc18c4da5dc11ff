//! Values of every comparable type as integers that sort as the values do.

use trueline_sdk::prelude::*;

use crate::civil;
use crate::params::Literal;

/// How the values of a column are compared and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Float32,
    Float64,
    Date,
    Timestamp,
    Text,
    /// Bytes and vectors: only their type and nulls can be checked.
    Other,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Value {
    /// Of any kind but text.
    Key(i64),
    Text(String),
}

impl Kind {
    pub(crate) fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Date => Self::Date,
            DataType::Timestamp => Self::Timestamp,
            DataType::Utf8 => Self::Text,
            DataType::Binary | DataType::Float32List(_) | DataType::Float64List(_) => Self::Other,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Whether its values lie in ranges.
    pub(crate) fn has_range(self) -> bool {
        !matches!(self, Self::Boolean | Self::Text | Self::Other)
    }

    /// What a value in a pipeline file means in such a column; none if it cannot be in one.
    pub(crate) fn value(self, literal: &Literal) -> Option<Value> {
        Some(match (self, literal) {
            (Self::Boolean, Literal::Boolean(value)) => Value::Key(i64::from(*value)),
            (Self::Integer, Literal::Integer(value)) => Value::Key(*value),
            (Self::Integer, Literal::Float(value)) => Value::Key(whole(*value)?),
            (Self::Float32 | Self::Float64, Literal::Integer(value)) => {
                Value::Key(self.float(*value as f64))
            }
            (Self::Float32 | Self::Float64, Literal::Float(value)) => {
                Value::Key(self.float(*value))
            }
            (Self::Date, Literal::Text(text)) => Value::Key(civil::parse_date(text)?),
            (Self::Timestamp, Literal::Text(text)) => Value::Key(civil::parse_timestamp(text)?),
            (Self::Text, Literal::Text(text)) => Value::Text(text.clone()),
            _ => return None,
        })
    }

    /// What `value` takes.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Float32 | Self::Float64 => "a number",
            Self::Date => "a date such as \"2013-01-31\"",
            Self::Timestamp => "a time in UTC such as \"2013-01-31T23:59:59Z\"",
            Self::Text => "a text",
            Self::Other => "nothing: only its type and nulls can be checked",
        }
    }

    /// A value as a person writes it; a long text is cut.
    pub(crate) fn show(self, value: &Value) -> String {
        const LONGEST: usize = 40;
        match (self, value) {
            (_, Value::Text(text)) if text.chars().count() > LONGEST => {
                let start: String = text.chars().take(LONGEST).collect();
                format!("{start:?}…")
            }
            (_, Value::Text(text)) => format!("{text:?}"),
            (Self::Boolean, Value::Key(key)) => (*key == 1).to_string(),
            (Self::Float32, Value::Key(key)) => shown_as_f32(float_of(*key)),
            (Self::Float64, Value::Key(key)) => float_of(*key).to_string(),
            (Self::Date, Value::Key(key)) => civil::show_date(*key),
            (Self::Timestamp, Value::Key(key)) => civil::show_timestamp(*key),
            (_, Value::Key(key)) => key.to_string(),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float32 column holds what is nearest"
    )]
    fn float(self, value: f64) -> i64 {
        key_of(if self == Self::Float32 {
            f64::from(value as f32)
        } else {
            value
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the key was made of a float32"
)]
fn shown_as_f32(value: f64) -> String {
    (value as f32).to_string()
}

/// The key of each row, of any column but text and bytes; a null row's means nothing.
pub(crate) fn keys(column: &Column<'_>, rows: usize) -> Result<Vec<i64>> {
    Ok(match &column.values {
        Values::Boolean(_) => (0..rows)
            .map(|row| column.boolean(row).map(i64::from))
            .collect::<Result<_>>()?,
        Values::Int32(values) | Values::Date(values) => {
            values.iter().map(|&value| i64::from(value)).collect()
        }
        Values::Int64(values) | Values::Timestamp(values) => values.to_vec(),
        Values::Float32(values) => values
            .iter()
            .map(|&value| key_of(f64::from(value)))
            .collect(),
        Values::Float64(values) => values.iter().map(|&value| key_of(value)).collect(),
        _ => {
            return Err(Error::other(format!(
                "values of {} have no order",
                column.data_type()
            )));
        }
    })
}

/// Sorts as floats do, NaN last: a negative float's bits are turned around. -0.0 becomes 0.0.
fn key_of(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    if value.is_nan() {
        i64::MAX
    } else {
        bits ^ (bits >> 63 & i64::MAX)
    }
}

fn float_of(key: i64) -> f64 {
    if key == i64::MAX {
        f64::NAN
    } else {
        f64::from_bits((key ^ (key >> 63 & i64::MAX)) as u64)
    }
}

/// Whether the key is that of a NaN.
pub(crate) fn is_nan(key: i64) -> bool {
    key == i64::MAX
}

/// Whether the key is that of an infinity.
pub(crate) fn is_infinite(key: i64) -> bool {
    float_of(key).is_infinite()
}

/// A float without a fraction, as the integer that it is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and in range"
)]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9.2e18).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_like_floats_and_give_them_back() {
        let sorted = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::from_bits(1),
            0.0,
            f64::from_bits(1),
            0.1,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in sorted.windows(2) {
            assert!(key_of(pair[0]) < key_of(pair[1]), "{pair:?}");
        }
        for value in sorted {
            assert_eq!(float_of(key_of(value)).to_bits(), value.to_bits());
        }
        assert_eq!(key_of(-0.0), key_of(0.0));
        assert!(key_of(-f64::NAN) > key_of(f64::INFINITY) && is_nan(key_of(f64::NAN)));
        assert!(is_infinite(key_of(f64::NEG_INFINITY)) && !is_infinite(key_of(f64::NAN)));
    }

    #[test]
    fn literals_mean_values_of_the_column() {
        let check = |kind: Kind, literal: Literal, shown: Option<&str>| {
            let value = kind.value(&literal);
            assert_eq!(
                value.map(|value| kind.show(&value)).as_deref(),
                shown,
                "{kind:?} {literal}"
            );
        };
        check(Kind::Boolean, Literal::Boolean(true), Some("true"));
        check(Kind::Integer, Literal::Integer(-7), Some("-7"));
        check(Kind::Integer, Literal::Float(2000.0), Some("2000"));
        check(Kind::Integer, Literal::Float(0.5), None);
        check(Kind::Integer, Literal::Float(f64::INFINITY), None);
        check(Kind::Float64, Literal::Integer(-120), Some("-120"));
        check(Kind::Float32, Literal::Float(0.1), Some("0.1"));
        check(Kind::Float64, Literal::Text("1".into()), None);
        check(
            Kind::Date,
            Literal::Text("2013-01-31".into()),
            Some("2013-01-31"),
        );
        check(Kind::Date, Literal::Text("soon".into()), None);
        check(
            Kind::Timestamp,
            Literal::Text("2013-01-31".into()),
            Some("2013-01-31T00:00:00Z"),
        );
        check(
            Kind::Text,
            Literal::Text("é\n".repeat(30)),
            Some(&format!("{:?}…", "é\n".repeat(20))),
        );
        check(Kind::Other, Literal::Text("a".into()), None);
    }
}
