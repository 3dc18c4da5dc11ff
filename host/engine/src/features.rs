//! Datasets of features: made when a run begins, and files like any other from then on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trueline_dataset::Dataset;
use trueline_features::{FeatureStore, TrainingRows};
use trueline_pipeline::{Plan, PlannedDataset};
use trueline_runtime::ServiceFeatures;
use trueline_store::{RunId, Store};

use crate::data::{StoreMemo, hash_file};
use crate::{Error, Event, Observer, Result};

/// The datasets of a plan, those of features as files.
pub(crate) struct Made {
    pub(crate) datasets: Vec<PlannedDataset>,
    /// What the rows of each were made of, by the dataset's name.
    pub(crate) origins: BTreeMap<String, Value>,
}

/// Makes the datasets of features that a plan reads, in the feature store of the home.
///
/// # Errors
/// If features cannot be read or a spine changes meanwhile.
pub(crate) fn make(plan: &Plan, store: &Store, observer: &dyn Observer) -> Result<Made> {
    let mut made = Made {
        datasets: plan.datasets.clone(),
        origins: BTreeMap::new(),
    };
    if plan.features.is_empty() {
        return Ok(made);
    }
    let features = FeatureStore::open(store.home())?;
    let mut catalog = plan.catalog.clone();
    for planned in &plan.features {
        observer.tell(Event::Pinning {
            dataset: &planned.dataset,
        });
        let spine = catalog.open(&planned.spine)?;
        let pin = spine.pin(&StoreMemo(store))?;
        let wanted = TrainingRows {
            definitions: &planned.definitions,
            file: &planned.file,
            service: &planned.service.service,
            spine: (&spine, pin.view),
            time: &planned.time,
            full_names: planned.service.full_names,
        };
        let name = format!("{}.{}", plan.name, planned.dataset);
        let now_us = jiff::Timestamp::now().as_microsecond();
        let (file, rows) = features.training_rows(&wanted, &name, now_us)?;
        for (path, file) in spine.files().zip(&pin.files) {
            let found = hash_file(path).ok();
            if found != Some(file.digest) {
                return Err(Error::Changed {
                    path: path.to_owned(),
                    pinned: file.digest,
                    found,
                });
            }
        }
        let file = std::path::absolute(&file).unwrap_or(file);
        catalog.set_rows(&planned.dataset, &file);
        let origin = json!({
            "spine": planned.spine,
            "service": planned.service,
            "spine_files": pin.files,
            "training_set": rows.digest,
            "manifest": rows.manifest,
        });
        made.origins.insert(planned.dataset.clone(), origin);
    }
    let names: Vec<&str> = plan
        .features
        .iter()
        .map(|one| one.dataset.as_str())
        .collect();
    let of_features = |planned: &&mut PlannedDataset| is_of(&planned.dataset, &names);
    for planned in made.datasets.iter_mut().filter(of_features) {
        let dataset = catalog.open(&planned.name)?;
        if dataset.schema() != &planned.schema {
            return Err(Error::Mismatch(format!(
                "the features of dataset `{}` have other columns than when the pipeline was checked",
                planned.name
            )));
        }
        planned.dataset = dataset;
    }
    Ok(made)
}

/// The feature services that the datasets of a run were made with, by the dataset's name.
pub(crate) fn services(store: &Store, run: &RunId) -> Result<BTreeMap<String, ServiceFeatures>> {
    let origins = store.origins(run)?.into_iter();
    let service = |(name, origin): (String, Value)| {
        let service = serde_json::from_value(origin["service"].clone());
        let lost = |error| Error::Lost(vec![format!("the feature service of `{name}`: {error}")]);
        Ok((name.clone(), service.map_err(lost)?))
    };
    origins.map(service).collect()
}

/// Whether a dataset is one of these, or joins one of them.
fn is_of(dataset: &Dataset, names: &[&str]) -> bool {
    names.contains(&dataset.name()) || dataset.joined().any(|joined| is_of(joined, names))
}

/// A plan whose datasets of features are files, as they are now.
///
/// # Errors
/// If features cannot be read.
pub fn with_features(mut plan: Plan, store: &Store, observer: &dyn Observer) -> Result<Plan> {
    plan.datasets = make(&plan, store, observer)?.datasets;
    plan.features.clear();
    Ok(plan)
}
