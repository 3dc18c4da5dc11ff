//! One stage of a run, from its inputs to its end: found in the cache, or computed and committed.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use serde_json::json;
use trueline_dataset::TablePin;
use trueline_pipeline::{PlannedStage, RetryOn, StageWork};
use trueline_runtime::{Severity, Watch};
use trueline_store::{
    AttemptFailure, AttemptId, AttemptOutcome, CacheDecision, EngineIdentity, Error as StoreError,
    Kept, NewKey, Output, RecipeRows, Results, RunId, StageKey, StageState, Store,
};

use crate::key::Ingredients;
use crate::log::AttemptLog;
use crate::pipe::{Fitted, FittedStages};
use crate::reduce::{Bindings, Job, Reduced};
use crate::report::StageReport;
use crate::run::elapsed_ms;
use crate::step::Step;
use crate::{Error, Result, numbers};

/// A stage that can start, and what it needs for that.
pub(crate) struct Attempt<'a> {
    pub(crate) stage: &'a PlannedStage,
    pub(crate) job: Job<'a>,
    pub(crate) store: &'a Store,
    pub(crate) run: &'a RunId,
    pub(crate) engine: &'a EngineIdentity,
    /// Whether it is looked up.
    pub(crate) uses_cache: bool,
}

/// What a stage came to, committed.
pub(crate) struct Done {
    pub(crate) report: StageReport,
    /// What it learned, if it succeeded.
    pub(crate) fitted: Option<Fitted>,
    /// What it reported on the way.
    pub(crate) steps: Vec<Step>,
}

impl Done {
    fn failed(report: StageReport) -> Self {
        Self {
            report,
            fitted: None,
            steps: Vec::new(),
        }
    }
}

/// What the cache had.
enum Found {
    Hit(Box<Done>),
    /// Nothing; or something that could not be used, and why.
    Miss(Option<String>),
}

