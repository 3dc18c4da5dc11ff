//! Training sets: a spine with the features of its rows as of their instants, and the manifest that says
//! exactly which ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Catalog, Dataset, DatasetSpec, Format, ScanOptions};
use trueline_table::{DataType, Digest, Schema};

use crate::contract::Knowledge;
use crate::log::{self, TENANT};
use crate::offline::{Counts, History};
use crate::selection::{Resolved, ResolvedFeature, Selection};
use crate::store::FeatureStore;
use crate::table_file::{TableFile, digest_of_file};
use crate::{Error, Result, times};

/// What a spine's column of instants is called unless it is said otherwise, as Feast calls it.
const USUAL_TIME: &str = "event_timestamp";

/// What to make a training set of.
#[derive(Clone, Debug)]
pub struct HistoryRequest {
    pub selection: Selection,
    pub spine: Spine,
    /// Its column of instants, or an expression over its columns; by default `event_timestamp`, or the only
    /// column that is a time.
    pub time: Option<String>,
    /// Whether features are called `view__feature`.
    pub full_names: bool,
    pub knowledge: Knowledge,
    /// The last row of the log that counts, to make an old training set again; by default all.
    pub until_sequence: Option<i64>,
}

/// Rows with join keys, instants and whatever else.
#[derive(Clone, Debug)]
pub enum Spine {
    File(PathBuf),
    /// Rows, and the digest that names them.
    Dataset(Dataset, Digest),
}

/// The manifest of a training set. Its digest names it; equal inputs have equal manifests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// The service and its version, unless features were asked for one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<(String, Digest)>,
    pub spine: SpineManifest,
    pub knowledge: Knowledge,
    /// The last row of the log that counted.
    pub until_sequence: i64,
    pub views: Vec<ViewManifest>,
    /// Views that were computed of these, with their versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<(String, Digest)>,
    pub columns: Schema,
    pub rows: u64,
    /// Of the file's bytes.
    pub file: Digest,
}

/// What the spine was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpineManifest {
    /// Of its bytes; of a dataset, what names its rows.
    pub file: Digest,
    pub time: String,
}

/// What was read of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewManifest {
    pub name: String,
    pub version: Digest,
    pub segments: Vec<Digest>,
    pub last_sequence: i64,
    pub rows: usize,
    pub counts: Counts,
}

/// A training set that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    pub digest: Digest,
    pub manifest: TrainingSet,
}

impl FeatureStore {
    /// Writes the rows of a spine with their features to a file, whose extension says its format.
    ///
    /// # Errors
    /// If something is not defined, the spine does not fit, or a file cannot be read or written.
    pub fn history(&self, request: &HistoryRequest, output: &Path, now_us: i64) -> Result<Made> {
        let resolved = self.resolve(&request.selection)?;
        let spine = match &request.spine {
            Spine::File(path) => open_spine(path, &resolved)?,
            Spine::Dataset(rows, _) => rows.clone(),
        };
        let time = time_column(spine.schema(), request.time.as_deref())?;
        let until_sequence = match request.until_sequence {
            Some(sequence) => sequence,
            None => log::last_sequence(&self.connection())?,
        };
        let histories = self.histories(&resolved, request.knowledge, until_sequence)?;
        let taken: Vec<&str> = spine.schema().names().collect();
        let features = resolved.schema(request.full_names, &taken)?;
        let mut columns = spine.schema().clone();
        columns.fields.extend(features.fields);
        let mut file = TableFile::create(output, &columns)?;
        let mut counts = vec![Counts::default(); histories.len()];
        let mut rows = 0;
        for batch in spine.scan(&ScanOptions::default())? {
            let batch = batch?;
            let joined = self.join(&batch, &time, rows, &resolved, &histories, &mut counts)?;
            file.write(&RecordBatch::try_new(columns.to_arrow(), joined)?)?;
            rows += batch.num_rows() as u64;
        }
        let views = resolved.views.iter().zip(&histories).zip(counts);
        let views = views.map(|((view, history), counts)| ViewManifest {
            name: view.view.name.clone(),
            version: view.version,
            segments: history.read().segments.clone(),
            last_sequence: history.read().last_sequence,
            rows: history.read().rows,
            counts,
        });
        let manifest = TrainingSet {
            service: resolved.service.clone(),
            spine: SpineManifest {
                file: match &request.spine {
                    Spine::File(path) => digest_of_file(path)?,
                    Spine::Dataset(_, digest) => *digest,
                },
                time,
            },
            knowledge: request.knowledge,
            until_sequence,
            views: views.collect(),
            derived: resolved
                .derived
                .iter()
                .map(|derived| (derived.view.name.clone(), derived.version))
                .collect(),
            columns,
            rows,
            file: file.finish()?,
        };
        self.record(&manifest, now_us)
            .map(|digest| Made { digest, manifest })
    }

    /// The manifest of a training set that was made here.
    ///
    /// # Errors
    /// If there is none of that digest.
    pub fn training_set(&self, digest: &Digest) -> Result<TrainingSet> {
        let sql = "SELECT manifest FROM training_sets WHERE tenant = ?1 AND digest = ?2";
        let text: Result<String, _> =
            self.connection()
                .query_row(sql, params![TENANT, digest.to_string()], |row| row.get(0));
        let unknown = || Error::Unknown {
            kind: "training set",
            name: digest.to_string(),
            hint: "`trueline features history` makes one".to_owned(),
        };
        serde_json::from_str(&text.map_err(|_| unknown())?).map_err(|_| unknown())
    }

