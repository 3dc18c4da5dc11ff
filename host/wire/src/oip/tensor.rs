//! The elements of a tensor, put into a column.

use super::datatype::Datatype;
use super::header::{Data, Tensor};
use crate::column::{Column, Element};
use crate::json::{Reader, Value};
use crate::rows::is_vector;
use crate::{Error, Result, scalar};

impl Tensor<'_> {
    /// How many rows it has; its shape must be that of a column whose rows hold `width` elements each.
    pub(super) fn rows(&self, width: Option<usize>) -> Result<usize> {
        let rows = match (self.shape.as_slice(), width) {
            (&[rows], None) | (&[rows, 1], None) => Some(rows),
            (&[rows, found], Some(width)) if found == width => Some(rows),
            _ => None,
        };
        rows.ok_or_else(|| {
            let expected = match width {
                None => "[rows]".to_owned(),
                Some(width) => format!("[rows, {width}]"),
            };
            Error::shape(format!(
                "tensor `{}` has the shape {:?}, expected {expected}",
                self.name, self.shape
            ))
        })
    }

    /// Fills a column. `binary` are the bytes of the tensor, if it is binary; rows that `valid` says no
    /// to are null.
    pub(super) fn fill(
        &self,
        column: &mut Column<'_>,
        binary: Option<&[u8]>,
        valid: Option<&[bool]>,
    ) -> Result<()> {
        let field = column.field();
        if !self.datatype.fits(field.data_type) {
            let expected = Datatype::of(field.data_type).name();
            return Err(Error::shape(format!(
                "column `{}`: expected a tensor of {expected} ({}), found {}",
                field.name,
                field.data_type,
                self.datatype.name()
            )));
        }
        let width = width(field.data_type);
        let rows = self.rows(width)?;
        if let Some(valid) = valid
            && valid.len() != rows
        {
            return Err(Error::Length {
                column: super::validity(&field.name),
                found: valid.len(),
                expected: rows,
            });
        }
        let mut sink = Sink {
            column,
            valid,
            width,
            count: 0,
        };
        let expected = rows.saturating_mul(width.unwrap_or(1));
        match (&self.data, binary) {
            (Data::Json(reader), _) => {
                let mut reader = reader.clone();
                flat(&mut reader, &mut |reader| {
                    let value = reader.value()?;
                    sink.json(self.datatype, &value)
                })?;
            }
            (Data::Binary(_), Some(bytes)) => {
                let mut bytes = bytes;
                while !bytes.is_empty() {
                    let (element, rest) = self.element(bytes)?;
                    sink.push(Some(element))?;
                    bytes = rest;
                }
            }
            (Data::Binary(_), None) => return Err(self.cut_short()),
        }
        let found = sink.count;
        if found == expected {
            return Ok(());
        }
        Err(Error::shape(format!(
            "tensor `{}` has {found} elements, its shape {:?} says {expected}",
            self.name, self.shape
        )))
    }

    /// Reads a BOOL tensor of one dimension.
    pub(super) fn flags(&self, binary: Option<&[u8]>) -> Result<Vec<bool>> {
        if self.datatype != Datatype::Bool {
            let found = self.datatype.name();
            return Err(Error::shape(format!(
                "tensor `{}` says which rows are not null: expected BOOL, found {found}",
                self.name
            )));
        }
        let rows = self.rows(None)?;
        let mut flags = Vec::new();
        match (&self.data, binary) {
            (Data::Json(reader), _) => {
                let mut reader = reader.clone();
                flat(&mut reader, &mut |reader| match boolean(&reader.value()?) {
                    Some(flag) => {
                        flags.push(flag);
                        Ok(())
                    }
                    None => Err(self.no_boolean()),
                })?;
            }
            (Data::Binary(_), Some(bytes)) => {
                for &byte in bytes {
                    flags.push(match byte {
                        0 => false,
                        1 => true,
                        _ => return Err(self.no_boolean()),
                    });
                }
            }
            (Data::Binary(_), None) => return Err(self.cut_short()),
        }
        if flags.len() != rows {
            return Err(Error::Length {
                column: self.name.to_string(),
                found: flags.len(),
                expected: rows,
            });
        }
        Ok(flags)
    }

    /// The first element of some bytes, and the bytes behind it.
    fn element<'b>(&self, bytes: &'b [u8]) -> Result<(Element<'b>, &'b [u8])> {
        let size = match self.datatype.size() {
            Some(size) => size,
            None => {
                let (length, rest) = bytes
                    .split_first_chunk::<4>()
                    .ok_or_else(|| self.cut_short())?;
                let length = u32::from_le_bytes(*length) as usize;
                let (text, rest) = rest
                    .split_at_checked(length)
                    .ok_or_else(|| self.cut_short())?;
                return Ok((Element::Bytes(text), rest));
            }
        };
        let (value, rest) = bytes
            .split_at_checked(size)
            .ok_or_else(|| self.cut_short())?;
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(value);
        let unsigned = u64::from_le_bytes(wide);
        let element = match self.datatype {
            Datatype::Bool if unsigned > 1 => return Err(self.no_boolean()),
            Datatype::Bool => Element::Boolean(unsigned == 1),
            Datatype::Int(size) => {
                // The sign is in the last of the bytes that are there.
                let shift = 64 - 8 * size;
                Element::Integer((unsigned << shift).cast_signed() >> shift)
            }
            Datatype::Uint(_) => Element::Integer(
                i64::try_from(unsigned).map_err(|_| self.too_large(&unsigned.to_string()))?,
            ),
            Datatype::Fp32 => {
                let [a, b, c, d, ..] = wide;
                Element::Float32(f32::from_le_bytes([a, b, c, d]))
            }
            Datatype::Fp64 => Element::Float64(f64::from_le_bytes(wide)),
            Datatype::Bytes => Element::Bytes(value),
        };
        Ok((element, rest))
    }

    fn cut_short(&self) -> Error {
        Error::shape(format!("the bytes of tensor `{}` are cut short", self.name))
    }

    fn no_boolean(&self) -> Error {
        Error::shape(format!(
            "tensor `{}` holds something else than true and false",
            self.name
        ))
    }

    fn too_large(&self, value: &str) -> Error {
        Error::shape(format!(
            "tensor `{}` holds {value}, which is no {}",
            self.name,
            self.datatype.name()
        ))
    }
}

