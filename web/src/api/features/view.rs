//! Feature views.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_features::{
    Aggregate, AnyView, Definitions, FeatureStore, Freshness, Function, Kind, Selection, Status,
    View,
};
use utoipa::ToSchema;

use super::graph::{self, Graph};
use super::{FreshnessRow, Told, VersionRow, entities_of, store, told, versions};
use crate::api::dataset::{ColumnRow, cells};
use crate::app::App;
use crate::pages::text;
use crate::problem::Problem;

/// Entities whose features are shown.
const FIRST_ROWS: usize = 20;

/// A view in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ViewRow {
    pub(crate) name: String,
    /// `batch` if its rows come from files, `push` if from outside; `windows` if its features are aggregates; `upstream`
    /// if it is computed from other views, `on request` if also from what a request brings.
    pub(crate) kind: &'static str,
    /// The version in force.
    pub(crate) version: String,
    pub(crate) entities: Vec<String>,
    pub(crate) feature_count: usize,
    /// How old a value may be, in microseconds.
    pub(crate) ttl_us: Option<i64>,
    /// Of what it is computed from.
    pub(crate) freshness: FreshnessRow,
    /// Whether even its newest value is older than its ttl.
    pub(crate) is_expired: bool,
    /// Whether the online store has all rows that the log has.
    pub(crate) is_caught_up: bool,
    #[serde(flatten)]
    pub(crate) about: Told,
}

/// All about a view.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ViewDetails {
    #[serde(flatten)]
    pub(crate) row: ViewRow,
    /// The columns that identify what it describes, and what a request has to bring beside.
    pub(crate) keys: Vec<ColumnRow>,
    pub(crate) features: Vec<FeatureRow>,
    /// The sources and views that it is computed from.
    pub(crate) inputs: Vec<InputRow>,
    pub(crate) services: Vec<String>,
    /// The newest first.
    pub(crate) versions: Vec<VersionRow>,
    pub(crate) graph: Graph,
    /// As it was applied.
    #[schema(value_type = Object)]
    pub(crate) definition: Value,
    /// What some entities have online now.
    pub(crate) online: OnlineRows,
}

/// A feature of a view.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FeatureRow {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    /// What it is of: a column of the source or of what computes it, or an aggregate such as `mean of delay over 3 h`.
    pub(crate) of: String,
}

/// What a view is computed from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InputRow {
    /// `source` or `view`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) freshness: FreshnessRow,
}

/// Features of some entities, as they are answered now.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct OnlineRows {
    /// The names of the keys, then of the features.
    pub(crate) columns: Vec<String>,
    pub(crate) key_count: usize,
    pub(crate) rows: Vec<OnlineRowShown>,
    /// Why there are none.
    pub(crate) problem: Option<String>,
}

/// The features of an entity.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OnlineRowShown {
    /// Null where there is no value.
    pub(crate) values: Vec<Option<String>>,
    /// `PRESENT`, `NOT_FOUND` or `OUTSIDE_MAX_AGE`.
    #[schema(value_type = String)]
    pub(crate) status: Status,
    pub(crate) event_us: Option<i64>,
}

pub(super) fn row(
    store: &FeatureStore,
    definitions: &Definitions,
    view: &AnyView,
    freshness: &BTreeMap<&str, Freshness>,
    now_us: i64,
) -> Result<ViewRow, Problem> {
    let version = view.version();
    let row = ViewRow {
        name: view.name().to_owned(),
        kind: kind(definitions, view),
        version: version.to_string(),
        entities: entities_of(definitions, view),
        feature_count: view.features().len(),
        ttl_us: None,
        is_expired: false,
        is_caught_up: true,
        freshness: FreshnessRow::default(),
        about: told(definitions, Kind::View, view.name()),
    };
    let AnyView::Source(view) = view else {
        return Ok(row);
    };
    let known = freshness.get(view.source.as_str());
    let known = known.copied().unwrap_or_default();
    let age_us = known
        .newest_event_us
        .map(|newest| now_us.saturating_sub(newest));
    Ok(ViewRow {
        ttl_us: view.ttl_us,
        is_expired: age_us.zip(view.ttl_us).is_some_and(|(age, ttl)| age > ttl),
        is_caught_up: store.online_cursor(&version)? >= known.last_sequence,
        freshness: known.into(),
        ..row
    })
}

