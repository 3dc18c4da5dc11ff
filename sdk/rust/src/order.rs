//! Values of every comparable type as integers that sort as the values do.
//!
//! What is counted, ranked or listed by stages such as `expect` and `profile` is kept so: equal values
//! are equal integers, and the order of the integers is the order of the values.
//!
//! ```
//! use trueline_sdk::DataType;
//! use trueline_sdk::order::{Kind, Value, key};
//!
//! assert!(key(-1.5) < key(-0.0) && key(-0.0) == key(0.0));
//! assert_eq!(Kind::of(DataType::Float64).show(&Value::Key(key(0.1))), "0.1");
//! assert_eq!(Kind::of(DataType::Date).show(&Value::Key(15_706)), "2013-01-01");
//! ```

use serde::{Deserialize, Serialize};

use crate::{Column, DataType, Error, Result, Values, civil};

/// How the values of a column are compared and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// False, then true.
    Boolean,
    /// An int32 or int64.
    Integer,
    /// A float32; NaN sorts last.
    Float32,
    /// A float64; NaN sorts last.
    Float64,
    /// Days since the epoch.
    Date,
    /// Microseconds since the epoch.
    Timestamp,
    /// Texts sort by their bytes, which is the order of their characters.
    Text,
    /// Bytes and vectors: they have no order.
    Other,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Of any kind but text: see [`keys`].
    Key(i64),
    /// A text.
    Text(String),
}

impl Kind {
    /// The kind of this type's values.
    pub fn of(data_type: DataType) -> Self {
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

    /// Whether it is a float, and so may be NaN or infinite.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Whether its values are numbers: integers or floats.
    pub fn is_number(self) -> bool {
        self.is_float() || self == Self::Integer
    }

    /// Whether its values lie in ranges: numbers, dates and timestamps.
    pub fn has_range(self) -> bool {
        !matches!(self, Self::Boolean | Self::Text | Self::Other)
    }

    /// A value as a person writes it; a long text is cut.
    pub fn show(self, value: &Value) -> String {
        const LONGEST: usize = 40;
        match (self, value) {
            (_, Value::Text(text)) if text.chars().count() > LONGEST => {
                let start: String = text.chars().take(LONGEST).collect();
                format!("{start:?}…")
            }
            (_, Value::Text(text)) => format!("{text:?}"),
            (Self::Boolean, Value::Key(key)) => (*key == 1).to_string(),
            (Self::Float32, Value::Key(key)) => show_float32(float(*key)),
            (Self::Float64, Value::Key(key)) => show_float(float(*key)),
            (Self::Date, Value::Key(key)) => civil::show_date(*key),
            (Self::Timestamp, Value::Key(key)) => civil::show_timestamp(*key),
            (_, Value::Key(key)) => key.to_string(),
        }
    }
}

/// A float64 as a person writes it, in as few digits as bring it back: `0.1`, `2000`, `1e300`.
pub fn show_float(value: f64) -> String {
    if has_many_zeros(value) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// The same for what was a float32.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value was made of a float32"
)]
fn show_float32(value: f64) -> String {
    if has_many_zeros(value) {
        format!("{:e}", value as f32)
    } else {
        (value as f32).to_string()
    }
}

fn has_many_zeros(value: f64) -> bool {
    value.is_finite() && value != 0.0 && !(1e-5..1e16).contains(&value.abs())
}

/// The key of each row; a null row's means nothing.
///
/// # Errors
/// If it is a column of texts, bytes or vectors.
pub fn keys(column: &Column<'_>, rows: usize) -> Result<Vec<i64>> {
    Ok(match &column.values {
        Values::Boolean(_) => (0..rows)
            .map(|row| column.boolean(row).map(i64::from))
            .collect::<Result<_>>()?,
        Values::Int32(values) | Values::Date(values) => {
            values.iter().map(|&value| i64::from(value)).collect()
        }
        Values::Int64(values) | Values::Timestamp(values) => values.to_vec(),
        Values::Float32(values) => values.iter().map(|&value| key(f64::from(value))).collect(),
        Values::Float64(values) => values.iter().map(|&value| key(value)).collect(),
        _ => {
            return Err(Error::other(format!(
                "values of {} have no order",
                column.data_type()
            )));
        }
    })
}

/// The key of a float. It sorts as floats do, NaN last: a negative float's bits are turned around. -0.0
/// becomes 0.0.
pub fn key(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    if value.is_nan() {
        i64::MAX
    } else {
        bits ^ (bits >> 63 & i64::MAX)
    }
}

/// The float of a key.
pub fn float(key: i64) -> f64 {
    if key == i64::MAX {
        f64::NAN
    } else {
        f64::from_bits((key ^ (key >> 63 & i64::MAX)) as u64)
    }
}

/// Whether the key is that of a NaN.
pub fn is_nan(key: i64) -> bool {
    key == i64::MAX
}

/// Whether the key is that of an infinity.
pub fn is_infinite(key: i64) -> bool {
    float(key).is_infinite()
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
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for value in sorted {
            assert_eq!(float(key(value)).to_bits(), value.to_bits());
        }
        assert_eq!(key(-0.0), key(0.0));
        assert!(key(-f64::NAN) > key(f64::INFINITY) && is_nan(key(f64::NAN)));
        assert!(is_infinite(key(f64::NEG_INFINITY)) && !is_infinite(key(f64::NAN)));
    }

    #[test]
    fn floats_are_written_briefly() {
        let cases = [
            (0.1, "0.1"),
            (2000.0, "2000"),
            (-0.0, "-0"),
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, shown) in cases {
            assert_eq!(show_float(value), shown);
        }
        assert_eq!(
            Kind::Float32.show(&Value::Key(key(f64::from(0.1_f32)))),
            "0.1"
        );
    }
}
