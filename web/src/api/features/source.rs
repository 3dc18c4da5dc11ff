//! Sources of features: files and pushes, and how fresh their rows are.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_features::{Definitions, Freshness, Kind, Quarantined, Source};
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
    /// `files`, `stream`, or `push` if rows only come from outside.
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
    /// The stream that it is read from: its key and the address of its server.
    pub(crate) stream: Option<String>,
    /// What is expected of rows, as parameters of the stage `expect`.
    #[schema(value_type = Option<Object>)]
    pub(crate) expect: Option<Value>,
    /// Batches that were not as expected, the newest first, fifty at most.
    pub(crate) quarantine: Vec<QuarantineRow>,
    /// As it was applied.
    #[schema(value_type = Object)]
    pub(crate) definition: Value,
    pub(crate) graph: Graph,
}

/// Batches that are listed.
const BATCHES: usize = 50;

/// Rows that were sent and are in neither store, until someone decides about them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineRow {
    pub(crate) number: i64,
    /// `pushed`, `loaded` or `streamed`.
    pub(crate) sent: &'static str,
    pub(crate) came_us: i64,
    pub(crate) rows: i64,
    /// `held`, `released` or `dropped`.
    pub(crate) state: &'static str,
    pub(crate) reasons: Vec<ReasonRow>,
}

/// Why a batch is not as expected.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReasonRow {
    pub(crate) subject: String,
    pub(crate) message: String,
}

impl From<Quarantined> for QuarantineRow {
    fn from(batch: Quarantined) -> Self {
        let reasons = batch.reasons.into_iter().map(|reason| ReasonRow {
            subject: reason.subject,
            message: reason.message,
        });
        Self {
            number: batch.number,
            sent: batch.sent.name(),
            came_us: batch.came_us,
            rows: batch.rows,
            state: batch.state.name(),
            reasons: reasons.collect(),
        }
    }
}

pub(super) fn row(
    definitions: &Definitions,
    source: &Source,
    freshness: &BTreeMap<&str, Freshness>,
) -> SourceRow {
    let known = freshness.get(source.name.as_str());
    SourceRow {
        name: source.name.clone(),
        kind: match (&source.load, &source.stream) {
            (Some(_), _) => "files",
            (None, Some(_)) => "stream",
            (None, None) => "push",
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
    let revision = store.revision()?;
    let definitions = &revision.definitions;
    let Some(source) = definitions.sources.get(name) else {
        let known = definitions.sources.keys().map(String::as_str);
        return Err(Problem::unknown("source", name, "this home", known));
    };
    let freshness = BTreeMap::from([(name, store.freshness(name)?)]);
    Ok(SourceDetails {
        row: row(definitions, source, &freshness),
        columns: source.schema().fields.iter().map(ColumnRow::of).collect(),
        event_time: source.event_time.clone(),
        created: source.created.clone(),
        stream: source
            .stream
            .as_ref()
            .map(|stream| format!("{} at {}", stream.key, stream.redis)),
        expect: source
            .expect
            .as_ref()
            .map(|expected| serde_json::from_str(&expected.params).map_err(Problem::failed))
            .transpose()?,
        quarantine: store
            .quarantined(true)?
            .into_iter()
            .rev()
            .filter(|batch| batch.source == name)
            .take(BATCHES)
            .map(QuarantineRow::from)
            .collect(),
        definition: serde_json::to_value(source).map_err(Problem::failed)?,
        graph: graph::around(definitions, "source", name),
    })
}
