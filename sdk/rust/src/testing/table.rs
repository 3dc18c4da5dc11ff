//! A table small enough to write down in a test.

use crate::{Batch, BatchWriter, DataType, Error, Field, Result, Schema, Validity, Values};

use super::{Cell, Value};

/// A schema and rows of it. Every NaN is the one that frames have.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    schema: Schema,
    rows: usize,
    /// Column by column.
    cells: Vec<Vec<Cell>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self {
            schema: Schema::new([]),
            rows: 0,
            cells: Vec::new(),
        }
    }

    /// A table of this schema without rows.
    pub fn empty(schema: &Schema) -> Self {
        Self {
            schema: schema.clone(),
            rows: 0,
            cells: vec![Vec::new(); schema.fields.len()],
        }
    }

    /// The same table with one column more: nullable, with the role of a feature, of the type that
    /// the Rust values stand for. Write nulls as `None`.
    ///
    /// # Panics
    /// If the number of rows differs from the columns before.
    pub fn with_column<V: Value>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.with_field(Field::new(name, V::DATA_TYPE), values)
    }

    /// The same table with one column more.
    ///
    /// # Panics
    /// If the number of rows differs from the columns before, or a value does not fit the field.
    pub fn with_field<C: Into<Cell>>(
        mut self,
        field: Field,
        values: impl IntoIterator<Item = C>,
    ) -> Self {
        let cells: Vec<Cell> = values
            .into_iter()
            .map(|value| value.into().with_canonical_nan())
            .collect();
        for (row, cell) in cells.iter().enumerate() {
            assert!(
                cell.fits(field.data_type) && (field.nullable || *cell != Cell::Null),
                "row {row} of column `{}` ({}) cannot be {cell:?}",
                field.name,
                field.data_type
            );
        }
        if self.cells.is_empty() {
            self.rows = cells.len();
        }
        assert_eq!(cells.len(), self.rows, "rows of column `{}`", field.name);
        self.schema.fields.push(field);
        self.cells.push(cells);
        self
    }

    /// The columns' names and types.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The cells of a column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, name: &str) -> &[Cell] {
        let index = self.schema.index_of(name);
        assert!(index.is_some(), "there is no column `{name}`");
        &self.cells[index.unwrap_or_default()]
    }

    /// These columns, in this order.
    ///
    /// # Errors
    /// If one is missing.
    pub fn select(&self, names: &[String]) -> Result<Self> {
        let schema = self.schema.select(names)?;
        let cells = names
            .iter()
            .map(|name| self.column(name).to_vec())
            .collect();
        Ok(Self {
            schema,
            rows: self.rows,
            cells,
        })
    }

    /// These rows, in this order; a row may be taken more than once.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn take(&self, rows: &[usize]) -> Self {
        let pick = |cells: &Vec<Cell>| rows.iter().map(|&row| cells[row].clone()).collect();
        Self {
            schema: self.schema.clone(),
            rows: rows.len(),
            cells: self.cells.iter().map(pick).collect(),
        }
    }

    /// The rows of this table, then those of the other.
    ///
    /// # Panics
    /// If their schemas differ.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(
            self.schema, other.schema,
            "only tables of one schema can be appended"
        );
        self.rows += other.rows;
        for (cells, more) in self.cells.iter_mut().zip(&other.cells) {
            cells.extend_from_slice(more);
        }
    }

    /// All rows as one frame.
    pub fn frame(&self) -> Vec<u8> {
        encode(&self.schema, self.rows, &self.cells)
            .expect("cells were checked against their fields")
    }

    /// Reads a frame as strictly as the host reads what a stage answers: everything must be
    /// canonical, but NaNs, which are mended.
    ///
    /// # Errors
    /// [`Error::Data`] if the frame is not a canonical one of this schema.
    pub fn decode(schema: &Schema, frame: &[u8]) -> Result<Self> {
        let batch = Batch::decode(schema, frame)?;
        let rows = batch.rows();
        let mut columns = Vec::new();
        for (field, column) in schema.fields.iter().zip(batch.columns()) {
            let null_count = column.validity.null_count();
            if null_count > 0 && !field.nullable {
                return Err(Error::data(format!(
                    "column `{}` has nulls but is not nullable",
                    field.name
                )));
            }
            let cell = |row| {
                if column.is_valid(row) {
                    value(&column.values, row)
                } else {
                    Cell::Null
                }
            };
            let cells: Vec<Cell> = (0..rows).map(cell).collect();
            columns.push(cells);
        }
        // Whatever is not canonical (padding, values of nulls, counts) is lost in cells.
        if encode(schema, rows, &columns)? != frame {
            return Err(Error::data(
                "the frame is not canonical: null counts, values of null rows, unused bits and padding \
                 must be as in wit/encoding.md",
            ));
        }
        for cell in columns.iter_mut().flatten() {
            *cell = std::mem::replace(cell, Cell::Null).with_canonical_nan();
        }
        Ok(Self {
            schema: schema.clone(),
            rows,
            cells: columns,
        })
    }
}

