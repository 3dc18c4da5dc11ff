//! CSV with a header line. Types are declared, or inferred from all values. Blank lines are skipped,
//! as pandas and R do.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use trueline_table::{DataType, Field, Schema};

use super::column::{ColumnBuilder, Value};
use super::infer::Candidates;
use super::{Batches, DataFile};
use crate::spec::CsvOptions;
use crate::{Error, Result};

/// The columns of all files, in the order of the first one's header. Any of them may have nulls.
pub(super) fn schema(
    files: &[DataFile],
    options: &CsvOptions,
    types: &BTreeMap<String, DataType>,
) -> Result<Schema> {
    let mut names: Vec<String> = Vec::new();
    let mut candidates = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let mut reader = open(file, options)?;
        let header = header(file, &mut reader)?;
        if index == 0 {
            names = header.iter().map(str::to_owned).collect();
            candidates = vec![Candidates::new(); names.len()];
        }
        let positions = positions(file, &header, names.iter().map(String::as_str))?;
        if let Some(extra) = header
            .iter()
            .find(|name| !names.iter().any(|known| known == name))
        {
            let first = files[0].path().display();
            return Err(file.error(
                format!("has a column `{extra}`, which {first} does not have"),
                None,
            ));
        }
        if names.iter().all(|name| types.contains_key(name)) {
            continue;
        }
        let mut record = StringRecord::new();
        while read(file, &mut reader, &mut record)? {
            for (candidates, &position) in candidates.iter_mut().zip(&positions) {
                let text = record.get(position).unwrap_or_default();
                if !is_null(options, text) {
                    candidates.observe(text);
                }
            }
        }
    }
    let types = names
        .into_iter()
        .zip(&candidates)
        .map(|(name, candidates)| {
            let data_type = types
                .get(&name)
                .copied()
                .unwrap_or_else(|| candidates.data_type());
            match ColumnBuilder::new(data_type) {
                Some(_) => Ok(Field::new(name, data_type)),
                None => Err(files[0].error(
                    format!("column `{name}` cannot be {data_type}: CSV has no vectors"),
                    None,
                )),
            }
        });
    Ok(Schema::new(types.collect::<Result<Vec<_>>>()?))
}

/// The columns of `schema` out of one file.
pub(super) fn scan(
    file: &DataFile,
    options: &Arc<CsvOptions>,
    schema: &Schema,
    batch_rows: usize,
) -> Result<Batches> {
    let mut reader = open(file, options)?;
    let header = header(file, &mut reader)?;
    let positions = positions(file, &header, schema.names())?;
    let columns: Option<Vec<_>> = schema
        .fields
        .iter()
        .map(|field| ColumnBuilder::new(field.data_type))
        .collect();
    let columns = columns.ok_or_else(|| file.error("CSV has no vectors", None))?;
    let mut scan = Scan {
        file: file.clone(),
        options: options.clone(),
        reader,
        record: StringRecord::new(),
        columns: positions.into_iter().zip(columns).collect(),
        schema: schema.clone(),
        batch_rows,
    };
    Ok(Box::new(std::iter::from_fn(move || {
        scan.next_batch().transpose()
    })))
}

struct Scan {
    file: DataFile,
    options: Arc<CsvOptions>,
    reader: Reader<File>,
    record: StringRecord,
    /// Where in a record each wanted column is.
    columns: Vec<(usize, ColumnBuilder)>,
    schema: Schema,
    batch_rows: usize,
}

impl Scan {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut rows = 0;
        while rows < self.batch_rows && read(&self.file, &mut self.reader, &mut self.record)? {
            rows += 1;
            for (index, (position, column)) in self.columns.iter_mut().enumerate() {
                let text = self.record.get(*position).unwrap_or_default();
                let value = if is_null(&self.options, text) {
                    Value::Null
                } else {
                    Value::Text(text)
                };
                column.append(value).map_err(|problem| {
                    let field = &self.schema.fields[index];
                    let line = self.record.position().map_or(0, csv::Position::line);
                    let problem = format!("line {line}, column `{}`: `{text}` {problem}", field.name);
                    let hint = "correct the value, list it under `csv.null`, or declare the column utf8 in `types`";
                    self.file.error(problem, Some(hint))
                })?;
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self
            .columns
            .iter_mut()
            .map(|(_, column)| column.finish())
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options);
        batch
            .map(Some)
            .map_err(|error| self.file.error(error.to_string(), None))
    }
}

fn open(file: &DataFile, options: &CsvOptions) -> Result<Reader<File>> {
    let delimiter = u8::try_from(options.delimiter)
        .ok()
        .filter(u8::is_ascii)
        .ok_or_else(|| Error::Spec {
            dataset: file.dataset().to_owned(),
            key: "csv.delimiter".to_owned(),
            problem: format!("`{}` is not an ASCII character", options.delimiter),
            hint: None,
        })?;
    Ok(ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(file.open()?))
}

fn header(file: &DataFile, reader: &mut Reader<File>) -> Result<StringRecord> {
    let header = reader
        .headers()
        .map_err(|error| damaged(file, error))?
        .clone();
    if header.is_empty() {
        return Err(file.error("is empty; CSV needs a header line", None));
    }
    for (index, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(file.error(
                format!("column {} has no name in the header", index + 1),
                None,
            ));
        }
        if header.iter().position(|other| other == name) != Some(index) {
            return Err(file.error(format!("two columns are called `{name}`"), None));
        }
    }
    Ok(header)
}

fn positions<'a>(
    file: &DataFile,
    header: &StringRecord,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<usize>> {
    let position = |name: &str| {
        let found = header.iter().position(|other| other == name);
        found.ok_or_else(|| file.error(format!("column `{name}` is missing"), None))
    };
    names.map(position).collect()
}

fn read(file: &DataFile, reader: &mut Reader<File>, record: &mut StringRecord) -> Result<bool> {
    reader
        .read_record(record)
        .map_err(|error| damaged(file, error))
}

fn is_null(options: &CsvOptions, text: &str) -> bool {
    options.null.iter().any(|null| null == text)
}

fn damaged(file: &DataFile, error: csv::Error) -> Error {
    let line = |position: &Option<csv::Position>| position.as_ref().map_or(0, csv::Position::line);
    match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let problem = format!(
                "line {} has {len} values, the header has {expected_len}",
                line(pos)
            );
            let hint = "put values that contain the delimiter in quotes, or set `csv.delimiter`";
            file.error(problem, Some(hint))
        }
        ErrorKind::Utf8 { pos, .. } => file.error(
            format!("line {} is not UTF-8", line(pos)),
            Some("convert the file to UTF-8"),
        ),
        _ => file.error(format!("cannot be read: {error}"), None),
    }
}
