//! The other side of a join in memory, its rows found by their keys' bytes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use trueline_table::Field;

use crate::time;

/// The other side of a join: columns to take from, and where each key is.
pub(crate) struct JoinTable {
    on: Vec<String>,
    /// Columns as they are called on this side.
    columns: Vec<(String, ArrayRef)>,
    converter: RowConverter,
    /// Looked up only: its order never shows.
    rows: HashMap<Box<[u8]>, u32>,
}

/// Why rows cannot be joined.
pub(super) enum BuildError {
    /// Two rows have this key.
    Duplicate(String),
    Arrow(ArrowError),
}

impl JoinTable {
    /// Finds the rows of `rows` by their columns `on_other`, and keeps its columns `take`, which are
    /// called `fields` and found by `on` on the side that joins.
    pub(super) fn build(
        rows: &RecordBatch,
        on: &[String],
        on_other: &[String],
        take: &[String],
        fields: &[Field],
    ) -> Result<Self, BuildError> {
        let keys = find_columns(rows, on_other)?;
        let sort = keys
            .iter()
            .map(|key| SortField::new(key.data_type().clone()))
            .collect();
        let converter = RowConverter::new(sort)?;
        let bytes = converter.convert_columns(&keys)?;
        let mut found = HashMap::with_capacity(rows.num_rows());
        for (row, number) in (0..rows.num_rows()).zip(0_u32..) {
            if has_null(&keys, row) {
                continue;
            }
            match found.entry(bytes.row(row).as_ref().into()) {
                Entry::Vacant(vacant) => vacant.insert(number),
                Entry::Occupied(_) => {
                    return Err(BuildError::Duplicate(describe(&keys, on_other, row)?));
                }
            };
        }
        let columns = fields
            .iter()
            .map(|field| field.name.clone())
            .zip(find_columns(rows, take)?)
            .collect();
        Ok(Self {
            on: on.to_vec(),
            columns,
            converter,
            rows: found,
        })
    }

    /// `batch` with the columns of this table that are in `wanted`.
    pub(crate) fn join(
        &self,
        batch: &RecordBatch,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = Vec::new();
        for name in &self.on {
            let column = batch.column_by_name(name);
            columns.push(
                column
                    .ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}`")))?
                    .clone(),
            );
        }
        let keys: Rows = self.converter.convert_columns(&columns)?;
        let row = |row| {
            if has_null(&columns, row) {
                None
            } else {
                self.rows.get(keys.row(row).as_ref()).copied()
            }
        };
        let indices: UInt32Array = (0..batch.num_rows()).map(row).collect();
        let mut joined: Vec<(String, ArrayRef)> = batch
            .schema_ref()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .zip(batch.columns().to_vec())
            .collect();
        for (name, column) in self.columns.iter().filter(|(name, _)| wanted(name)) {
            joined.push((name.clone(), take(column, &indices, None)?));
        }
        RecordBatch::try_from_iter_with_nullable(
            joined
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
    }
}

impl std::fmt::Debug for JoinTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinTable")
            .field("on", &self.on)
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl From<ArrowError> for BuildError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

fn find_columns(rows: &RecordBatch, names: &[String]) -> Result<Vec<ArrayRef>, ArrowError> {
    let find = |name: &String| {
        let column = rows.column_by_name(name);
        column
            .cloned()
            .ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}`")))
    };
    names.iter().map(find).collect()
}

/// Whether the key of a row has a null, which equals nothing.
fn has_null(keys: &[ArrayRef], row: usize) -> bool {
    keys.iter().any(|key| key.is_null(row))
}

/// `origin = JFK, time_hour = 2013-01-01T06:00:00Z`
fn describe(keys: &[ArrayRef], names: &[String], row: usize) -> Result<String, ArrowError> {
    let parts = names
        .iter()
        .zip(keys)
        .map(|(name, key)| Ok(format!("{name} = {}", time::describe(key, row)?)));
    Ok(parts.collect::<Result<Vec<_>, ArrowError>>()?.join(", "))
}