/// How many elements a row of the column has, if that is a vector.
pub(super) fn width(data_type: trueline_table::DataType) -> Option<usize> {
    use trueline_table::DataType::{Float32List, Float64List};
    match data_type {
        Float32List(width) | Float64List(width) => Some(width as usize),
        _ => None,
    }
}

/// A column that takes elements one by one.
struct Sink<'c, 's> {
    column: &'c mut Column<'s>,
    valid: Option<&'c [bool]>,
    width: Option<usize>,
    /// Elements so far.
    count: usize,
}

impl Sink<'_, '_> {
    fn json(&mut self, datatype: Datatype, value: &Value<'_>) -> Result<()> {
        let bytes;
        let element = match (datatype, value) {
            (_, Value::Null) => return self.push(None),
            (Datatype::Bool, value) => boolean(value).map(Element::Boolean),
            (Datatype::Int(_) | Datatype::Uint(_), Value::Number(text)) => {
                let value = scalar::integer(text).filter(|&value| in_range(datatype, value));
                value.map(Element::Integer)
            }
            (Datatype::Fp32, Value::Number(text)) => scalar::float32(text).map(Element::Float32),
            (Datatype::Fp64, Value::Number(text)) => scalar::float64(text).map(Element::Float64),
            (Datatype::Fp32, Value::NotFinite(number)) => {
                let text = number.to_string();
                scalar::float32(&text).map(Element::Float32)
            }
            (Datatype::Fp64, Value::NotFinite(number)) => Some(Element::Float64(*number)),
            (Datatype::Bytes, Value::Text(text)) => {
                bytes = self.column.bytes_of(text)?;
                Some(Element::Bytes(&bytes))
            }
            _ => None,
        };
        let element = element.ok_or_else(|| Error::Value {
            column: self.column.field().name.clone(),
            row: self.column.rows() + 1,
            expected: datatype.name().to_owned(),
            found: value.describe(),
        })?;
        self.push(Some(element))
    }

    /// Adds an element, or a null.
    fn push(&mut self, element: Option<Element<'_>>) -> Result<()> {
        let width = self.width.unwrap_or(1).max(1);
        let (row, place) = (self.count / width, self.count % width);
        self.count += 1;
        let is_valid = self.valid.is_none_or(|valid| valid.get(row) == Some(&true));
        let is_last = place + 1 == width;
        match (self.width, element) {
            _ if !is_valid => match is_last {
                true => self.column.null(),
                false => Ok(()),
            },
            (None, None) => self.column.null(),
            (None, Some(element)) => self.column.element(element),
            (Some(_), Some(element)) => {
                self.column.element(element)?;
                if is_last {
                    self.column.end_vector();
                }
                Ok(())
            }
            (Some(_), None) => Err(Error::shape(format!(
                "column `{}` has a null within a vector",
                self.column.field().name
            ))),
        }
    }
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(*value),
        Value::Number("0") => Some(false),
        Value::Number("1") => Some(true),
        _ => None,
    }
}

/// Whether a JSON number is of the integer type that it is announced as.
fn in_range(datatype: Datatype, value: i64) -> bool {
    match datatype {
        Datatype::Int(size) => {
            let shift = 64 - 8 * size;
            (value << shift) >> shift == value
        }
        Datatype::Uint(8) => value >= 0,
        Datatype::Uint(size) => value >= 0 && value >> (8 * size) == 0,
        _ => false,
    }
}

/// Visits every element of lists in lists, row-major.
fn flat(
    reader: &mut Reader<'_>,
    each: &mut impl FnMut(&mut Reader<'_>) -> Result<()>,
) -> Result<()> {
    reader.list(|reader, _| {
        if reader.is_list() {
            flat(reader, each)
        } else {
            each(reader)
        }
    })
}

/// Asserts that a column of vectors of no width, which has no elements, is not asked for.
pub(super) fn has_elements(data_type: trueline_table::DataType) -> bool {
    !is_vector(data_type) || width(data_type) != Some(0)
}
