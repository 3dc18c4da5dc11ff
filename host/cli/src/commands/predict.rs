//! `trueline predict PACKAGE --input FILE`

use std::collections::BTreeMap;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arrow::array::RecordBatch;
use clap::Args;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Catalog, Dataset, DatasetSpec, ScanOptions};
use trueline_runtime::Loaded;
use trueline_table::Schema;

use self::rows::{Format, RowWriter};
use super::reference;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::new_file::NewFile;
use crate::output::Stdout;

mod rows;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A name, `name@version`, digest, or `.trueline` file
    package: String,
    /// The rows: CSV, NDJSON, Parquet or Arrow; a pattern such as `data/*.parquet` takes several files
    #[arg(long, short, value_name = "FILE")]
    input: PathBuf,
    /// Where the answers go [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the answers are written as [default: what the output's name says, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Columns of the input to put before the answers, such as a key
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    keep: Vec<String>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let format = format(arguments, context)?;
    let package = reference::find(&arguments.package, context)?.package;
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let model = package.load(&runtime)?;
    let input = open(&arguments.input, model.input())?;
    let columns = columns(&input, &model, arguments)?;
    let scan = ScanOptions {
        columns: Some(columns),
        ..ScanOptions::default()
    };
    let batches = input.scan(&scan).map_err(Problem::new)?;
    let answers =
        batches.map(|batch| answer(&model, &batch.map_err(Problem::new)?, &arguments.keep));
    let schema = input.schema().select(&arguments.keep)?;
    let fields = schema
        .fields
        .into_iter()
        .chain(model.output().fields.clone());
    let schema = Schema::new(fields).to_arrow();
    match &arguments.output {
        None => write(
            RowWriter::new(format, BufWriter::new(Stdout::new()), schema)?,
            answers,
        )?,
        Some(path) => {
            let file = BufWriter::new(NewFile::create(path)?);
            let written = write(RowWriter::new(format, file, schema)?, answers)?;
            written
                .into_inner()
                .map_err(|error| error.into_error())?
                .finish()?;
            return Ok(Exit::Done);
        }
    };
    Ok(Exit::Done)
}

/// Writes all answers, and gives the writer back when everything has gone through it.
fn write<W: Write + Send>(
    mut rows: RowWriter<W>,
    answers: impl Iterator<Item = anyhow::Result<RecordBatch>>,
) -> anyhow::Result<W> {
    for answer in answers {
        rows.write(&answer?)?;
    }
    let mut written = rows.finish()?;
    written.flush().context("the answers cannot be written")?;
    Ok(written)
}

/// The format that was asked for, or that the output's name says.
fn format(arguments: &Arguments, context: &Context) -> anyhow::Result<Format> {
    let by_name = || Format::of_extension(arguments.output.as_ref()?.extension()?.to_str()?);
    let by_flag = context.json.then_some(Format::Json);
    let format = arguments
        .format
        .or(by_flag)
        .or_else(by_name)
        .unwrap_or(Format::Csv);
    if format == Format::Parquet && arguments.output.is_none() && std::io::stdout().is_terminal() {
        let problem = Problem::new("Parquet is nothing to look at in a terminal");
        return Err(problem.hint("name a file with --output").into());
    }
    Ok(format)
}

/// Opens the rows with the types that the package reads, so that texts are read as what they are for.
fn open(path: &Path, wanted: &Schema) -> anyhow::Result<Dataset> {
    let mut spec = DatasetSpec::of_files(path.to_string_lossy().as_ref());
    let found = open_spec(&spec)?;
    for field in &wanted.fields {
        if found
            .schema()
            .field(&field.name)
            .is_some_and(|found| found.data_type != field.data_type)
        {
            spec.types.insert(field.name.clone(), field.data_type);
        }
    }
    if spec.types.is_empty() {
        Ok(found)
    } else {
        Ok(open_spec(&spec)?)
    }
}

/// A dataset of files alone. Its hints are about keys of a pipeline file, which there is none of here.
fn open_spec(spec: &DatasetSpec) -> Result<Dataset, Problem> {
    const NAME: &str = "input";
    let catalog = Catalog::new("", BTreeMap::from([(NAME.to_owned(), spec.clone())]));
    catalog.open(NAME).map_err(Problem::new)
}

/// The columns to read: those that the package reads, and those to keep.
fn columns(input: &Dataset, model: &Loaded, arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let have = || input.schema().names();
    let missing = |column: &str, why: String| {
        let hint = did_you_mean(column, have())
            .unwrap_or_else(|| format!("its columns are {}", list_some(have())));
        Problem::new(format!(
            "{} has no column `{column}`{why}",
            arguments.input.display()
        ))
        .hint(hint)
    };
    for field in &model.input().fields {
        if input.schema().field(&field.name).is_none() {
            let why = format!(", which the package reads as {}", field.data_type);
            return Err(missing(&field.name, why).into());
        }
    }
    for column in &arguments.keep {
        if input.schema().field(column).is_none() {
            return Err(missing(column, String::new()).into());
        }
        if model.output().field(column).is_some() {
            let problem = Problem::new(format!(
                "`{column}` is a column of the input and of the answers"
            ));
            return Err(problem.hint("take it out of --keep").into());
        }
    }
    let kept = arguments.keep.iter().map(String::as_str);
    let mut columns: Vec<String> = Vec::new();
    for column in model.input().names().chain(kept) {
        if !columns.iter().any(|known| known == column) {
            columns.push(column.to_owned());
        }
    }
    Ok(columns)
}

/// The kept columns of some rows, and the package's answers beside them.
fn answer(model: &Loaded, rows: &RecordBatch, keep: &[String]) -> anyhow::Result<RecordBatch> {
    let answers = model.predict(rows)?;
    let kept = keep
        .iter()
        .filter_map(|name| rows.column_by_name(name))
        .cloned();
    let columns = kept.chain(answers.columns().iter().cloned()).collect();
    let kept = keep
        .iter()
        .filter_map(|name| rows.schema_ref().field_with_name(name).ok())
        .cloned();
    let fields: Vec<_> = kept
        .chain(
            answers
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.as_ref().clone()),
        )
        .collect();
    Ok(RecordBatch::try_new(
        arrow::datatypes::Schema::new(fields).into(),
        columns,
    )?)
}
