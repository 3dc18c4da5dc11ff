//! What a stage computed, committed: with its key, or without one if somebody who watched gave it up. A
//! finding that fails rejects the result, and another result for a known key fails the stage.

use serde_json::json;
use trueline_dataset::TablePin;
use trueline_pipeline::StageWork;
use trueline_runtime::Severity;
use trueline_store::{AttemptId, AttemptOutcome, Kept, NewKey, Output, Results, StageState};

use super::{Attempt, Done, empty_report};
use crate::key::Ingredients;
use crate::log::AttemptLog;
use crate::pipe::Fitted;
use crate::reduce::Reduced;
use crate::report::StageReport;
use crate::{Result, numbers};

impl Attempt<'_> {
    /// Commits what it computed.
    pub(super) fn keep(
        &self,
        attempt: &AttemptId,
        ingredients: &Ingredients,
        reduced: Option<Reduced>,
        log: &AttemptLog<'_>,
    ) -> Result<Done> {
        let mut report = empty_report(self.stage);
        let was_given_up = reduced.as_ref().is_some_and(|reduced| reduced.was_given_up);
        let steps = reduced.as_ref().map(|reduced| reduced.steps.clone());
        let steps = steps.unwrap_or_default();
        report.stopped_at = self.stopped_at(&steps);
        if let Some(last) = steps.last().filter(|step| step.is_stop()) {
            log.info(format!("told to stop after step {}", last.step + 1));
        }
        let (results, fitted, contents) = results(&mut report, self.job.work, reduced);
        log.found(&report.findings);
        let failed = report
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fail);
        let first = failed.clone().next().map(|finding| finding.message.clone());
        if let Some(first) = first {
            let reason = match failed.count() {
                1 => first,
                count => format!("{first} (and {} more findings)", count - 1),
            };
            log.end(None)?;
            let rejected = AttemptOutcome::Rejected {
                results,
                reason: reason.clone(),
            };
            self.store.finish_attempt(attempt, rejected)?;
            report.state = StageState::Failed;
            report.message = Some(reason);
            return Ok(Done::failed(report));
        }
        log.info(gave(&report, &fitted));
        let kept = if was_given_up {
            log.end(None)?;
            let succeeded = AttemptOutcome::Succeeded(results);
            self.store.finish_attempt(attempt, succeeded)?;
            Kept::Succeeded
        } else {
            let key = NewKey {
                key: ingredients.key(&contents),
                shape: ingredients.shape(),
                ingredients: ingredients.shown(Some(&contents)),
                rows: report.rows,
                recipes: ingredients.recipe_rows(&contents),
            };
            self.store
                .finish_with_key(attempt, results, key, log.last_lines(None))?
        };
        match kept {
            Kept::Succeeded => {
                report.state = StageState::Succeeded;
                Ok(Done {
                    report,
                    fitted: Some(fitted),
                    steps,
                })
            }
            Kept::Nondeterministic(incident) => {
                report.state = StageState::Failed;
                report.message = Some(incident.message());
                Ok(Done::failed(report))
            }
        }
    }
}

/// What goes into the store, into the report, to the stages downstream, and into the key.
fn results(
    report: &mut StageReport,
    work: &StageWork,
    reduced: Option<Reduced>,
) -> (Results, Fitted, Vec<TablePin>) {
    let Some(reduced) = reduced else {
        let fitted = Fitted::given(work);
        report.state_digest = Some(fitted.digest);
        let outputs = vec![Output::new("state", "state", work.state.to_vec())];
        let results = Results {
            outputs,
            ..Results::default()
        };
        return (results, fitted, Vec::new());
    };
    let Reduced {
        outcome,
        inputs,
        rows,
        contents,
        steps,
        ..
    } = reduced;
    let mut outputs = vec![Output::new("state", "state", outcome.state.clone())];
    if let Some(text) = &outcome.report {
        outputs.push(Output::new("report", "report", text.as_bytes()));
        report.report = serde_json::from_str(text).ok();
    }
    if !steps.is_empty() {
        outputs.push(Output::new("steps", "steps", json!(steps).to_string()));
    }
    let metrics = outcome.metrics.into_iter();
    let metrics: Vec<_> = metrics.map(|metric| (metric.name, metric.value)).collect();
    let findings = outcome.findings.iter().map(|finding| json!(finding));
    let findings = findings.collect();
    report.rows = rows;
    report.metrics = metrics.iter().cloned().collect();
    report.findings = outcome.findings;
    let fitted = Fitted::new(work, inputs, outcome.state);
    report.state_digest = Some(fitted.digest);
    let results = Results {
        outputs,
        metrics,
        findings,
    };
    (results, fitted, contents)
}

/// What a stage came to, for its log.
fn gave(report: &StageReport, fitted: &Fitted) -> String {
    let learned = match fitted.state.len() {
        0 => "learned nothing".to_owned(),
        size => format!(
            "learned {} ({})",
            numbers::size(size as u64),
            fitted.digest.short()
        ),
    };
    match report.metrics.len() {
        0 => learned,
        count => format!(
            "{learned}, measured {}",
            numbers::plural(count as u64, "metric")
        ),
    }
}
