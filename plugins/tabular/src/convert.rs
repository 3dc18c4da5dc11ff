//! Numbers as what their column's type holds.

/// The nearest float32.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the nearest is what is asked for"
)]
pub(crate) fn to_float32(number: f64) -> f32 {
    number as f32
}

/// The integer that this number is; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written as int32 was one before"
)]
pub(crate) fn to_int32(number: f64) -> i32 {
    number as i32
}

/// The integer that this number is; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written as int64 was one before"
)]
pub(crate) fn to_int64(number: f64) -> i64 {
    number as i64
}

/// A day of a date column.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written as a date was checked to be one"
)]
pub(crate) fn to_day(day: i64) -> i32 {
    day as i32
}
