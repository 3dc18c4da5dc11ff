//! `trueline show [RUN] [STAGE]`

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;
use trueline_engine::{Gate, gates};
use trueline_runtime::Finding;
use trueline_store::{
    Attempt, Dataset, Error, Metric, PackageSummary, Run, RunId, RunPage, Stage, StageOutput, Store,
};

use super::package::all_packages;
use crate::context::Context;
use crate::exit::Exit;
use crate::views;

pub(crate) mod stage;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run, or the start of its id [default: the latest]
    run: Option<String>,
    /// The stage, of which attempts, outputs and log are shown [default: the run as a whole]
    stage: Option<String>,
    /// Only what this stage reports, in full and as JSON: what it checked, measured or learned
    #[arg(long, value_name = "STAGE", conflicts_with = "stage")]
    report: Option<String>,
}

/// All that the store knows of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    pub(crate) run: Run,
    pub(crate) stages: Vec<Stage>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) findings: Vec<StageFinding>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) datasets: Vec<Dataset>,
    pub(crate) outputs: Vec<StageOutput>,
    /// The package whose latest verdict is from this run.
    pub(crate) package: Option<PackageSummary>,
}

/// A finding and the stage that it is of.
#[derive(Debug, Serialize)]
pub(crate) struct StageFinding {
    pub(crate) stage: String,
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    let reference = match &arguments.run {
        Some(run) => run.clone(),
        None => latest(&store)?.to_string(),
    };
    if let Some(stage) = &arguments.report {
        let report = report(&store, &reference, stage)?;
        context.answer(&report, || format!("{report:#}\n"))?;
        return Ok(Exit::Done);
    }
    if let Some(name) = &arguments.stage {
        let details = stage::details(&store, &reference, name)?;
        context.answer(&details, || views::stage::stage(&details, context.style))?;
        return Ok(Exit::Done);
    }
    let details = details(&store, &reference)?;
    context.answer(&details, || views::show::show(&details, context.style))?;
    Ok(Exit::Done)
}

/// The newest run.
pub(crate) fn latest(store: &Store) -> trueline_store::Result<RunId> {
    let runs = store.runs(&RunPage {
        limit: 1,
        ..RunPage::default()
    })?;
    let latest = runs.into_iter().next().map(|run| run.id);
    latest.ok_or_else(|| Error::NotFound {
        what: "run",
        name: "latest".to_owned(),
    })
}

/// What a stage reported.
fn report(store: &Store, reference: &str, stage: &str) -> anyhow::Result<Json> {
    let outputs = store.outputs(&store.run(reference)?.summary.id)?;
    let is_report = |output: &&StageOutput| output.name == "report";
    let reports = outputs.iter().filter(is_report);
    let Some(output) = reports.clone().find(|output| output.stage == stage) else {
        let stages: Vec<_> = reports.map(|output| output.stage.as_str()).collect();
        bail!(
            "stage `{stage}` of this run has no report; there are those of {}",
            if stages.is_empty() {
                "no stage".to_owned()
            } else {
                stages.join(", ")
            }
        );
    };
    Ok(serde_json::from_slice(&store.artifact(&output.digest)?)?)
}

fn details(store: &Store, reference: &str) -> trueline_store::Result<Details> {
    let run = store.run(reference)?;
    let id = run.summary.id.clone();
    let stages = store.stages(&id)?;
    let position = |stage: &str| stages.iter().position(|known| known.name == stage);
    let mut findings = findings(store, &id)?;
    findings.sort_by_key(|finding| position(&finding.stage));
    let mut metrics = store.metrics(&id)?;
    metrics.sort_by_key(|metric| position(&metric.stage));
    Ok(Details {
        attempts: store.attempts(&id)?,
        metrics,
        findings,
        gates: gates(store, &id)?,
        datasets: store.datasets(&id)?,
        outputs: store.outputs(&id)?,
        package: all_packages(store)?
            .into_iter()
            .find(|package| package.run == id),
        stages,
        run,
    })
}

