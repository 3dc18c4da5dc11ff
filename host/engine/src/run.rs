//! Running a plan: every stage as soon as those that it depends on are done.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::Instant;

use serde_json::{Value, json};
use trueline_pipeline::{Lock, Metrics, Plan, PlannedStage, StageWork, Work};
use trueline_runtime::{GuestErrorKind, Runtime, Severity};
use trueline_store::{
    AttemptFailure, AttemptOutcome, EngineIdentity, NewRun, NewStage, Output, Results, RunFailure,
    RunId, RunOutcome, RunState, StageState, Store,
};
use trueline_table::Digest;

use crate::package::{GateSays, pack};
use crate::pin::pin_datasets;
use crate::pipe::{Fitted, FittedStages};
use crate::reduce::{Job, Reduced};
use crate::report::{Gate, RunReport, StageReport};
use crate::{Error, Event, Observer, Options, Result};

/// Runs a plan to its end. That a stage fails or a gate refuses is in the report; an error is only what
/// stopped the engine itself, and the run is then closed as failed.
///
/// # Errors
/// If the store or a file of the datasets fails.
pub fn run(
    plan: &Plan,
    store: &Store,
    runtime: &Runtime,
    options: &Options,
    observer: &dyn Observer,
) -> Result<RunReport> {
    let lock_digest = lock_digest(plan);
    let file = std::path::absolute(&plan.file).unwrap_or_else(|_| plan.file.clone());
    let run = store.create_run(NewRun {
        pipeline: plan.name.clone(),
        pipeline_digest: plan.text_digest,
        lock_digest,
        seed: plan.seed,
        params: json!({ "pipeline_file": file }),
    })?;
    let mut running = Running {
        plan,
        store,
        engine: EngineIdentity {
            profile: trueline_runtime::PROFILE.to_owned(),
            fingerprint: runtime.fingerprint().0.to_string(),
        },
        options,
        observer,
        run: run.clone(),
        fitted: FittedStages::new(),
        metrics: BTreeMap::new(),
        gates: Vec::new(),
        reports: BTreeMap::new(),
    };
    let started = Instant::now();
    match running.complete(started) {
        Ok(report) => Ok(report),
        Err(error) => {
            // The first error is the one to tell; closing the run may well fail for the same reason.
            let message = error.to_string();
            let _ = store.finish_run(
                &run,
                RunOutcome::Failed {
                    failure: RunFailure::Host,
                    message,
                },
            );
            Err(error)
        }
    }
}

fn panicked() -> Error {
    let message = "its thread panicked, which is a bug of Trueline";
    Error::Runtime(trueline_runtime::Error::Host(message.to_owned()))
}

fn lock_digest(plan: &Plan) -> Digest {
    let plugins: Vec<_> = Lock::of(plan).plugins.into_iter().collect();
    Digest::of(json!(plugins).to_string().as_bytes())
}

/// A run in progress.
struct Running<'a> {
    plan: &'a Plan,
    store: &'a Store,
    engine: EngineIdentity,
    options: &'a Options,
    observer: &'a dyn Observer,
    run: RunId,
    fitted: FittedStages,
    metrics: BTreeMap<String, Metrics>,
    gates: Vec<Gate>,
    reports: BTreeMap<String, StageReport>,
}

/// What a stage's thread answers with.
struct Done {
    stage: String,
    elapsed_ms: u64,
    result: Result<Option<Reduced>>,
}

