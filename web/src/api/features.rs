//! The feature store of the home: what is in force, how fresh it is, and what was made of it.

use std::collections::BTreeMap;

use serde::Serialize;
use trueline_features::{
    About, AnyView, Definitions, FeatureStore, Freshness, Kind, NamedVersion, Revision,
};
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

pub(crate) mod graph;
pub(crate) mod service;
pub(crate) mod source;
pub(crate) mod training_set;
pub(crate) mod view;

use service::ServiceRow;
use source::SourceRow;
use training_set::TrainingSetRow;
use view::ViewRow;

/// Training sets that are listed.
const TRAINING_SETS: u32 = 50;

/// All that is in force.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct FeatureOverview {
    /// Counted from 1; 0 if nothing was applied.
    pub(crate) revision: i64,
    /// The folder of the feature file.
    pub(crate) folder: Option<String>,
    pub(crate) applied_us: Option<i64>,
    pub(crate) views: Vec<ViewRow>,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) sources: Vec<SourceRow>,
    pub(crate) entities: Vec<EntityRow>,
    /// The newest first, fifty at most.
    pub(crate) training_sets: Vec<TrainingSetRow>,
}

/// What features describe.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EntityRow {
    pub(crate) name: String,
    /// The columns that identify one, with their types.
    pub(crate) keys: BTreeMap<String, String>,
    /// The views that describe it.
    pub(crate) views: Vec<String>,
    #[serde(flatten)]
    pub(crate) about: Told,
}

/// What people say about a definition.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Told {
    pub(crate) description: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// How far the rows of a source have come.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct FreshnessRow {
    /// That were ever taken in.
    pub(crate) rows: u64,
    /// When the newest one happened.
    pub(crate) newest_event_us: Option<i64>,
    /// When the last one was taken in.
    pub(crate) newest_ingest_us: Option<i64>,
}

/// A version that a name has pointed to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VersionRow {
    pub(crate) version: String,
    /// When it was applied first.
    pub(crate) since_us: i64,
    pub(crate) first_revision: i64,
    pub(crate) last_revision: i64,
    /// Whether the name points to it.
    pub(crate) is_current: bool,
}

impl From<Freshness> for FreshnessRow {
    fn from(freshness: Freshness) -> Self {
        Self {
            rows: freshness.rows,
            newest_event_us: freshness.newest_event_us,
            newest_ingest_us: freshness.newest_ingest_us,
        }
    }
}

impl From<&About> for Told {
    fn from(about: &About) -> Self {
        Self {
            description: about.description.clone(),
            owner: about.owner.clone(),
            tags: about.tags.clone(),
        }
    }
}

/// What a view describes: of a computed one, all that it is computed from describes.
fn entities_of(definitions: &Definitions, view: &AnyView) -> Vec<String> {
    let mut entities: Vec<String> = Vec::new();
    for root in graph::roots(definitions, view) {
        for entity in &root.entities {
            if !entities.contains(entity) {
                entities.push(entity.clone());
            }
        }
    }
    entities
}

/// What is said of a definition, if anything is.
fn told(definitions: &Definitions, kind: Kind, name: &str) -> Told {
    let about = definitions.about.get(&kind).and_then(|all| all.get(name));
    about.map(Told::from).unwrap_or_default()
}

fn versions(named: Vec<NamedVersion>, revision: &Revision) -> Vec<VersionRow> {
    let row = |known: NamedVersion| VersionRow {
        version: known.version.to_string(),
        since_us: known.since_us,
        first_revision: known.first_revision,
        last_revision: known.last_revision,
        is_current: known.last_revision == revision.number,
    };
    named.into_iter().map(row).collect()
}

/// The feature store of the home.
///
/// # Errors
/// If there is none.
fn store(app: &App) -> Result<std::sync::Arc<FeatureStore>, Problem> {
    let store = app.features()?;
    store.ok_or_else(|| {
        Problem::not_found("there is no feature store in this home")
            .hint("`trueline features apply` puts a feature file in force")
    })
}

/// All that is in force, which may be nothing.
pub(crate) fn overview(app: &App) -> Result<FeatureOverview, Problem> {
    let Some(store) = app.features()? else {
        return Ok(FeatureOverview::default());
    };
    let revision = store.revision()?;
    let definitions = &revision.definitions;
    let now_us = app.shared.clock.now_us();
    let mut freshness = BTreeMap::new();
    for name in definitions.sources.keys() {
        freshness.insert(name.as_str(), store.freshness(name)?);
    }
    let entities = definitions.entities.values().map(|entity| EntityRow {
        name: entity.name.clone(),
        keys: entity
            .keys
            .iter()
            .map(|(name, data_type)| (name.clone(), data_type.to_string()))
            .collect(),
        views: graph::views(definitions)
            .filter(|view| entities_of(definitions, view).contains(&entity.name))
            .map(|view| view.name().to_owned())
            .collect(),
        about: told(definitions, Kind::Entity, &entity.name),
    });
    let views = graph::views(definitions);
    let sources = definitions.sources.values();
    let training_sets = store.training_sets(None, TRAINING_SETS)?.into_iter();
    Ok(FeatureOverview {
        revision: revision.number,
        folder: (revision.number > 0).then(|| revision.folder.display().to_string()),
        applied_us: store.applied_us()?,
        views: views
            .map(|view| view::row(&store, definitions, &view, &freshness, now_us))
            .collect::<Result<_, Problem>>()?,
        services: definitions
            .services
            .values()
            .map(|service| service::row(definitions, service))
            .collect(),
        sources: sources
            .map(|source| source::row(definitions, source, &freshness))
            .collect(),
        entities: entities.collect(),
        training_sets: training_sets.map(TrainingSetRow::from).collect(),
    })
}
