//! What a reduction reads of a table: some of its columns, and the numbers of its rows if it asks for them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use trueline_table::{DataType, Field, Schema};

use crate::contract::{Input, Reduction};
use crate::{Error, Result};

/// The name by which a reduction reads the number of each row.
///
/// A row carries its number wherever it goes, like any other value, so a reduction that shows row numbers may still
/// be spread over workers: law 3 speaks of rows, and the number is in them.
pub const ROW_NUMBER: &str = "@row";

/// The columns that a reduction reads of one input, picked from batches of it.
#[derive(Clone, Debug)]
pub struct Reading {
    schema: Schema,
    arrow: SchemaRef,
    /// The place of each column; none for the row number.
    places: Vec<Option<usize>>,
}

impl Reading {
    /// The columns called `reads` of a table.
    ///
    /// # Errors
    /// If the table lacks one.
    pub fn new<'n>(reads: impl IntoIterator<Item = &'n str>, table: &Schema) -> Result<Self> {
        let (mut fields, mut places) = (Vec::new(), Vec::new());
        for name in reads {
            let place = table.index_of(name);
            fields.push(match place {
                Some(place) => table.fields[place].clone(),
                None if name == ROW_NUMBER => Field {
                    nullable: false,
                    ..Field::new(ROW_NUMBER, DataType::Int64)
                },
                None => {
                    return Err(Error::Rows(trueline_table::Error::NoSuchColumn {
                        name: name.to_owned(),
                        columns: table.names().map(str::to_owned).collect(),
                    }));
                }
            });
            places.push(place);
        }
        let schema = Schema::new(fields);
        Ok(Self {
            arrow: schema.to_arrow(),
            schema,
            places,
        })
    }

    /// The columns, as `begin` is given them.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is read of a batch of the table, before which there are `first_row` rows.
    ///
    /// # Errors
    /// If the batch is not of the table.
    pub fn select(&self, batch: &RecordBatch, first_row: u64) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let first_row = i64::try_from(first_row).unwrap_or(i64::MAX);
        let column = |place: &Option<usize>| -> ArrayRef {
            match place {
                Some(place) => batch.column(*place).clone(),
                None => Arc::new(Int64Array::from_iter_values((first_row..).take(rows))),
            }
        };
        let columns = self.places.iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.arrow.clone(), columns, &options)
            .map_err(|error| Error::Rows(error.into()))
    }
}

impl Reduction {
    /// The inputs as `begin` is given them: of these tables the columns that the reduction reads.
    ///
    /// # Errors
    /// If a table lacks one of them.
    pub fn inputs(&self, tables: &[Input]) -> Result<Vec<Input>> {
        let input = |(table, reads): (&Input, &Vec<String>)| {
            let reading = Reading::new(reads.iter().map(String::as_str), &table.schema)?;
            Ok(Input {
                name: table.name.clone(),
                schema: reading.schema,
            })
        };
        tables.iter().zip(&self.reads).map(input).collect()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    fn table() -> (Schema, RecordBatch) {
        let schema = Schema::new([
            Field::new("a", DataType::Int64),
            Field::new("b", DataType::Int64),
        ]);
        let column = |values: [i64; 3]| Arc::new(Int64Array::from_iter_values(values)) as ArrayRef;
        let columns = vec![column([1, 2, 3]), column([4, 5, 6])];
        let batch = RecordBatch::try_new(schema.to_arrow(), columns).unwrap();
        (schema, batch)
    }

    #[test]
    fn rows_carry_their_numbers() {
        let (schema, batch) = table();
        let reading = Reading::new(["b", ROW_NUMBER], &schema).unwrap();
        let read = reading.select(&batch, 7).unwrap();
        let values = |place: usize| {
            read.column(place)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        };
        assert_eq!(values(0), [4, 5, 6]);
        assert_eq!(values(1), [7, 8, 9]);
        assert_eq!(read.schema(), reading.schema().to_arrow());
        // Nothing is read, and there are rows all the same.
        let nothing = Reading::new([], &schema).unwrap();
        assert_eq!(nothing.select(&batch, 0).unwrap().num_rows(), 3);
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let (schema, _) = table();
        let error = Reading::new(["c"], &schema).unwrap_err().to_string();
        assert!(error.contains("`c`") && error.contains("a, b"), "{error}");
    }
}
