//! Making the columns of any Arrow source the contract's own types.

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as Arrow, TimeUnit};

use crate::{DataType, Error, Field, Result, Schema};

/// The schema that [`normalize`] gives rows of this Arrow schema.
///
/// Small and unsigned integers widen to int32 or int64, float16 to float32; dictionaries, views and
/// large texts become utf8 or binary; timestamps of any unit and zone become microseconds UTC, and one
/// without a zone is taken for UTC; date64 becomes date.
///
/// # Errors
/// [`Error::UnsupportedType`] for a type without a counterpart, [`Error::DuplicateColumn`].
pub fn normalized_schema(schema: &arrow::datatypes::Schema) -> Result<Schema> {
    let fields = schema.fields().iter().map(|field| {
        let data_type = target(field.data_type()).ok_or_else(|| Error::UnsupportedType {
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        })?;
        let arrow = field.as_ref().clone().with_data_type(data_type.to_arrow());
        Field::from_arrow(&arrow)
    });
    let schema = Schema {
        fields: fields.collect::<Result<_>>()?,
    };
    Schema::from_arrow(&schema.to_arrow())
}

/// Casts a batch to the types of `schema`, which [`normalized_schema`] gave for it.
///
/// # Errors
/// [`Error::Lossy`] if a value does not survive: an integer beyond int64, a timestamp that is not a
/// whole number of microseconds.
pub fn normalize(schema: &Schema, batch: &RecordBatch) -> Result<RecordBatch> {
    if batch.num_columns() != schema.fields.len() {
        return Err(Error::ColumnCount {
            found: batch.num_columns(),
            expected: schema.fields.len(),
        });
    }
    let columns = schema.fields.iter().zip(batch.columns());
    let columns = columns
        .map(|(field, column)| cast(field, column))
        .collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.to_arrow(),
        columns,
        &options,
    )?)
}

fn target(data_type: &Arrow) -> Option<DataType> {
    Some(match data_type {
        Arrow::Int8 | Arrow::Int16 | Arrow::UInt8 | Arrow::UInt16 => DataType::Int32,
        Arrow::UInt32 | Arrow::UInt64 => DataType::Int64,
        Arrow::Float16 => DataType::Float32,
        Arrow::LargeUtf8 | Arrow::Utf8View => DataType::Utf8,
        Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => DataType::Binary,
        Arrow::Timestamp(_, _) => DataType::Timestamp,
        Arrow::Date64 => DataType::Date,
        Arrow::Dictionary(_, values) => return target(values),
        Arrow::FixedSizeList(item, width) => {
            let width = u32::try_from(*width).ok()?;
            match item.data_type() {
                Arrow::Float32 => DataType::Float32List(width),
                Arrow::Float64 => DataType::Float64List(width),
                _ => return None,
            }
        }
        own => return DataType::from_arrow(own),
    })
}

fn cast(field: &Field, column: &ArrayRef) -> Result<ArrayRef> {
    let wanted = field.data_type.to_arrow();
    if column.data_type() == &wanted {
        return Ok(column.clone());
    }
    let lossy = |reason: String| Error::Lossy {
        column: field.name.clone(),
        wanted: field.data_type.to_string(),
        reason,
    };
    // Values are checked rather than turned into nulls.
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    if let (Arrow::FixedSizeList(item, _), Arrow::FixedSizeList(_, _)) =
        (column.data_type(), &wanted)
    {
        let list = arrow::array::AsArray::as_fixed_size_list(column);
        if item.is_nullable() && list.values().null_count() > 0 {
            return Err(lossy("a vector has a null element".into()));
        }
    }
    let cast = |column: &ArrayRef, wanted: &Arrow| {
        cast_with_options(column, wanted, &options).map_err(|error| lossy(error.to_string()))
    };
    let Arrow::Timestamp(unit, _) = column.data_type() else {
        return cast(column, &wanted);
    };
    // An instant is the same number in every zone, so zones are taken off and put on, never computed.
    let instants = retype(column, Arrow::Timestamp(*unit, None))?;
    let microseconds = cast(&instants, &Arrow::Timestamp(TimeUnit::Microsecond, None))?;
    if cast(&microseconds, instants.data_type())? != instants {
        return Err(lossy("a time is not a whole number of microseconds".into()));
    }
    retype(&microseconds, wanted)
}

/// The same values under another type of the same layout.
fn retype(column: &ArrayRef, data_type: Arrow) -> Result<ArrayRef> {
    let data = column
        .to_data()
        .into_builder()
        .data_type(data_type)
        .build()?;
    Ok(make_array(data))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    fn check(column: ArrayRef) -> Result<ArrayRef> {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap();
        let schema = normalized_schema(&batch.schema())?;
        Ok(normalize(&schema, &batch)?.column(0).clone())
    }

    #[test]
    fn foreign_types_become_the_contracts() {
        let cases: Vec<(ArrayRef, ArrayRef)> = vec![
            (
                Arc::new(Int16Array::from(vec![Some(-3), None])),
                Arc::new(Int32Array::from(vec![Some(-3), None])),
            ),
            (
                Arc::new(UInt64Array::from(vec![7])),
                Arc::new(Int64Array::from(vec![7])),
            ),
            (
                Arc::new(LargeStringArray::from(vec!["a"])),
                Arc::new(StringArray::from(vec!["a"])),
            ),
            (
                Arc::new(TimestampSecondArray::from(vec![1]).with_timezone("+02:00")),
                Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]).with_timezone("UTC")),
            ),
            (
                Arc::new(
                    vec!["x", "y", "x"]
                        .into_iter()
                        .collect::<DictionaryArray<arrow::datatypes::Int32Type>>(),
                ),
                Arc::new(StringArray::from(vec!["x", "y", "x"])),
            ),
        ];
        for (foreign, own) in cases {
            assert_eq!(&check(foreign).unwrap(), &own);
        }
    }

    #[test]
    fn what_would_be_lost_is_an_error() {
        let too_large = check(Arc::new(UInt64Array::from(vec![u64::MAX]))).unwrap_err();
        assert!(
            too_large
                .to_string()
                .starts_with("column `c` cannot become int64: "),
            "{too_large}"
        );
        let fraction = check(Arc::new(TimestampNanosecondArray::from(vec![1_500]))).unwrap_err();
        assert_eq!(
            fraction.to_string(),
            "column `c` cannot become timestamp: a time is not a whole number of microseconds"
        );
        let unsupported = check(Arc::new(IntervalYearMonthArray::from(vec![1]))).unwrap_err();
        assert!(
            unsupported.to_string().contains("cast or drop it"),
            "{unsupported}"
        );
    }
}
