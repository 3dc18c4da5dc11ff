//! `trueline show RUN STAGE`

use serde::Serialize;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_engine::{Explained, explain_stage};
use trueline_store::{Attempt, LogLine, Metric, RunId, Stage, StageOutput, Store};

use super::{StageFinding, findings};
use crate::errors::Problem;

/// The log of a stage is bounded; this is more.
const LOG_LINES: u32 = 100_000;

/// All that the store knows of a stage of a run.
#[derive(Debug, Serialize)]
pub(crate) struct StageDetails {
    pub(crate) run: RunId,
    pub(crate) stage: Stage,
    pub(crate) why: Option<Explained>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) outputs: Vec<StageOutput>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) findings: Vec<StageFinding>,
    pub(crate) log: Vec<LogLine>,
}

/// Looks for a stage of a run.
///
/// # Errors
/// If there is no such run or stage.
pub(crate) fn details(store: &Store, reference: &str, name: &str) -> anyhow::Result<StageDetails> {
    let run = store.run(reference)?.summary.id;
    let stages = store.stages(&run)?;
    let Some(stage) = stages.iter().find(|stage| stage.name == name) else {
        let names = || stages.iter().map(|stage| stage.name.as_str());
        let hint = did_you_mean(name, names())
            .unwrap_or_else(|| format!("its stages are {}", list_some(names())));
        return Err(Problem::new(format!("{run} has no stage `{name}`"))
            .hint(hint)
            .into());
    };
    let mut attempts = store.attempts(&run)?;
    attempts.retain(|attempt| attempt.stage == name);
    let mut outputs = store.outputs(&run)?;
    outputs.retain(|output| output.stage == name);
    let mut metrics = store.metrics(&run)?;
    metrics.retain(|metric| metric.stage == name);
    let mut findings = findings(store, &run)?;
    findings.retain(|finding| finding.stage == name);
    Ok(StageDetails {
        why: explain_stage(store, &run, name)?,
        log: store.log(&run, name, 0, LOG_LINES)?,
        stage: stage.clone(),
        attempts,
        outputs,
        metrics,
        findings,
        run,
    })
}
