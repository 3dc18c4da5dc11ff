//! A store in a folder of its own, and tables in few words.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Float64Type;
use tempfile::TempDir;
use trueline_dataset::{Catalog, DatasetSpec, OneOrMany, ScanOptions};
use trueline_declaration::Diagnostics;
use trueline_runtime::{Backend, Plugins, Runtime};
use trueline_table::Schema;

use super::twin;
use crate::contract::Knowledge;
use crate::table_file::TableFile;
use crate::{
    Answer, Definitions, FeatureStore, HistoryRequest, Made, Result, Selection, Spine, Status,
    Tools, TrainingSet, check_with,
};

/// One hour in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;

pub(super) struct Project {
    folder: TempDir,
    pub(super) store: FeatureStore,
}

/// A value with its status.
pub(super) type Cell = (Option<f64>, Status);

impl Project {
    /// A store with these definitions in force.
    pub(super) fn new(definitions: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = twin::open(&folder.path().join("home"));
        let project = Self {
            folder,
            store: store.with_runtime(runtime()),
        };
        project.apply(definitions).unwrap();
        project
    }

    pub(super) fn apply(&self, definitions: &str) -> Result<i64> {
        let file = self.path("features.toml");
        std::fs::write(&file, definitions).unwrap();
        let definitions = check_file(&file).map_err(crate::Error::from)?;
        self.store.apply(&definitions, self.folder.path(), 0)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another process's view of the same store.
    pub(super) fn reopen(&self) -> FeatureStore {
        twin::open(&self.path("home")).with_runtime(runtime())
    }

    pub(super) fn write(&self, name: &str, rows: &RecordBatch) {
        let schema = Schema::from_arrow(&rows.schema()).unwrap();
        let mut file = TableFile::create(&self.path(name), &schema).unwrap();
        file.write(rows).unwrap();
        file.finish().unwrap();
    }

    pub(super) fn request(&self, selection: Selection) -> HistoryRequest {
        HistoryRequest {
            selection,
            spine: Spine::File(self.path("spine.parquet")),
            time: None,
            full_names: false,
            knowledge: Knowledge::AsOf,
            until_sequence: None,
        }
    }

    pub(super) fn try_history(&self, request: &HistoryRequest) -> Result<(Made, RecordBatch)> {
        let output = self.path("training.parquet");
        let made = self.store.history(request, &output, 0)?;
        Ok((made, read(&output)))
    }

    /// A spine with the features of a view.
    pub(super) fn history(&self, view: &str, spine: &RecordBatch) -> (TrainingSet, RecordBatch) {
        self.write("spine.parquet", spine);
        let request = self.request(Selection::Features(vec![view.to_owned()]));
        let (made, rows) = self.try_history(&request).unwrap();
        (made.manifest, rows)
    }

    pub(super) fn get(&self, view: &str, entities: &RecordBatch, now_us: i64) -> Answer {
        let selection = Selection::Features(vec![view.to_owned()]);
        self.store
            .get_features(&selection, entities, now_us)
            .unwrap()
    }

    /// The first feature of a view.
    pub(super) fn online(&self, view: &str, entities: &RecordBatch, now_us: i64) -> Vec<Cell> {
        let answer = self.get(view, entities, now_us);
        let values = floats(answer.rows.column(0));
        let status = (0..values.len()).map(|row| answer.status(0, row));
        values.clone().into_iter().zip(status).collect()
    }
}

/// A feature file, whose views may use the standard stages.
pub(super) fn check_file(file: &Path) -> Result<Definitions, Diagnostics> {
    let tools = Tools {
        plugins: &Standard,
        runtime: &|| Ok(runtime().clone()),
    };
    check_with(file, &tools)
}

struct Standard;

impl Plugins for Standard {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        trueline_stages::find(name).map(|stage| Cow::Borrowed(stage.bytes()))
    }

    fn names(&self) -> Vec<String> {
        let stages = trueline_stages::standard().iter();
        stages.map(|stage| stage.name.to_owned()).collect()
    }
}

/// One for all tests, which finds what earlier ones compiled.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let code = Path::new("../../target/tests/code");
        Runtime::new(Backend::default(), Some(code.to_owned())).unwrap()
    })
}

pub(super) fn read(path: &std::path::Path) -> RecordBatch {
    let spec = DatasetSpec::of_files(OneOrMany::One(path.to_string_lossy().into_owned()));
    let dataset = Catalog::new("", [("rows".to_owned(), spec)].into())
        .open("rows")
        .unwrap();
    let batches: Vec<RecordBatch> = dataset
        .scan(&ScanOptions::default())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    arrow::compute::concat_batches(&dataset.schema().to_arrow(), &batches).unwrap()
}

pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

pub(super) fn times(values: impl IntoIterator<Item = impl Into<Option<i64>>>) -> ArrayRef {
    let values = values.into_iter().map(Into::into);
    let values: TimestampMicrosecondArray = values.collect();
    Arc::new(values.with_timezone("UTC"))
}

pub(super) fn ints(values: impl IntoIterator<Item = impl Into<Option<i64>>>) -> ArrayRef {
    Arc::new(values.into_iter().map(Into::into).collect::<Int64Array>())
}

pub(super) fn numbers(values: impl IntoIterator<Item = impl Into<Option<f64>>>) -> ArrayRef {
    Arc::new(values.into_iter().map(Into::into).collect::<Float64Array>())
}

pub(super) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn floats(column: &ArrayRef) -> Vec<Option<f64>> {
    column.as_primitive::<Float64Type>().iter().collect()
}

/// The column of that name.
pub(super) fn column(rows: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    floats(rows.column_by_name(name).unwrap())
}
