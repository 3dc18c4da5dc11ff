//! Trueline's own JSON: `{"records": [{…}, …]}` or `{"columns": {"name": […], …}}`, answered alike.
//!
//! NaN and the infinities are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, so that a body is JSON
//! for every reader; bare ones are understood as well.

use arrow::array::RecordBatch;
use trueline_table::{AnySchema, Digest, Schema};

use crate::cells::{Cells, NotFinite, write_string};
use crate::json::Reader;
use crate::rows::Rows;
use crate::{Error, Result};

/// How rows stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list of objects, one a row.
    Records,
    /// An object of lists, one a column.
    Columns,
}

impl Shape {
    fn key(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Columns => "columns",
        }
    }
}

/// Reads a request: rows of this schema, with all of its columns and no others.
///
/// # Errors
/// With what is wrong, by column and row.
pub fn read(schema: &dyn AnySchema, body: &[u8]) -> Result<(Shape, RecordBatch)> {
    read_with(schema, body, |key| {
        Err(Error::shape(format!(
            "the body has the key `{key}`; a request has `records` or `columns`"
        )))
    })
}

/// Reads an answer.
///
/// # Errors
/// If it is none.
pub fn read_answer(schema: &dyn AnySchema, body: &[u8]) -> Result<RecordBatch> {
    read_with(schema, body, |_| Ok(())).map(|(_, rows)| rows)
}

fn read_with(
    schema: &dyn AnySchema,
    body: &[u8],
    other_key: impl Fn(&str) -> Result<()>,
) -> Result<(Shape, RecordBatch)> {
    let mut reader = Reader::new(body)?;
    let mut rows = Rows::new(schema);
    let mut shape = None;
    reader.object(|reader, key| {
        let found = match &*key {
            "records" => Shape::Records,
            "columns" => Shape::Columns,
            other => {
                other_key(other)?;
                return reader.skip();
            }
        };
        if shape.replace(found).is_some() {
            return Err(Error::shape(
                "the body has rows twice; a request has `records` or `columns`",
            ));
        }
        match found {
            Shape::Records => rows.records(reader),
            Shape::Columns => rows.columns(reader),
        }
    })?;
    reader.finish()?;
    let shape = shape.ok_or_else(|| {
        Error::shape("the body has no rows; a request has `records` or `columns`")
    })?;
    Ok((shape, rows.finish()?))
}

/// Writes an answer with the digest of the package that computed it.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write(shape: Shape, package: Digest, schema: &Schema, rows: &RecordBatch) -> Result<String> {
    let mut out = format!("{{\"package\":\"{package}\",");
    write_rows(shape, schema, rows, &mut out)?;
    out.push('}');
    Ok(out)
}

/// Writes a request.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write_request(shape: Shape, schema: &Schema, rows: &RecordBatch) -> Result<String> {
    let mut out = String::from("{");
    write_rows(shape, schema, rows, &mut out)?;
    out.push('}');
    Ok(out)
}

fn write_rows(shape: Shape, schema: &Schema, rows: &RecordBatch, out: &mut String) -> Result<()> {
    write_string(shape.key(), out);
    out.push(':');
    match shape {
        Shape::Records => {
            let records = Records::new(schema, rows, NotFinite::Quoted)?;
            records.write_list(out);
        }
        Shape::Columns => {
            out.push('{');
            for (index, (field, column)) in schema.fields.iter().zip(rows.columns()).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                let cells = Cells::new(field, column)?;
                write_string(&field.name, out);
                out.push_str(":[");
                for row in 0..rows.num_rows() {
                    if row > 0 {
                        out.push(',');
                    }
                    cells.json(row, NotFinite::Quoted, out);
                }
                out.push(']');
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Rows that are written as objects.
pub(crate) struct Records<'a> {
    /// Each column with its key, in quotes and with a colon.
    columns: Vec<(String, Cells<'a>)>,
    rows: usize,
    not_finite: NotFinite,
}

impl<'a> Records<'a> {
    pub(crate) fn new(
        schema: &Schema,
        rows: &'a RecordBatch,
        not_finite: NotFinite,
    ) -> Result<Self> {
        let columns = schema.fields.iter().zip(rows.columns());
        let columns = columns.map(|(field, column)| {
            let mut key = String::new();
            write_string(&field.name, &mut key);
            key.push(':');
            Ok((key, Cells::new(field, column)?))
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            rows: rows.num_rows(),
            not_finite,
        })
    }

    /// The column, if it is the only one.
    pub(crate) fn single(&self) -> Option<&Cells<'a>> {
        match self.columns.as_slice() {
            [(_, cells)] => Some(cells),
            _ => None,
        }
    }

    /// Renames the column, if it is the only one.
    pub(crate) fn rename_single(&mut self, name: &str) {
        if let [(key, _)] = self.columns.as_mut_slice() {
            *key = format!("\"{name}\":");
        }
    }

    pub(crate) fn write_list(&self, out: &mut String) {
        out.push('[');
        for row in 0..self.rows {
            if row > 0 {
                out.push(',');
            }
            self.write_row(row, out);
        }
        out.push(']');
    }

    pub(crate) fn write_row(&self, row: usize, out: &mut String) {
        out.push('{');
        for (index, (key, cells)) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(key);
            cells.json(row, self.not_finite, out);
        }
        out.push('}');
    }
}
