//! A map applied to tables of one schema: what it reads, and what the table looks like afterwards.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use trueline_table::{
    AnySchema as _, DataType, Field, Schema, TableSchema, normalize, normalized_schema,
};

use crate::contract::Mapping;
use crate::{Error, Result};

/// Positions worked out once, so that a batch of one row pays for no names.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Where the columns that the map reads are in the table.
    reads: Vec<usize>,
    reads_schema: SchemaRef,
    /// Where each column of the result comes from.
    sources: Vec<Source>,
    output: Schema,
    output_schema: SchemaRef,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Table(usize),
    Mapped(usize),
}

impl Applied {
    /// Applies a loaded map, whose vectors' widths are known, to tables of this schema.
    ///
    /// # Errors
    /// If the table lacks a column that the map reads.
    pub fn new(mapping: &Mapping, table: &Schema) -> Result<Self> {
        let reads_schema = table.select(&mapping.reads)?.to_arrow();
        let output = mapping.output(table);
        let source = |field: &Field| {
            let mapped = mapping.writes.index_of(&field.name).map(Source::Mapped);
            mapped.or_else(|| table.index_of(&field.name).map(Source::Table))
        };
        Ok(Self {
            reads: mapping
                .reads
                .iter()
                .filter_map(|name| table.index_of(name))
                .collect(),
            reads_schema,
            sources: output.fields.iter().filter_map(source).collect(),
            output_schema: output.to_arrow(),
            output,
        })
    }

    /// The table's schema afterwards.
    pub fn output(&self) -> &Schema {
        &self.output
    }

    /// The columns that the map reads, in its order.
    ///
    /// # Errors
    /// If `table` is not of the schema.
    pub fn select(&self, table: &RecordBatch) -> Result<RecordBatch> {
        let columns = self
            .reads
            .iter()
            .map(|&index| table.column(index).clone())
            .collect();
        batch(&self.reads_schema, columns, table.num_rows())
    }

    /// `table` with what the map wrote: a column in place of one with the same name or behind the
    /// others, without what the map removes.
    ///
    /// # Errors
    /// If `table` is not of the schema, or `mapped` not what the map writes.
    pub fn carry(&self, table: &RecordBatch, mapped: &RecordBatch) -> Result<RecordBatch> {
        let column = |source: &Source| match *source {
            Source::Table(index) => table.column(index).clone(),
            Source::Mapped(index) => mapped.column(index).clone(),
        };
        batch(
            &self.output_schema,
            self.sources.iter().map(column).collect(),
            table.num_rows(),
        )
    }
}

/// The columns of a request, found by name and converted where nothing is lost.
///
/// # Errors
/// [`Error::MissingColumn`], [`Error::ColumnType`], or [`Error::UnexpectedNull`].
pub(crate) fn request(wanted: &TableSchema, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let (have, wanted_schema) = (rows.schema_ref(), wanted.arrow());
    // Whoever made the rows for this package made them right.
    if Arc::ptr_eq(have, &wanted_schema) {
        return Ok(rows.columns().to_vec());
    }
    let find = |(field, arrow): (&Field, &arrow::datatypes::FieldRef)| {
        let (index, _) =
            have.column_with_name(&field.name)
                .ok_or_else(|| Error::MissingColumn {
                    column: field.name.clone(),
                    expected: field.data_type.to_string(),
                    columns: have
                        .fields()
                        .iter()
                        .map(|field| field.name().clone())
                        .collect(),
                })?;
        let mut column = rows.column(index).clone();
        if column.data_type() != arrow.data_type() {
            column = converted(field, &rows.project(&[index]).map_err(table_error)?)?;
        }
        if !field.nullable && column.null_count() > 0 {
            return Err(Error::UnexpectedNull {
                column: field.name.clone(),
                count: column.null_count(),
            });
        }
        Ok(column)
    };
    let fields = wanted.fields.iter().zip(wanted_schema.fields());
    fields.map(find).collect()
}

fn converted(field: &Field, column: &RecordBatch) -> Result<ArrayRef> {
    let found = column.column(0).data_type().to_string();
    let normalized =
        normalized_schema(column.schema_ref()).and_then(|schema| normalize(&schema, column));
    let column = normalized?.column(0).clone();
    if DataType::from_arrow(column.data_type()) == Some(field.data_type) {
        return Ok(column);
    }
    Err(Error::ColumnType {
        column: field.name.clone(),
        found,
        expected: field.data_type.to_string(),
    })
}

pub(crate) fn batch(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(table_error)
}

fn table_error(error: arrow::error::ArrowError) -> Error {
    Error::Rows(error.into())
}
