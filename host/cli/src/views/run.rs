//! What became of a run.

use trueline_engine::{Gate, PackageReport, RunReport};
use trueline_store::RunFailure;

use super::{facts, gate, metrics, runs, section, stages};
use crate::numbers;
use crate::style::Style;

/// The report of a run, all but what to type next.
pub(crate) fn run(report: &RunReport, style: Style) -> String {
    let mut text = headline(report, style);
    text.push('\n');
    // What was tried is for `study show` to tell.
    let told = report.stages.iter().filter(|stage| !stage.is_quiet_trial());
    text += &stages::stages(
        told.clone().map(|stage| stages::Line {
            stage: &stage.stage,
            plugin: &stage.plugin,
            state: stage.state,
            rows: Some(stage.rows),
            elapsed_ms: Some(stage.elapsed_ms),
            // A gate's reasons stand below, each with its numbers.
            message: stage.message.as_deref().filter(|_| stage.plugin != "gate"),
        }),
        style,
    );
    let measured = told.clone().flat_map(|stage| {
        stage
            .metrics
            .iter()
            .map(|(name, value)| (stage.stage.as_str(), name.as_str(), *value))
    });
    text += &section("metrics", &metrics::metrics(measured, style), style);
    for stage in told {
        if let Some(matrix) = stage
            .report
            .as_ref()
            .and_then(|report| metrics::confusion(report, style))
        {
            text += &section(&format!("confusion of {}", stage.stage), &matrix, style);
        }
    }
    let found = report.stages.iter().flat_map(|stage| {
        stage
            .findings
            .iter()
            .map(|finding| (stage.stage.as_str(), finding))
    });
    text += &section("findings", &metrics::findings(found, style), style);
    if let Some(champion) = &report.champion {
        let digest = style.dim(&champion.digest.short());
        let against = [("champion", format!("{} {digest}", champion.package))];
        text += &section("compared with", &facts(against, style), style);
    }
    for decided in &report.gates {
        text += &gate::gate(&decided.stage, decided.passed, &decided.verdicts, style);
    }
    if let Some(made) = &report.package {
        text += &package(made, &report.gates, style);
    }
    text
}

fn headline(report: &RunReport, style: Style) -> String {
    let mark = runs::mark(report.state);
    let outcome = match report.failure {
        Some(RunFailure::Gate) => "was refused by its gate".to_owned(),
        _ => report.state.to_string(),
    };
    format!(
        "{} {} {} in {}  {}\n",
        style.mark(mark),
        style.bold(&report.pipeline),
        style.paint(mark.tone(), &outcome),
        numbers::elapsed(report.elapsed_ms),
        style.dim(report.run.as_str()),
    )
}

fn package(package: &PackageReport, gates: &[Gate], style: Style) -> String {
    let reference = format!("{}@{}", package.name, package.version);
    // A gate's reasons stand above, each with its numbers.
    let is_said = gates.iter().any(|gate| !gate.passed);
    let verdict = match package.accepted {
        true => format!("{}: {}", style.good("accepted"), package.message),
        false if is_said => style.bad("refused"),
        false => format!("{}: {}", style.bad("refused"), package.message),
    };
    let body = facts(
        [
            ("digest", package.digest.to_string()),
            ("chain", package.chain.join(" | ")),
            ("verdict", verdict),
        ],
        style,
    );
    section(&format!("package {reference}"), &body, style)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use trueline_engine::StageReport;
    use trueline_pipeline::Verdict;
    use trueline_runtime::{Finding, Severity};
    use trueline_store::{RunState, StageState};
    use trueline_table::Digest;

    use super::*;

    fn stage(
        name: &str,
        plugin: &str,
        state: StageState,
        rows: u64,
        elapsed_ms: u64,
    ) -> StageReport {
        StageReport {
            stage: name.to_owned(),
            plugin: plugin.to_owned(),
            state,
            message: None,
            elapsed_ms,
            cached_from: None,
            rows,
            metrics: BTreeMap::new(),
            findings: Vec::new(),
            report: None,
            state_digest: None,
            stopped_at: None,
            study: None,
            best: None,
        }
    }

    fn verdict(text: &str, passed: bool, values: &[(&str, f64)]) -> Verdict {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        Verdict {
            text: text.to_owned(),
            passed,
            values,
            problem: None,
        }
    }

    fn report(auc_bound: f64) -> RunReport {
        let passed = auc_bound < 0.9;
        let mut score = stage("score", "metrics", StageState::Succeeded, 83_374, 611);
        score.metrics = [
            ("accuracy", 0.893_149),
            ("auc", 0.901_234),
            ("rows", 83_374.0),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        score.report = Some(json!({ "label": "late", "confusion": {
            "true_positive": 9430.0, "false_positive": 2181.0, "true_negative": 66_446.0, "false_negative": 5317.0,
        }}));
        let mut validate = stage("validate", "expect", StageState::Succeeded, 327_346, 1840);
        validate.findings = vec![Finding {
            severity: Severity::Warn,
            subject: "tailnum".to_owned(),
            message: "2,512 of 327,346 rows are null".to_owned(),
            count: 2512,
        }];
        let verdicts = vec![
            verdict(
                "score.accuracy >= 0.88",
                true,
                &[("score.accuracy", 0.893_149)],
            ),
            verdict(
                &format!("score.auc >= {auc_bound}"),
                passed,
                &[("score.auc", 0.901_234)],
            ),
        ];
        let gate_state = if passed {
            StageState::Succeeded
        } else {
            StageState::Failed
        };
        RunReport {
            run: "run_00000000000000t1".parse().unwrap(),
            pipeline: "flight-delays".to_owned(),
            state: if passed {
                RunState::Succeeded
            } else {
                RunState::Failed
            },
            failure: (!passed).then_some(RunFailure::Gate),
            message: None,
            elapsed_ms: 41_240,
            stages: vec![
                validate,
                stage("model", "gbdt", StageState::Succeeded, 262_101, 125_300),
                score,
                stage("gate", "gate", gate_state, 0, 0),
            ],
            gates: vec![Gate {
                stage: "gate".to_owned(),
                passed,
                verdicts,
            }],
            champion: None,
            package: Some(PackageReport {
                name: "flight-delays".to_owned(),
                version: 1,
                digest: Digest::of(b"package"),
                chain: vec![
                    "plane".to_owned(),
                    "features".to_owned(),
                    "model".to_owned(),
                ],
                accepted: passed,
                message: if passed {
                    "`gate` passed"
                } else {
                    "`score.auc >= 0.95` does not hold"
                }
                .to_owned(),
            }),
        }
    }

    const UNICODE: Style = Style {
        colour: false,
        unicode: true,
    };

    #[test]
    fn a_run_that_passed() {
        insta::assert_snapshot!(run(&report(0.88), UNICODE));
    }

    #[test]
    fn a_run_that_was_refused() {
        insta::assert_snapshot!(run(&report(0.95), Style::PLAIN));
    }

    #[test]
    fn a_run_that_failed() {
        let mut report = report(0.88);
        report.state = RunState::Failed;
        report.failure = Some(RunFailure::Stage);
        report.stages.truncate(2);
        report.stages[1].state = StageState::Failed;
        report.stages[1].message =
            Some("the stage needed more memory than its limit of 64 bytes".to_owned());
        let mut score = stage("score", "metrics", StageState::Blocked, 0, 0);
        score.message = Some("a stage that it depends on did not succeed".to_owned());
        report.stages.push(score);
        report.gates.clear();
        report.package = None;
        insta::assert_snapshot!(run(&report, UNICODE));
    }
}
