//! Lists of runs.

use serde::Serialize;
use trueline_store::{RunPage, RunSummary, StageMark};
use utoipa::ToSchema;

use super::cursor::{ListQuery, cut};
use crate::app::App;
use crate::problem::Problem;

/// What a list shows of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunRow {
    pub(crate) id: String,
    pub(crate) pipeline: String,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed` or `cancelled`.
    pub(crate) state: &'static str,
    /// Why it failed: `gate`, `stage`, `host` or `lost`.
    pub(crate) failure: Option<&'static str>,
    pub(crate) created_us: i64,
    pub(crate) started_us: Option<i64>,
    pub(crate) finished_us: Option<i64>,
}

/// Where a stage of a run stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageCell {
    pub(crate) stage: String,
    /// What it uses; `gate` for a gate.
    pub(crate) kind: String,
    /// `pending`, `ready`, `cached`, `running`, `skipped`, `blocked`, `succeeded` or `failed`.
    pub(crate) state: &'static str,
    pub(crate) started_us: Option<i64>,
    pub(crate) finished_us: Option<i64>,
}

/// Some runs, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<RunRow>,
    /// What `before` has to be for the next page; null at the end.
    pub(crate) next: Option<String>,
}

impl From<RunSummary> for RunRow {
    fn from(run: RunSummary) -> Self {
        Self {
            id: run.id.to_string(),
            pipeline: run.pipeline,
            state: run.state.as_str(),
            failure: run.failure.map(|failure| failure.as_str()),
            created_us: run.created_us,
            started_us: run.started_us,
            finished_us: run.finished_us,
        }
    }
}

impl RunRow {
    /// Whether nothing of it will change any more.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state, "succeeded" | "failed" | "cancelled")
    }
}

impl From<StageMark> for StageCell {
    fn from(mark: StageMark) -> Self {
        Self {
            stage: mark.stage,
            kind: mark.kind,
            state: mark.state.as_str(),
            started_us: mark.started_us,
            finished_us: mark.finished_us,
        }
    }
}

/// Runs of all pipelines.
pub(crate) fn runs(app: &App, query: &ListQuery) -> Result<Runs, Problem> {
    let limit = query.limit(50)?;
    let page = RunPage {
        pipeline: None,
        before: query.run()?,
        limit: limit + 1,
    };
    let (runs, next) = cut(app.store().runs(&page)?, limit, |run| run.id.to_string());
    Ok(Runs {
        runs: runs.into_iter().map(RunRow::from).collect(),
        next,
    })
}
