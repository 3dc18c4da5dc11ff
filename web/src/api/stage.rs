//! All about one stage of a run.

use serde::Serialize;
use serde_json::Value;
use trueline_engine::ingredients;
use trueline_store::{Attempt, Finding, RunId, StageOutput};
use utoipa::ToSchema;

use super::run::{NamedValue, RunGate, gates, json_number};
use crate::app::App;
use crate::problem::Problem;
use crate::runner::StageProgress;

/// Larger reports are not shown on a page; their bytes can be fetched.
const REPORT_BYTES: u64 = 1 << 20;
/// Of the log of a run, so much is looked through for what the stage left in it.
const LOG_EVENTS: u32 = 5_000;
/// Lines of the log of a stage that are shown.
const LOG_LINES: u32 = 2_000;

/// A stage of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageDetails {
    pub(crate) run: String,
    pub(crate) pipeline: String,
    pub(crate) name: String,
    /// What it uses; `gate` for a gate.
    pub(crate) kind: String,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) component: Option<String>,
    #[schema(value_type = Object)]
    pub(crate) params: Value,
    pub(crate) depends_on: Vec<String>,
    /// The stages that depend on it.
    pub(crate) needed_by: Vec<String>,
    pub(crate) started_us: Option<i64>,
    pub(crate) finished_us: Option<i64>,
    pub(crate) why: Why,
    pub(crate) attempts: Vec<StageAttempt>,
    pub(crate) inputs: Vec<StageInput>,
    pub(crate) outputs: Vec<OutputRow>,
    pub(crate) metrics: Vec<NamedValue>,
    pub(crate) findings: Vec<FindingRow>,
    /// What it decided, if it is a gate.
    pub(crate) gate: Option<RunGate>,
    /// What it reported.
    #[schema(value_type = Option<Object>)]
    pub(crate) report: Option<Value>,
    /// What its attempts noted while they ran, the first lines if there are very many.
    pub(crate) log: Vec<LogRow>,
    /// What happened to it.
    pub(crate) events: Vec<StageEvent>,
    /// While this server runs it: how far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<StageProgress>,
}

/// Why a stage ran, or took a result from the cache.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Why {
    /// `hit`, `miss` or `off`; null of a gate, and of a stage that never began.
    pub(crate) decision: Option<&'static str>,
    /// In a sentence.
    pub(crate) text: String,
    pub(crate) key: Option<String>,
    /// The run that it is compared with: the one whose result it took, or else the one before.
    pub(crate) compared_with: Option<String>,
    /// What is not as it was there.
    pub(crate) changes: Vec<ChangeRow>,
    /// All that its result was computed from, one value each.
    pub(crate) ingredients: Vec<IngredientRow>,
}

/// An ingredient that changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ChangeRow {
    pub(crate) ingredient: String,
    /// Null if it was not there.
    #[schema(value_type = Option<Object>)]
    pub(crate) old: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub(crate) new: Option<Value>,
}

/// Something that a result was computed from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct IngredientRow {
    pub(crate) name: String,
    #[schema(value_type = Object)]
    pub(crate) value: Value,
}

/// A try of a stage.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageAttempt {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) state: &'static str,
    pub(crate) failure: Option<&'static str>,
    pub(crate) message: Option<String>,
    pub(crate) profile: String,
    pub(crate) fingerprint: String,
    pub(crate) started_us: i64,
    pub(crate) finished_us: Option<i64>,
}

/// A table that a stage read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageInput {
    /// `rows`, or `validation`.
    pub(crate) name: String,
    pub(crate) dataset: Option<String>,
    /// `train`, `valid` or `test`; null for all rows.
    pub(crate) part: Option<String>,
    /// The stages whose maps the rows went through.
    pub(crate) through: Vec<String>,
    /// Of the rows that it read.
    pub(crate) table_digest: Option<String>,
    pub(crate) rows: Option<u64>,
    pub(crate) column_count: usize,
}

/// Something that a stage made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OutputRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
}

/// Something that a stage noticed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FindingRow {
    /// `warn` or `fail`.
    pub(crate) severity: String,
    pub(crate) subject: String,
    pub(crate) message: String,
    /// How many rows it concerns.
    pub(crate) count: u64,
}

/// A line that an attempt noted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LogRow {
    /// From 1, over all attempts.
    pub(crate) line: u64,
    /// The attempt, from 1.
    pub(crate) attempt: u32,
    pub(crate) time_us: i64,
    /// `info`, `warn` or `error`.
    pub(crate) level: &'static str,
    pub(crate) message: String,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageEvent {
    pub(crate) time_us: i64,
    /// Such as `stage.running`.
    pub(crate) kind: String,
    #[schema(value_type = Object)]
    pub(crate) detail: Value,
}

impl From<StageOutput> for OutputRow {
    fn from(output: StageOutput) -> Self {
        Self {
            name: output.name,
            kind: output.kind,
            digest: output.digest.to_string(),
            size_bytes: output.size_bytes,
        }
    }
}

impl From<Attempt> for StageAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            state: attempt.state.as_str(),
            failure: attempt.failure.map(|failure| failure.as_str()),
            message: attempt.message,
            profile: attempt.profile,
            fingerprint: attempt.fingerprint,
            started_us: attempt.started_us,
            finished_us: attempt.finished_us,
        }
    }
}

