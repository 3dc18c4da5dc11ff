//! Parquet: types from the file, only the wanted columns decoded, row groups skipped by their
//! statistics where the rows are split by time.

use arrow::array::{Array, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType as Arrow, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use trueline_table::Schema;

use super::{Batches, DataFile, TimeRange};
use crate::Result;
use crate::time::microseconds;

type Builder = ParquetRecordBatchReaderBuilder<std::fs::File>;

pub(super) fn schema(file: &DataFile) -> Result<SchemaRef> {
    Ok(open(file)?.schema().clone())
}

pub(super) fn scan(
    file: &DataFile,
    schema: &Schema,
    batch_rows: usize,
    range: Option<&TimeRange>,
) -> Result<Batches> {
    let builder = open(file)?;
    let roots: Vec<usize> = (0..builder.schema().fields().len())
        .filter(|&index| schema.field(builder.schema().field(index).name()).is_some())
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let groups = match range.and_then(|range| wanted_groups(&builder, range)) {
        Some(groups) => groups,
        None => (0..builder.metadata().num_row_groups()).collect(),
    };
    let reader = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .with_batch_size(batch_rows)
        .build()
        .map_err(|error| damaged(file, &error))?;
    let (file, schema) = (file.clone(), schema.clone());
    Ok(Box::new(reader.map(move |batch| {
        let batch = batch.map_err(|error| damaged(&file, &error))?;
        file.contract_batch(&batch, &schema)
    })))
}

fn open(file: &DataFile) -> Result<Builder> {
    Builder::try_new(file.open()?).map_err(|error| damaged(file, &error))
}

fn damaged(file: &DataFile, error: &dyn std::error::Error) -> crate::Error {
    let hint =
        "the file is damaged, cut short or of another format: write it again, or set `format`";
    file.error(format!("cannot be read as Parquet: {error}"), Some(hint))
}

/// The row groups that may hold a row of the range, or nothing if the file does not tell: the column
/// is no time, or has no usable statistics. A group with nulls is always wanted, so that a missing
/// time is found whatever part is read.
fn wanted_groups(builder: &Builder, range: &TimeRange) -> Option<Vec<usize>> {
    let field = builder.schema().field_with_name(&range.column).ok()?;
    if !matches!(field.data_type(), Arrow::Timestamp(_, _) | Arrow::Date32) {
        return None;
    }
    let converter =
        StatisticsConverter::try_new(&range.column, builder.schema(), builder.parquet_schema())
            .ok()?;
    let groups = builder.metadata().row_groups();
    let least = microseconds(&converter.row_group_mins(groups).ok()?).ok()?;
    let greatest = microseconds(&converter.row_group_maxes(groups).ok()?).ok()?;
    let nulls: UInt64Array = converter.row_group_null_counts(groups).ok()?;
    let value = |times: &TimestampMicrosecondArray, group| {
        times.is_valid(group).then(|| times.value(group))
    };
    let wanted = |group: usize| {
        let known = nulls.is_valid(group) && nulls.value(group) == 0;
        let (Some(least), Some(greatest), true) =
            (value(&least, group), value(&greatest, group), known)
        else {
            return true;
        };
        range.from.is_none_or(|from| greatest >= from)
            && range.until.is_none_or(|until| least < until)
    };
    Some((0..groups.len()).filter(|&group| wanted(group)).collect())
}
