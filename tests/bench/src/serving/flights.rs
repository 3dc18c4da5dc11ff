//! The package of the flights, made by its own pipeline, and rows to ask it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use trueline_dataset::Part;
use trueline_runtime::table::Schema;
use trueline_runtime::table::arrow::array::{AsArray, RecordBatch};
use trueline_runtime::table::arrow::compute::concat_batches;
use trueline_runtime::table::arrow::datatypes::Float32Type;
use trueline_runtime::{Backend, Package, Runtime};

use crate::memory::{example, trueline};
use crate::pipeline::Example;

/// Rows of the test split, evenly spread.
const ROWS: usize = 2_000;

pub(super) struct Flights {
    folder: TempDir,
    /// What a request holds, in the order of the package.
    pub(super) rows: RecordBatch,
    pub(super) input: Schema,
    /// What the batch answered.
    pub(super) expected: Vec<f32>,
}

impl Flights {
    pub(super) fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        example(folder.path())?;
        run(folder.path(), &["run", "pipeline.toml"])?;
        run(
            folder.path(),
            &["package", "export", "flight-delays", "it.trueline"],
        )?;
        let package = Package::open(&folder.path().join("it.trueline"))?;
        let input = package.manifest().input.clone();
        let rows = test_rows(&input)?;
        let code = folder.path().join(".trueline/code");
        let model = package.load(&Runtime::new(Backend::default(), Some(code))?)?;
        let expected = prediction(&model.predict(&rows)?)?;
        Ok(Self {
            folder,
            rows,
            input,
            expected,
        })
    }

    /// Where the package and the home are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder().join(".trueline")
    }

    pub(super) fn package(&self) -> PathBuf {
        self.folder().join("it.trueline")
    }

    /// The model, as XGBoost's JSON.
    pub(super) fn model(&self) -> Result<Vec<u8>> {
        let package = Package::open(&self.package())?;
        let link = package.manifest().chain.last();
        let link = link.context("the package has no links")?;
        Ok(package.part(link.state)?.to_vec())
    }

    /// How many trees the model has.
    pub(super) fn trees(&self) -> Result<usize> {
        let model: serde_json::Value = serde_json::from_slice(&self.model()?)?;
        let trees = &model["learner"]["gradient_booster"]["model"]["trees"];
        Ok(trees.as_array().context("the model has no trees")?.len())
    }
}

/// The one column of the package's answers.
pub(super) fn prediction(answers: &RecordBatch) -> Result<Vec<f32>> {
    let column = answers.column_by_name("prediction");
    let column = column.and_then(|column| column.as_primitive_opt::<Float32Type>());
    Ok(column.context("no float32 predictions")?.values().to_vec())
}

fn test_rows(input: &Schema) -> Result<RecordBatch> {
    let batches = Example::read()?.rows("flights", Some(Part::Test))?;
    let first = batches.first().context("the test split is empty")?;
    let rows = concat_batches(&first.schema(), &batches)?;
    let places = input.names().map(|name| rows.schema().index_of(name));
    let rows = rows.project(&places.collect::<Result<Vec<_>, _>>()?)?;
    let step = rows.num_rows() / ROWS;
    let chosen: Vec<_> = (0..ROWS).map(|row| rows.slice(row * step, 1)).collect();
    Ok(concat_batches(&rows.schema(), &chosen)?)
}

fn run(folder: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new(trueline()?)
        .args(arguments)
        .current_dir(folder)
        .env_remove("TRUELINE_HOME")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`trueline {}` failed: {said}",
        arguments.join(" ")
    );
    fs::metadata(folder.join(".trueline")).context("the run left no home")?;
    Ok(())
}