impl Attempt<'_> {
    /// Takes the stage to its end. What goes wrong in it fails it. `computed` is called when only the store
    /// has something left to do.
    ///
    /// # Errors
    /// If the store does.
    pub(crate) fn complete(&self, computed: &dyn Fn()) -> Result<Done> {
        let started = Instant::now();
        let done = match guarded(|| self.ingredients()) {
            Ok((bindings, ingredients)) => {
                self.find_or_compute(bindings.as_ref(), &ingredients, computed)
            }
            Err(error) => self.fail_unbegun(error),
        };
        done.map(|mut done| {
            done.report.elapsed_ms = elapsed_ms(started);
            done
        })
    }

    /// What it will be computed from.
    fn ingredients(&self) -> Result<(Option<Bindings>, Ingredients)> {
        let bindings = self.job.bind()?;
        let ingredients = Ingredients::new(&self.job, bindings.as_ref())?;
        Ok((bindings, ingredients))
    }

    fn find_or_compute(
        &self,
        bindings: Option<&Bindings>,
        ingredients: &Ingredients,
        computed: &dyn Fn(),
    ) -> Result<Done> {
        // Whoever computes the same is waited for, and then found.
        let cancel = &self.job.options.cancel;
        let lock = self
            .store
            .lock_key(&ingredients.flight(), || cancel.is_cancelled())?;
        let Some(_lock) = lock else {
            return Err(trueline_runtime::Error::Cancelled.into());
        };
        let (decision, reason) = if self.uses_cache {
            match guarded(|| self.find(bindings, ingredients)) {
                Ok(Found::Hit(done)) => return Ok(*done),
                Ok(Found::Miss(reason)) => (CacheDecision::Miss, reason),
                Err(error) => return self.fail_unbegun(error),
            }
        } else {
            (CacheDecision::Off, None)
        };
        let about = StageKey {
            stage: self.stage.name.clone(),
            key: None,
            decision,
            reason,
            source_run: None,
            source_stage: None,
            ingredients: ingredients.shown(None),
        };
        let engine = self.engine.clone();
        let mut attempt = self.store.start_attempt_with_key(self.run, engine, about)?;
        self.job.observer.tell(crate::Event::StageStarted {
            stage: &self.stage.name,
        });
        loop {
            let watch = Watch::new(cancel.clone(), self.stage.rules.timeout);
            let log = AttemptLog::new(self.store, &attempt, self.job.observer);
            let error = match guarded(|| self.compute(bindings, &watch, &log)) {
                Ok(reduced) => {
                    computed();
                    return self.keep(&attempt, ingredients, reduced, &log);
                }
                Err(error) => error,
            };
            if !is_final(&error) {
                log.end(Some(&error.to_string()))?;
            }
            let Some(wait) = self.retry_after(&attempt, &error) else {
                return self.fail(&attempt, error);
            };
            let failed = AttemptOutcome::Failed {
                failure: attempt_failure(&error),
                message: error.to_string(),
                retry: true,
            };
            self.store.finish_attempt(&attempt, failed)?;
            self.job.observer.tell(crate::Event::StageRetried {
                stage: &self.stage.name,
                attempt: attempt.number + 1,
                message: &error.to_string(),
                wait,
            });
            self.sleep(wait)?;
            let (stage, engine) = (&self.stage.name, self.engine.clone());
            attempt = self.store.start_attempt(self.run, stage, engine)?;
        }
    }

    /// How long to wait for another attempt; none if this was the last.
    fn retry_after(&self, attempt: &AttemptId, error: &Error) -> Option<Duration> {
        let retry = &self.stage.rules.retry;
        let is_meant = !is_final(error) && retry.on.contains(&retry_kind(attempt_failure(error)));
        (is_meant && attempt.number <= retry.max).then(|| retry.wait(attempt.number + 1))
    }

    /// Waits, unless someone gives up meanwhile.
    fn sleep(&self, wait: Duration) -> Result<()> {
        const LOOK: Duration = Duration::from_millis(20);
        let until = Instant::now() + wait;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.job.options.cancel.is_cancelled() {
                return Err(trueline_runtime::Error::Cancelled.into());
            }
            std::thread::sleep(left.min(LOOK));
        }
        Ok(())
    }

    /// Looks for the result. The rows of an input are read for it only if nobody has read them before, and
    /// something is known that they could be the rows of.
    fn find(&self, bindings: Option<&Bindings>, ingredients: &Ingredients) -> Result<Found> {
        let known = ingredients
            .recipes()
            .map(|recipe| self.store.recipe_rows(&recipe));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        if known.contains(&None) && !self.store.knows_shape(&ingredients.shape())? {
            return Ok(Found::Miss(None));
        }
        let mut rows = Vec::new();
        for (index, (recipe, known)) in ingredients.recipes().zip(known).enumerate() {
            rows.push(match (known, bindings) {
                (Some(RecipeRows { table, rows, .. }), _) => TablePin {
                    digest: table,
                    rows,
                },
                (None, Some(bindings)) => {
                    let read = self.job.read_content(bindings, index)?;
                    self.check_references()?;
                    let named = RecipeRows {
                        recipe,
                        table: read.digest,
                        rows: read.rows,
                    };
                    self.store.remember_recipe(named, self.engine)?;
                    read
                }
                (None, None) => return Ok(Found::Miss(None)),
            });
        }
        let Some(entry) = self.store.cache_entry(&ingredients.key(&rows))? else {
            return Ok(Found::Miss(None));
        };
        let stage = &self.stage.name;
        let shown = ingredients.shown(Some(&rows));
        let results = match self.store.cache_stage(self.run, stage, &entry, shown) {
            Ok(results) => results,
            Err(
                error @ (StoreError::NotFound { .. }
                | StoreError::Missing { .. }
                | StoreError::Corrupt { .. }),
            ) => {
                let reason = format!("the result of {} could not be used: {error}", entry.run);
                return Ok(Found::Miss(Some(reason)));
            }
            Err(error) => return Err(error.into()),
        };
        let mut report = empty_report(self.stage);
        report.state = StageState::Cached;
        report.cached_from = Some(entry.run);
        report.rows = entry.rows;
        report.metrics = results.metrics.iter().cloned().collect();
        let finding = |finding: &serde_json::Value| serde_json::from_value(finding.clone()).ok();
        report.findings = results.findings.iter().filter_map(finding).collect();
        if let Some(digest) = results.output("report") {
            report.report = serde_json::from_slice(&self.store.artifact(&digest)?).ok();
        }
        let state = match results.output("state") {
            Some(digest) => self.store.artifact(&digest)?,
            None => Vec::new(),
        };
        let steps = match results.output("steps") {
            Some(digest) => Step::read_all(&self.store.artifact(&digest)?),
            None => Vec::new(),
        };
        report.stopped_at = self.stopped_at(&steps);
        let tables = bindings.map(|bindings| bindings.tables.clone());
        let fitted = Fitted::new(self.job.work, tables.unwrap_or_default(), state);
        report.state_digest = Some(fitted.digest);
        Ok(Found::Hit(Box::new(Done {
            report,
            fitted: Some(fitted),
            steps,
        })))
    }

    /// Reduces; nothing if there is nothing to learn.
    fn compute(
        &self,
        bindings: Option<&Bindings>,
        watch: &Watch,
        log: &AttemptLog<'_>,
    ) -> Result<Option<Reduced>> {
        if let Some(bindings) = bindings {
            self.note_inputs(bindings, log);
        }
        let work = watched(self.job.work, watch);
        let fitted = watched_all(self.job.fitted, watch);
        let job = Job {
            work: &work,
            fitted: &fitted,
            watch: Some(watch),
            observer: log,
            ..self.job
        };
        let reduced = bindings.map(|bindings| job.reduce(bindings)).transpose()?;
        self.check_references()?;
        Ok(reduced)
    }

    fn note_inputs(&self, bindings: &Bindings, log: &AttemptLog<'_>) {
        let inputs = self.job.work.inputs.iter();
        let tables = bindings.tables.iter().zip(&bindings.inputs);
        for (input, (table, read)) in inputs.zip(tables) {
            let of = table.schema.fields.len();
            let columns = numbers::plural(of as u64, "column");
            // Numbers of rows are no column of the table.
            let is_column = |name: &&str| table.schema.index_of(name).is_some();
            let count = read.schema.names().filter(is_column).count();
            log.info(format!(
                "reads `{}`: {}, {count} of {columns}",
                input.name, input.pipe
            ));
        }
    }

    fn check_references(&self) -> Result<()> {
        let inputs = &self.job.work.inputs;
        self.job
            .data
            .check_references(inputs.iter().map(|input| &input.pipe))
    }

    /// Commits what it computed.
    fn keep(
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

    /// Fails a stage of which it is not even known what it would be computed from.
    fn fail_unbegun(&self, error: Error) -> Result<Done> {
        if is_final(&error) {
            return Err(error);
        }
        let (stage, engine) = (&self.stage.name, self.engine.clone());
        let attempt = self.store.start_attempt(self.run, stage, engine)?;
        self.fail(&attempt, error)
    }

    /// Ends an attempt that failed, and its stage with it.
    fn fail(&self, attempt: &AttemptId, error: Error) -> Result<Done> {
        if is_final(&error) {
            return Err(error);
        }
        let mut report = empty_report(self.stage);
        let message = error.to_string();
        let failed = AttemptOutcome::Failed {
            failure: attempt_failure(&error),
            message: message.clone(),
            retry: false,
        };
        self.store.finish_attempt(attempt, failed)?;
        report.state = StageState::Failed;
        report.message = Some(message);
        Ok(Done::failed(report))
    }

    /// The step after which it stopped early, as it was to.
    fn stopped_at(&self, steps: &[Step]) -> Option<u32> {
        self.job.work.stops.as_ref()?;
        let last = steps.last().filter(|step| step.is_stop());
        last.map(|step| step.step)
    }
}

