//! Running a plan: from its entry in the store to its report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use trueline_pipeline::{Lock, Metrics, Plan, PlannedPackage, PlannedStage, StageWork, Work};
use trueline_runtime::Runtime;
use trueline_store::{
    EngineIdentity, NewRun, NewStage, RunFailure, RunId, RunOutcome, RunState, StageState, Store,
};
use trueline_table::Digest;

use crate::attempt::empty_report;
use crate::champion::{Champion, Contest, is_champions};
use crate::data::Data;
use crate::package::{GateSays, pack};
use crate::pipe::FittedStages;
use crate::report::{Gate, RunReport, StageReport};
use crate::revision::revision;
use crate::step::Step;
use crate::study::Ongoing;
use crate::{Error, Event, Observer, Options, PackageReport, Result};

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
    let Contest {
        plan,
        champion,
        fitted,
    } = Contest::enter(plan, store, runtime)?;
    let plan = &plan;
    let lock_digest = lock_digest(plan);
    let file = std::path::absolute(&plan.file).unwrap_or_else(|_| plan.file.clone());
    let mut params = json!({
        "pipeline_file": file,
        "source": revision(&file),
        "params": plan.params,
        "set": plan.set,
        "components": components(plan),
    });
    if let Some(from) = &options.from {
        params["from"] = json!(from);
    }
    if !options.only.is_empty() {
        params["only"] = json!(options.only);
    }
    if let Some(past) = &options.resumes {
        params["resumes"] = json!(past);
    }
    let run = store.create_run(NewRun {
        pipeline: plan.name.clone(),
        pipeline_digest: plan.text_digest,
        lock_digest,
        seed: plan.seed,
        params,
    })?;
    observer.tell(Event::RunCreated { run: &run });
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
        champion,
        fitted,
        metrics: BTreeMap::new(),
        gates: Vec::new(),
        reports: BTreeMap::new(),
        studies: Vec::new(),
        made: BTreeMap::new(),
        study_of_trial: BTreeMap::new(),
        steps: BTreeMap::new(),
    };
    let started = Instant::now();
    match running.complete(started) {
        Ok(report) => Ok(report),
        Err(error) if error.is_cancelled() => {
            store.finish_run(&run, RunOutcome::Cancelled)?;
            Ok(running.cancelled(started))
        }
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

/// All stages with a component, those among them that trials are made from.
fn works(plan: &Plan) -> impl Iterator<Item = &StageWork> {
    let templates = plan.stages.iter().flat_map(|stage| match &stage.work {
        Work::Study(study) => study.templates(),
        Work::Stage(_) | Work::Gate(_) => &[],
    });
    let stages = plan.stages.iter().chain(templates);
    stages.filter_map(|stage| match &stage.work {
        Work::Stage(work) => Some(work),
        Work::Gate(_) | Work::Study(_) => None,
    })
}

/// The components by what the file says after `use`.
fn components(plan: &Plan) -> BTreeMap<&str, Digest> {
    works(plan)
        .map(|work| (work.plugin.as_str(), work.stage.digest()))
        .collect()
}

fn lock_digest(plan: &Plan) -> Digest {
    let plugins: Vec<_> = Lock::of(plan).plugins.into_iter().collect();
    Digest::of(json!(plugins).to_string().as_bytes())
}

/// A run in progress.
pub(crate) struct Running<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) store: &'a Store,
    pub(crate) engine: EngineIdentity,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) run: RunId,
    pub(crate) champion: Option<Champion>,
    pub(crate) fitted: FittedStages,
    pub(crate) metrics: BTreeMap<String, Metrics>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) reports: BTreeMap<String, StageReport>,
    /// The studies that go on.
    pub(crate) studies: Vec<Ongoing>,
    /// The stages of trials that were made while the run went on, by study.
    pub(crate) made: BTreeMap<String, Vec<Arc<PlannedStage>>>,
    /// The study of each of these, by name.
    pub(crate) study_of_trial: BTreeMap<String, String>,
    /// What the stages of trials reported on the way.
    pub(crate) steps: BTreeMap<String, Vec<Step>>,
}

