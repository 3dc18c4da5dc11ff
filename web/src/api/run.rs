//! All about one run.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use trueline_store::{Run, RunFailure, RunState};
use utoipa::ToSchema;

use super::runs::RunRow;
use crate::app::App;
use crate::problem::Problem;
use crate::runner::StageProgress;

/// A run: what it was given, its stages, what was measured and decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunDetails {
    #[serde(flatten)]
    pub(crate) run: RunRow,
    /// Why it failed, for a person.
    pub(crate) message: Option<String>,
    pub(crate) seed: u64,
    /// Where the pipeline file was.
    pub(crate) pipeline_file: Option<String>,
    pub(crate) pipeline_digest: String,
    /// The parameters of the pipeline with the values of this run.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub(crate) params: BTreeMap<String, Value>,
    /// The stage from which on all were run, whatever was known of them.
    pub(crate) from: Option<String>,
    /// The stages that were asked for; all, if there are none.
    pub(crate) only: Vec<String>,
    /// The run that it took up.
    pub(crate) resumes: Option<String>,
    /// The version of the pipeline file in its Git repository.
    #[schema(value_type = Option<Object>)]
    pub(crate) source: Option<Value>,
    /// In the order of the plan.
    pub(crate) stages: Vec<RunStage>,
    pub(crate) datasets: Vec<RunDataset>,
    pub(crate) gates: Vec<RunGate>,
    /// The packages that it made, or made once more.
    pub(crate) packages: Vec<RunPackage>,
    /// Whether this server runs it, so that it can be cancelled here.
    pub(crate) is_here: bool,
    /// Whether it did not come to its end, so that it can be taken up.
    pub(crate) is_resumable: bool,
}

/// A stage of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunStage {
    pub(crate) name: String,
    /// What it uses; `gate` for a gate.
    pub(crate) kind: String,
    /// `pending`, `ready`, `cached`, `running`, `skipped`, `blocked`, `succeeded` or `failed`.
    pub(crate) state: &'static str,
    /// Why it is in this state, where the state does not say it.
    pub(crate) reason: Option<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) started_us: Option<i64>,
    pub(crate) finished_us: Option<i64>,
    pub(crate) attempt_count: usize,
    pub(crate) metrics: Vec<NamedValue>,
    pub(crate) finding_count: usize,
    /// While this server runs it: how far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<StageProgress>,
}

/// A metric.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NamedValue {
    pub(crate) name: String,
    /// A number; NaN and the infinities, which JSON lacks, are texts.
    #[schema(value_type = Object)]
    pub(crate) value: Value,
}

/// A dataset that a run read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunDataset {
    pub(crate) name: String,
    pub(crate) table_digest: String,
    pub(crate) rows: u64,
    pub(crate) file_count: usize,
    pub(crate) size_bytes: u64,
}

/// What a gate decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunGate {
    pub(crate) stage: String,
    pub(crate) has_passed: bool,
    pub(crate) requirements: Vec<Requirement>,
}

/// One requirement of a gate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Requirement {
    /// As the pipeline file has it.
    pub(crate) text: String,
    pub(crate) has_passed: bool,
    /// The metrics that it mentions.
    pub(crate) values: Vec<NamedValue>,
    pub(crate) problem: Option<String>,
}

/// A package that a run made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunPackage {
    pub(crate) name: String,
    pub(crate) version: u32,
}

