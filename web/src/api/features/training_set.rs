//! Training sets.

use serde::Serialize;
use trueline_features::{MadeTrainingSet, TrainingSet};
use trueline_table::Digest;
use utoipa::ToSchema;

use super::store;
use crate::api::dataset::ColumnRow;
use crate::app::App;
use crate::problem::Problem;

/// A training set in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TrainingSetRow {
    /// Of its manifest.
    pub(crate) digest: String,
    pub(crate) made_us: i64,
    /// The service and its version; null if features were asked for one by one.
    pub(crate) service: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) rows: u64,
    pub(crate) column_count: usize,
}

/// All about a training set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TrainingSetDetails {
    #[serde(flatten)]
    pub(crate) row: TrainingSetRow,
    /// Of the rows that features were added to.
    pub(crate) spine: String,
    /// The column with the instant of a row.
    pub(crate) time: String,
    /// `as-of` if only what was known at a row's instant counts; `now` if all that is known since does.
    pub(crate) knowledge: String,
    /// The last row of the log that counted.
    pub(crate) until_sequence: i64,
    /// Of the file that was written.
    pub(crate) file: String,
    pub(crate) views: Vec<TrainingSetView>,
    pub(crate) columns: Vec<ColumnRow>,
}

/// What was read of a view.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TrainingSetView {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Of the log.
    pub(crate) rows: usize,
    pub(crate) segment_count: usize,
    /// Rows of the spine with a value, with one older than the ttl, with none, and of no entity.
    pub(crate) found: u64,
    pub(crate) expired: u64,
    pub(crate) not_found: u64,
    pub(crate) no_entity: u64,
}

impl From<MadeTrainingSet> for TrainingSetRow {
    fn from(made: MadeTrainingSet) -> Self {
        Self::of(&made.digest, made.made_us, &made.manifest)
    }
}

impl TrainingSetRow {
    fn of(digest: &Digest, made_us: i64, manifest: &TrainingSet) -> Self {
        let (service, version) = manifest.service.clone().unzip();
        Self {
            digest: digest.to_string(),
            made_us,
            service,
            service_version: version.map(|version| version.to_string()),
            rows: manifest.rows,
            column_count: manifest.columns.fields.len(),
        }
    }
}

/// A training set that was made here, by its digest.
pub(crate) fn training_set(app: &App, digest: &str) -> Result<TrainingSetDetails, Problem> {
    let store = store(app)?;
    let unknown = || {
        Problem::not_found(format!("no training set `{digest}` was made here"))
            .hint("`trueline features history` makes one, and prints its digest")
    };
    let digest: Digest = digest.parse().map_err(|_| unknown())?;
    let made_us = store.made_us(&digest)?.ok_or_else(unknown)?;
    let manifest = store.training_set(&digest)?;
    let views = manifest.views.iter().map(|view| TrainingSetView {
        name: view.name.clone(),
        version: view.version.to_string(),
        rows: view.rows,
        segment_count: view.segments.len(),
        found: view.counts.found,
        expired: view.counts.expired,
        not_found: view.counts.not_found,
        no_entity: view.counts.no_entity,
    });
    let knowledge = serde_json::to_value(manifest.knowledge).map_err(Problem::failed)?;
    Ok(TrainingSetDetails {
        row: TrainingSetRow::of(&digest, made_us, &manifest),
        spine: manifest.spine.file.to_string(),
        time: manifest.spine.time.clone(),
        knowledge: knowledge.as_str().unwrap_or_default().to_owned(),
        until_sequence: manifest.until_sequence,
        file: manifest.file.to_string(),
        views: views.collect(),
        columns: manifest.columns.fields.iter().map(ColumnRow::of).collect(),
    })
}
