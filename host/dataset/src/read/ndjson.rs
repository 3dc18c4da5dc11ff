//! NDJSON: one JSON object a line. A key that a line lacks is null. Strings stay texts unless a type
//! is declared.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};

use arrow::array::{RecordBatch, RecordBatchOptions};
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use trueline_table::{DataType, Field, Schema};

use super::column::{ColumnBuilder, Value};
use super::{Batches, DataFile};
use crate::Result;
use crate::spec::DatasetSpec;

/// What kinds of value a key had.
#[derive(Clone, Copy, Default)]
struct Kinds {
    boolean: bool,
    int: bool,
    double: bool,
    text: bool,
    nested: bool,
}

/// The keys of all lines, in the order of their first appearance, any of which may be null; and the
/// keys that are dropped because their values are arrays or objects.
pub(super) fn schema(files: &[DataFile], spec: &DatasetSpec) -> Result<(Schema, Vec<String>)> {
    let mut columns: Vec<(String, Kinds)> = Vec::new();
    for file in files {
        let mut lines = Lines::open(file)?;
        while lines.next(|name, value| {
            let position = columns
                .iter()
                .position(|(known, _)| known == name)
                .unwrap_or_else(|| {
                    columns.push((name.to_owned(), Kinds::default()));
                    columns.len() - 1
                });
            columns[position].1.observe(value);
            Ok(())
        })? {}
    }
    let unread = |column: &(String, Kinds)| column.1.nested && spec.drop.contains(&column.0);
    let (unread, columns): (Vec<_>, Vec<_>) = columns.into_iter().partition(unread);
    let field = |(name, kinds): (String, Kinds)| {
        let data_type = match spec.types.get(&name) {
            Some(declared) => *declared,
            None => kinds.data_type().map_err(|problem| {
                let hint = "leave the key out with `drop`, or write one kind of value";
                files[0].error(format!("key `{name}` {problem}"), Some(hint))
            })?,
        };
        match ColumnBuilder::new(data_type) {
            Some(_) => Ok(Field::new(name, data_type)),
            None => Err(files[0].error(
                format!("key `{name}` cannot be {data_type}: arrays are not read"),
                None,
            )),
        }
    };
    let schema = Schema::new(columns.into_iter().map(field).collect::<Result<Vec<_>>>()?);
    Ok((schema, unread.into_iter().map(|(name, _)| name).collect()))
}

/// The columns of `schema` out of one file.
pub(super) fn scan(file: &DataFile, schema: &Schema, batch_rows: usize) -> Result<Batches> {
    let columns: Option<Vec<_>> = schema
        .fields
        .iter()
        .map(|field| ColumnBuilder::new(field.data_type))
        .collect();
    let columns = columns.ok_or_else(|| file.error("arrays are not read", None))?;
    let mut scan = Scan {
        lines: Lines::open(file)?,
        columns,
        schema: schema.clone(),
        batch_rows,
    };
    Ok(Box::new(std::iter::from_fn(move || {
        scan.next_batch().transpose()
    })))
}

struct Scan {
    lines: Lines,
    columns: Vec<ColumnBuilder>,
    schema: Schema,
    batch_rows: usize,
}

impl Scan {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Self {
            lines,
            columns,
            schema,
            batch_rows,
        } = self;
        let mut rows = 0;
        let mut seen = vec![false; columns.len()];
        while rows < *batch_rows
            && lines.next(|name, value| {
                let Some(index) = schema.index_of(name) else {
                    return Ok(());
                };
                if std::mem::replace(&mut seen[index], true) {
                    return Err(format!("has the key `{name}` twice"));
                }
                let appended = match value {
                    Json::Scalar(value) => columns[index].append(value),
                    Json::Nested => Err("is an array or an object".to_owned()),
                };
                appended.map_err(|problem| format!("key `{name}` {problem}"))
            })?
        {
            rows += 1;
            for (column, seen) in columns.iter_mut().zip(&mut seen) {
                if !std::mem::take(seen) {
                    column
                        .append(Value::Null)
                        .map_err(|problem| lines.error(&problem))?;
                }
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(schema.to_arrow(), columns, &options);
        batch
            .map(Some)
            .map_err(|error| lines.error(&error.to_string()))
    }
}

/// The lines of a file that are not blank.
struct Lines {
    file: DataFile,
    reader: BufReader<File>,
    line: String,
    number: u64,
}

/// A value of a line.
#[derive(Clone, Copy)]
enum Json<'a> {
    Scalar(Value<'a>),
    Nested,
}

impl Lines {
    fn open(file: &DataFile) -> Result<Self> {
        Ok(Self {
            file: file.clone(),
            reader: BufReader::new(file.open()?),
            line: String::new(),
            number: 0,
        })
    }

    /// Calls `visit` with the keys and values of the next line; false at the end of the file.
    fn next(&mut self, visit: impl FnMut(&str, Json<'_>) -> Result<(), String>) -> Result<bool> {
        loop {
            self.line.clear();
            self.number += 1;
            let read = self
                .reader
                .read_line(&mut self.line)
                .map_err(|error| self.error(&error.to_string()))?;
            if read == 0 {
                return Ok(false);
            }
            if !self.line.trim().is_empty() {
                break;
            }
        }
        let mut json = serde_json::Deserializer::from_str(&self.line);
        let visited = json
            .deserialize_map(Object { visit })
            .and_then(|()| json.end());
        visited.map_err(|error| self.error(&error.to_string()))?;
        Ok(true)
    }

    fn error(&self, problem: &str) -> crate::Error {
        // The parser counts within the line that it was given.
        let problem = problem
            .split(" at line 1 column ")
            .next()
            .unwrap_or_default();
        let hint = "NDJSON is one JSON object a line, with plain values";
        self.file
            .error(format!("line {}: {problem}", self.number), Some(hint))
    }
}

struct Object<F> {
    visit: F,
}

impl<'de, F: FnMut(&str, Json<'_>) -> Result<(), String>> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let value: serde_json::Value = map.next_value()?;
            let value = match &value {
                serde_json::Value::Null => Json::Scalar(Value::Null),
                serde_json::Value::Bool(value) => Json::Scalar(Value::Boolean(*value)),
                serde_json::Value::String(text) => Json::Scalar(Value::Text(text)),
                serde_json::Value::Number(number) => Json::Scalar(match number.as_i64() {
                    Some(int) => Value::Int(int),
                    None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
                }),
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => Json::Nested,
            };
            (self.visit)(&name, value).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl Kinds {
    fn observe(&mut self, value: Json<'_>) {
        match value {
            Json::Nested => self.nested = true,
            Json::Scalar(Value::Null) => {}
            Json::Scalar(Value::Boolean(_)) => self.boolean = true,
            Json::Scalar(Value::Int(_)) => self.int = true,
            Json::Scalar(Value::Double(_)) => self.double = true,
            Json::Scalar(Value::Text(_)) => self.text = true,
        }
    }

    fn data_type(self) -> Result<DataType, &'static str> {
        match self {
            Self { nested: true, .. } => Err("holds arrays or objects"),
            Self {
                boolean: false,
                int: false,
                double: false,
                ..
            } => Ok(DataType::Utf8),
            Self {
                boolean: true,
                int: false,
                double: false,
                text: false,
                ..
            } => Ok(DataType::Boolean),
            Self {
                boolean: false,
                double: false,
                text: false,
                ..
            } => Ok(DataType::Int64),
            Self {
                boolean: false,
                text: false,
                ..
            } => Ok(DataType::Float64),
            _ => Err("holds values of several kinds"),
        }
    }
}
