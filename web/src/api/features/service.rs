//! Feature services.

use serde::Serialize;
use serde_json::Value;
use trueline_features::{Definitions, Kind, Selection, Service};
use utoipa::ToSchema;

use super::graph::{self, Graph};
use super::training_set::TrainingSetRow;
use super::{TRAINING_SETS, Told, VersionRow, store, told, versions};
use crate::api::dataset::ColumnRow;
use crate::app::App;
use crate::problem::Problem;

/// A service in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServiceRow {
    pub(crate) name: String,
    /// The version in force.
    pub(crate) version: String,
    pub(crate) feature_count: usize,
    /// The views that its features are of, in the order in which they first are.
    pub(crate) views: Vec<String>,
    #[serde(flatten)]
    pub(crate) about: Told,
}

/// All about a service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServiceDetails {
    #[serde(flatten)]
    pub(crate) row: ServiceRow,
    /// The columns by which it is asked: join keys, and what computed views read of a request.
    pub(crate) keys: Vec<ColumnRow>,
    /// In order.
    pub(crate) features: Vec<ServiceFeatureRow>,
    /// The newest first.
    pub(crate) versions: Vec<VersionRow>,
    /// That were made with it, the newest first, fifty at most.
    pub(crate) training_sets: Vec<TrainingSetRow>,
    pub(crate) graph: Graph,
    /// As it was applied.
    #[schema(value_type = Object)]
    pub(crate) definition: Value,
}

/// A feature of a service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServiceFeatureRow {
    pub(crate) feature: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    pub(crate) view: String,
    /// Of the view.
    pub(crate) version: String,
}

pub(super) fn row(definitions: &Definitions, service: &Service) -> ServiceRow {
    let mut views: Vec<String> = Vec::new();
    for feature in &service.features {
        if !views.contains(&feature.view) {
            views.push(feature.view.clone());
        }
    }
    ServiceRow {
        name: service.name.clone(),
        version: service.version().to_string(),
        feature_count: service.features.len(),
        views,
        about: told(definitions, Kind::Service, &service.name),
    }
}

/// A service in force, by its name.
pub(crate) fn service(app: &App, name: &str) -> Result<ServiceDetails, Problem> {
    let store = store(app)?;
    let revision = store.revision()?;
    let definitions = &revision.definitions;
    let Some(service) = definitions.services.get(name) else {
        let known = definitions.services.keys().map(String::as_str);
        return Err(Problem::unknown(
            "feature service",
            name,
            "this home",
            known,
        ));
    };
    let keys = store.request_columns(&Selection::Service(name.to_owned()))?;
    let features = service.features.iter().map(|feature| ServiceFeatureRow {
        feature: feature.feature.clone(),
        data_type: feature.data_type.to_string(),
        view: feature.view.clone(),
        version: feature.version.to_string(),
    });
    let training_sets = store.training_sets(Some(name), TRAINING_SETS)?.into_iter();
    Ok(ServiceDetails {
        row: row(definitions, service),
        keys: keys.fields.iter().map(ColumnRow::of).collect(),
        features: features.collect(),
        versions: versions(store.versions_of(Kind::Service, name)?, &revision),
        training_sets: training_sets.map(TrainingSetRow::from).collect(),
        graph: graph::around(definitions, "service", name),
        definition: serde_json::to_value(service).map_err(Problem::failed)?,
    })
}
