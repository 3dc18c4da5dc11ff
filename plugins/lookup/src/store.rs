//! Columns of the table, kept in memory.

use serde_json::Value;
use trueline_sdk::civil;
use trueline_sdk::prelude::*;

/// A column that grows at its end and is read by row.
#[derive(Debug)]
pub(crate) struct Store {
    valid: Vec<bool>,
    values: Kept,
}

#[derive(Debug)]
enum Kept {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    /// So many numbers a row.
    Float32(usize, Vec<f32>),
    Float64(usize, Vec<f64>),
    /// Where each text begins, where the last ends, and all of them in a row.
    Utf8(Vec<usize>, String),
    Binary(Vec<usize>, Vec<u8>),
}

impl Store {
    /// A column of this type without rows.
    pub(crate) fn new(data_type: DataType) -> Self {
        let values = match data_type {
            DataType::Boolean => Kept::Boolean(Vec::new()),
            DataType::Int32 | DataType::Date => Kept::Int32(Vec::new()),
            DataType::Int64 | DataType::Timestamp => Kept::Int64(Vec::new()),
            DataType::Float32 => Kept::Float32(1, Vec::new()),
            DataType::Float64 => Kept::Float64(1, Vec::new()),
            DataType::Float32List(width) => Kept::Float32(width as usize, Vec::new()),
            DataType::Float64List(width) => Kept::Float64(width as usize, Vec::new()),
            DataType::Utf8 => Kept::Utf8(vec![0], String::new()),
            DataType::Binary => Kept::Binary(vec![0], Vec::new()),
        };
        Self {
            valid: Vec::new(),
            values,
        }
    }

    /// Appends these rows of a batch's column.
    ///
    /// # Errors
    /// If the column is of another type.
    pub(crate) fn append(&mut self, column: &Column<'_>, rows: &[usize]) -> Result<()> {
        self.valid
            .extend(rows.iter().map(|&row| column.is_valid(row)));
        match (&mut self.values, &column.values) {
            (Kept::Boolean(kept), Values::Boolean(_)) => {
                for &row in rows {
                    kept.push(column.boolean(row)?);
                }
            }
            (Kept::Int32(kept), Values::Int32(values) | Values::Date(values)) => {
                scatter(kept, values, 1, rows)
            }
            (Kept::Int64(kept), Values::Int64(values) | Values::Timestamp(values)) => {
                scatter(kept, values, 1, rows)
            }
            (Kept::Float32(1, kept), Values::Float32(values)) => scatter(kept, values, 1, rows),
            (Kept::Float64(1, kept), Values::Float64(values)) => scatter(kept, values, 1, rows),
            (Kept::Float32(width, kept), Values::Float32List(_, values)) => {
                scatter(kept, values, *width, rows)
            }
            (Kept::Float64(width, kept), Values::Float64List(_, values)) => {
                scatter(kept, values, *width, rows)
            }
            (Kept::Utf8(ends, data), Values::Utf8(texts)) => {
                for &row in rows {
                    data.push_str(texts.get(row));
                    ends.push(data.len());
                }
            }
            (Kept::Binary(ends, data), Values::Binary(blobs)) => {
                for &row in rows {
                    data.extend_from_slice(blobs.get(row));
                    ends.push(data.len());
                }
            }
            _ => {
                return Err(Error::other(format!(
                    "a {} column came where another was kept",
                    column.data_type()
                )));
            }
        }
        Ok(())
    }

    /// The value of a row for people: numbers that JSON lacks and times are texts, and so is how long bytes are.
    pub(crate) fn show(&self, data_type: DataType, row: usize) -> Value {
        if !self.valid[row] {
            return Value::Null;
        }
        match &self.values {
            Kept::Boolean(kept) => kept[row].into(),
            Kept::Int32(kept) => shown(data_type, i64::from(kept[row])),
            Kept::Int64(kept) => shown(data_type, kept[row]),
            Kept::Float32(1, kept) => float(f64::from(kept[row]), kept[row].to_string()),
            Kept::Float64(1, kept) => float(kept[row], kept[row].to_string()),
            Kept::Float32(width, _) | Kept::Float64(width, _) => format!("{width} numbers").into(),
            Kept::Utf8(ends, data) => data[ends[row]..ends[row + 1]].into(),
            Kept::Binary(ends, _) => format!("{} bytes", ends[row + 1] - ends[row]).into(),
        }
    }

    /// Writes the next column of a batch: these rows in this order, `None` as null.
    ///
    /// # Errors
    /// If the writer's next column is of another type.
    pub(crate) fn write(
        &self,
        writer: &mut BatchWriter<'_>,
        data_type: DataType,
        rows: &[Option<u32>],
    ) -> Result<()> {
        let found = |place: usize| rows[place].map(|row| row as usize);
        let validity = Validity::from_fn(rows.len(), |place| {
            found(place).is_some_and(|row| self.valid[row])
        });
        match &self.values {
            Kept::Boolean(kept) => {
                writer.boolean(&validity, |place| found(place).is_some_and(|row| kept[row]))?
            }
            Kept::Int32(kept) => gather(writer.int32(&validity)?, kept, 1, rows),
            Kept::Int64(kept) => gather(writer.int64(&validity)?, kept, 1, rows),
            Kept::Float32(width, kept) => {
                let is_vector = matches!(data_type, DataType::Float32List(_));
                let values = if is_vector {
                    writer.float32_list(&validity)?
                } else {
                    writer.float32(&validity)?
                };
                gather(values, kept, *width, rows);
            }
            Kept::Float64(width, kept) => {
                let is_vector = matches!(data_type, DataType::Float64List(_));
                let values = if is_vector {
                    writer.float64_list(&validity)?
                } else {
                    writer.float64(&validity)?
                };
                gather(values, kept, *width, rows);
            }
            Kept::Utf8(ends, data) => {
                writer.utf8(&validity, |place| {
                    found(place).map_or("", |row| &data[ends[row]..ends[row + 1]])
                })?;
            }
            Kept::Binary(ends, data) => {
                writer.binary(&validity, |place| {
                    found(place).map_or(&[], |row| &data[ends[row]..ends[row + 1]])
                })?;
            }
        }
        Ok(())
    }
}

/// A whole number, as what it stands for.
pub(crate) fn shown(data_type: DataType, number: i64) -> Value {
    match data_type {
        DataType::Date => civil::show_date(number).into(),
        DataType::Timestamp => civil::show_timestamp(number).into(),
        _ => number.into(),
    }
}

fn float(value: f64, text: String) -> Value {
    match value.is_finite() {
        // As it was written: a float32 has fewer digits than the float64 that it is equal to.
        true => text
            .parse()
            .map_or(Value::Null, |number: f64| number.into()),
        false => text.into(),
    }
}

fn scatter<T: Copy>(kept: &mut Vec<T>, values: &[T], width: usize, rows: &[usize]) {
    for &row in rows {
        kept.extend_from_slice(&values[row * width..][..width]);
    }
}

fn gather<T: Copy>(values: &mut [T], kept: &[T], width: usize, rows: &[Option<u32>]) {
    for (value, row) in values.chunks_exact_mut(width.max(1)).zip(rows) {
        if let Some(row) = row {
            value.copy_from_slice(&kept[*row as usize * width..][..width]);
        }
    }
}
