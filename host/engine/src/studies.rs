//! What the store knows of a run's studies: for the command line and for pages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;
use trueline_store::{Event, RunId, Stage, StageState, Store};

use crate::Result;
use crate::step::Step;

/// A study of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyReport {
    /// The stage whose name stands for the best trial.
    pub stage: String,
    pub state: StageState,
    /// Why it failed, or which trial is the best.
    pub reason: Option<String>,
    /// What decides, such as `score.auc`.
    pub metric: String,
    /// `max` or `min`.
    pub goal: String,
    /// How many trials there are in the end.
    pub count: u64,
    /// The number of the best trial, once that is known.
    pub best: Option<u64>,
    /// All that was said about it: space, sampler, seed, how many trials at once, pruner.
    pub declared: Json,
    /// In the order of their numbers, those that have begun.
    pub trials: Vec<TrialReport>,
}

/// A trial of a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialReport {
    /// Counted from 0.
    pub number: u64,
    /// The stage that was tried.
    pub stage: String,
    pub state: TrialState,
    /// What it tried.
    pub params: Json,
    /// What it was worth; nothing unless it is complete.
    pub value: Option<f64>,
    /// The step after which it was stopped, counted from 0.
    pub stopped_at: Option<u64>,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the stage reported after each of its steps, if it did.
    pub curve: Vec<CurvePoint>,
}

/// How far a trial has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialState {
    /// Not measured yet, or given up with its run.
    Open,
    Complete,
    /// Its study stopped it early.
    Stopped,
    Failed,
}

/// What a stage reported after a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Counted from 0.
    pub step: u32,
    pub metrics: BTreeMap<String, f64>,
}

/// The studies of a run, in the order of its plan.
///
/// # Errors
/// If the store cannot be read.
pub fn studies(store: &Store, run: &RunId) -> Result<Vec<StudyReport>> {
    let stages = store.stages(run)?;
    let events = study_events(store, run)?;
    let studies = stages.iter().filter(|stage| stage.kind == "study");
    let curves: BTreeMap<String, _> = store
        .outputs(run)?
        .into_iter()
        .filter(|output| output.name == "steps")
        .map(|output| (output.stage, output.digest))
        .collect();
    let study = |stage: &Stage| {
        let own = |kind: &'static str| {
            let events = events.iter();
            events.filter(move |event| {
                event.kind == kind && event.stage.as_deref() == Some(stage.name.as_str())
            })
        };
        let mut trials: Vec<TrialReport> = own("study.trial").filter_map(finished).collect();
        let begun = stages.iter().filter_map(|other| {
            let number = number_of(&other.name, &stage.name)?;
            trials
                .iter()
                .all(|trial| trial.number != number)
                .then(|| unfinished(number, other))
        });
        let begun: Vec<TrialReport> = begun.collect();
        trials.extend(begun);
        trials.sort_by_key(|trial| trial.number);
        for trial in &mut trials {
            if let Some(digest) = curves.get(&trial.stage) {
                let steps = Step::read_all(&store.artifact(digest)?);
                trial.curve = steps.into_iter().map(curve_point).collect();
            }
        }
        let word = |key: &str| stage.params[key].as_str().unwrap_or_default().to_owned();
        Ok(StudyReport {
            stage: stage.name.clone(),
            state: stage.state,
            reason: stage.reason.clone(),
            metric: format!("{}.{}", word("measured_by"), word("metric")),
            goal: word("goal"),
            count: stage.params["count"].as_u64().unwrap_or_default(),
            best: own("study.decided")
                .next()
                .and_then(|event| event.detail["best"].as_u64()),
            declared: stage.params.clone(),
            trials,
        })
    };
    studies.map(study).collect()
}

/// The stages of a run that are of a trial, by name.
pub fn trial_stages(stages: &[Stage]) -> BTreeSet<String> {
    let studies = stages.iter().filter(|stage| stage.kind == "study");
    let sections = studies.flat_map(|study| {
        let sections = study.params["sampled"]["sections"].as_array();
        let sections = sections.into_iter().flatten();
        sections.filter_map(|section| section.as_str())
    });
    let sections: Vec<&str> = sections.collect();
    let is_trial = |stage: &&Stage| {
        let mut sections = sections.iter();
        sections.any(|section| number_of(&stage.name, section).is_some())
    };
    let trials = stages.iter().filter(is_trial);
    trials.map(|stage| stage.name.clone()).collect()
}

/// The events that tell of studies.
fn study_events(store: &Store, run: &RunId) -> Result<Vec<Event>> {
    const PAGE: u32 = 1000;
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let events = store.events(run, after, PAGE)?;
        let Some(last) = events.last() else {
            return Ok(found);
        };
        after = last.sequence;
        found.extend(
            events
                .into_iter()
                .filter(|event| event.kind.starts_with("study.")),
        );
    }
}

fn finished(event: &Event) -> Option<TrialReport> {
    let detail = &event.detail;
    let stopped_at = detail["stopped_at"].as_u64();
    let failure = detail["failure"].as_str().map(str::to_owned);
    Some(TrialReport {
        number: detail["number"].as_u64()?,
        stage: detail["stage"].as_str()?.to_owned(),
        state: match (stopped_at, &failure) {
            (_, Some(_)) => TrialState::Failed,
            (Some(_), None) => TrialState::Stopped,
            (None, None) => TrialState::Complete,
        },
        params: detail["params"].clone(),
        value: detail["value"].as_f64(),
        stopped_at,
        failure,
        curve: Vec::new(),
    })
}

/// A trial that the study has not taken in.
fn unfinished(number: u64, stage: &Stage) -> TrialReport {
    TrialReport {
        number,
        stage: stage.name.clone(),
        state: match stage.state {
            StageState::Failed => TrialState::Failed,
            _ => TrialState::Open,
        },
        params: stage.params.clone(),
        value: None,
        stopped_at: None,
        failure: match stage.state {
            StageState::Failed => stage.reason.clone(),
            _ => None,
        },
        curve: Vec::new(),
    }
}

/// The number of a trial of `study`.
fn number_of(stage: &str, study: &str) -> Option<u64> {
    let number = stage.strip_prefix(study)?.strip_prefix('[')?;
    number.strip_suffix(']')?.parse().ok()
}

fn curve_point(step: Step) -> CurvePoint {
    CurvePoint {
        step: step.step,
        metrics: step.metrics.into_iter().collect(),
    }
}
