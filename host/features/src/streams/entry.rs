//! An entry of a stream as a row of its source.

use arrow::array::RecordBatch;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use redis::Value as Answer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trueline_table::{DataType, Field};

use crate::definition::Source;
use crate::http::columns;
use crate::log::Content;
use crate::{Error, Result};

/// An entry as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its place in the stream.
    pub(crate) id: String,
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// What the quarantine keeps.
    pub(crate) fn content(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(|error| Error::input(error.to_string(), ""))
    }

    pub(crate) fn of_content(content: &Content) -> Result<Self> {
        let read = match content {
            Content::Inline(bytes) => postcard::from_bytes(bytes).ok(),
            Content::Segment(_) => None,
        };
        read.ok_or_else(|| {
            Error::input(
                "the quarantine holds an entry of a stream that nobody has written",
                "the store was changed by hand",
            )
        })
    }

    /// As a row.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn row(&self, source: &Source) -> Result<RecordBatch> {
        rows(source, std::slice::from_ref(self))
    }

    /// Its values by column.
    fn values(&self, source: &Source) -> Result<Map<String, Value>, String> {
        let text = |bytes: &[u8], what: &str| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(format!("{what} is not UTF-8")),
        };
        let field = source
            .stream
            .as_ref()
            .and_then(|stream| stream.field.as_ref());
        if let Some(field) = field {
            let value = self
                .fields
                .iter()
                .find(|(name, _)| name == field.as_bytes());
            let Some((_, value)) = value else {
                return Err(format!("it has no field `{field}`"));
            };
            return serde_json::from_str(&text(value, &format!("its field `{field}`"))?)
                .map_err(|error| format!("its field `{field}` is no JSON object: {error}"));
        }
        let schema = source.schema();
        let mut values = Map::new();
        for (name, value) in &self.fields {
            let name = text(name, "the name of a field")?;
            let column = schema
                .field(&name)
                .ok_or_else(|| format!("the source has no column `{name}`"))?;
            let value = match column.data_type {
                DataType::Binary => Value::from(BASE64_STANDARD.encode(value)),
                _ => {
                    let text = text(value, &format!("`{name}`"))?;
                    read(column, &text).ok_or_else(|| {
                        format!("`{name}` is {}, and not `{text}`", column.data_type)
                    })?
                }
            };
            if values.insert(name.clone(), value).is_some() {
                return Err(format!("it has two fields `{name}`"));
            }
        }
        Ok(values)
    }
}

/// A value that was written as a text.
fn read(column: &Field, text: &str) -> Option<Value> {
    Some(match column.data_type {
        DataType::Boolean => match text {
            "true" | "True" | "1" => Value::from(true),
            "false" | "False" | "0" => Value::from(false),
            _ => return None,
        },
        DataType::Int32 | DataType::Int64 => Value::from(text.parse::<i64>().ok()?),
        DataType::Float32 | DataType::Float64 => match text.parse::<f64>().ok()? {
            value if value.is_nan() => Value::from("NaN"),
            value if value == f64::INFINITY => Value::from("Infinity"),
            value if value == f64::NEG_INFINITY => Value::from("-Infinity"),
            value => Value::from(value),
        },
        // Whole seconds since 1970, or a text as in JSON.
        DataType::Timestamp => match text.parse::<i64>() {
            Ok(seconds) => Value::from(seconds),
            Err(_) => Value::from(text),
        },
        _ => Value::from(text),
    })
}

/// Entries as rows; a column that an entry does not have is null there.
///
/// # Errors
/// What does not fit, of the first entry that does not.
pub(super) fn rows(source: &Source, entries: &[Entry]) -> Result<RecordBatch> {
    let schema = source.schema();
    let mut sent: Map<String, Value> = Map::new();
    for column in &source.columns {
        sent.insert(
            column.name.clone(),
            Value::Array(Vec::with_capacity(entries.len())),
        );
    }
    for entry in entries {
        let wrong = |problem: String| {
            Error::input(
                format!("entry {} of the stream: {problem}", entry.id),
                "an entry has the columns of the source as fields; one without a value is left out",
            )
        };
        let mut values = entry.values(source).map_err(&wrong)?;
        for (name, column) in &mut sent {
            if let Value::Array(column) = column {
                column.push(values.remove(name).unwrap_or(Value::Null));
            }
        }
        if let Some(unknown) = values.keys().next() {
            return Err(wrong(format!("the source has no column `{unknown}`")));
        }
    }
    let whose = match entries {
        [entry] => format!("entry {} of the stream", entry.id),
        _ => "the stream".to_owned(),
    };
    columns::rows(&schema, &sent, &whose)
}

/// The entries of an answer to `XREAD` of one stream; none if it is something else.
pub(super) fn of_answer(answer: Answer) -> Option<Vec<Entry>> {
    let array = |answer: Answer| match answer {
        Answer::Array(items) => Some(items),
        _ => None,
    };
    let bytes = |answer: Answer| match answer {
        Answer::BulkString(bytes) => Some(bytes),
        Answer::SimpleString(text) => Some(text.into_bytes()),
        Answer::Int(number) => Some(number.to_string().into_bytes()),
        _ => None,
    };
    if answer == Answer::Nil {
        return Some(Vec::new());
    }
    // One stream: its key, and its entries.
    let entries = array(
        array(array(answer)?.into_iter().next()?)?
            .into_iter()
            .nth(1)?,
    )?;
    let entry = |entry| {
        let mut parts = array(entry)?.into_iter();
        let id = String::from_utf8(bytes(parts.next()?)?).ok()?;
        let mut texts = array(parts.next()?)?.into_iter().map(bytes);
        let mut fields = Vec::new();
        while let Some(name) = texts.next() {
            fields.push((name?, texts.next()??));
        }
        Some(Entry { id, fields })
    };
    entries.into_iter().map(entry).collect()
}