impl Running<'_> {
    fn complete(&mut self, started: Instant) -> Result<RunReport> {
        self.store
            .add_stages(&self.run, self.plan.stages.iter().map(new_stage).collect())?;
        self.store.start_run(&self.run)?;
        pin_datasets(self.plan, self.store, &self.run, self.observer)?;
        self.run_stages()?;
        let failed = self.plan.stages.iter().find_map(|stage| {
            let report = self.reports.get(&stage.name)?;
            (report.state == StageState::Failed).then_some((stage, report))
        });
        let outcome = failed.map(|(stage, report)| {
            let failure = match stage.work {
                Work::Gate(_) => RunFailure::Gate,
                Work::Stage(_) => RunFailure::Stage,
            };
            let message = report.message.clone().unwrap_or_default();
            (failure, format!("stage `{}`: {message}", stage.name))
        });
        let package = self.pack(outcome.as_ref().map(|(_, message)| message.as_str()))?;
        self.store.finish_run(
            &self.run,
            match outcome.clone() {
                Some((failure, message)) => RunOutcome::Failed { failure, message },
                None => RunOutcome::Succeeded,
            },
        )?;
        let (failure, message) = outcome.unzip();
        let mut reports = std::mem::take(&mut self.reports);
        Ok(RunReport {
            run: self.run.clone(),
            pipeline: self.plan.name.clone(),
            state: if failure.is_some() {
                RunState::Failed
            } else {
                RunState::Succeeded
            },
            failure,
            message,
            elapsed_ms: elapsed_ms(started),
            stages: self
                .plan
                .stages
                .iter()
                .filter_map(|stage| reports.remove(&stage.name))
                .collect(),
            gates: std::mem::take(&mut self.gates),
            package,
        })
    }

    /// Starts whatever can start, up to as many at once as there are threads, until nothing is left.
    fn run_stages(&mut self) -> Result<()> {
        let plan = self.plan;
        let mut waiting: Vec<&PlannedStage> = plan.stages.iter().collect();
        let mut busy = 0;
        let (sender, done) = mpsc::channel::<Done>();
        std::thread::scope(|scope| {
            loop {
                let (next, later) = self.startable(waiting);
                waiting = later;
                for stage in next {
                    if self.is_blocked(stage) {
                        self.block(stage)?;
                        continue;
                    }
                    match &stage.work {
                        Work::Gate(gate) => self.decide(&stage.name, gate)?,
                        Work::Stage(work) if busy < self.options.threads.max(1) => {
                            self.store.set_stage(
                                &self.run,
                                &stage.name,
                                StageState::Ready,
                                None,
                            )?;
                            let engine = self.engine.clone();
                            let attempt =
                                self.store.start_attempt(&self.run, &stage.name, engine)?;
                            debug_assert_eq!(attempt.number, 1);
                            self.observer
                                .tell(Event::StageStarted { stage: &stage.name });
                            let fitted = self.upstream(work);
                            let (options, observer, sender) =
                                (self.options, self.observer, sender.clone());
                            scope.spawn(move || {
                                let (name, started) = (stage.name.as_str(), Instant::now());
                                let job = Job {
                                    plan,
                                    name,
                                    work,
                                    fitted: &fitted,
                                    options,
                                    observer,
                                };
                                let work = || {
                                    let bindings = job.bind()?;
                                    bindings.map(|bindings| job.reduce(&bindings)).transpose()
                                };
                                // A bug of the host in one stage fails that stage; waiting for an
                                // answer that never comes would hang the run.
                                let result = std::panic::catch_unwind(AssertUnwindSafe(work));
                                let result = result.unwrap_or_else(|_| Err(panicked()));
                                let elapsed_ms = elapsed_ms(started);
                                // The receiver outlives the scope.
                                let _ = sender.send(Done {
                                    stage: stage.name.clone(),
                                    elapsed_ms,
                                    result,
                                });
                            });
                            busy += 1;
                        }
                        Work::Stage(_) => waiting.push(stage),
                    }
                }
                let idle = busy == 0;
                if idle && waiting.is_empty() {
                    return Ok(());
                }
                if !idle {
                    let Ok(finished) = done.recv() else {
                        return Ok(());
                    };
                    busy -= 1;
                    self.finish(finished)?;
                }
            }
        })
    }

    /// Splits stages into those whose dependencies are all over, and the others, in the plan's order.
    fn startable<'p>(
        &self,
        mut waiting: Vec<&'p PlannedStage>,
    ) -> (Vec<&'p PlannedStage>, Vec<&'p PlannedStage>) {
        waiting.sort_by_key(|stage| {
            self.plan
                .stages
                .iter()
                .position(|other| other.name == stage.name)
        });
        let over: BTreeSet<&String> = self.reports.keys().collect();
        waiting
            .into_iter()
            .partition(|stage| stage.depends_on.iter().all(|name| over.contains(name)))
    }

    fn is_blocked(&self, stage: &PlannedStage) -> bool {
        let failed = |name: &String| {
            self.reports
                .get(name)
                .is_some_and(|report| report.state != StageState::Succeeded)
        };
        stage.depends_on.iter().any(failed)
    }

    fn block(&mut self, stage: &PlannedStage) -> Result<()> {
        let reason = "a stage that it depends on did not succeed";
        self.store
            .set_stage(&self.run, &stage.name, StageState::Blocked, Some(reason))?;
        let mut report = empty_report(stage);
        report.state = StageState::Blocked;
        report.message = Some(reason.to_owned());
        self.report(report);
        Ok(())
    }

    /// The fitted stages that a stage's pipes go through.
    fn upstream(&self, work: &StageWork) -> FittedStages {
        let names = work.inputs.iter().flat_map(|input| &input.pipe.through);
        names
            .filter_map(|name| Some((name.clone(), self.fitted.get(name)?.clone())))
            .collect()
    }

    /// Commits what a stage came to.
    fn finish(&mut self, done: Done) -> Result<()> {
        let Some(stage) = self.plan.stage(&done.stage) else {
            return Ok(());
        };
        let Work::Stage(work) = &stage.work else {
            return Ok(());
        };
        let attempt = trueline_store::AttemptId {
            run: self.run.clone(),
            stage: stage.name.clone(),
            number: 1,
        };
        let mut report = empty_report(stage);
        report.elapsed_ms = done.elapsed_ms;
        match done.result {
            Err(error) => {
                let message = error.to_string();
                self.store.finish_attempt(
                    &attempt,
                    AttemptOutcome::Failed {
                        failure: attempt_failure(&error),
                        message: message.clone(),
                        retry: false,
                    },
                )?;
                report.state = StageState::Failed;
                report.message = Some(message);
            }
            Ok(reduced) => {
                let results = self.results(&mut report, work, stage, reduced)?;
                let failed = report
                    .findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Fail);
                let first = failed.clone().next().map(|finding| finding.message.clone());
                match first {
                    None => {
                        self.store
                            .finish_attempt(&attempt, AttemptOutcome::Succeeded(results))?;
                        report.state = StageState::Succeeded;
                    }
                    Some(first) => {
                        let reason = match failed.count() {
                            1 => first,
                            count => format!("{first} (and {} more findings)", count - 1),
                        };
                        self.store.finish_attempt(
                            &attempt,
                            AttemptOutcome::Rejected {
                                results,
                                reason: reason.clone(),
                            },
                        )?;
                        report.state = StageState::Failed;
                        report.message = Some(reason);
                        self.fitted.remove(&stage.name);
                    }
                }
            }
        }
        self.report(report);
        Ok(())
    }

    /// What goes into the store, into the report, and to the stages downstream.
    fn results(
        &mut self,
        report: &mut StageReport,
        work: &StageWork,
        stage: &PlannedStage,
        reduced: Option<Reduced>,
    ) -> Result<Results> {
        let Reduced {
            outcome,
            inputs,
            rows,
            steps,
        } = match reduced {
            Some(reduced) => reduced,
            None => Reduced {
                outcome: Default::default(),
                inputs: Vec::new(),
                rows: 0,
                steps: Vec::new(),
            },
        };
        let mut outputs = vec![Output::new("state", "state", outcome.state.clone())];
        if let Some(text) = &outcome.report {
            outputs.push(Output::new("report", "report", text.as_bytes()));
            report.report = serde_json::from_str(text).ok();
        }
        if !steps.is_empty() {
            outputs.push(Output::new("steps", "steps", json!(steps).to_string()));
        }
        let metrics: Vec<_> = outcome
            .metrics
            .into_iter()
            .map(|metric| (metric.name, metric.value))
            .collect();
        report.rows = rows;
        report.metrics = metrics.iter().cloned().collect();
        report.state_digest = Some(Digest::of(&outcome.state));
        report.findings = outcome.findings.clone();
        self.metrics
            .insert(stage.name.clone(), report.metrics.clone());
        let fitted = Fitted {
            work: work.clone(),
            inputs,
            state: outcome.state.into(),
        };
        self.fitted.insert(stage.name.clone(), fitted);
        let findings = outcome
            .findings
            .iter()
            .map(|finding| json!(finding))
            .collect();
        Ok(Results {
            outputs,
            metrics,
            findings,
        })
    }

    fn decide(&mut self, name: &str, gate: &trueline_pipeline::GateWork) -> Result<()> {
        let started = Instant::now();
        let verdicts = gate.evaluate(&self.metrics, None);
        let passed = verdicts.iter().all(|verdict| verdict.passed);
        let message = refusal(&verdicts);
        let Some(stage) = self.plan.stage(name) else {
            return Ok(());
        };
        let mut report = empty_report(stage);
        report.state = if passed {
            StageState::Succeeded
        } else {
            StageState::Failed
        };
        report.message = (!passed).then(|| message.clone());
        report.elapsed_ms = elapsed_ms(started);
        for state in [StageState::Ready, StageState::Running] {
            self.store.set_stage(&self.run, name, state, None)?;
        }
        self.store
            .set_stage(&self.run, name, report.state, report.message.as_deref())?;
        let event = trueline_store::NewEvent::new("gate.decided").stage(name);
        self.store.append_event(
            &self.run,
            event.detail(json!({ "passed": passed, "verdicts": verdicts })),
        )?;
        self.gates.push(Gate {
            stage: name.to_owned(),
            passed,
            verdicts,
        });
        self.report(report);
        Ok(())
    }

    /// Puts the package together if its whole chain was fitted, whatever its gate said: one that was
    /// refused can be looked at, but never promoted. A run that failed for any reason, such as an
    /// expectation that no gate waits for, makes none that is accepted.
    fn pack(&self, failure: Option<&str>) -> Result<Option<crate::PackageReport>> {
        let Some(package) = &self.plan.package else {
            return Ok(None);
        };
        if !package
            .chain
            .iter()
            .all(|name| self.fitted.contains_key(name))
        {
            return Ok(None);
        }
        let says = match &package.after {
            None => GateSays {
                passed: false,
                message: "the pipeline has no gate for it".to_owned(),
            },
            Some(after) => match self.reports.get(after) {
                Some(report) if report.state == StageState::Succeeded => match failure {
                    None => GateSays {
                        passed: true,
                        message: format!("`{after}` passed"),
                    },
                    Some(failure) => GateSays {
                        passed: false,
                        message: format!("`{after}` passed, but the run failed: {failure}"),
                    },
                },
                Some(report) => GateSays {
                    passed: false,
                    message: report
                        .message
                        .clone()
                        .unwrap_or_else(|| format!("`{after}` did not pass")),
                },
                None => GateSays {
                    passed: false,
                    message: format!("`{after}` did not run"),
                },
            },
        };
        Ok(Some(pack(
            self.plan,
            package,
            &self.fitted,
            says,
            self.store,
            &self.run,
        )?))
    }

    fn report(&mut self, report: StageReport) {
        self.observer.tell(Event::StageFinished { report: &report });
        self.reports.insert(report.stage.clone(), report);
    }
}

