//! Rows that are being read: the columns of a schema, found by name or by place.

use arrow::array::{RecordBatch, RecordBatchOptions};
use trueline_table::{AnySchema, DataType, Schema};

use crate::column::Column;
use crate::error::{columns, hint};
use crate::json::{Reader, Value};
use crate::{Error, Result};

/// The columns of a schema, filled row by row or column by column.
pub(crate) struct Rows<'s> {
    any: &'s dyn AnySchema,
    schema: &'s Schema,
    columns: Vec<Column<'s>>,
    rows: usize,
}

impl<'s> Rows<'s> {
    pub(crate) fn new(any: &'s dyn AnySchema) -> Self {
        let schema = any.schema();
        Self {
            any,
            schema,
            columns: schema.fields.iter().map(Column::new).collect(),
            rows: 0,
        }
    }

    /// The same, for clients that keep rows in data frames: a bare NaN is how pandas says that a text, an instant or any
    /// other value is missing whose type has no NaN.
    pub(crate) fn of_frames(schema: &'s dyn AnySchema) -> Self {
        let mut rows = Self::new(schema);
        for column in &mut rows.columns {
            column.take_nan_for_null();
        }
        rows
    }

    /// Which column has this name; `expected` is tried first, since names mostly come in order.
    pub(crate) fn index(&self, name: &str, expected: usize) -> Result<usize> {
        let fields = &self.schema.fields;
        if fields.get(expected).is_some_and(|field| field.name == name) {
            return Ok(expected);
        }
        self.schema
            .index_of(name)
            .ok_or_else(|| Error::UnknownColumn {
                column: name.to_owned(),
                hint: hint(name, self.schema),
            })
    }

    /// Reads a list of objects, each of which has every column.
    pub(crate) fn records(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        reader.list(|reader, _| self.record(reader))
    }

    /// Reads an object that has every column.
    pub(crate) fn record(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let mut next = 0;
        reader.object(|reader, name| {
            let index = self.index(&name, next)?;
            next = index + 1;
            if self.columns[index].rows() > self.rows {
                return Err(repeated(&name));
            }
            self.columns[index].json(reader)
        })?;
        self.row_is_whole()
    }

    /// Reads a list of values in the order of the schema. A single vector may stand there without a list
    /// of its own around it.
    pub(crate) fn list(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let columns = self.columns.len();
        if columns == 1 && is_vector(self.schema.fields[0].data_type) {
            self.columns[0].json(reader)?;
            return self.row_is_whole();
        }
        reader.list(|reader, index| match self.columns.get_mut(index) {
            Some(column) => column.json(reader),
            None => Err(Error::shape(format!(
                "row {} has more than {columns} values",
                self.rows + 1
            ))),
        })?;
        self.row_is_whole()
    }

    /// Reads a list of values whose columns are `order`, each of them once.
    pub(crate) fn ordered(
        &mut self,
        reader: &mut Reader<'_>,
        row: usize,
        order: &[usize],
    ) -> Result<()> {
        reader.list(|reader, place| {
            let column = order
                .get(place)
                .and_then(|&index| self.columns.get_mut(index));
            let column = column.ok_or_else(|| {
                let expected = order.len();
                Error::shape(format!("row {} has more than {expected} values", row + 1))
            })?;
            if column.rows() > row {
                return Err(repeated(&column.field().name));
            }
            column.json(reader)
        })?;
        self.row_is_whole()
    }

    /// Reads a row however it is written: an object by names, or a list by places.
    pub(crate) fn row(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match reader.value()? {
            Value::Object => self.record(reader),
            Value::List => self.list(reader),
            other => Err(Error::shape(format!(
                "row {}: a list or an object is expected, found {}",
                self.rows + 1,
                other.describe()
            ))),
        }
    }

    /// Reads an object of whole columns.
    pub(crate) fn columns(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let mut seen = vec![false; self.columns.len()];
        let mut next = 0;
        reader.object(|reader, name| {
            let index = self.index(&name, next)?;
            next = index + 1;
            if std::mem::replace(&mut seen[index], true) {
                return Err(repeated(&name));
            }
            let column = &mut self.columns[index];
            reader.list(|reader, _| column.json(reader))
        })?;
        for (column, seen) in self.columns.iter().zip(seen) {
            if !seen {
                return Err(missing(column, None));
            }
        }
        self.columns_are_even()
    }

    /// Takes the cells of a row of text, in the order of the schema.
    pub(crate) fn cells<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> Result<()> {
        let row = self.rows + 1;
        let count = self.columns.len();
        for (index, cell) in cells.enumerate() {
            match self.columns.get_mut(index) {
                Some(column) => column.cell(cell)?,
                None => {
                    return Err(Error::shape(format!(
                        "row {row} has more than {count} cells; the package reads {}",
                        columns(self.schema)
                    )));
                }
            }
        }
        self.row_is_whole()
    }

    pub(crate) fn column(&mut self, index: usize) -> &mut Column<'s> {
        &mut self.columns[index]
    }

    /// Says that every column has its values, so many that the first one counts.
    pub(crate) fn columns_are_even(&mut self) -> Result<()> {
        self.rows = self.columns.first().map_or(0, Column::rows);
        for column in &self.columns {
            if column.rows() != self.rows {
                return Err(Error::Length {
                    column: column.field().name.clone(),
                    found: column.rows(),
                    expected: self.rows,
                });
            }
        }
        Ok(())
    }

    /// Says that a row has come to its end.
    fn row_is_whole(&mut self) -> Result<()> {
        self.rows += 1;
        for column in &self.columns {
            if column.rows() != self.rows {
                return Err(missing(column, Some(self.rows)));
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let columns = self.columns.into_iter().map(Column::finish).collect();
        RecordBatch::try_new_with_options(self.any.arrow(), columns, &options)
            .map_err(|error| Error::shape(error.to_string()))
    }
}

pub(crate) fn is_vector(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Float32List(_) | DataType::Float64List(_)
    )
}

pub(crate) fn repeated(name: &str) -> Error {
    Error::RepeatedColumn {
        column: name.to_owned(),
    }
}

pub(crate) fn missing(column: &Column<'_>, row: Option<usize>) -> Error {
    let field = column.field();
    Error::MissingColumn {
        column: field.name.clone(),
        row,
        expected: field.data_type.to_string(),
    }
}
