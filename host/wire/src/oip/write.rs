//! Answers and metadata; and requests, which look the same.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use trueline_table::{DataType, Digest, Field, Schema};

use super::datatype::Datatype;
use super::read::Request;
use super::tensor::width;
use super::validity;
use crate::cells::{Cells, NotFinite, write_string};
use crate::error::hint;
use crate::{Error, Result};

/// A body, and how much of it is JSON if binary tensors follow.
#[derive(Clone, Debug)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub json_bytes: Option<usize>,
}

/// Writes the metadata of a model.
pub fn metadata(model: &str, version: &str, input: &Schema, output: &Schema) -> String {
    let mut out = String::from("{\"name\":");
    write_string(model, &mut out);
    out.push_str(",\"versions\":[");
    write_string(version, &mut out);
    out.push_str("],\"platform\":\"trueline_package\",\"inputs\":");
    write_tensors(input, &mut out);
    out.push_str(",\"outputs\":");
    write_tensors(output, &mut out);
    out.push('}');
    out
}

/// Writes an answer with the digest of the package that computed it.
///
/// # Errors
/// If an output was asked for that there is not, or the rows are not of the schema.
pub fn write(
    model: &str,
    version: &str,
    package: Digest,
    request: &Request,
    schema: &Schema,
    rows: &RecordBatch,
) -> Result<Body> {
    let mut json = String::from("{\"model_name\":");
    write_string(model, &mut json);
    json.push_str(",\"model_version\":");
    write_string(version, &mut json);
    if let Some(id) = &request.id {
        json.push_str(",\"id\":");
        write_string(id, &mut json);
    }
    json.push_str(&format!(",\"parameters\":{{\"package\":\"{package}\"}}"));
    let mut tensors = Tensors::default();
    let default = request.binary_output;
    if request.outputs.is_empty() {
        for (field, column) in schema.fields.iter().zip(rows.columns()) {
            tensors.add(field, column, default)?;
        }
    }
    for (name, binary) in &request.outputs {
        let binary = binary.unwrap_or(default);
        let found = schema
            .fields
            .iter()
            .zip(rows.columns())
            .find(|(field, _)| field.name == *name || validity(&field.name) == *name);
        let (field, column) = found.ok_or_else(|| {
            let hint = hint(name, schema);
            Error::shape(format!("there is no output `{name}`; {hint}"))
        })?;
        if field.name == *name {
            tensors.add(field, column, binary)?;
        } else {
            tensors.add_validity(field, column, binary);
        }
    }
    Ok(tensors.into_body(json, "outputs"))
}

/// Writes a request that wants its answer the way it comes itself.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write_request(schema: &Schema, rows: &RecordBatch, binary: bool) -> Result<Body> {
    let json = format!("{{\"parameters\":{{\"binary_data_output\":{binary}}}");
    let mut tensors = Tensors::default();
    for (field, column) in schema.fields.iter().zip(rows.columns()) {
        tensors.add(field, column, binary)?;
    }
    Ok(tensors.into_body(json, "inputs"))
}

/// Tensors that are being written.
#[derive(Default)]
struct Tensors {
    names: Vec<String>,
    json: String,
    binary: Vec<u8>,
}

impl Tensors {
    /// Adds a column, and which of its rows are null, if any is.
    fn add(&mut self, field: &Field, column: &ArrayRef, binary: bool) -> Result<()> {
        if self.names.contains(&field.name) {
            return Ok(());
        }
        let datatype = Datatype::of(field.data_type);
        self.open(&field.name, datatype, column.len(), width(field.data_type));
        if binary {
            let start = self.binary.len();
            write_binary(field, column, &mut self.binary)?;
            self.close_binary(start);
        } else {
            // A null has a value like any other; the tensor beside it says what it is.
            let zeroed = zeroed(field, column);
            let cells = Cells::new(field, &zeroed)?;
            self.json.push_str(",\"data\":[");
            for row in 0..column.len() {
                if row > 0 {
                    self.json.push(',');
                }
                let instants = zeroed.as_primitive_opt::<TimestampMicrosecondType>();
                let dates = zeroed.as_primitive_opt::<Date32Type>();
                match (instants, dates) {
                    (Some(instants), _) => self.json += &instants.value(row).to_string(),
                    (_, Some(dates)) => self.json += &dates.value(row).to_string(),
                    _ => cells.json(row, NotFinite::Bare, &mut self.json),
                }
            }
            self.json.push_str("]}");
        }
        if column.null_count() > 0 {
            self.add_validity(field, column, binary);
        }
        Ok(())
    }

    fn add_validity(&mut self, field: &Field, column: &ArrayRef, binary: bool) {
        let name = validity(&field.name);
        if self.names.contains(&name) {
            return;
        }
        self.open(&name, Datatype::Bool, column.len(), None);
        let valid = (0..column.len()).map(|row| column.is_valid(row));
        if binary {
            let start = self.binary.len();
            self.binary.extend(valid.map(u8::from));
            self.close_binary(start);
        } else {
            let words: Vec<_> = valid.map(|valid| valid.to_string()).collect();
            self.json += &format!(",\"data\":[{}]}}", words.join(","));
        }
    }