/// The sentence that says which requirements were not met, with the numbers.
fn refusal(verdicts: &[trueline_pipeline::Verdict]) -> String {
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

fn new_stage(stage: &PlannedStage) -> NewStage {
    let mut new = match &stage.work {
        Work::Gate(gate) => {
            let mut new = NewStage::new(&stage.name, "gate");
            new.params = json!({ "require": gate.require });
            new
        }
        Work::Stage(work) => {
            let mut new = NewStage::new(&stage.name, &work.plugin);
            new.component = Some(work.stage.digest());
            new.params = work.params.clone();
            new
        }
    };
    new.depends_on = stage.depends_on.clone();
    new
}

fn empty_report(stage: &PlannedStage) -> StageReport {
    StageReport {
        stage: stage.name.clone(),
        plugin: match &stage.work {
            Work::Gate(_) => "gate".to_owned(),
            Work::Stage(work) => work.plugin.clone(),
        },
        state: StageState::Pending,
        message: None,
        elapsed_ms: 0,
        rows: 0,
        metrics: BTreeMap::new(),
        findings: Vec::new(),
        report: None::<Value>,
        state_digest: None,
    }
}

fn attempt_failure(error: &Error) -> AttemptFailure {
    match error {
        Error::Stage { source, .. } => attempt_failure(source),
        Error::Runtime(error) => match error {
            trueline_runtime::Error::Guest {
                kind: GuestErrorKind::Params | GuestErrorKind::Schema,
                ..
            }
            | trueline_runtime::Error::Guest { .. }
            | trueline_runtime::Error::Contract { .. } => AttemptFailure::GuestError,
            trueline_runtime::Error::Trap { .. } => AttemptFailure::Trap,
            trueline_runtime::Error::Memory { .. } | trueline_runtime::Error::Output { .. } => {
                AttemptFailure::Memory
            }
            trueline_runtime::Error::Timeout { .. } => AttemptFailure::Timeout,
            _ => AttemptFailure::Host,
        },
        _ => AttemptFailure::Host,
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