fn kind(definitions: &Definitions, view: &AnyView) -> &'static str {
    match view {
        AnyView::Derived(view) if view.request.is_empty() => "upstream",
        AnyView::Derived(_) => "on request",
        AnyView::Source(view) if view.aggregates.is_some() => "windows",
        AnyView::Source(view) => {
            let source = definitions.sources.get(&view.source);
            match source.is_some_and(|source| source.load.is_some()) {
                true => "batch",
                false => "push",
            }
        }
    }
}

/// A view in force, by its name.
pub(crate) fn view(app: &App, name: &str) -> Result<ViewDetails, Problem> {
    let store = store(app)?;
    let revision = store.revision()?;
    let definitions = &revision.definitions;
    let Some(view) = definitions.view(name) else {
        let known = definitions.view_names();
        return Err(Problem::unknown("feature view", name, "this home", known));
    };
    let now_us = app.shared.clock.now_us();
    let roots = graph::roots(definitions, &view);
    let mut freshness = BTreeMap::new();
    for root in &roots {
        freshness.insert(root.source.as_str(), store.freshness(&root.source)?);
    }
    let selection = Selection::Features(vec![name.to_owned()]);
    let keys = store.request_columns(&selection)?;
    let definition = match &view {
        AnyView::Source(view) => serde_json::to_value(view),
        AnyView::Derived(view) => serde_json::to_value(view),
    };
    let inputs = graph::inputs(&view).into_iter().map(|(kind, input)| {
        let source = match definitions.views.get(&input) {
            Some(upstream) if kind == "view" => Some(upstream.source.as_str()),
            _ => (kind == "source").then_some(input.as_str()),
        };
        let known = source.and_then(|source| freshness.get(source));
        InputRow {
            kind,
            freshness: known.copied().unwrap_or_default().into(),
            name: input,
        }
    });
    Ok(ViewDetails {
        row: row(&store, definitions, &view, &freshness, now_us)?,
        keys: keys.fields.iter().map(ColumnRow::of).collect(),
        features: features(&view),
        inputs: inputs.collect(),
        services: graph::services(definitions, name),
        versions: versions(store.versions_of(Kind::View, name)?, &revision),
        graph: graph::around(definitions, "view", name),
        definition: definition.map_err(Problem::failed)?,
        online: online(&store, &selection, &roots, now_us).unwrap_or_else(|problem| OnlineRows {
            problem: Some(problem.detail),
            ..OnlineRows::default()
        }),
    })
}

fn features(view: &AnyView) -> Vec<FeatureRow> {
    let aggregates = match view {
        AnyView::Source(view) => view.aggregates.as_ref(),
        AnyView::Derived(_) => None,
    };
    let row = |(place, feature): (usize, &trueline_features::Feature)| FeatureRow {
        name: feature.name.clone(),
        data_type: feature.data_type.to_string(),
        of: match aggregates.and_then(|aggregates| aggregates.functions.get(place)) {
            Some(function) => aggregate(function),
            None => feature.column.clone(),
        },
    };
    view.features().iter().enumerate().map(row).collect()
}

/// An aggregate in words.
fn aggregate(aggregate: &Aggregate) -> String {
    let input = aggregate.input.as_deref().unwrap_or("rows");
    let over = text::duration(aggregate.over_us);
    let name = match aggregate.function {
        Function::Quantile(share) => format!("quantile {share}"),
        function => function.name().to_owned(),
    };
    format!("{name} of {input} over {over}")
}

/// What some entities of a view have online.
fn online(
    store: &FeatureStore,
    selection: &Selection,
    roots: &[&View],
    now_us: i64,
) -> Result<OnlineRows, Problem> {
    // The view with most keys knows entities of all, as far as any does.
    let Some(root) = roots.iter().max_by_key(|root| root.keys.len()) else {
        return Ok(OnlineRows::default());
    };
    let entities = store.some_entities(&root.name, FIRST_ROWS)?;
    let answer = store.get_features(selection, &entities, now_us)?;
    let (keys, values) = (cells(&entities)?, cells(&answer.rows)?);
    let names = entities.schema();
    let names = names.fields().iter().map(|field| field.name().clone());
    let features = answer.features.iter().map(|feature| feature.name.clone());
    let found = answer.views.first();
    let rows = keys.into_iter().zip(values).enumerate();
    let rows = rows.map(|(row, (mut key, values))| {
        key.extend(values);
        OnlineRowShown {
            values: key,
            status: found.map_or(Status::NotFound, |found| found.found[row]),
            event_us: found.and_then(|found| found.event_us[row]),
        }
    });
    Ok(OnlineRows {
        key_count: entities.num_columns(),
        columns: names.chain(features).collect(),
        rows: rows.collect(),
        problem: None,
    })
}