    fn open(&mut self, name: &str, datatype: Datatype, rows: usize, width: Option<usize>) {
        if !self.names.is_empty() {
            self.json.push(',');
        }
        self.names.push(name.to_owned());
        self.json.push_str("{\"name\":");
        write_string(name, &mut self.json);
        let width = width.map_or_else(String::new, |width| format!(",{width}"));
        let datatype = datatype.name();
        self.json += &format!(",\"datatype\":\"{datatype}\",\"shape\":[{rows}{width}]");
    }

    fn close_binary(&mut self, start: usize) {
        let size = self.binary.len() - start;
        self.json += &format!(",\"parameters\":{{\"binary_data_size\":{size}}}}}");
    }

    /// The body: the JSON so far, the tensors under `key`, then their bytes.
    fn into_body(self, mut json: String, key: &str) -> Body {
        json += &format!(",\"{key}\":[{}]}}", self.json);
        let json_bytes = (!self.binary.is_empty()).then_some(json.len());
        let mut bytes = json.into_bytes();
        bytes.extend(self.binary);
        Body { bytes, json_bytes }
    }
}

fn write_tensors(schema: &Schema, out: &mut String) {
    out.push('[');
    for (index, field) in schema.fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str("{\"name\":");
        write_string(&field.name, out);
        let width = width(field.data_type).map_or_else(String::new, |width| format!(",{width}"));
        let datatype = Datatype::of(field.data_type).name();
        let (data_type, nullable) = (field.data_type, field.nullable);
        *out += &format!(
            ",\"datatype\":\"{datatype}\",\"shape\":[-1{width}],\"parameters\":{{\"type\":\"{data_type}\",\
             \"nullable\":{nullable}}}}}"
        );
    }
    out.push(']');
}

/// The column with zeros, and empty texts, where it has nulls.
fn zeroed(field: &Field, column: &ArrayRef) -> ArrayRef {
    use arrow::array::{BinaryArray, BooleanArray, StringArray};
    use std::sync::Arc;
    if column.null_count() == 0 {
        return column.clone();
    }
    let rows = 0..column.len();
    match field.data_type {
        DataType::Boolean => {
            let values = column.as_boolean();
            Arc::new(BooleanArray::from_iter(
                rows.map(|row| Some(values.is_valid(row) && values.value(row))),
            ))
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            let text = |row| {
                if values.is_valid(row) {
                    values.value(row)
                } else {
                    ""
                }
            };
            Arc::new(StringArray::from_iter_values(rows.map(text)))
        }
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            let bytes = |row| match values.is_valid(row) {
                true => values.value(row),
                false => &[],
            };
            Arc::new(BinaryArray::from_iter_values(rows.map(bytes)))
        }
        // What a frame decodes to, and what is read here, has zeros under its nulls already.
        _ => {
            let data = column.to_data().into_builder().nulls(None).build();
            data.map_or_else(|_| column.clone(), arrow::array::make_array)
        }
    }
}

/// Writes the elements of a column, little-endian.
fn write_binary(field: &Field, column: &ArrayRef, out: &mut Vec<u8>) -> Result<()> {
    let wrong = || {
        Error::shape(format!(
            "column `{}` is {}, not {}",
            field.name,
            column.data_type(),
            field.data_type
        ))
    };
    macro_rules! numbers {
        ($type:ty) => {{
            let numbers = column.as_primitive_opt::<$type>().ok_or_else(wrong)?;
            out.extend(
                numbers
                    .values()
                    .iter()
                    .flat_map(|value| value.to_le_bytes()),
            );
        }};
    }
    macro_rules! vectors {
        ($type:ty) => {{
            let lists = column.as_fixed_size_list_opt().ok_or_else(wrong)?;
            for row in 0..lists.len() {
                let vector = lists.value(row);
                let numbers = vector.as_primitive_opt::<$type>().ok_or_else(wrong)?;
                out.extend(
                    numbers
                        .values()
                        .iter()
                        .flat_map(|value| value.to_le_bytes()),
                );
            }
        }};
    }
    let mut bytes = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        out.extend(length.to_le_bytes());
        out.extend(bytes);
    };
    match field.data_type {
        DataType::Boolean => {
            let flags = column.as_boolean_opt().ok_or_else(wrong)?;
            let flag = |row| flags.is_valid(row) && flags.value(row);
            out.extend((0..flags.len()).map(|row| u8::from(flag(row))));
        }
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::Float32 => numbers!(Float32Type),
        DataType::Float64 => numbers!(Float64Type),
        DataType::Timestamp => numbers!(TimestampMicrosecondType),
        DataType::Date => numbers!(Date32Type),
        DataType::Utf8 => {
            let texts = column.as_string_opt::<i32>().ok_or_else(wrong)?;
            texts
                .iter()
                .for_each(|text| bytes(text.unwrap_or_default().as_bytes()));
        }
        DataType::Binary => {
            let values = column.as_binary_opt::<i32>().ok_or_else(wrong)?;
            values
                .iter()
                .for_each(|value| bytes(value.unwrap_or_default()));
        }
        DataType::Float32List(_) => vectors!(Float32Type),
        DataType::Float64List(_) => vectors!(Float64Type),
    }
    Ok(())
}
