//! The JSON part of a request or answer, before it is known what its tensors are for.

use std::borrow::Cow;

use super::datatype::Datatype;
use crate::json::{Reader, Value};
use crate::{Error, Result};

/// More dimensions than any tensor of a table has.
const DIMENSIONS_MAX: usize = 8;

/// What a request or an answer says.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) id: Option<String>,
    /// Whether outputs are to be binary unless they say otherwise.
    pub(super) binary_output: bool,
    pub(super) tensors: Vec<Tensor<'a>>,
    /// Outputs that were asked for by name, and how each is to come.
    pub(super) outputs: Vec<(String, Option<bool>)>,
}

/// A tensor as it was announced.
pub(super) struct Tensor<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) shape: Vec<usize>,
    pub(super) datatype: Datatype,
    pub(super) data: Data<'a>,
}

/// Where the elements are.
pub(super) enum Data<'a> {
    /// In the JSON, from here on.
    Json(Reader<'a>),
    /// Behind the JSON, so many bytes.
    Binary(usize),
}

impl<'a> Header<'a> {
    /// Reads the JSON part; `key` is where its tensors are: `inputs` or `outputs`.
    pub(super) fn read(json: &'a [u8], key: &str) -> Result<Self> {
        let mut header = Self::default();
        let mut has_tensors = false;
        let mut reader = Reader::new(json)?;
        reader.object(|reader, found| match &*found {
            "id" => {
                header.id = match reader.value()? {
                    Value::Text(id) => Some(id.into_owned()),
                    Value::Null => None,
                    other => {
                        let found = other.describe();
                        return Err(Error::shape(format!("`id` is a text, found {found}")));
                    }
                };
                Ok(())
            }
            "parameters" => {
                header.binary_output = parameters(reader)?.binary_data_output.unwrap_or(false);
                Ok(())
            }
            found if found == key => {
                has_tensors = true;
                reader.list(|reader, _| {
                    header.tensors.push(Tensor::read(reader)?);
                    Ok(())
                })
            }
            "outputs" => reader.list(|reader, _| {
                header.outputs.push(output(reader)?);
                Ok(())
            }),
            _ => reader.skip(),
        })?;
        reader.finish()?;
        if !has_tensors {
            return Err(Error::shape(format!("the body has no `{key}`")));
        }
        Ok(header)
    }
}

impl<'a> Tensor<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let (mut name, mut shape, mut datatype, mut data) = (None, None, None, None);
        reader.object(|reader, key| {
            match &*key {
                "name" => name = Some(reader.text("the name of a tensor")?),
                "shape" => {
                    let mut dimensions = Vec::new();
                    reader.list(|reader, index| {
                        if index == DIMENSIONS_MAX {
                            return Err(Error::shape("a tensor has too many dimensions"));
                        }
                        dimensions.push(reader.count("a dimension of a tensor")?);
                        Ok(())
                    })?;
                    shape = Some(dimensions);
                }
                "datatype" => datatype = Some(reader.text("the datatype of a tensor")?),
                "parameters" => {
                    if let Some(bytes) = parameters(reader)?.binary_data_size {
                        data = Some(Data::Binary(bytes));
                    }
                }
                "data" => {
                    data = Some(Data::Json(reader.clone()));
                    reader.skip()?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let name = name.ok_or_else(|| Error::shape("a tensor has no `name`"))?;
        let lacks = |what: &str| Error::shape(format!("tensor `{name}` has no `{what}`"));
        let datatype = datatype.ok_or_else(|| lacks("datatype"))?;
        let Some(datatype) = Datatype::parse(&datatype) else {
            return Err(Error::shape(format!(
                "tensor `{name}` has the datatype `{datatype}`, which no column has"
            )));
        };
        Ok(Self {
            shape: shape.ok_or_else(|| lacks("shape"))?,
            data: data.ok_or_else(|| lacks("data"))?,
            datatype,
            name,
        })
    }
}

/// The parameters that mean something here; all others are let pass, as the protocol asks.
#[derive(Default)]
struct Parameters {
    binary_data: Option<bool>,
    binary_data_output: Option<bool>,
    binary_data_size: Option<usize>,
}

fn parameters(reader: &mut Reader<'_>) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    let flag = |reader: &mut Reader<'_>, name: &str| match reader.value()? {
        Value::Boolean(value) => Ok(Some(value)),
        other => {
            let found = other.describe();
            Err(Error::shape(format!(
                "`{name}` is true or false, found {found}"
            )))
        }
    };
    reader.object(|reader, key| {
        match &*key {
            "binary_data" => parameters.binary_data = flag(reader, "binary_data")?,
            "binary_data_output" => {
                parameters.binary_data_output = flag(reader, "binary_data_output")?;
            }
            "binary_data_size" => {
                parameters.binary_data_size = Some(reader.count("`binary_data_size`")?);
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(parameters)
}

fn output(reader: &mut Reader<'_>) -> Result<(String, Option<bool>)> {
    let mut name = None;
    let mut binary = None;
    reader.object(|reader, key| {
        match &*key {
            "name" => name = Some(reader.text("the name of an output")?.into_owned()),
            "parameters" => binary = parameters(reader)?.binary_data,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let name = name.ok_or_else(|| Error::shape("an output has no `name`"))?;
    Ok((name, binary))
}
