//! Taking up a run that did not come to its end.
//!
//! What has finished never changes, so the run stays as it is, and another one takes its place: with the same
//! pipeline file, parameters, components and data, as the store kept them. What had come to an end is found in
//! the cache.

use trueline_pipeline::Plan;
use trueline_runtime::Runtime;
use trueline_store::{RunFailure, RunId, RunState, StageState, Store};

use crate::reproduce::recorded_plan;
use crate::{Error, Result};

/// A run that can be taken up.
#[derive(Debug)]
pub struct Resumption {
    pub run: RunId,
    /// What it was to do.
    pub plan: Plan,
    /// The stages that were asked for; all, if there are none.
    pub only: Vec<String>,
    /// Stages that had come to an end with a result.
    pub done: usize,
    /// Stages that were to run, as far as that was known.
    pub stages: usize,
}

/// Finds what a run was to do, by its id or the start of it.
///
/// # Errors
/// [`Error::NothingToResume`] if it goes on still, or has come to its own end; [`Error::Lost`] if something that it was
/// made from is not there any more.
pub fn resume(store: &Store, reference: &str, runtime: &Runtime) -> Result<Resumption> {
    let past = store.run(reference)?;
    let summary = &past.summary;
    let why = match (summary.state, summary.failure) {
        (RunState::Succeeded, _) => Some("it has succeeded"),
        (RunState::Failed, Some(RunFailure::Gate)) => {
            Some("all of it is done, and its gate refused it")
        }
        (RunState::Queued | RunState::Running | RunState::Waiting, _) => {
            Some("it is not over: another process runs it")
        }
        (RunState::Failed | RunState::Cancelled, _) => None,
    };
    if let Some(why) = why {
        return Err(Error::NothingToResume {
            run: summary.id.clone(),
            why,
        });
    }
    let stages = store.stages(&summary.id)?;
    let has_result = |state| matches!(state, StageState::Succeeded | StageState::Cached);
    let only = past.params.get("only").cloned().unwrap_or_default();
    Ok(Resumption {
        plan: recorded_plan(store, &past, runtime)?,
        only: serde_json::from_value(only).unwrap_or_default(),
        done: stages
            .iter()
            .filter(|stage| has_result(stage.state))
            .count(),
        stages: stages.len(),
        run: past.summary.id,
    })
}
