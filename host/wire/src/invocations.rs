//! The JSON that clients of SageMaker and of MLflow send to `/invocations`, and what they are answered.
//!
//! | key | rows as |
//! |---|---|
//! | `dataframe_split` | `{"columns": […], "data": [[…], …]}` |
//! | `dataframe_records` | `[{…}, …]` |
//! | `instances` | `[{…}, …]`, `[[…], …]`, or as SageMaker's own algorithms take them: `[{"features": […]}, …]`, `[{"data": {"features": {"values": […]}}}, …]` |
//! | `inputs` | `{"name": […], …}` |
//!
//! JSON Lines are instances, one a line. Lists stand for the columns in the order of the schema. NaN and
//! the infinities are written bare for MLflow, as its own server does, and as texts for SageMaker; both
//! are understood. A bare NaN in a column whose type has none is null: pandas says so that a text is missing.

use arrow::array::RecordBatch;
use trueline_table::{AnySchema, Schema};

use crate::cells::NotFinite;
use crate::json::{Reader, Value};
use crate::native::Records;
use crate::rows::{Rows, is_vector};
use crate::{Error, Result};

/// Whose answers are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// `{"predictions": [{"score": …}, …]}`; CSV without a header.
    #[default]
    SageMaker,
    /// `{"predictions": […]}`; CSV with a header.
    Mlflow,
}

const KEYS: &str = "`dataframe_split`, `dataframe_records`, `instances` or `inputs`";

/// Reads a request: rows of this schema, with all of its columns and no others.
///
/// # Errors
/// With what is wrong, by column and row.
pub fn read(schema: &dyn AnySchema, body: &[u8]) -> Result<RecordBatch> {
    let mut reader = Reader::new(body)?;
    let mut rows = Rows::of_frames(schema);
    let mut is_read = false;
    if reader.value()? != Value::Object {
        return Err(Error::shape(format!(
            "the body is not an object with {KEYS}"
        )));
    }
    reader.object(|reader, key| {
        if &*key == "params" {
            return no_params(reader);
        }
        if std::mem::replace(&mut is_read, true) {
            return Err(Error::shape(format!("the body has more than one of {KEYS}")));
        }
        match &*key {
            "dataframe_split" => split(&mut rows, reader),
            "dataframe_records" => rows.records(reader),
            "instances" => reader.list(|reader, _| instance(schema.schema(), &mut rows, reader)),
            "inputs" => match reader.value()? {
                Value::Object => rows.columns(reader),
                other => Err(Error::shape(format!(
                    "`inputs` is an object of columns, since the package's columns have names; found {}",
                    other.describe()
                ))),
            },
            other => Err(Error::shape(format!(
                "the body has the key `{other}`; a request has {KEYS}"
            ))),
        }
    })?;
    reader.finish()?;
    if !is_read {
        return Err(Error::shape(format!("the body has none of {KEYS}")));
    }
    rows.finish()
}

/// Reads JSON Lines, one instance a line; blank lines are none.
///
/// # Errors
/// As [`read`].
pub fn read_lines(schema: &dyn AnySchema, body: &[u8]) -> Result<RecordBatch> {
    let mut rows = Rows::of_frames(schema);
    for line in body.split(|&byte| byte == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut reader = Reader::new(line)?;
        instance(schema.schema(), &mut rows, &mut reader)?;
        reader.finish()?;
    }
    rows.finish()
}

/// Writes an answer.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write(flavour: Flavour, schema: &Schema, rows: &RecordBatch) -> Result<String> {
    let mut out = String::from("{\"predictions\":");
    match flavour {
        Flavour::SageMaker => scores(schema, rows)?.write_list(&mut out),
        Flavour::Mlflow => {
            let records = Records::new(schema, rows, NotFinite::Bare)?;
            match records.single() {
                None => records.write_list(&mut out),
                Some(cells) => {
                    out.push('[');
                    for row in 0..rows.num_rows() {
                        if row > 0 {
                            out.push(',');
                        }
                        cells.json(row, NotFinite::Bare, &mut out);
                    }
                    out.push(']');
                }
            }
        }
    }
    out.push('}');
    Ok(out)
}

/// Writes an answer as JSON Lines, each line ended.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write_lines(schema: &Schema, rows: &RecordBatch) -> Result<String> {
    let records = scores(schema, rows)?;
    let mut out = String::new();
    for row in 0..rows.num_rows() {
        records.write_row(row, &mut out);
        out.push('\n');
    }
    Ok(out)
}