/// What ends the run, not a stage: the store failed, or someone gave up.
fn is_final(error: &Error) -> bool {
    matches!(error, Error::Store(_)) || error.is_cancelled()
}

/// A stage that stops when the watch says so.
pub(crate) fn watched(work: &StageWork, watch: &Watch) -> StageWork {
    StageWork {
        stage: work.stage.watched(watch),
        ..work.clone()
    }
}

pub(crate) fn watched_all(fitted: &FittedStages, watch: &Watch) -> FittedStages {
    let watched = |(name, fitted): (&String, &Fitted)| (name.clone(), fitted.watched(watch));
    fitted.iter().map(watched).collect()
}

/// What a pipeline file calls a failure.
fn retry_kind(failure: AttemptFailure) -> RetryOn {
    match failure {
        AttemptFailure::GuestError => RetryOn::Error,
        AttemptFailure::Trap => RetryOn::Trap,
        AttemptFailure::Memory => RetryOn::Memory,
        AttemptFailure::Timeout | AttemptFailure::Fuel => RetryOn::Timeout,
        AttemptFailure::Host | AttemptFailure::Lost => RetryOn::Host,
    }
}

/// A bug of the host in one stage fails that stage; waiting for an answer that never comes would hang the
/// run.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = std::panic::catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|_| {
        let message = "its thread panicked, which is a bug of Trueline";
        Err(trueline_runtime::Error::Host(message.to_owned()).into())
    })
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

/// The report of a stage to which nothing has happened yet.
pub(crate) fn empty_report(stage: &PlannedStage) -> StageReport {
    use trueline_pipeline::Work;
    StageReport {
        stage: stage.name.clone(),
        plugin: match &stage.work {
            Work::Gate(_) => "gate".to_owned(),
            Work::Stage(work) => work.plugin.clone(),
            Work::Study(study) => study.plugin.clone(),
        },
        state: StageState::Pending,
        message: None,
        elapsed_ms: 0,
        cached_from: None,
        rows: 0,
        metrics: std::collections::BTreeMap::new(),
        findings: Vec::new(),
        report: None,
        state_digest: None,
        stopped_at: None,
        study: None,
        best: None,
    }
}

fn attempt_failure(error: &Error) -> AttemptFailure {
    use trueline_runtime::Error as Runtime;
    match error {
        Error::Stage { source, .. } => attempt_failure(source),
        Error::Runtime(Runtime::Guest { .. } | Runtime::Contract { .. }) => {
            AttemptFailure::GuestError
        }
        Error::Runtime(Runtime::Trap { .. }) => AttemptFailure::Trap,
        Error::Runtime(Runtime::Memory { .. } | Runtime::Output { .. }) => AttemptFailure::Memory,
        Error::Runtime(
            Runtime::Timeout { .. } | Runtime::CpuTime { .. } | Runtime::Overdue { .. },
        ) => AttemptFailure::Timeout,
        _ => AttemptFailure::Host,
    }
}
