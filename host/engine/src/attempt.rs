//! One stage of a run, from its inputs to its end: found in the cache, or computed and committed.

mod compute;
mod failure;
mod find;
mod keep;

use std::time::Instant;

use trueline_pipeline::PlannedStage;
use trueline_runtime::Watch;
use trueline_store::{
    AttemptOutcome, CacheDecision, EngineIdentity, RunId, StageKey, StageState, Store,
};

pub(crate) use self::compute::{watched, watched_all};
use self::failure::{attempt_failure, guarded, is_final};
use self::find::Found;
use crate::Result;
use crate::key::Ingredients;
use crate::log::AttemptLog;
use crate::pipe::Fitted;
use crate::reduce::{Bindings, Job};
use crate::report::StageReport;
use crate::run::elapsed_ms;
use crate::step::Step;

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

    /// The step after which it stopped early, as it was to.
    fn stopped_at(&self, steps: &[Step]) -> Option<u32> {
        self.job.work.stops.as_ref()?;
        let last = steps.last().filter(|step| step.is_stop());
        last.map(|step| step.step)
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
