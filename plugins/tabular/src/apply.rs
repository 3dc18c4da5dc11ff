//! The map: rows through all steps.

use trueline_sdk::{
    Batch, BatchWriter, Column, DataType, Error, Map, Result, Schema, Validity, Values,
};

use crate::{
    convert,
    integers::Integers,
    params::Params,
    state::State,
    time::Time,
    value::{Scalar, Text, Value},
    walk::{Scope, Walk},
};

/// The columns that the steps make, each with how it is computed.
#[derive(Debug)]
pub struct Apply {
    writes: Schema,
    values: Vec<Value>,
}

impl Map for Apply {
    type Params = Params;

    fn load(params: Params, rows: &Schema, bytes: &[u8]) -> Result<Self> {
        let walk = Walk::new(&params, rows, &State::decode(bytes)?, Scope::Part)?;
        let mut writes = Vec::new();
        let mut values = Vec::new();
        for column in walk.table.columns().iter().filter(|column| column.written) {
            let name = &column.field.name;
            values.push(column.value.clone().ok_or_else(|| {
                Error::data(format!("column `{name}` depends on what rows teach: give this stage `fit`, and its state"))
            })?);
            writes.push(column.field.clone());
        }
        Ok(Self {
            writes: Schema::new(writes),
            values,
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        let mut numbers = Vec::new();
        for (field, value) in self.writes.fields.iter().zip(&self.values) {
            let untouched = value.untouched().map(|input| batch.column(input));
            if let Some(column) = untouched.filter(|column| column.data_type() == field.data_type) {
                copy(column, &mut writer)?;
                continue;
            }
            match (value, field.data_type) {
                (Value::Scalar(scalar), DataType::Float64) if !field.nullable => {
                    scalar.eval_all(batch, writer.float64(&Validity::ALL)?)?;
                }
                (Value::Scalar(scalar), DataType::Float64) => {
                    writer.float64_or_null(|values| scalar.eval_all(batch, values))?;
                }
                (Value::Scalar(scalar), data_type) => match Integers::of(scalar, data_type) {
                    Some(integers) if data_type == DataType::Int64 => {
                        write_integers(&integers, batch, &mut writer)?;
                    }
                    _ => write_numbers(scalar, data_type, batch, &mut numbers, &mut writer)?,
                },
                (Value::Text(text), _) => write_texts(text, batch, &mut writer)?,
                (Value::Time(time), _) => write_times(time, batch, &mut writer)?,
                (Value::Vector(vector), DataType::Float64List(_)) => {
                    vector.write(batch, writer.float64_list(&Validity::ALL)?)?;
                }
                (Value::Vector(vector), _) => {
                    vector.write(batch, writer.float32_list(&Validity::ALL)?)?
                }
                (Value::Opaque(_), _) => {
                    return Err(Error::other(format!(
                        "column `{}` is not made here",
                        field.name
                    )));
                }
            }
        }
        writer.finish()
    }
}

/// Writes numbers, null where they are missing. `numbers` is space to work in.
fn write_numbers(
    scalar: &Scalar,
    data_type: DataType,
    batch: &Batch<'_>,
    numbers: &mut Vec<f64>,
    writer: &mut BatchWriter<'_>,
) -> Result<()> {
    numbers.clear();
    numbers.resize(batch.rows(), 0.0);
    scalar.eval_all(batch, numbers)?;
    let validity = Validity::of_numbers(numbers);
    match data_type {
        DataType::Boolean => writer.boolean(&validity, |row| numbers[row] > 0.0),
        DataType::Int32 => {
            let integers = writer.int32(&validity)?;
            integers
                .iter_mut()
                .zip(numbers)
                .for_each(|(integer, number)| *integer = convert::to_int32(*number));
            Ok(())
        }
        DataType::Int64 => {
            let integers = writer.int64(&validity)?;
            integers
                .iter_mut()
                .zip(numbers)
                .for_each(|(integer, number)| *integer = convert::to_int64(*number));
            Ok(())
        }
        DataType::Float32 => {
            let narrow = writer.float32(&validity)?;
            narrow
                .iter_mut()
                .zip(numbers)
                .for_each(|(narrow, number)| *narrow = convert::to_float32(*number));
            Ok(())
        }
        other => Err(Error::other(format!(
            "numbers were to be written as {other}"
        ))),
    }
}

fn write_integers(
    integers: &Integers,
    batch: &Batch<'_>,
    writer: &mut BatchWriter<'_>,
) -> Result<()> {
    let integers = integers.block(batch, 0, batch.rows())?;
    let validity = Validity::from_fn(batch.rows(), |row| integers.get(row).is_some());
    let places = writer.int64(&validity)?.iter_mut().enumerate();
    places.for_each(|(row, place)| *place = integers.get(row).unwrap_or_default());
    Ok(())
}

fn write_texts(text: &Text, batch: &Batch<'_>, writer: &mut BatchWriter<'_>) -> Result<()> {
    let texts = text.block(batch, 0, batch.rows())?;
    let validity = Validity::from_fn(batch.rows(), |row| texts.get(row).is_some());
    writer.utf8(&validity, |row| texts.get(row).unwrap_or_default())
}

fn write_times(time: &Time, batch: &Batch<'_>, writer: &mut BatchWriter<'_>) -> Result<()> {
    let times = time.block(batch, 0, batch.rows())?;
    let validity = Validity::from_fn(batch.rows(), |row| times[row].is_some());
    let times = times.into_iter().map(Option::unwrap_or_default);
    if time.is_date() {
        let days = writer.int32(&validity)?.iter_mut();
        days.zip(times)
            .for_each(|(place, day)| *place = convert::to_day(day));
    } else {
        let moments = writer.int64(&validity)?.iter_mut();
        moments.zip(times).for_each(|(place, time)| *place = time);
    }
    Ok(())
}

/// Writes a column of the batch as it is.
fn copy(column: &Column<'_>, writer: &mut BatchWriter<'_>) -> Result<()> {
    let validity = &column.validity;
    match &column.values {
        Values::Boolean(bits) => {
            writer.boolean(validity, |row| bits[row / 8] >> (row % 8) & 1 == 1)?;
        }
        Values::Int32(values) | Values::Date(values) => {
            writer.int32(validity)?.copy_from_slice(values);
        }
        Values::Int64(values) | Values::Timestamp(values) => {
            writer.int64(validity)?.copy_from_slice(values);
        }
        Values::Float32(values) => writer.float32(validity)?.copy_from_slice(values),
        Values::Float64(values) => writer.float64(validity)?.copy_from_slice(values),
        Values::Float32List(_, values) => writer.float32_list(validity)?.copy_from_slice(values),
        Values::Float64List(_, values) => writer.float64_list(validity)?.copy_from_slice(values),
        Values::Utf8(texts) => writer.utf8(validity, |row| texts.get(row))?,
        Values::Binary(blobs) => writer.binary(validity, |row| blobs.get(row))?,
    }
    Ok(())
}
