//! When rows are: a column of theirs, or an expression over their columns.

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::TimestampMicrosecondType;
use trueline_dataset::{Expression, ExpressionError};
use trueline_table::{DataType, Schema};

use crate::{Error, Result};

/// Whether a text can be a name only, so that what it means is a column, be it there or not.
pub(crate) fn is_name(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_alphanumeric() || character == '_')
}

/// Checks an expression that is to be a time.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(crate) fn check(text: &str, columns: &Schema) -> Result<(), (String, String)> {
    let told = |error: ExpressionError| (error.to_string(), error.hint.unwrap_or_default());
    let expression = Expression::compile(text, columns).map_err(told)?;
    match expression.data_type() {
        DataType::Timestamp => Ok(()),
        other => Err((
            format!("`{text}` is {other}, not a time"),
            "add a duration to a time: time_hour + minutes(delay)".to_owned(),
        )),
    }
}

/// The instants of rows. `whose` says whose rows these are, `before` how many were before them.
///
/// # Errors
/// If the text is neither a time of theirs nor an expression that is one, or a row has none.
pub(crate) fn times(
    text: &str,
    rows: &RecordBatch,
    whose: &str,
    before: u64,
) -> Result<TimestampMicrosecondArray> {
    let times = match rows.column_by_name(text) {
        Some(column) => column.clone(),
        None => {
            let columns = Schema::from_arrow(&rows.schema())?;
            let expression = Expression::compile(text, &columns).map_err(|error| {
                Error::input(
                    format!("{whose}: {error}"),
                    error.hint.clone().unwrap_or_default(),
                )
            })?;
            expression.evaluate(rows)?
        }
    };
    let times = cast(&times, &DataType::Timestamp.to_arrow())?;
    let times = times.as_primitive::<TimestampMicrosecondType>().clone();
    match (0..times.len()).find(|&row| times.is_null(row)) {
        None => Ok(times),
        Some(row) => Err(Error::input(
            format!(
                "{whose}: row {} has no time (`{text}` is null)",
                before + row as u64 + 1
            ),
            "leave such rows out, with `where` if they come from files",
        )),
    }
}