/// A stage of a run, by its name.
pub(crate) fn stage(app: &App, reference: &str, name: &str) -> Result<StageDetails, Problem> {
    let store = app.store();
    let run = store.run(reference)?.summary;
    let stages = store.stages(&run.id)?;
    let Some(stage) = stages.iter().find(|stage| stage.name == name) else {
        let names = stages.iter().map(|stage| stage.name.as_str());
        return Err(Problem::unknown("stage", name, run.id.as_str(), names));
    };
    let order: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let (why, inputs) = explain(app, &run.id, name, &order)?;
    let own = |output: &StageOutput| output.stage == name;
    let outputs: Vec<_> = store.outputs(&run.id)?.into_iter().filter(own).collect();
    let report = outputs.iter().find(|output| output.name == "report");
    let report = report.filter(|report| report.size_bytes <= REPORT_BYTES);
    let report = report
        .map(|report| store.artifact(&report.digest))
        .transpose();
    // A report that was freed is still named among the outputs.
    let report = report.unwrap_or_default();
    let attempts = store.attempts(&run.id)?.into_iter();
    let needed_by = stages
        .iter()
        .filter(|other| other.depends_on.iter().any(|needs| needs == name));
    Ok(StageDetails {
        run: run.id.to_string(),
        pipeline: run.pipeline,
        name: name.to_owned(),
        kind: stage.kind.clone(),
        state: stage.state.as_str(),
        reason: stage.reason.clone(),
        component: stage.component.map(|digest| digest.to_string()),
        params: stage.params.clone(),
        depends_on: stage.depends_on.clone(),
        needed_by: needed_by.map(|other| other.name.clone()).collect(),
        started_us: stage.started_us,
        finished_us: stage.finished_us,
        why,
        attempts: attempts
            .filter(|attempt| attempt.stage == name)
            .map(StageAttempt::from)
            .collect(),
        inputs,
        metrics: store
            .metrics(&run.id)?
            .into_iter()
            .filter(|metric| metric.stage == name)
            .map(|metric| NamedValue {
                name: metric.name,
                value: json_number(metric.value),
            })
            .collect(),
        findings: findings(app, &run.id, name)?,
        gate: gates(app, &run.id)?
            .into_iter()
            .find(|gate| gate.stage == name),
        report: report.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        log: log(app, &run.id, name)?,
        events: events(app, &run.id, name)?,
        progress: app.shared.runner.progress(&run.id).1.remove(name),
        outputs: outputs.into_iter().map(OutputRow::from).collect(),
    })
}

fn explain(
    app: &App,
    run: &RunId,
    name: &str,
    order: &[&str],
) -> Result<(Why, Vec<StageInput>), Problem> {
    let explained = trueline_engine::explain_stage(app.store(), run, name)?;
    let Some(explained) = explained else {
        return Ok(Default::default());
    };
    let all = explained.ingredients.unwrap_or_default();
    let inputs = all["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|input| stage_input(input, order));
    let inputs = inputs.collect();
    let changes = explained.changes.into_iter().map(|change| ChangeRow {
        ingredient: change.ingredient,
        old: change.old,
        new: change.new,
    });
    let ingredients = ingredients(&all).into_iter();
    let why = Why {
        decision: explained.decision.map(|decision| decision.as_str()),
        text: explained.why,
        key: explained.key.map(|key| key.to_string()),
        compared_with: explained.compared_with.map(|run| run.to_string()),
        changes: changes.collect(),
        ingredients: ingredients
            .map(|(name, value)| IngredientRow { name, value })
            .collect(),
    };
    Ok((why, inputs))
}

/// An input from a list of ingredients, which has maps by name; rows go through them in the order of the plan.
fn stage_input(input: &Value, order: &[&str]) -> StageInput {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let from = &input["from"];
    let through = from["through"].as_object();
    let mut through: Vec<String> = through
        .into_iter()
        .flat_map(|maps| maps.keys().cloned())
        .collect();
    through.sort_by_key(|stage| order.iter().position(|known| known == stage));
    StageInput {
        name: text(&input["name"]).unwrap_or_default(),
        dataset: text(&from["dataset"]),
        part: text(&from["part"]),
        through,
        table_digest: text(&input["table"]),
        rows: input["rows"].as_u64(),
        column_count: input["schema"].as_array().map_or(0, Vec::len),
    }
}

fn findings(app: &App, run: &RunId, stage: &str) -> Result<Vec<FindingRow>, Problem> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = app.store().findings(run)?.into_iter();
    let own = findings.filter(|finding| finding.stage == stage);
    Ok(own
        .map(|Finding { detail, .. }| FindingRow {
            severity: text(&detail["severity"]),
            subject: text(&detail["subject"]),
            message: text(&detail["message"]),
            count: detail["count"].as_u64().unwrap_or_default(),
        })
        .collect())
}

fn log(app: &App, run: &RunId, stage: &str) -> Result<Vec<LogRow>, Problem> {
    let lines = app.store().log(run, stage, 0, LOG_LINES)?.into_iter();
    Ok(lines
        .map(|line| LogRow {
            line: line.line,
            attempt: line.attempt,
            time_us: line.time_us,
            level: line.level.as_str(),
            message: line.message,
        })
        .collect())
}

fn events(app: &App, run: &RunId, stage: &str) -> Result<Vec<StageEvent>, Problem> {
    let events = app.store().events(run, 0, LOG_EVENTS)?.into_iter();
    let own = events.filter(|event| event.stage.as_deref() == Some(stage));
    Ok(own
        .map(|event| StageEvent {
            time_us: event.time_us,
            kind: event.kind,
            detail: event.detail,
        })
        .collect())
}
