//! A dataset as a run read it: schema, first rows, files; and its profile, which takes a moment.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use serde_json::Value;
use trueline_dataset::{Dataset, ScanOptions};
use trueline_store::{Run, RunId};
use trueline_table::Digest;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

/// Rows that are shown.
const FIRST_ROWS: usize = 20;
/// Characters of a value that are shown.
const VALUE_CHARS: usize = 60;

/// A dataset of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DatasetDetails {
    pub(crate) run: String,
    pub(crate) pipeline: String,
    pub(crate) name: String,
    /// Of the files' content, whatever their format.
    pub(crate) table_digest: String,
    /// In the files; a condition may leave some out.
    pub(crate) rows: u64,
    pub(crate) files: Vec<FileRow>,
    /// The columns as stages get them: joined, computed, chosen. Empty if the files are not there any more.
    pub(crate) schema: Vec<ColumnRow>,
    /// The first rows as stages get them; a value is null where it is.
    pub(crate) first_rows: Vec<Vec<Option<String>>>,
    /// Why there are no rows to show.
    pub(crate) problem: Option<String>,
    /// Other runs that read the same content, the newest first.
    pub(crate) readers: Vec<Reader>,
}

/// A file of a dataset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FileRow {
    /// Where it was when the run began.
    pub(crate) path: String,
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
}

/// A column.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ColumnRow {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    pub(crate) nullable: bool,
    /// `feature`, `label`, `weight`, `key`, `event-time`, `group` or `prediction`.
    pub(crate) role: String,
}

/// A run that read a dataset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Reader {
    pub(crate) run: String,
    /// What the dataset was called there.
    pub(crate) name: String,
}

/// What is said of every column.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    pub(crate) run: String,
    pub(crate) name: String,
    /// The columns as stages get them.
    pub(crate) schema: Vec<ColumnRow>,
    /// The report of the standard stage `profile`.
    #[schema(value_type = Object)]
    pub(crate) report: Value,
    /// One in so many batches of rows was looked at: 1 unless there are millions.
    pub(crate) stride: usize,
}

impl ColumnRow {
    pub(crate) fn of(field: &trueline_table::Field) -> Self {
        Self {
            name: field.name.clone(),
            data_type: field.data_type.to_string(),
            nullable: field.nullable,
            role: field.role.to_string(),
        }
    }
}

/// A dataset of a run, by its name.
pub(crate) fn dataset(app: &App, reference: &str, name: &str) -> Result<DatasetDetails, Problem> {
    let (run, pinned) = find(app, reference, name)?;
    let opened = trueline_engine::recorded_dataset(app.store(), &run, name).map_err(Problem::from);
    let shown = opened.and_then(|dataset| Ok((first_rows(&dataset)?, dataset)));
    let (first_rows, schema, problem) = match shown {
        Ok((rows, dataset)) => {
            let columns = dataset.schema().fields.iter().map(ColumnRow::of);
            (rows, columns.collect(), None)
        }
        Err(problem) => (Vec::new(), Vec::new(), Some(problem.detail)),
    };
    let readers = app
        .store()
        .readers_of(&pinned.table_digest, 20)?
        .into_iter();
    Ok(DatasetDetails {
        name: name.to_owned(),
        table_digest: pinned.table_digest.to_string(),
        rows: pinned.rows,
        files: pinned
            .files
            .into_iter()
            .map(|file| FileRow {
                path: file.path,
                digest: file.digest.to_string(),
                size_bytes: file.size_bytes,
            })
            .collect(),
        schema,
        first_rows,
        problem,
        readers: readers
            .filter(|(reader, _)| *reader != run.summary.id)
            .map(|(run, name)| Reader {
                run: run.to_string(),
                name,
            })
            .collect(),
        run: run.summary.id.to_string(),
        pipeline: run.summary.pipeline,
    })
}

/// The profile of a dataset of a run, as stages get it. The first time, all of it is read.
pub(crate) fn profile(app: &App, reference: &str, name: &str) -> Result<Profile, Problem> {
    let (run, pinned) = find(app, reference, name)?;
    let stride = crate::profiles::stride(pinned.rows);
    // The rows depend on the declaration and on the tables of all datasets, which one may join.
    let tables = app.store().datasets(&run.summary.id)?;
    let tables = tables
        .iter()
        .map(|dataset| format!("{}={}", dataset.name, dataset.table_digest));
    let tables: Vec<_> = tables.collect();
    let key = format!(
        "{name}\n{}\n{}\n{}",
        run.pipeline_digest,
        run.params["set"],
        tables.join("\n")
    );
    let dataset = trueline_engine::recorded_dataset(app.store(), &run, name)?;
    let report = app
        .shared
        .profiles
        .of(app, Digest::of(key.as_bytes()), &dataset, stride)?;
    let schema = dataset.schema().fields.iter().map(ColumnRow::of);
    Ok(Profile {
        run: run.summary.id.to_string(),
        name: name.to_owned(),
        schema: schema.collect(),
        report,
        stride,
    })
}

fn find(app: &App, reference: &str, name: &str) -> Result<(Run, trueline_store::Dataset), Problem> {
    let run = app.store().run(reference)?;
    let datasets = app.store().datasets(&run.summary.id)?;
    match datasets.iter().position(|dataset| dataset.name == name) {
        Some(position) => Ok((
            run,
            datasets
                .into_iter()
                .nth(position)
                .ok_or_else(|| missing(name))?,
        )),
        None => {
            let id: &RunId = &run.summary.id;
            let names = datasets.iter().map(|dataset| dataset.name.as_str());
            Err(Problem::unknown("dataset", name, id.as_str(), names))
        }
    }
}

fn missing(name: &str) -> Problem {
    Problem::not_found(format!("there is no dataset `{name}`"))
}

fn first_rows(dataset: &Dataset) -> Result<Vec<Vec<Option<String>>>, Problem> {
    let options = ScanOptions {
        batch_rows: FIRST_ROWS,
        ..ScanOptions::default()
    };
    let mut rows = Vec::new();
    for batch in dataset.scan(&options).map_err(Problem::failed)? {
        let batch = batch.map_err(Problem::failed)?;
        rows.extend(cells(
            &batch.slice(0, batch.num_rows().min(FIRST_ROWS - rows.len())),
        )?);
        if rows.len() == FIRST_ROWS {
            break;
        }
    }
    Ok(rows)
}

/// The values of a batch as people read them, row by row.
pub(crate) fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, Problem> {
    let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%d %H:%M:%S"));
    let columns: Vec<ArrayRef> = batch.columns().iter().map(without_zone).collect();
    let columns = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::failed)?;
    let row = |row: usize| {
        let cell = |(index, column): (usize, &ArrayFormatter<'_>)| {
            let is_null = batch.column(index).is_null(row);
            (!is_null).then(|| shortened(&column.value(row).to_string()))
        };
        columns.iter().enumerate().map(cell).collect()
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

/// Times are UTC, and are written without saying so in every cell.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(times) => Arc::new(times.clone().with_timezone_opt(None::<&str>)),
        None => column.clone(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
