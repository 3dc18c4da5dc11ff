//! Times as plain numbers.

use arrow::array::{Array, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

/// Timestamps of any unit, or dates (their midnight), in microseconds since the epoch. The result has
/// no zone: an instant is the same number in all of them, and Arrow computes with none but offsets.
///
/// # Errors
/// If `times` holds something else.
pub(crate) fn microseconds(times: &dyn Array) -> Result<TimestampMicrosecondArray, ArrowError> {
    let times = match times.data_type() {
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
            cast(times, &DataType::Timestamp(TimeUnit::Microsecond, None))?
        }
        other => return Err(ArrowError::CastError(format!("{other} is no time"))),
    };
    let numbers = times.as_any().downcast_ref::<TimestampMicrosecondArray>();
    numbers
        .cloned()
        .ok_or_else(|| ArrowError::CastError("a cast gave no timestamps".to_owned()))
}

/// The value of a row as a message shows it.
pub(crate) fn describe(column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(_, _) if column.is_valid(row) => {
            let microseconds = microseconds(column)?.value(row);
            let time = jiff::Timestamp::from_microsecond(microseconds);
            Ok(time.map_or_else(|_| format!("{microseconds} µs"), |time| time.to_string()))
        }
        _ => array_value_to_string(column, row),
    }
}
