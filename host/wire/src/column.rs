//! A column that is being read.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, FixedSizeListBuilder, Float32Builder,
    Float64Builder, Int32Builder, Int64Builder, PrimitiveBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::ArrowPrimitiveType;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use trueline_table::{DataType, Field};

use crate::error::quoted;
use crate::json::{Reader, Value};
use crate::{Error, Result, scalar};

/// Values that a column has room for at first, and bytes of texts: most requests have a row, and Arrow's builders would
/// allocate for a thousand.
const FEW: usize = 8;
const FEW_BYTES: usize = 64;

/// A column of the contract, filled value by value.
pub(crate) struct Column<'s> {
    field: &'s Field,
    values: Values,
    rows: usize,
    /// Whether a bare NaN is null where the type has none.
    nan_is_null: bool,
}

enum Values {
    Boolean(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Utf8(StringBuilder),
    Binary(BinaryBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Float32List(FixedSizeListBuilder<Float32Builder>, usize),
    Float64List(FixedSizeListBuilder<Float64Builder>, usize),
}

/// A value of a tensor, by the kind that its bytes are of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Element<'a> {
    Boolean(bool),
    Integer(i64),
    Float32(f32),
    Float64(f64),
    Bytes(&'a [u8]),
}

impl Element<'_> {
    fn describe(self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float32(value) => value.to_string(),
            Self::Float64(value) => value.to_string(),
            Self::Bytes(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        }
    }
}

/// Why a value did not go in; the column adds where.
struct Misfit(String);

impl<'s> Column<'s> {
    pub(crate) fn new(field: &'s Field) -> Self {
        let values = match field.data_type {
            DataType::Boolean => Values::Boolean(BooleanBuilder::with_capacity(FEW)),
            DataType::Int32 => Values::Int32(Int32Builder::with_capacity(FEW)),
            DataType::Int64 => Values::Int64(Int64Builder::with_capacity(FEW)),
            DataType::Float32 => Values::Float32(Float32Builder::with_capacity(FEW)),
            DataType::Float64 => Values::Float64(Float64Builder::with_capacity(FEW)),
            DataType::Utf8 => Values::Utf8(StringBuilder::with_capacity(FEW, FEW_BYTES)),
            DataType::Binary => Values::Binary(BinaryBuilder::with_capacity(FEW, FEW_BYTES)),
            DataType::Timestamp => {
                let instants = TimestampMicrosecondBuilder::with_capacity(FEW);
                Values::Timestamp(instants.with_data_type(field.data_type.to_arrow()))
            }
            DataType::Date => Values::Date(Date32Builder::with_capacity(FEW)),
            DataType::Float32List(width) => {
                let numbers = Float32Builder::with_capacity(width as usize);
                let list = FixedSizeListBuilder::with_capacity(numbers, signed(width), FEW);
                let item = item(&field.data_type.to_arrow());
                Values::Float32List(list.with_field(item), width as usize)
            }
            DataType::Float64List(width) => {
                let numbers = Float64Builder::with_capacity(width as usize);
                let list = FixedSizeListBuilder::with_capacity(numbers, signed(width), FEW);
                let item = item(&field.data_type.to_arrow());
                Values::Float64List(list.with_field(item), width as usize)
            }
        };
        Self {
            field,
            values,
            rows: 0,
            nan_is_null: false,
        }
    }

    /// Takes a bare NaN for null where the type has none.
    pub(crate) fn take_nan_for_null(&mut self) {
        self.nan_is_null = true;
    }

    pub(crate) fn field(&self) -> &'s Field {
        self.field
    }

