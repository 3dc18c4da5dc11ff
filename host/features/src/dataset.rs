//! Training sets as datasets of pipelines: their columns before there are rows, and the rows as a file that
//! is made again only if something that they follow from has changed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use trueline_dataset::Dataset;
use trueline_runtime::ServiceFeatures;
use trueline_table::{Digest, Schema};

use crate::contract::Knowledge;
use crate::definition::Definitions;
use crate::selection::{Resolved, Selection};
use crate::store::FeatureStore;
use crate::table_file::digest_of_file;
use crate::training_set::{HistoryRequest, Made, Spine, retyped_keys, time_column};
use crate::{Error, Result, log};

/// What a training set will look like.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingColumns {
    /// Of the spine, and then of the service.
    pub columns: Schema,
    /// The spine's column of instants.
    pub time: String,
    /// The service, and which of the columns are its.
    pub service: ServiceFeatures,
}

/// The columns that a spine has with the features of a service, without any of their rows.
///
/// # Errors
/// If the definitions have no such service, the spine lacks a join key or an instant, or two columns would
/// have one name.
pub fn training_columns(
    definitions: &Definitions,
    service: &str,
    spine: &Schema,
    time: Option<&str>,
    full_names: bool,
) -> Result<TrainingColumns> {
    let resolved = Resolved::of_service(definitions, service)?;
    if let Some((key, data_type)) = retyped_keys(spine, &resolved)?.first_key_value() {
        let found = spine.field(key).map(|field| field.data_type.to_string());
        return Err(Error::input(
            format!(
                "the spine: `{key}` is {}, not {data_type}",
                found.unwrap_or_default()
            ),
            format!("declare it where the spine is: types = {{ {key} = \"{data_type}\" }}"),
        ));
    }
    let time = time_column(spine, time)?;
    let taken: Vec<&str> = spine.names().collect();
    let features = resolved.schema(full_names, &taken)?;
    let service = ServiceFeatures {
        service: service.to_owned(),
        version: definitions.services[service].version(),
        full_names,
        columns: features.names().map(str::to_owned).collect(),
    };
    let mut columns = spine.clone();
    columns.fields.extend(features.fields);
    Ok(TrainingColumns {
        columns,
        time,
        service,
    })
}

/// What a pipeline makes rows of.
#[derive(Clone, Debug)]
pub struct TrainingRows<'a> {
    /// The file is at `file`.
    pub definitions: &'a Definitions,
    pub file: &'a Path,
    pub service: &'a str,
    /// Rows, and the digest that names them.
    pub spine: (&'a Dataset, Digest),
    pub time: &'a str,
    pub full_names: bool,
}

/// What the rows of a file follow from, and what they are.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    key: Digest,
    made: Made,
}

impl FeatureStore {
    /// Puts the definitions of a feature file in force, takes in what is new in the files of its sources, and
    /// makes the training set of one of its services: a Parquet file in the home, which takes the place of the
    /// one that was made under this name before. If that one follows from the same, it stays.
    ///
    /// # Errors
    /// If readers of the store would no longer find what they read, something does not fit, or a file
    /// cannot be read or written.
    pub fn training_rows(
        &self,
        wanted: &TrainingRows<'_>,
        name: &str,
        now_us: i64,
    ) -> Result<(PathBuf, Made)> {
        self.put_in_force(wanted.definitions, wanted.file, now_us)?;
        self.materialize(now_us)?;
        let services = &wanted.definitions.services;
        let service = services.get(wanted.service).ok_or_else(|| {
            let names = services.keys().map(String::as_str);
            crate::registry::unknown("feature service", wanted.service, names)
        })?;
        let version = service.version();
        let until_sequence = log::last_sequence(&self.connection())?;
        let (rows, spine) = wanted.spine;
        let key = json!({
            "service": version,
            "spine": spine,
            "time": wanted.time,
            "full_names": wanted.full_names,
            "until_sequence": until_sequence,
        });
        let key = Digest::of(key.to_string().as_bytes());
        let folder = self.folder.join("datasets");
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let path = folder.join(format!("{name}.parquet"));
        let receipt = folder.join(format!("{name}.json"));
        if let Some(made) = kept(&receipt, &path, key) {
            return Ok((path, made));
        }
        let request = HistoryRequest {
            // By its version, so that it is this one whatever others apply in the meantime.
            selection: Selection::Service(format!("{}@{}", wanted.service, version.hex())),
            spine: Spine::Dataset(rows.clone(), spine),
            time: Some(wanted.time.to_owned()),
            full_names: wanted.full_names,
            knowledge: Knowledge::AsOf,
            until_sequence: Some(until_sequence),
        };
        let made = self.history(&request, &path, now_us)?;
        let made = Receipt { key, made };
        let json = serde_json::to_vec(&made).map_err(|error| Error::corrupt(&receipt)(&error))?;
        fs::write(&receipt, json).map_err(Error::io(&receipt))?;
        Ok((path, made.made))
    }

    /// Applies definitions, unless that breaks what others read.
    fn put_in_force(&self, definitions: &Definitions, file: &Path, now_us: i64) -> Result<()> {
        let plan = self.plan(definitions)?;
        if let Some(broken) = plan.iter().find(|planned| !planned.breaks.is_empty()) {
            let file = file.display();
            return Err(Error::input(
                format!(
                    "applying {file} would break what others read: {} `{}`: {}",
                    broken.kind.name(),
                    broken.name,
                    broken.breaks.join(", ")
                ),
                format!(
                    "`trueline features apply --allow-breaking {file}` applies it; old versions stay readable"
                ),
            ));
        }
        let folder = file.parent().unwrap_or(Path::new(""));
        self.apply(definitions, folder, now_us).map(drop)
    }
}

/// What a receipt says was made for this key, if the file still is what was made.
fn kept(receipt: &Path, file: &Path, key: Digest) -> Option<Made> {
    let receipt: Receipt = serde_json::from_slice(&fs::read(receipt).ok()?).ok()?;
    let is_same = receipt.key == key && digest_of_file(file).ok()? == receipt.made.manifest.file;
    is_same.then_some(receipt.made)
}
