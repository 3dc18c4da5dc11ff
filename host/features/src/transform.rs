//! Computing features: the components of views and sources, in the sandbox. Batches of history, rows on their way online
//! and requests go through the same baked components, each call on fresh instances, so one row in is the same
//! row out wherever it is computed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use tempfile::NamedTempFile;
use trueline_runtime::{Backend, Limits, Loaded, Manifest, Package, Runtime};
use trueline_table::{Digest, Field, Schema};

use crate::definition::{Parts, Source, View};
use crate::expectations::Expectations;
use crate::{Error, Result};

/// What one call may take: ample for 65,536 rows, and an end to what would hold up a server.
pub(crate) const LIMITS: Limits = Limits {
    memory_bytes: 512 << 20,
    time: Duration::from_secs(60),
    cpu_time: None,
    output_bytes: 256 << 20,
};

/// The components that views are computed by: their bytes in a folder, by digest, and baked once they are
/// used.
pub(crate) struct Transforms {
    folder: PathBuf,
    /// Where compiled code is kept.
    code: PathBuf,
    runtime: OnceLock<Runtime>,
    loaded: Mutex<BTreeMap<Digest, Arc<Loaded>>>,
    /// By the digest of the source's columns and of what is expected of them.
    expectations: Mutex<BTreeMap<Digest, Arc<Expectations>>>,
}

impl Transforms {
    /// Those of a home.
    pub(crate) fn open(home: &Path) -> Self {
        Self {
            folder: home.join("features").join("parts"),
            code: home.join("code"),
            runtime: OnceLock::new(),
            loaded: Mutex::default(),
            expectations: Mutex::default(),
        }
    }

    /// Uses a runtime that there is already.
    pub(crate) fn use_runtime(&self, runtime: &Runtime) {
        // The first one is as good as any other.
        let _ = self.runtime.set(runtime.clone());
    }

    /// Keeps the bytes that definitions name.
    pub(crate) fn keep(&self, parts: &Parts) -> Result<()> {
        for (digest, bytes) in &parts.0 {
            let path = self.folder.join(digest.hex());
            if path.is_file() {
                continue;
            }
            fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder))?;
            let mut file = NamedTempFile::new_in(&self.folder).map_err(Error::io(&path))?;
            file.write_all(bytes).map_err(Error::io(&path))?;
            file.as_file().sync_all().map_err(Error::io(&path))?;
            let kept = file.persist(&path);
            kept.map_err(|error| Error::io(&path)(error.error))?;
        }
        Ok(())
    }

    /// What a manifest stands for, ready to be called.
    pub(crate) fn load(&self, manifest: &Manifest, view: &str) -> Result<Arc<Loaded>> {
        let failed = |source| Error::Transform {
            view: view.to_owned(),
            source,
        };
        let digest = Digest::of(manifest.to_json().map_err(failed)?.as_bytes());
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = loaded.get(&digest) {
            return Ok(known.clone());
        }
        let package = Package::new(manifest.clone(), |part| self.part(part));
        let ready = package.and_then(|package| package.load(self.runtime()?));
        let ready = Arc::new(ready.map_err(failed)?.limited(&LIMITS));
        loaded.insert(digest, ready.clone());
        Ok(ready)
    }

    /// What is expected of rows of a source, if anything is.
    pub(crate) fn expectations(&self, source: &Source) -> Result<Option<Arc<Expectations>>> {
        let Some(expected) = &source.expect else {
            return Ok(None);
        };
        let text = serde_json::to_vec(&(expected, &source.columns)).unwrap_or_default();
        let digest = Digest::of(&text);
        let known = || {
            self.expectations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(known) = known().get(&digest) {
            return Ok(Some(known.clone()));
        }
        let stage = self.part(expected.component);
        let stage = stage.and_then(|bytes| self.runtime()?.admit(&bytes));
        let ready = Expectations::new(source, expected, stage)?;
        let ready = Arc::new(ready);
        known().insert(digest, ready.clone());
        Ok(Some(ready))
    }

    fn part(&self, digest: Digest) -> trueline_runtime::Result<Vec<u8>> {
        let path = self.folder.join(digest.hex());
        fs::read(&path).map_err(|source| trueline_runtime::Error::Io {
            path: path.display().to_string(),
            source,
        })
    }

    fn runtime(&self) -> trueline_runtime::Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Runtime::new(Backend::default(), Some(self.code.clone()))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }
}

/// How the features of a view come of the rows of its source.
pub(crate) struct Reading {
    view: String,
    /// The columns of the source that are read: what the features are or are computed of, and the join keys.
    pub(crate) columns: Schema,
    transform: Option<Arc<Loaded>>,
    /// The column of each feature.
    taken: Vec<String>,
    features: Schema,
}

impl Reading {
    /// All features of a view, or those that are wanted, in their order.
    ///
    /// # Errors
    /// If the view has no such feature, or its transform cannot be loaded.
    pub(crate) fn new(
        view: &View,
        wanted: Option<&[String]>,
        transforms: &Transforms,
    ) -> Result<Self> {
        let transform = match &view.transform {
            Some(manifest) => Some(transforms.load(manifest, &view.name)?),
            None => None,
        };
        let all = || {
            view.features
                .iter()
                .map(|feature| feature.name.clone())
                .collect()
        };
        let mut reading = Self {
            view: view.name.clone(),
            columns: Schema::default(),
            transform,
            taken: Vec::new(),
            features: Schema::default(),
        };
        let computed = reading.transform.clone();
        let computed = computed.as_ref().map(|transform| transform.output());
        for name in wanted.map_or_else(all, <[String]>::to_vec) {
            let feature = view.features.iter().find(|feature| feature.name == name);
            let feature = feature.ok_or_else(|| Error::Unknown {
                kind: "feature",
                name: format!("{}:{name}", view.name),
                hint: "list what is defined with `trueline features list`".to_owned(),
            })?;
            reading.taken.push(feature.column.clone());
            reading
                .features
                .fields
                .push(Field::new(name, feature.data_type));
            if computed.is_none_or(|computed| computed.field(&feature.column).is_none()) {
                reading.read(&feature.column, feature.data_type);
            }
        }
        if let Some(transform) = reading.transform.clone() {
            for field in &transform.input().fields {
                reading.read(&field.name, field.data_type);
            }
        }
        for key in &view.keys {
            reading.read(&key.column, key.data_type);
        }
        Ok(reading)
    }

    /// The columns of the features.
    pub(crate) fn schema(&self) -> &Schema {
        &self.features
    }

    fn read(&mut self, column: &str, data_type: trueline_table::DataType) {
        if self.columns.field(column).is_none() {
            self.columns.fields.push(Field::new(column, data_type));
        }
    }

    /// The features of rows of the source that have its columns; one row each.
    ///
    /// # Errors
    /// If the transform fails.
    pub(crate) fn features(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let computed = match &self.transform {
            Some(transform) => Some(predict(transform, rows, &self.view)?),
            None => None,
        };
        let column = |name: &String| {
            let computed = computed
                .as_ref()
                .and_then(|computed| computed.column_by_name(name));
            computed.or_else(|| rows.column_by_name(name)).cloned()
        };
        let columns: Vec<ArrayRef> = self.taken.iter().filter_map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.features.to_arrow(),
            columns,
            &options,
        )?)
    }
}

/// What a transform answers for some rows.
pub(crate) fn predict(transform: &Loaded, rows: &RecordBatch, view: &str) -> Result<RecordBatch> {
    transform.predict(rows).map_err(|source| Error::Transform {
        view: view.to_owned(),
        source,
    })
}
