//! Timestamps on their way into text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

/// The same rows, with UTC as an offset in the type of their timestamps. Arrow writes those as
/// `2013-01-01T05:00:00Z`; zones by name, even this one, it refuses to write without a database of zones.
///
/// # Errors
/// None that rows of the contract's types could cause.
pub fn with_utc_offsets(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(rows.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(rows.num_columns());
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if let DataType::Timestamp(TimeUnit::Microsecond, Some(_)) = column.data_type() {
            let instants = column.as_primitive::<TimestampMicrosecondType>().clone();
            let column = instants.with_timezone("+00:00");
            let data_type = column.data_type().clone();
            fields.push(Field::clone(field).with_data_type(data_type));
            columns.push(Arc::new(column));
        } else {
            fields.push(Field::clone(field));
            columns.push(column.clone());
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn instants_stay_and_other_columns_too() {
        let instants = TimestampMicrosecondArray::from(vec![Some(-1), None]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let column: ArrayRef = Arc::new(instants.clone().with_timezone("UTC"));
        let rows = [("at", column, true), ("number", numbers.clone(), false)];
        let rows = RecordBatch::try_from_iter_with_nullable(rows).unwrap();
        let text = with_utc_offsets(&rows).unwrap();
        assert_eq!(text.column(0).as_ref(), &instants.with_timezone("+00:00"));
        assert_eq!(text.column(1), &numbers);
        assert!(text.schema().field(0).is_nullable() && !text.schema().field(1).is_nullable());
    }
}
