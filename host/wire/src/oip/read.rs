//! A request or an answer, its tensors told apart.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use trueline_table::AnySchema;

use super::header::{Data, Header, Tensor};
use super::tensor::has_elements;
use super::validity;
use crate::rows::{Rows, missing, repeated};
use crate::{Error, Result};

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it calls the request; the answer repeats it.
    pub id: Option<String>,
    pub rows: RecordBatch,
    /// Whether outputs are to be binary unless they say otherwise.
    pub(super) binary_output: bool,
    /// The outputs, all if it names none, and how each is to come.
    pub(super) outputs: Vec<(String, Option<bool>)>,
}

/// Reads a request. `json_bytes` is how much of the body is JSON, if binary tensors follow it: the header
/// `Inference-Header-Content-Length`.
///
/// # Errors
/// With what is wrong, by tensor.
pub fn read(schema: &dyn AnySchema, json_bytes: Option<usize>, body: &[u8]) -> Result<Request> {
    let (header, binary) = split(json_bytes, body, "inputs")?;
    let rows = table(schema, &header, binary, false)?;
    Ok(Request {
        id: header.id,
        rows,
        binary_output: header.binary_output,
        outputs: header.outputs,
    })
}

/// Reads an answer.
///
/// # Errors
/// If it is none.
pub fn read_answer(
    schema: &dyn AnySchema,
    json_bytes: Option<usize>,
    body: &[u8],
) -> Result<RecordBatch> {
    let (header, binary) = split(json_bytes, body, "outputs")?;
    table(schema, &header, binary, true)
}

fn split<'a>(
    json_bytes: Option<usize>,
    body: &'a [u8],
    key: &str,
) -> Result<(Header<'a>, &'a [u8])> {
    let json_bytes = json_bytes.unwrap_or(body.len());
    let (json, binary) = body.split_at_checked(json_bytes).ok_or_else(|| {
        Error::shape(format!(
            "Inference-Header-Content-Length is {json_bytes}, but the body has {} bytes",
            body.len()
        ))
    })?;
    Ok((Header::read(json, key)?, binary))
}

/// A tensor and its bytes, if they are binary.
type Found<'h, 'a> = (&'h Tensor<'a>, Option<&'a [u8]>);

fn table<'a>(
    schema: &dyn AnySchema,
    header: &Header<'a>,
    mut binary: &'a [u8],
    is_answer: bool,
) -> Result<RecordBatch> {
    let mut tensors: BTreeMap<&str, Found<'_, 'a>> = BTreeMap::new();
    for tensor in &header.tensors {
        let bytes = match tensor.data {
            Data::Json(_) => None,
            Data::Binary(size) => {
                let (bytes, rest) = binary.split_at_checked(size).ok_or_else(|| {
                    Error::shape(format!(
                        "tensor `{}` has {size} bytes, but only {} are left of the body",
                        tensor.name,
                        binary.len()
                    ))
                })?;
                binary = rest;
                Some(bytes)
            }
        };
        if tensors.insert(&tensor.name, (tensor, bytes)).is_some() {
            return Err(repeated(&tensor.name));
        }
    }
    if !binary.is_empty() {
        return Err(Error::shape(format!(
            "{} bytes follow the last tensor",
            binary.len()
        )));
    }
    let mut rows = Rows::new(schema);
    for index in 0..schema.schema().fields.len() {
        let column = rows.column(index);
        let field = column.field();
        if !has_elements(field.data_type) {
            return Err(Error::shape(format!(
                "column `{}` has vectors of no width",
                field.name
            )));
        }
        let Some((tensor, bytes)) = tensors.remove(field.name.as_str()) else {
            return Err(missing(column, None));
        };
        let valid = match tensors.remove(validity(&field.name).as_str()) {
            Some((tensor, bytes)) => Some(tensor.flags(bytes)?),
            None => None,
        };
        tensor.fill(column, bytes, valid.as_deref())?;
    }
    if let Some(name) = tensors.keys().next()
        && !is_answer
    {
        let error = rows.index(name, 0).err();
        return Err(error.unwrap_or_else(|| repeated(name)));
    }
    rows.columns_are_even()?;
    rows.finish()
}
