//! Studies: what was tried, and what it was worth.

use serde_json::Value as Json;
use trueline_engine::{StudyReport, TrialReport, TrialState};

use super::stages::mark;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// Each study with its trials as a table, a column for each parameter that is not the same in all.
pub(crate) fn studies(studies: &[StudyReport], style: Style) -> String {
    let studies: Vec<String> = studies.iter().map(|study| one(study, style)).collect();
    studies.join("\n")
}

fn one(study: &StudyReport, style: Style) -> String {
    let mark = mark(study.state);
    let outcome = match &study.reason {
        Some(reason) => reason.clone(),
        None => format!(
            "{} of {}",
            study.trials.len(),
            numbers::plural(study.count, "trial")
        ),
    };
    let mut text = format!(
        "{} {} {}\n\n",
        style.mark(mark),
        style.bold(&study.stage),
        style.paint(mark.tone(), &outcome)
    );
    let params = varying(study);
    let heads = [cell(""), cell("trial")].into_iter();
    let named = params.iter().map(|name| cell(name.as_str()).right());
    let metric = cell(study.metric.as_str()).right();
    let mut grid = Grid::with_heads(heads.chain(named).chain([metric, cell("")]));
    for trial in &study.trials {
        let is_best = study.best == Some(trial.number);
        let tone = if is_best { Tone::Bold } else { Tone::Plain };
        let marked = match (is_best, trial.state) {
            (true, _) => Cell::mark(Mark::Good, style),
            (_, TrialState::Failed) => Cell::mark(Mark::Bad, style),
            _ => cell(""),
        };
        let values = params
            .iter()
            .map(|name| cell(shown(&trial.params[name])).right());
        let value = trial.value.map(numbers::metric).unwrap_or_default();
        grid.row(
            [marked, cell(trial.number.to_string()).tone(tone)]
                .into_iter()
                .chain(values)
                .chain([cell(value).right().tone(tone), cell(note(trial))]),
        );
    }
    text += &grid.render(2, style);
    text
}

/// The parameters that differ between trials, by name.
fn varying(study: &StudyReport) -> Vec<String> {
    let Some(first) = study
        .trials
        .first()
        .and_then(|trial| trial.params.as_object())
    else {
        return Vec::new();
    };
    let names = study
        .trials
        .iter()
        .filter_map(|trial| trial.params.as_object());
    let mut names: Vec<&String> = names.flat_map(|params| params.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |name: &&String| {
        let mut trials = study.trials.iter();
        trials.any(|trial| trial.params.get(name.as_str()) != first.get(name.as_str()))
    };
    names.into_iter().filter(differs).cloned().collect()
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Number(number) if number.is_f64() => {
            numbers::metric(number.as_f64().unwrap_or(f64::NAN))
        }
        other => other.to_string(),
    }
}

fn note(trial: &TrialReport) -> String {
    match (trial.state, trial.stopped_at, &trial.failure) {
        (_, Some(step), _) => format!("stopped after step {}", step + 1),
        (TrialState::Open, None, _) => "not measured".to_owned(),
        (TrialState::Failed, None, Some(why)) => format!("failed: {why}"),
        (TrialState::Failed, None, None) => "failed".to_owned(),
        _ => String::new(),
    }
}