fn findings(store: &Store, run: &RunId) -> trueline_store::Result<Vec<StageFinding>> {
    let findings = store.findings(run)?.into_iter().filter_map(|finding| {
        let (stage, detail) = (finding.stage, serde_json::from_value(finding.detail).ok()?);
        Some(StageFinding {
            stage,
            finding: detail,
        })
    });
    Ok(findings.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trueline_pipeline::Verdict;
    use trueline_runtime::Severity;
    use trueline_store::{
        AttemptFailure, AttemptOutcome, DatasetFile, EngineIdentity, NewEvent, NewPackage, NewRun,
        NewStage, Output, Results, RunFailure, RunOutcome, StageState, SystemClock,
        Verdict as PackageVerdict,
    };
    use trueline_table::Digest;

    use super::*;
    use crate::style::Style;

    /// A run as the engine writes it down: one stage with a metric and a finding, one that failed, a gate.
    fn store_a_run(store: &Store) -> RunId {
        let run = store
            .create_run(NewRun {
                pipeline: "flights".to_owned(),
                pipeline_digest: Digest::of(b"file"),
                lock_digest: Digest::of(b"lock"),
                seed: 42,
                params: json!({ "pipeline_file": "/flights/pipeline.toml" }),
            })
            .unwrap();
        let names = [("score", "metrics"), ("gate", "gate"), ("model", "gbdt")];
        store
            .add_stages(
                &run,
                names.map(|(name, kind)| NewStage::new(name, kind)).to_vec(),
            )
            .unwrap();
        store.start_run(&run).unwrap();
        let file = DatasetFile {
            path: "flights.csv".to_owned(),
            digest: Digest::of(b"csv"),
            size_bytes: 1_234_567,
        };
        let (name, table_digest) = ("flights".to_owned(), Digest::of(b"table"));
        store
            .pin_dataset(
                &run,
                Dataset {
                    name,
                    table_digest,
                    rows: 336_776,
                    files: vec![file],
                },
            )
            .unwrap();
        let attempt = |stage: &str, outcome| {
            store
                .set_stage(&run, stage, StageState::Ready, None)
                .unwrap();
            let engine = EngineIdentity {
                profile: "pure@1".to_owned(),
                fingerprint: "f".to_owned(),
            };
            let attempt = store.start_attempt(&run, stage, engine).unwrap();
            store.finish_attempt(&attempt, outcome).unwrap();
        };
        let (severity, subject, message) = (
            Severity::Warn,
            "tailnum".to_owned(),
            "2,512 nulls".to_owned(),
        );
        let results = Results {
            outputs: vec![Output::new("report", "report", "{}")],
            metrics: vec![("auc".to_owned(), 0.9012)],
            findings: vec![json!(Finding {
                severity,
                subject,
                message,
                count: 2512
            })],
        };
        attempt("score", AttemptOutcome::Succeeded(results));
        let (failure, message) = (
            AttemptFailure::Trap,
            "the stage trapped: unreachable".to_owned(),
        );
        attempt(
            "model",
            AttemptOutcome::Failed {
                failure,
                message,
                retry: false,
            },
        );
        for state in [StageState::Ready, StageState::Running, StageState::Failed] {
            store.set_stage(&run, "gate", state, None).unwrap();
        }
        let values = vec![
            ("score.auc".to_owned(), 0.9012),
            ("score.nan".to_owned(), f64::NAN),
        ];
        let verdict = Verdict {
            text: "score.auc >= 0.95".to_owned(),
            passed: false,
            values,
            problem: None,
        };
        let detail = json!({ "passed": false, "verdicts": [verdict] });
        store
            .append_event(
                &run,
                NewEvent::new("gate.decided").stage("gate").detail(detail),
            )
            .unwrap();
        let (verdict, message) = (PackageVerdict::Refused, "no".to_owned());
        let (name, digest, manifest) = ("flights".to_owned(), Digest::of(b"package"), json!({}));
        store
            .put_package(NewPackage {
                name,
                digest,
                manifest,
                run: run.clone(),
                verdict,
                message,
            })
            .unwrap();
        let (failure, message) = (
            RunFailure::Stage,
            "stage `model`: the stage trapped".to_owned(),
        );
        store
            .finish_run(&run, RunOutcome::Failed { failure, message })
            .unwrap();
        run
    }

    #[test]
    fn what_the_store_knows_is_shown() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), SystemClock).unwrap();
        let error = latest(&store).unwrap_err();
        assert_eq!(error.hint(), Some("list the runs with `trueline runs`"));
        let run = store_a_run(&store);
        assert_eq!(latest(&store).unwrap(), run);
        let mut details = details(&store, run.as_str()).unwrap();
        assert!(details.gates[0].verdicts[0].values[1].1.is_nan());
        // What the clock said.
        details.run.summary.id = "run_00000000000000t1".parse().unwrap();
        details.run.summary.started_us = Some(1_380_585_600_000_000);
        details.run.summary.finished_us = Some(1_380_585_641_200_000);
        for stage in &mut details.stages {
            (stage.started_us, stage.finished_us) = (Some(0), Some(1_500_000));
        }
        insta::assert_snapshot!(views::show::show(
            &details,
            Style {
                colour: false,
                unicode: true
            }
        ));
    }
}