    pub(crate) fn histories(
        &self,
        resolved: &Resolved,
        knowledge: Knowledge,
        until_sequence: i64,
    ) -> Result<Vec<History>> {
        let connection = self.connection();
        let load = |view: &crate::selection::ResolvedView| {
            History::load(
                &connection,
                (&self.segments, &self.transforms),
                &view.view,
                &view.wanted,
                knowledge,
                until_sequence,
            )
        };
        resolved.views.iter().map(load).collect()
    }

    /// The columns of some rows of a spine, and their features behind them.
    fn join(
        &self,
        batch: &RecordBatch,
        time: &str,
        before: u64,
        resolved: &Resolved,
        histories: &[History],
        counts: &mut [Counts],
    ) -> Result<Vec<ArrayRef>> {
        let instants = times::times(time, batch, "the spine", before)?;
        let mut looked = Vec::with_capacity(histories.len());
        for (history, counts) in histories.iter().zip(counts) {
            let found = history.look_up(batch, &instants)?;
            counts.add(&found.counts);
            looked.push(found.features);
        }
        let of_view = |feature: &ResolvedFeature| looked[feature.view][feature.wanted].clone();
        let features = resolved.columns(&self.transforms, batch, "the spine", of_view)?;
        Ok(batch.columns().iter().cloned().chain(features).collect())
    }

    fn record(&self, manifest: &TrainingSet, now_us: i64) -> Result<Digest> {
        let text =
            serde_json::to_string(manifest).map_err(|error| Error::input(error.to_string(), ""))?;
        let digest = Digest::of(text.as_bytes());
        let service = manifest
            .service
            .as_ref()
            .map_or("", |(name, _)| name.as_str());
        let sql = "INSERT OR IGNORE INTO training_sets (tenant, digest, service, made_us, manifest) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection().execute(
            sql,
            params![TENANT, digest.to_string(), service, now_us, text],
        )?;
        Ok(digest)
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.expired += other.expired;
        self.not_found += other.not_found;
        self.no_entity += other.no_entity;
    }
}

/// Opens a spine with its join keys as what they are for, where a text format leaves that open.
fn open_spine(path: &Path, resolved: &Resolved) -> Result<Dataset> {
    let mut spec = DatasetSpec::of_files(trueline_dataset::OneOrMany::One(
        path.to_string_lossy().into_owned(),
    ));
    let open = |spec: &DatasetSpec| {
        Catalog::new("", BTreeMap::from([("spine".to_owned(), spec.clone())])).open("spine")
    };
    let found = open(&spec)?;
    spec.types = retyped_keys(found.schema(), resolved)?;
    // Files that know their types are taken at their word: 1.5 is no key, not even 1.
    let is_text = matches!(found.format(), Format::Csv | Format::Ndjson);
    if spec.types.is_empty() || !is_text {
        return Ok(found);
    }
    Ok(open(&spec)?)
}

/// The join keys and columns of requests that a spine has as something else, with what they should be.
///
/// # Errors
/// If it lacks one.
pub(crate) fn retyped_keys(
    spine: &Schema,
    resolved: &Resolved,
) -> Result<BTreeMap<String, DataType>> {
    let mut retyped = BTreeMap::new();
    for (name, (data_type, view)) in resolved.request()? {
        match spine.field(name) {
            None => {
                let hint = did_you_mean(name, spine.names())
                    .unwrap_or_else(|| format!("its columns are {}", list_some(spine.names())));
                let view = &view.name;
                return Err(Error::input(
                    format!(
                        "the spine has no column `{name}`, which view `{view}` reads of a request"
                    ),
                    hint,
                ));
            }
            Some(field) if field.data_type != data_type => {
                retyped.insert(name.to_owned(), data_type);
            }
            Some(_) => {}
        }
    }
    for (key, data_type) in resolved.keys()? {
        match spine.field(key) {
            None => {
                let names = || spine.names();
                let hint = did_you_mean(key, names())
                    .unwrap_or_else(|| format!("its columns are {}", list_some(names())));
                return Err(Error::input(
                    format!("the spine has no column `{key}`, a join key"),
                    hint,
                ));
            }
            Some(field) if !crate::definition::same_key_type(field.data_type, data_type) => {
                retyped.insert(key.to_owned(), data_type);
            }
            Some(_) => {}
        }
    }
    Ok(retyped)
}

/// The column with a spine's instants, or the expression that is them.
pub(crate) fn time_column(schema: &Schema, time: Option<&str>) -> Result<String> {
    let is_time = |name: &str| {
        let field = schema.field(name);
        field.is_some_and(|field| matches!(field.data_type, DataType::Timestamp | DataType::Date))
    };
    let times: Vec<&str> = schema.names().filter(|name| is_time(name)).collect();
    if let Some(name) = time {
        if is_time(name) {
            return Ok(name.to_owned());
        }
        if schema.field(name).is_none() && !times::is_name(name) {
            let told = |(problem, hint)| Error::input(format!("the spine: {problem}"), hint);
            return times::check(name, schema)
                .map_err(told)
                .map(|()| name.to_owned());
        }
        let problem = match schema.field(name) {
            Some(field) => format!(
                "column `{name}` of the spine is {}, not a time",
                field.data_type
            ),
            None => format!("the spine has no column `{name}`"),
        };
        return Err(Error::input(
            problem,
            did_you_mean(name, times.iter().copied())
                .unwrap_or_else(|| format!("its times are {}", list_some(times.iter().copied()))),
        ));
    }
    match times.as_slice() {
        [only] => Ok((*only).to_owned()),
        _ if times.contains(&USUAL_TIME) => Ok(USUAL_TIME.to_owned()),
        _ => Err(Error::input(
            "which column of the spine says as of when is not clear",
            format!(
                "name it with --time; its times are {}",
                list_some(times.iter().copied())
            ),
        )),
    }
}
