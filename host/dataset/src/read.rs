//! From files to batches of the contract's types, whatever the format.

mod arrow_ipc;
mod column;
mod csv;
mod files;
mod infer;
mod ndjson;
mod parquet;
mod typed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use trueline_table::Schema;

pub(crate) use self::files::DataFile;
use self::files::{find_files, format_of};
use self::typed::common_schema;
use crate::spec::{CsvOptions, DatasetSpec, Format};
use crate::suggest::{did_you_mean, list_some};
use crate::{Error, Result};

/// A stream of batches from one file.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// The files of a dataset and what their columns are.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    files: Arc<[DataFile]>,
    format: Format,
    csv: Arc<CsvOptions>,
    schema: Schema,
    /// Columns that are dropped and of types that could not be read anyway.
    unread: Vec<String>,
    /// The dataset whose rows have yet to be made, if they have: nothing can be read then.
    planned: Option<Arc<str>>,
}

/// Rows that are wanted of a source: `from` ≤ time < `until`. Only a hint, by which whole stretches
/// of a file may be skipped; others may come along.
#[derive(Clone, Debug)]
pub(crate) struct TimeRange {
    pub(crate) column: String,
    /// Microseconds since the epoch.
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
}

impl Source {
    /// Finds the files and their common schema. CSV and NDJSON files are read once for it, in constant
    /// memory: a type that was guessed from some rows could be wrong for the next.
    pub(crate) fn open(dataset: &str, spec: &DatasetSpec, base_dir: &Path) -> Result<Self> {
        let files = find_files(dataset, spec, base_dir)?;
        let format = match spec.format {
            Some(format) => format,
            None => format_of(dataset, &files)?,
        };
        let (schema, unread) = match format {
            Format::Csv => (csv::schema(&files, &spec.csv, &spec.types)?, Vec::new()),
            Format::Ndjson => ndjson::schema(&files, spec)?,
            Format::Parquet => common_schema(&files, spec, parquet::schema)?,
            Format::Arrow => common_schema(&files, spec, arrow_ipc::schema)?,
        };
        let source = Self {
            files: files.into(),
            format,
            csv: Arc::new(spec.csv.clone()),
            schema,
            unread,
            planned: None,
        };
        if let Some(unknown) = spec
            .types
            .keys()
            .find(|name| source.schema.field(name).is_none())
        {
            return Err(unknown_column(dataset, "types", unknown, &source.schema));
        }
        Ok(source)
    }

    /// The columns of rows of features that have yet to be made.
    pub(crate) fn planned(
        dataset: &str,
        spec: &DatasetSpec,
        columns: Option<&Schema>,
    ) -> Result<Self> {
        let wrong = |key: &str, problem: &str, hint: &str| Error::Spec {
            dataset: dataset.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
            hint: Some(hint.to_owned()),
        };
        let of_files = [
            ("path", !spec.path.as_slice().is_empty()),
            ("format", spec.format.is_some()),
            ("csv", spec.csv != CsvOptions::default()),
            ("types", !spec.types.is_empty()),
        ];
        if let Some((key, _)) = of_files.iter().find(|(_, is_set)| *is_set) {
            let problem = format!("`{key}` is for files, and the rows are those of `features`");
            let hint = "take one of the two out, or name the files in a dataset that is the spine";
            return Err(wrong(key, &problem, hint));
        }
        let Some(columns) = columns else {
            let problem = "features are read by pipelines only";
            return Err(wrong("features", problem, "name files with `path`"));
        };
        Ok(Self {
            files: Arc::new([]),
            format: Format::Parquet,
            csv: Arc::default(),
            schema: columns.clone(),
            unread: Vec::new(),
            planned: Some(dataset.into()),
        })
    }

    pub(crate) fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// The same source, the bytes of its files read from copies where there are some.
    pub(crate) fn with_copies(&self, copies: &BTreeMap<PathBuf, PathBuf>) -> Self {
        Self {
            files: self
                .files
                .iter()
                .map(|file| file.with_copies(copies))
                .collect(),
            ..self.clone()
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rows of all files, in order, with these columns, in batches of at most `batch_rows`.
    ///
    /// # Errors
    /// Each item may be one; the stream has no use after it.
    pub(crate) fn scan(
        &self,
        schema: &Schema,
        batch_rows: usize,
        range: Option<TimeRange>,
    ) -> Batches {
        if let Some(dataset) = &self.planned {
            return Box::new(std::iter::once(Err(Error::Data {
                dataset: dataset.to_string(),
                problem: "its rows are made of features when a run begins".to_owned(),
                hint: Some("`trueline run PIPELINE` makes them".to_owned()),
            })));
        }
        let (format, csv, schema) = (self.format, self.csv.clone(), schema.clone());
        let files: Vec<DataFile> = self.files.to_vec();
        Box::new(files.into_iter().flat_map(move |file| {
            let opened = match format {
                Format::Csv => csv::scan(&file, &csv, &schema, batch_rows),
                Format::Ndjson => ndjson::scan(&file, &schema, batch_rows),
                Format::Parquet => parquet::scan(&file, &schema, batch_rows, range.as_ref()),
                Format::Arrow => arrow_ipc::scan(&file, &schema, batch_rows),
            };
            opened.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
        }))
    }

    /// Whether the files have a column of this name, read or not.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.schema.field(name).is_some() || self.unread.iter().any(|unread| unread == name)
    }
}

/// The error for a name in `key` of the declaration that is no column.
pub(crate) fn unknown_column(dataset: &str, key: &str, name: &str, schema: &Schema) -> Error {
    let hint = did_you_mean(name, schema.names())
        .unwrap_or_else(|| format!("the columns are {}", list_some(schema.names())));
    Error::Spec {
        dataset: dataset.to_owned(),
        key: key.to_owned(),
        problem: format!("there is no column `{name}`"),
        hint: Some(hint),
    }
}