/// The value of a row that is not null.
fn value(values: &Values<'_>, row: usize) -> Cell {
    match values {
        Values::Boolean(bits) => Cell::Boolean(bits[row / 8] >> (row % 8) & 1 == 1),
        Values::Int32(values) | Values::Date(values) => Cell::Int32(values[row]),
        Values::Int64(values) | Values::Timestamp(values) => Cell::Int64(values[row]),
        Values::Float32(values) => Cell::Float32(values[row]),
        Values::Float64(values) => Cell::Float64(values[row]),
        Values::Utf8(texts) => Cell::Text(texts.get(row).to_owned()),
        Values::Binary(blobs) => Cell::Bytes(blobs.get(row).to_vec()),
        Values::Float32List(width, values) => {
            Cell::Vector32(values[row * width..][..*width].to_vec())
        }
        Values::Float64List(width, values) => {
            Cell::Vector64(values[row * width..][..*width].to_vec())
        }
    }
}

/// Writes cells as they are, NaNs included.
fn encode(schema: &Schema, rows: usize, columns: &[Vec<Cell>]) -> Result<Vec<u8>> {
    let mut writer = BatchWriter::new(schema, rows);
    for (field, cells) in schema.fields.iter().zip(columns) {
        let validity = Validity::from_fn(rows, |row| cells[row] != Cell::Null);
        match field.data_type {
            DataType::Boolean => {
                writer.boolean(&validity, |row| cells[row] == Cell::Boolean(true))?
            }
            DataType::Int32 | DataType::Date => {
                fill(writer.int32(&validity)?, cells, |cell| match cell {
                    Cell::Int32(value) => Some(*value),
                    _ => None,
                })
            }
            DataType::Int64 | DataType::Timestamp => {
                fill(writer.int64(&validity)?, cells, |cell| match cell {
                    Cell::Int64(value) => Some(*value),
                    _ => None,
                })
            }
            DataType::Float32 => fill(writer.float32(&validity)?, cells, |cell| match cell {
                Cell::Float32(value) => Some(*value),
                _ => None,
            }),
            DataType::Float64 => fill(writer.float64(&validity)?, cells, |cell| match cell {
                Cell::Float64(value) => Some(*value),
                _ => None,
            }),
            DataType::Utf8 => writer.utf8(&validity, |row| match &cells[row] {
                Cell::Text(text) => text,
                _ => "",
            })?,
            DataType::Binary => writer.binary(&validity, |row| match &cells[row] {
                Cell::Bytes(bytes) => bytes,
                _ => &[],
            })?,
            DataType::Float32List(width) => {
                let rows = writer
                    .float32_list(&validity)?
                    .chunks_exact_mut(width.max(1) as usize);
                for (values, cell) in rows.zip(cells) {
                    if let Cell::Vector32(cell) = cell {
                        values.copy_from_slice(cell);
                    }
                }
            }
            DataType::Float64List(width) => {
                let rows = writer
                    .float64_list(&validity)?
                    .chunks_exact_mut(width.max(1) as usize);
                for (values, cell) in rows.zip(cells) {
                    if let Cell::Vector64(cell) = cell {
                        values.copy_from_slice(cell);
                    }
                }
            }
        }
    }
    writer.finish()
}

fn fill<T>(values: &mut [T], cells: &[Cell], get: impl Fn(&Cell) -> Option<T>) {
    for (value, cell) in values.iter_mut().zip(cells) {
        if let Some(cell) = get(cell) {
            *value = cell;
        }
    }
}
