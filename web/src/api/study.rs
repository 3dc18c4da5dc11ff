//! A study: what was tried, and what it was worth.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_engine::{TrialReport, TrialState};
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

/// A study of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StudyDetails {
    pub(crate) run: String,
    pub(crate) pipeline: String,
    /// The stage whose name stands for the best trial.
    pub(crate) stage: String,
    pub(crate) state: &'static str,
    /// Why it failed, or which trial is the best.
    pub(crate) reason: Option<String>,
    /// What decides, such as `score.auc`.
    pub(crate) metric: String,
    /// `max` or `min`.
    pub(crate) goal: String,
    /// How many trials there are in the end.
    pub(crate) count: u64,
    /// The number of the best trial, once that is known.
    pub(crate) best: Option<u64>,
    /// Space, sampler, seed, how many trials at once, pruner.
    #[schema(value_type = Object)]
    pub(crate) declared: Value,
    /// In the order of their numbers, those that have begun.
    pub(crate) trials: Vec<Trial>,
}

/// A trial of a study.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Trial {
    /// Counted from 0.
    pub(crate) number: u64,
    /// The stage that was tried.
    pub(crate) stage: String,
    /// `open`, `complete`, `stopped` or `failed`.
    pub(crate) state: &'static str,
    /// What it tried.
    #[schema(value_type = Object)]
    pub(crate) params: Value,
    /// What it was worth; null unless it is complete.
    pub(crate) value: Option<f64>,
    /// The step after which it was stopped, counted from 0.
    pub(crate) stopped_at: Option<u64>,
    /// Why it failed.
    pub(crate) failure: Option<String>,
    /// For each metric what the stage reported after each of its steps.
    pub(crate) curves: BTreeMap<String, Vec<f64>>,
}

impl From<TrialReport> for Trial {
    fn from(trial: TrialReport) -> Self {
        let mut curves: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for point in trial.curve {
            for (name, value) in point.metrics {
                curves.entry(name).or_default().push(value);
            }
        }
        Self {
            number: trial.number,
            stage: trial.stage,
            state: match trial.state {
                TrialState::Open => "open",
                TrialState::Complete => "complete",
                TrialState::Stopped => "stopped",
                TrialState::Failed => "failed",
            },
            params: trial.params,
            value: trial.value,
            stopped_at: trial.stopped_at,
            failure: trial.failure,
            curves,
        }
    }
}

/// A study of a run, by the name of its stage.
pub(crate) fn study(app: &App, reference: &str, stage: &str) -> Result<StudyDetails, Problem> {
    let run = app.store().run(reference)?.summary;
    let mut studies = trueline_engine::studies(app.store(), &run.id)?;
    let Some(position) = studies.iter().position(|study| study.stage == stage) else {
        let names = studies.iter().map(|study| study.stage.as_str());
        return Err(Problem::unknown("study", stage, run.id.as_str(), names));
    };
    let study = studies.swap_remove(position);
    Ok(StudyDetails {
        run: run.id.to_string(),
        pipeline: run.pipeline,
        stage: study.stage,
        state: study.state.as_str(),
        reason: study.reason,
        metric: study.metric,
        goal: study.goal,
        count: study.count,
        best: study.best,
        declared: study.declared,
        trials: study.trials.into_iter().map(Trial::from).collect(),
    })
}
