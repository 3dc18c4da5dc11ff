//! `trueline serve --features HOME`: what identifies an entity becomes the columns that the package reads.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use trueline_features::{Error, FeatureStore, Selection};
use trueline_runtime::{Manifest, Runtime};
use trueline_serving::{Extract, Features, Unread};
use trueline_table::{AnySchema as _, Schema, TableSchema};

use crate::commands::cache::now_us;
use crate::errors::Problem;
use crate::home;

/// The feature store of a home.
pub(super) struct Store(Arc<FeatureStore>);

impl Store {
    /// Opens the feature store of a home, or of the home in a folder.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn open(folder: &Path, runtime: &Runtime) -> anyhow::Result<Self> {
        let homes = [folder.to_owned(), folder.join(home::FOLDER)];
        let Some(home) = homes.iter().find(|home| home.join("features").is_dir()) else {
            let problem =
                Problem::new(format!("there is no feature store in {}", folder.display()));
            let hint =
                "name the home of the pipeline that the package is from, or of its feature file";
            return Err(problem.hint(hint).into());
        };
        let store = FeatureStore::open(home)?.with_runtime(runtime);
        Ok(Self(Arc::new(store)))
    }
}

/// The service of one package.
struct Service {
    store: Arc<FeatureStore>,
    selection: Selection,
    full_names: bool,
    request: TableSchema,
    /// What the package reads.
    input: TableSchema,
    /// What of that the service brings.
    brought: Vec<String>,
}

impl Features for Store {
    fn of_package(&self, manifest: &Manifest) -> Result<Option<Arc<dyn Extract>>, String> {
        let Some(features) = &manifest.features else {
            return Ok(None);
        };
        let selection =
            Selection::Service(format!("{}@{}", features.service, features.version.hex()));
        let said = |error: Error| match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        };
        let keys = self.0.request_columns(&selection).map_err(said)?;
        let is_brought = |name: &str| features.columns.iter().any(|column| column == name);
        let own = manifest.input.fields.iter();
        let mut request = Schema::new(own.filter(|field| !is_brought(&field.name)).cloned());
        for key in keys.fields {
            if request.field(&key.name).is_none() {
                request.fields.push(key);
            }
        }
        Ok(Some(Arc::new(Service {
            store: self.0.clone(),
            selection,
            full_names: features.full_names,
            request: request.into(),
            input: manifest.input.clone().into(),
            brought: features.columns.clone(),
        })))
    }
}

impl Extract for Service {
    fn request(&self) -> &TableSchema {
        &self.request
    }

    fn complete(&self, rows: &RecordBatch) -> Result<RecordBatch, Unread> {
        let answer = self.store.get_features(&self.selection, rows, now_us());
        let answer = answer.map_err(|error| match error {
            Error::Input { .. } => Unread::Refused(error.to_string()),
            error => Unread::Failed(error.to_string()),
        })?;
        let brought = |name: &String| {
            let mut features = answer.features.iter();
            let feature = features.position(|feature| match self.full_names {
                true => &feature.full_name == name,
                false => &feature.name == name,
            });
            feature.map(|index| answer.rows.column(index))
        };
        let columns = self.input.fields.iter().map(|field| {
            let column = match self.brought.contains(&field.name) {
                true => brought(&field.name),
                false => rows.column_by_name(&field.name),
            };
            let missing = || Unread::Failed(format!("there is no column `{}`", field.name));
            column.cloned().ok_or_else(missing)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.input.arrow(), columns, &options)
            .map_err(|error| Unread::Refused(error.to_string()))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