    /// How many values it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a null.
    pub(crate) fn null(&mut self) -> Result<()> {
        if !self.field.nullable {
            return Err(self.misfit("null, which it takes none of".to_owned()));
        }
        match &mut self.values {
            Values::Boolean(values) => values.append_null(),
            Values::Int32(values) => values.append_null(),
            Values::Int64(values) => values.append_null(),
            Values::Float32(values) => values.append_null(),
            Values::Float64(values) => values.append_null(),
            Values::Utf8(values) => values.append_null(),
            Values::Binary(values) => values.append_null(),
            Values::Timestamp(values) => values.append_null(),
            Values::Date(values) => values.append_null(),
            Values::Float32List(list, width) => {
                list.values().append_value_n(0.0, *width);
                list.append(false);
            }
            Values::Float64List(list, width) => {
                list.values().append_value_n(0.0, *width);
                list.append(false);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Reads the next JSON value into the column.
    pub(crate) fn json(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let value = reader.value()?;
        if value == Value::Null || self.is_missing(&value) {
            return self.null();
        }
        let fits = match &mut self.values {
            Values::Float32List(list, width) => {
                let read = vector(reader, &value, *width, |reader| {
                    list.values().append_value(float32(&reader.value()?)?);
                    Ok(())
                });
                list.append(true);
                read
            }
            Values::Float64List(list, width) => {
                let read = vector(reader, &value, *width, |reader| {
                    list.values().append_value(float64(&reader.value()?)?);
                    Ok(())
                });
                list.append(true);
                read
            }
            values => values.json(&value),
        };
        self.added(fits)
    }

    fn is_missing(&self, value: &Value<'_>) -> bool {
        let is_float = matches!(self.field.data_type, DataType::Float32 | DataType::Float64);
        let is_nan = matches!(value, Value::NotFinite(number) if number.is_nan());
        self.nan_is_null && is_nan && !is_float
    }

    /// Reads a cell of a CSV file into the column; an empty one is null.
    pub(crate) fn cell(&mut self, text: &str) -> Result<()> {
        if text.is_empty() {
            return self.null();
        }
        if let Values::Float32List(..) | Values::Float64List(..) = self.values {
            let mut reader = Reader::new(text.as_bytes())?;
            self.json(&mut reader)?;
            return reader.finish();
        }
        let fits = self.values.text(text);
        self.added(fits.ok_or_else(|| Stop::misfit(quoted(text))))
    }

    /// The bytes that a text of a tensor stands for: itself, or for a column of bytes what it is the
    /// base64 of.
    pub(crate) fn bytes_of<'t>(&self, text: &'t str) -> Result<Cow<'t, [u8]>> {
        if self.field.data_type != DataType::Binary {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map_err(|_| self.misfit(quoted(text)))?;
        Ok(Cow::Owned(bytes))
    }

    /// Adds an element of a tensor: a value, or one element of a vector that [`end_vector`](Self::end_vector)
    /// ends.
    pub(crate) fn element(&mut self, element: Element<'_>) -> Result<()> {
        match (&mut self.values, element) {
            (Values::Float32List(list, _), Element::Float32(value)) => {
                list.values().append_value(value);
                Ok(())
            }
            (Values::Float64List(list, _), Element::Float64(value)) => {
                list.values().append_value(value);
                Ok(())
            }
            (values, element) => {
                let fits = values.element(element);
                self.added(fits.ok_or_else(|| Stop::misfit(element.describe())))
            }
        }
    }

    /// Ends a vector whose elements were added.
    pub(crate) fn end_vector(&mut self) {
        match &mut self.values {
            Values::Float32List(list, _) => list.append(true),
            Values::Float64List(list, _) => list.append(true),
            _ => return,
        }
        self.rows += 1;
    }

    pub(crate) fn finish(mut self) -> ArrayRef {
        match &mut self.values {
            Values::Boolean(values) => Arc::new(values.finish()),
            Values::Int32(values) => Arc::new(values.finish()),
            Values::Int64(values) => Arc::new(values.finish()),
            Values::Float32(values) => Arc::new(values.finish()),
            Values::Float64(values) => Arc::new(values.finish()),
            Values::Utf8(values) => Arc::new(values.finish()),
            Values::Binary(values) => Arc::new(values.finish()),
            Values::Timestamp(values) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Float32List(values, _) => Arc::new(values.finish()),
            Values::Float64List(values, _) => Arc::new(values.finish()),
        }
    }

    fn added(&mut self, fits: Result<(), Stop>) -> Result<()> {
        match fits {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(Stop::Misfit(Misfit(found))) => Err(self.misfit(found)),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn misfit(&self, found: String) -> Error {
        Error::Value {
            column: self.field.name.clone(),
            row: self.rows + 1,
            expected: expected(self.field.data_type),
            found,
        }
    }
}

/// A value that does not fit, or a body that cannot be read on.
enum Stop {
    Misfit(Misfit),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Stop {
    fn misfit(found: impl Into<String>) -> Self {
        Self::Misfit(Misfit(found.into()))
    }
}

impl Values {
    /// A value that is neither null nor a vector.
    fn json(&mut self, value: &Value<'_>) -> Result<(), Stop> {
        let misfit = || Stop::misfit(value.describe());
        match (self, value) {
            (Self::Boolean(values), Value::Boolean(value)) => values.append_value(*value),
            (Self::Int32(values), Value::Number(text)) => {
                push(values, scalar::integer(text)).ok_or_else(misfit)?;
            }
            // What a language with 53 bits for an integer cannot write as a number, it writes as a text.
            (Self::Int64(values), Value::Number(text)) => {
                push(values, scalar::integer(text)).ok_or_else(misfit)?;
            }
            (Self::Int64(values), Value::Text(text)) => {
                push(values, text.parse().ok()).ok_or_else(misfit)?;
            }
            (Self::Float32(values), value) => values.append_value(float32(value)?),
            (Self::Float64(values), value) => values.append_value(float64(value)?),
            (Self::Utf8(values), Value::Text(text)) => values.append_value(text),
            (Self::Binary(values), Value::Text(text)) => {
                values.append_value(BASE64_STANDARD.decode(&**text).map_err(|_| misfit())?);
            }
            (Self::Timestamp(values), Value::Text(text)) => {
                push(values, scalar::timestamp(text)).ok_or_else(misfit)?;
            }
            (Self::Date(values), Value::Text(text)) => {
                push(values, scalar::date(text)).ok_or_else(misfit)?;
            }
            _ => return Err(misfit()),
        }
        Ok(())
    }

    /// An element of a tensor that is a value of its own.
    fn element(&mut self, element: Element<'_>) -> Option<()> {
        match (self, element) {
            (Self::Boolean(values), Element::Boolean(value)) => values.append_value(value),
            (Self::Int32(values), Element::Integer(value)) => push(values, value.try_into().ok())?,
            (Self::Date(values), Element::Integer(value)) => push(values, value.try_into().ok())?,
            (Self::Int64(values), Element::Integer(value)) => values.append_value(value),
            (Self::Timestamp(values), Element::Integer(value)) => values.append_value(value),
            (Self::Float32(values), Element::Float32(value)) => values.append_value(value),
            (Self::Float64(values), Element::Float64(value)) => values.append_value(value),
            (Self::Binary(values), Element::Bytes(bytes)) => values.append_value(bytes),
            (values, Element::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).ok()?;
                match values {
                    Self::Utf8(values) => values.append_value(text),
                    Self::Timestamp(values) => push(values, scalar::timestamp(text))?,
                    Self::Date(values) => push(values, scalar::date(text))?,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// A cell that is not empty, of a column that holds no vectors.
    fn text(&mut self, text: &str) -> Option<()> {
        match self {
            Self::Boolean(values) => values.append_value(match text {
                "true" | "True" | "TRUE" => true,
                "false" | "False" | "FALSE" => false,
                _ => return None,
            }),
            Self::Int32(values) => push(values, scalar::integer(text))?,
            Self::Int64(values) => push(values, scalar::integer(text))?,
            Self::Float32(values) => push(values, scalar::float32(text))?,
            Self::Float64(values) => push(values, scalar::float64(text))?,
            Self::Timestamp(values) => push(values, scalar::timestamp(text))?,
            Self::Date(values) => push(values, scalar::date(text))?,
            Self::Utf8(values) => values.append_value(text),
            Self::Binary(values) => values.append_value(BASE64_STANDARD.decode(text).ok()?),
            Self::Float32List(..) | Self::Float64List(..) => return None,
        }
        Some(())
    }
}

/// Adds a value, if it is one.
fn push<T: ArrowPrimitiveType>(
    values: &mut PrimitiveBuilder<T>,
    value: Option<T::Native>,
) -> Option<()> {
    value.map(|value| values.append_value(value))
}

fn float32(value: &Value<'_>) -> Result<f32, Stop> {
    let value = match value {
        Value::Number(text) => scalar::float32(text),
        Value::NotFinite(number) => Some(narrow(*number)),
        Value::Text(text) => scalar::not_finite(text).map(narrow),
        _ => None,
    }
    .ok_or_else(|| Stop::misfit(value.describe()))?;
    Ok(value)
}

fn float64(value: &Value<'_>) -> Result<f64, Stop> {
    let value = match value {
        Value::Number(text) => scalar::float64(text),
        Value::NotFinite(number) => Some(*number),
        Value::Text(text) => scalar::not_finite(text),
        _ => None,
    }
    .ok_or_else(|| Stop::misfit(value.describe()))?;
    Ok(value)
}

/// NaN and the infinities as float32.
fn narrow(not_finite: f64) -> f32 {
    if not_finite.is_nan() {
        f32::NAN
    } else if not_finite > 0.0 {
        f32::INFINITY
    } else {
        f32::NEG_INFINITY
    }
}

/// Reads a vector of exactly `width` numbers.
fn vector(
    reader: &mut Reader<'_>,
    value: &Value<'_>,
    width: usize,
    mut number: impl FnMut(&mut Reader<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if *value != Value::List {
        return Err(Stop::misfit(value.describe()));
    }
    let mut misfit = None;
    let mut count = 0;
    let read = reader.list(|reader, index| {
        count += 1;
        if index >= width {
            return Err(Error::shape("too long"));
        }
        match number(reader) {
            Ok(()) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Misfit(Misfit(found))) => {
                misfit = Some(format!("{found} as its element {}", index + 1));
                Err(Error::shape("misfit"))
            }
        }
    });
    if let Some(found) = misfit {
        return Err(Stop::misfit(found));
    }
    if count > width {
        return Err(Stop::misfit("a longer list"));
    }
    read?;
    if count < width {
        return Err(Stop::misfit(format!("a list of {count}")));
    }
    Ok(())
}

fn item(list: &arrow::datatypes::DataType) -> arrow::datatypes::FieldRef {
    match list {
        arrow::datatypes::DataType::FixedSizeList(item, _) => item.clone(),
        other => Arc::new(arrow::datatypes::Field::new_list_field(
            other.clone(),
            false,
        )),
    }
}

fn signed(width: u32) -> i32 {
    i32::try_from(width).unwrap_or(i32::MAX)
}

/// A type, and how to write it where that is not plain.
fn expected(data_type: DataType) -> String {
    let how = match data_type {
        DataType::Timestamp => " such as \"2013-10-01T05:00:00Z\", to the microsecond",
        DataType::Date => " such as \"2013-10-01\"",
        DataType::Binary => " in base64",
        _ => "",
    };
    format!("{data_type}{how}")
}
