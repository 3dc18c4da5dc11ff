//! Predicting from rows that are a program's own types.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::json::ReaderBuilder;
use serde::de::value::{Error as Unfit, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserializer, Serialize, forward_to_deserialize_any};
use trueline_table::{AnySchema as _, DataType, Schema};

use super::Loaded;
use crate::{Error, Result};

impl Loaded {
    /// Answers rows that are structures: the fields of `R` are the columns that the package reads, those of
    /// `A` are among the columns of its answer. `None` is null. An instant is a text such as
    /// `2013-10-01T05:00:00Z` in a row, and microseconds since the epoch in an answer; a date is a text and
    /// days since the epoch.
    ///
    /// # Errors
    /// [`Error::Typed`], or as [`predict`](Self::predict).
    pub fn predict_rows<R: Serialize, A: DeserializeOwned>(&self, rows: &[R]) -> Result<Vec<A>> {
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        self.check_fields(first)?;
        let unfit = |error: arrow::error::ArrowError| Error::Typed {
            reason: error.to_string(),
        };
        let mut decoder = ReaderBuilder::new(self.input.arrow())
            .with_strict_mode(true)
            .with_batch_size(rows.len())
            .build_decoder()
            .map_err(unfit)?;
        decoder.serialize(rows).map_err(unfit)?;
        let batch = decoder.flush().map_err(unfit)?;
        let batch = batch.ok_or_else(|| Error::Typed {
            reason: "there are no rows in them".to_owned(),
        })?;
        let answers = self.predict(&batch)?;
        let answer = |row| answer(&self.output, &answers, row);
        (0..answers.num_rows()).map(answer).collect()
    }

    /// A field that a row lacks would be null in every row, which nobody means.
    fn check_fields(&self, row: &impl Serialize) -> Result<()> {
        let fields = serde_json::to_value(row).map_err(|error| Error::Typed {
            reason: error.to_string(),
        })?;
        let missing = self
            .input
            .fields
            .iter()
            .find(|field| fields.get(&field.name).is_none());
        match missing {
            None => Ok(()),
            Some(field) => Err(Error::MissingColumn {
                column: field.name.clone(),
                expected: field.data_type.to_string(),
                columns: fields
                    .as_object()
                    .map(|fields| fields.keys().cloned().collect())
                    .unwrap_or_default(),
            }),
        }
    }
}

fn answer<A: DeserializeOwned>(schema: &Schema, answers: &RecordBatch, row: usize) -> Result<A> {
    let columns = schema.fields.iter().zip(answers.columns());
    let cells = columns.map(|(field, column)| {
        let cell = Cell {
            data_type: field.data_type,
            column: column.as_ref(),
            row,
        };
        (field.name.as_str(), cell)
    });
    A::deserialize(MapDeserializer::<_, Unfit>::new(cells)).map_err(|error| Error::Typed {
        reason: error.to_string(),
    })
}

/// A value of an answer.
#[derive(Clone, Copy)]
struct Cell<'a> {
    data_type: DataType,
    column: &'a dyn Array,
    row: usize,
}

impl<'de> IntoDeserializer<'de, Unfit> for Cell<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let Self { column, row, .. } = self;
        if column.is_null(row) {
            return visitor.visit_unit();
        }
        match self.data_type {
            DataType::Boolean => visitor.visit_bool(column.as_boolean().value(row)),
            DataType::Int32 => visitor.visit_i32(column.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => visitor.visit_i64(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => visitor.visit_f32(column.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => visitor.visit_f64(column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => visitor.visit_str(column.as_string::<i32>().value(row)),
            DataType::Binary => visitor.visit_bytes(column.as_binary::<i32>().value(row)),
            DataType::Timestamp => {
                let instants = column.as_primitive::<TimestampMicrosecondType>();
                visitor.visit_i64(instants.value(row))
            }
            DataType::Date => visitor.visit_i32(column.as_primitive::<Date32Type>().value(row)),
            DataType::Float32List(_) => {
                let vector = column.as_fixed_size_list().value(row);
                let numbers = vector.as_primitive::<Float32Type>().values().iter();
                SeqDeserializer::new(numbers.copied()).deserialize_any(visitor)
            }
            DataType::Float64List(_) => {
                let vector = column.as_fixed_size_list().value(row);
                let numbers = vector.as_primitive::<Float64Type>().values().iter();
                SeqDeserializer::new(numbers.copied()).deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if self.column.is_null(self.row) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