/// The rows of an answer. A single column is the `score` that SageMaker's own XGBoost image answers with.
fn scores<'a>(schema: &Schema, rows: &'a RecordBatch) -> Result<Records<'a>> {
    let mut records = Records::new(schema, rows, NotFinite::Quoted)?;
    records.rename_single("score");
    Ok(records)
}

/// `{"columns": […], "data": [[…], …]}` as pandas writes it, its parts in any order.
fn split(rows: &mut Rows<'_>, reader: &mut Reader<'_>) -> Result<()> {
    let mut order: Option<Vec<usize>> = None;
    let mut data = None;
    reader.object(|reader, key| match &*key {
        "columns" => {
            let mut names = Vec::new();
            reader.list(|reader, place| {
                let name = reader.text("a name in `columns`")?;
                names.push(rows.index(&name, place)?);
                Ok(())
            })?;
            order = Some(names);
            Ok(())
        }
        "data" => {
            data = Some(reader.clone());
            reader.skip()
        }
        "index" => reader.skip(),
        other => Err(Error::shape(format!(
            "`dataframe_split` has `columns` and `data`, and no `{other}`"
        ))),
    })?;
    let (Some(order), Some(mut data)) = (order, data) else {
        return Err(Error::shape("`dataframe_split` lacks `columns` or `data`"));
    };
    data.list(|reader, row| rows.ordered(reader, row, &order))
}

/// One row, by names or by places, or as SageMaker's own algorithms take it.
fn instance(schema: &Schema, rows: &mut Rows<'_>, reader: &mut Reader<'_>) -> Result<()> {
    let first = reader.first_key();
    match first.as_deref() {
        Some("features") if !is_column(schema, "features") => {
            reader.object(|reader, key| match &*key {
                "features" => rows.list(reader),
                other => Err(unknown_beside("features", other)),
            })
        }
        Some("data") if schema.field("data").is_none() => {
            reader.object(|reader, key| match &*key {
                "data" => reader.object(|reader, key| match &*key {
                    "features" => reader.object(|reader, key| match &*key {
                        "values" => rows.list(reader),
                        "keys" | "shape" => Err(Error::shape(
                            "sparse instances are not understood; list all values",
                        )),
                        other => Err(unknown_beside("values", other)),
                    }),
                    other => Err(unknown_beside("features", other)),
                }),
                other => Err(unknown_beside("data", other)),
            })
        }
        _ => rows.row(reader),
    }
}

/// Whether `name` is a column that an instance could give by name. If it is a vector and all there is,
/// a list under its name is that vector either way.
fn is_column(schema: &Schema, name: &str) -> bool {
    let is_all = schema.fields.len() == 1 && is_vector(schema.fields[0].data_type);
    schema.field(name).is_some() && !is_all
}

fn unknown_beside(known: &str, key: &str) -> Error {
    Error::shape(format!(
        "an instance has `{known}`, and no `{key}` beside it"
    ))
}

fn no_params(reader: &mut Reader<'_>) -> Result<()> {
    match reader.value()? {
        Value::Null => Ok(()),
        Value::Object => reader.object(|_, key| {
            Err(Error::shape(format!(
                "a package takes no `params`; `{key}` would change nothing"
            )))
        }),
        other => Err(Error::shape(format!(
            "`params` is an object, found {}",
            other.describe()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;
    use trueline_table::{DataType, Field};

    use super::*;

    #[test]
    fn what_pandas_says_is_missing_is_null() {
        let schema = Schema::new([
            Field::new("text", DataType::Utf8),
            Field::new("count", DataType::Int64),
            Field::new("number", DataType::Float64),
        ]);
        let body = br#"{"dataframe_split": {"columns": ["text", "count", "number"], "data": [["a", 1.0, 1], [NaN, NaN, NaN]]}}"#;
        let rows = read(&schema, body).unwrap();
        let nulls: Vec<_> = rows
            .columns()
            .iter()
            .map(|column| column.null_count())
            .collect();
        assert_eq!(nulls, [1, 1, 0], "a float has a NaN of its own");
        let required = Schema::new([Field {
            nullable: false,
            ..Field::new("text", DataType::Utf8)
        }]);
        let refused = read(&required, br#"{"instances": [{"text": NaN}]}"#).unwrap_err();
        assert_eq!(refused.column(), Some("text"));
        assert!(
            crate::native::read(
                &schema,
                br#"{"records": [{"text": NaN, "count": 1, "number": 1}]}"#
            )
            .is_err()
        );
    }
}
