//! Datasets from outside: real files, every format, joins and splits against naive versions, messages.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails, also in a helper"
)]

mod errors;
mod flights;
mod formats;
mod joins;
mod splits;

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use trueline_dataset::{Catalog, Dataset, Error, Part, ScanOptions};

/// Opens the dataset `d` of a declaration whose paths are relative to `dir`.
fn open(dir: &Path, declaration: &str) -> Result<Dataset, Error> {
    let specs: BTreeMap<_, _> =
        toml::from_str(declaration).unwrap_or_else(|error| panic!("{error}"));
    Catalog::new(dir, specs).open("d")
}

/// All rows of a part as one batch.
fn read(
    dataset: &Dataset,
    part: Option<Part>,
    columns: Option<&[&str]>,
    batch_rows: usize,
) -> Result<RecordBatch, Error> {
    let columns = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let scan = dataset.scan(&ScanOptions {
        part,
        columns,
        batch_rows,
    })?;
    let schema = scan.schema().to_arrow();
    let batches = scan.collect::<Result<Vec<_>, _>>()?;
    if let [full @ .., last] = batches.as_slice() {
        assert!(
            full.iter().all(|batch| batch.num_rows() == batch_rows)
                && last.num_rows() <= batch_rows
        );
    }
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// A value as text; Arrow prints no times in UTC.
fn text(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        DataType::Timestamp(_, _) => {
            let microseconds = column.as_primitive::<TimestampMicrosecondType>().value(row);
            jiff::Timestamp::from_microsecond(microseconds)
                .unwrap()
                .to_string()
        }
        _ => array_value_to_string(column, row).unwrap(),
    }
}

/// Each row as texts, `-` for null.
fn rows(batch: &RecordBatch) -> Vec<String> {
    let value = |column: &dyn Array, row| {
        if column.is_null(row) {
            "-".to_owned()
        } else {
            text(column, row)
        }
    };
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|column| value(column, row))
            .collect::<Vec<_>>()
            .join("|")
    };
    (0..batch.num_rows()).map(row).collect()
}
