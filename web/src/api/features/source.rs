//! Sources of features: files and pushes, and how fresh their rows are.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_features::{Definitions, Freshness, Kind, Source};
use utoipa::ToSchema;

use super::graph::{self, Graph};
use super::{FreshnessRow, Told, store, told};
use crate::api::dataset::ColumnRow;
use crate::app::App;
use crate::problem::Problem;

/// A source in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SourceRow {
    pub(crate) name: String,
    /// `files`, or `push` if rows only come from outside.
    pub(crate) kind: &'static str,
    pub(crate) column_count: usize,
    pub(crate) freshness: FreshnessRow,
    /// The views that are computed from it.
    pub(crate) views: Vec<String>,
    #[serde(flatten)]
    pub(crate) about: Told,
}

/// All about a source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SourceDetails {
    #[serde(flatten)]
    pub(crate) row: SourceRow,
    pub(crate) columns: Vec<ColumnRow>,
    /// The instant of the event: a column, or an expression over the columns. Rows of a source without one have
    /// always been so.
    pub(crate) event_time: Option<String>,
    /// The column with the instant at which a row was made.
    pub(crate) created: Option<String>,
    /// As it was applied.
    #[schema(value_type = Object)]
    pub(crate) definition: Value,
    pub(crate) graph: Graph,
}

pub(super) fn row(
    definitions: &Definitions,
    source: &Source,
    freshness: &BTreeMap<&str, Freshness>,
) -> SourceRow {
    let known = freshness.get(source.name.as_str());
    SourceRow {
        name: source.name.clone(),
        kind: if source.load.is_some() {
            "files"
        } else {
            "push"
        },
        column_count: source.columns.len(),
        freshness: known.copied().unwrap_or_default().into(),
        views: graph::below(definitions, "source", &source.name),
        about: told(definitions, Kind::Source, &source.name),
    }
}

/// A source in force, by its name.
pub(crate) fn source(app: &App, name: &str) -> Result<SourceDetails, Problem> {
    let store = store(app)?;
    let definitions = store.revision()?.definitions;
    let Some(source) = definitions.sources.get(name) else {
        let known = definitions.sources.keys().map(String::as_str);
        return Err(Problem::unknown("source", name, "this home", known));
    };
    let freshness = BTreeMap::from([(name, store.freshness(name)?)]);
    Ok(SourceDetails {
        row: row(&definitions, source, &freshness),
        columns: source.schema().fields.iter().map(ColumnRow::of).collect(),
        event_time: source.event_time.clone(),
        created: source.created.clone(),
        definition: serde_json::to_value(source).map_err(Problem::failed)?,
        graph: graph::around(&definitions, "source", name),
    })
}