impl Running<'_> {
    fn complete(&mut self, started: Instant) -> Result<RunReport> {
        self.store
            .add_stages(&self.run, self.plan.stages.iter().map(new_stage).collect())?;
        self.store.start_run(&self.run)?;
        self.keep_what_it_is_made_from()?;
        let data = Data::pin(
            self.plan,
            self.store,
            &self.run,
            self.options,
            self.observer,
        )?;
        self.run_stages(&data)?;
        let mut outcome = self.failure();
        let package = match self.pack(&data, outcome.as_ref().map(|(_, message)| message.as_str()))
        {
            Ok(package) => package,
            // Only now were the maps of the chain loaded one behind the other.
            Err(error @ (Error::Stage { .. } | Error::Runtime(_))) => {
                let message = format!("the package cannot be made: {error}");
                outcome.get_or_insert((RunFailure::Stage, message));
                None
            }
            Err(error) => return Err(error),
        };
        self.store.finish_run(
            &self.run,
            match outcome.clone() {
                Some((failure, message)) => RunOutcome::Failed { failure, message },
                None => RunOutcome::Succeeded,
            },
        )?;
        let (failure, message) = outcome.unzip();
        let mut reports = std::mem::take(&mut self.reports);
        let stages = self.all_stages();
        Ok(RunReport {
            run: self.run.clone(),
            pipeline: self.plan.name.clone(),
            state: match failure {
                Some(_) => RunState::Failed,
                None => RunState::Succeeded,
            },
            failure,
            message,
            elapsed_ms: elapsed_ms(started),
            stages: stages
                .filter_map(|stage| reports.remove(&stage.name))
                .collect(),
            gates: self.gates.clone(),
            champion: self.champion.clone(),
            package,
        })
    }

    /// The report of a run that someone gave up; what had not come to an end is as the store closed it.
    fn cancelled(&mut self, started: Instant) -> RunReport {
        let mut reports = std::mem::take(&mut self.reports);
        let stages = self.all_stages().map(|stage| {
            reports.remove(&stage.name).unwrap_or_else(|| {
                let mut report = empty_report(stage);
                report.state = StageState::Blocked;
                report.message = Some("the run was cancelled".to_owned());
                report
            })
        });
        RunReport {
            run: self.run.clone(),
            pipeline: self.plan.name.clone(),
            state: RunState::Cancelled,
            failure: None,
            message: Some("the run was cancelled".to_owned()),
            elapsed_ms: elapsed_ms(started),
            stages: stages.collect(),
            gates: self.gates.clone(),
            champion: self.champion.clone(),
            package: None,
        }
    }

    /// The stages of the plan, each study behind the trials that it made.
    fn all_stages(&self) -> impl Iterator<Item = &PlannedStage> {
        self.plan.stages.iter().flat_map(|stage| {
            let made = self.made.get(&stage.name).into_iter().flatten();
            made.map(Arc::as_ref).chain([stage])
        })
    }

    /// Keeps the pipeline file and every component, so that the run can be made again.
    fn keep_what_it_is_made_from(&self) -> Result<()> {
        let keep = |kind, digest, bytes: &[u8]| -> Result<()> {
            if !self.store.has_artifact(&digest)? {
                self.store.put_artifact(kind, bytes)?;
            }
            Ok(())
        };
        keep("pipeline", self.plan.text_digest, self.plan.text.as_bytes())?;
        for work in works(self.plan) {
            keep("component", work.stage.digest(), &work.component)?;
        }
        Ok(())
    }

    /// Why the run failed, if a stage did: by the first of them; or one that could not run, since it depends
    /// on a trial that failed.
    fn failure(&self) -> Option<(RunFailure, String)> {
        let first = |state| {
            self.plan.stages.iter().find_map(|stage| {
                let report = self.reports.get(&stage.name)?;
                // The gate says what a champion that could not be scored means, and a study what a trial does.
                let is_judged = is_champions(&stage.name) || stage.study.is_some();
                (report.state == state && !is_judged).then_some((stage, report))
            })
        };
        let (stage, report) = first(StageState::Failed).or_else(|| first(StageState::Blocked))?;
        let failure = match (&stage.work, report.state) {
            (Work::Gate(_), StageState::Failed) => RunFailure::Gate,
            _ => RunFailure::Stage,
        };
        let message = report.message.as_deref().unwrap_or_default();
        Some((failure, format!("stage `{}`: {message}", stage.name)))
    }

    /// Puts the package together if its whole chain was fitted, whatever its gate said: one that was
    /// refused can be looked at, but never promoted.
    fn pack(&self, data: &Data, failure: Option<&str>) -> Result<Option<PackageReport>> {
        let Some(package) = &self.plan.package else {
            return Ok(None);
        };
        let is_fitted = |name| self.fitted.contains_key(name);
        // Of a run that did only a part, nothing is judged.
        if !package.chain.iter().all(is_fitted) || !self.options.only.is_empty() {
            return Ok(None);
        }
        let says = self.gate_says(package, failure);
        pack(data, package, &self.fitted, says, self.store, &self.run).map(Some)
    }

    /// What the gate before the package said. A run that failed for any reason, such as an expectation that
    /// no gate waits for, makes no package that is accepted.
    fn gate_says(&self, package: &PlannedPackage, failure: Option<&str>) -> GateSays {
        let refused = |message: String| GateSays {
            passed: false,
            message,
        };
        let Some(after) = &package.after else {
            return refused("the pipeline has no gate for it".to_owned());
        };
        match (self.reports.get(after), failure) {
            (None, _) => refused(format!("`{after}` did not run")),
            (Some(report), None) if report.has_result() => GateSays {
                passed: true,
                message: format!("`{after}` passed"),
            },
            (Some(report), Some(failure)) if report.has_result() => {
                refused(format!("`{after}` passed, but the run failed: {failure}"))
            }
            (Some(report), _) => {
                let message = report.message.clone();
                refused(message.unwrap_or_else(|| format!("`{after}` did not pass")))
            }
        }
    }

    /// Tells and keeps what a stage came to.
    pub(crate) fn report(&mut self, mut report: StageReport) {
        let study = self.study_of(&report.stage);
        report.study = (study != report.stage).then(|| study.to_owned());
        self.observer.tell(Event::StageFinished { report: &report });
        self.reports.insert(report.stage.clone(), report);
    }
}

pub(crate) fn new_stage(stage: &PlannedStage) -> NewStage {
    let mut new = match &stage.work {
        Work::Gate(gate) => {
            let mut new = NewStage::new(&stage.name, "gate");
            new.params = json!({ "require": gate.require });
            new
        }
        Work::Study(study) => {
            let mut new = NewStage::new(&stage.name, "study");
            new.params = json!(study);
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
    new.study = stage.study.clone();
    new
}

pub(crate) fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
