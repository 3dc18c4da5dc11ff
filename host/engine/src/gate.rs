//! Gates: what they decide, and what is said about it.

use std::time::Instant;

use serde_json::json;
use trueline_pipeline::{GateWork, PlannedStage, Verdict};
use trueline_store::{NewEvent, StageState};

use crate::Result;
use crate::attempt::empty_report;
use crate::champion::Scores;
use crate::report::Gate;
use crate::run::{Running, elapsed_ms};

impl Running<'_> {
    /// Decides a gate from what was measured, and writes it down.
    pub(crate) fn decide(&mut self, stage: &PlannedStage, gate: &GateWork) -> Result<()> {
        let started = Instant::now();
        let name = &stage.name;
        let scores = Scores::new(self.champion.as_ref(), self.reports.values());
        let verdicts = gate.evaluate(&self.metrics, scores.for_gate());
        let passed = verdicts.iter().all(|verdict| verdict.passed);
        let mut report = empty_report(stage);
        report.state = match passed {
            true => StageState::Succeeded,
            false => StageState::Failed,
        };
        report.message = (!passed).then(|| refusal(&verdicts));
        report.elapsed_ms = elapsed_ms(started);
        for state in [StageState::Ready, StageState::Running] {
            self.store.set_stage(&self.run, name, state, None)?;
        }
        let reason = report.message.as_deref();
        self.store
            .set_stage(&self.run, name, report.state, reason)?;
        let event = NewEvent::new("gate.decided").stage(name);
        let detail = json!({ "passed": passed, "verdicts": verdicts });
        self.store.append_event(&self.run, event.detail(detail))?;
        self.gates.push(Gate {
            stage: name.clone(),
            passed,
            verdicts,
        });
        self.report(report);
        Ok(())
    }
}

/// The sentence that says which requirements were not met, with the numbers.
fn refusal(verdicts: &[Verdict]) -> String {
    let missed = verdicts
        .iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| {
            let values = verdict
                .values
                .iter()
                .map(|(name, value)| format!("{name} is {value}"));
            let values: Vec<_> = values.collect();
            match &verdict.problem {
                Some(problem) => format!("`{}`: {problem}", verdict.text),
                None => format!("`{}` does not hold: {}", verdict.text, values.join(", ")),
            }
        });
    missed.collect::<Vec<_>>().join("; ")
}