/// A metric's value as JSON has it.
pub(crate) fn json_number(value: f64) -> Value {
    match value {
        _ if value.is_finite() => value.into(),
        _ if value.is_nan() => "NaN".into(),
        _ if value > 0.0 => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

/// A run, by its id or the start of it.
pub(crate) fn run(app: &App, reference: &str) -> Result<RunDetails, Problem> {
    let store = app.store();
    let Run {
        summary,
        message,
        seed,
        pipeline_digest,
        params,
        ..
    } = store.run(reference)?;
    let id = summary.id.clone();
    let (_, mut progress) = app.shared.runner.progress(&id);
    let (attempts, metrics, findings) = (
        store.attempts(&id)?,
        store.metrics(&id)?,
        store.findings(&id)?,
    );
    let stages = store.stages(&id)?.into_iter().map(|stage| RunStage {
        attempt_count: attempts
            .iter()
            .filter(|attempt| attempt.stage == stage.name)
            .count(),
        metrics: metrics
            .iter()
            .filter(|metric| metric.stage == stage.name)
            .map(|metric| NamedValue {
                name: metric.name.clone(),
                value: json_number(metric.value),
            })
            .collect(),
        finding_count: findings
            .iter()
            .filter(|finding| finding.stage == stage.name)
            .count(),
        progress: progress.remove(&stage.name),
        name: stage.name,
        kind: stage.kind,
        state: stage.state.as_str(),
        reason: stage.reason,
        depends_on: stage.depends_on,
        started_us: stage.started_us,
        finished_us: stage.finished_us,
    });
    let stages = stages.collect();
    let datasets = store.datasets(&id)?.into_iter().map(|dataset| RunDataset {
        name: dataset.name,
        table_digest: dataset.table_digest.to_string(),
        rows: dataset.rows,
        file_count: dataset.files.len(),
        size_bytes: dataset.files.iter().map(|file| file.size_bytes).sum(),
    });
    let packages = store.judged_by(&id)?.into_iter();
    Ok(RunDetails {
        message,
        seed,
        pipeline_file: params["pipeline_file"].as_str().map(str::to_owned),
        pipeline_digest: pipeline_digest.to_string(),
        params: serde_json::from_value(params["params"].clone()).unwrap_or_default(),
        from: params["from"].as_str().map(str::to_owned),
        only: serde_json::from_value(params["only"].clone()).unwrap_or_default(),
        resumes: params["resumes"].as_str().map(str::to_owned),
        source: params
            .get("source")
            .cloned()
            .filter(|source| !source.is_null()),
        stages,
        datasets: datasets.collect(),
        gates: gates(app, &id)?,
        packages: packages
            .map(|(name, version)| RunPackage { name, version })
            .collect(),
        is_here: app.shared.runner.owns(&id),
        is_resumable: match summary.state {
            RunState::Failed => summary.failure != Some(RunFailure::Gate),
            state => state == RunState::Cancelled,
        },
        run: summary.into(),
    })
}

/// What the gates of a run decided.
pub(crate) fn gates(app: &App, run: &trueline_store::RunId) -> Result<Vec<RunGate>, Problem> {
    let gates = trueline_engine::gates(app.store(), run)?.into_iter();
    let gates = gates.map(|gate| RunGate {
        stage: gate.stage,
        has_passed: gate.passed,
        requirements: gate
            .verdicts
            .into_iter()
            .map(|verdict| Requirement {
                text: verdict.text,
                has_passed: verdict.passed,
                values: verdict
                    .values
                    .into_iter()
                    .map(|(name, value)| NamedValue {
                        name,
                        value: json_number(value),
                    })
                    .collect(),
                problem: verdict.problem,
            })
            .collect(),
    });
    Ok(gates.collect())
}

/// A run that was asked to end.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Cancelled {
    pub(crate) run: String,
}

/// Asks a run of this process to come to a clean end.
pub(crate) fn cancel(app: &App, reference: &str) -> Result<Cancelled, Problem> {
    let run = app.store().run(reference)?.summary;
    if app.shared.runner.cancel(&run.id) {
        return Ok(Cancelled {
            run: run.id.to_string(),
        });
    }
    let title = "This is not possible now";
    let problem = |detail| Problem::new(StatusCode::CONFLICT, title, detail);
    Err(match run.state.is_final() {
        true => problem(format!("{} has {} already", run.id, run.state)),
        false => problem(format!("{} goes on in another process", run.id))
            .hint("press Ctrl-C where it was started"),
    })
}
