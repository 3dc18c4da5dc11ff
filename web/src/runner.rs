//! Runs that were started from a page. Each has a thread of its own in this process, as the command line's run has
//! the main one; the server owns them all, gives them up when it is to end, and waits for their clean end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trueline_engine::{Cancel, Event, Observer, Options};
use trueline_pipeline::{Lock, Plan, check_set};
use trueline_store::RunId;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

/// So many at once. Each uses all processors, so more would not end sooner.
const MOST: usize = 4;

/// The runs of this process.
#[derive(Default)]
pub(crate) struct Runner {
    active: Mutex<Vec<Active>>,
}

struct Active {
    /// None until it is written down.
    run: Option<RunId>,
    cancel: Cancel,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) file: PathBuf,
    pub(crate) how: How,
}

/// How a pipeline file is to be run.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct How {
    /// Parameters with other values than the pipeline file says, each as TOML.
    pub(crate) set: BTreeMap<String, String>,
    /// Run every stage, whatever is known already.
    pub(crate) fresh: bool,
    /// Run this stage and all that depend on it, whatever is known of them.
    pub(crate) from: Option<String>,
    /// Run only these stages, and those that they depend on. Empty: all.
    pub(crate) only: Vec<String>,
}

/// How far a running stage has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct StageProgress {
    /// From 0.
    pub(crate) pass: u32,
    pub(crate) passes: u32,
    /// That it took in during this pass.
    pub(crate) rows: u64,
    /// The last step of a model, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<u32>,
    /// What the model measured at that step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metrics: BTreeMap<String, f64>,
}

/// Hears of a run from its threads.
struct Progress {
    created: SyncSender<RunId>,
    stages: Mutex<BTreeMap<String, StageProgress>>,
    /// Counts what it heard.
    news: AtomicU64,
}

impl Runner {
    /// Checks a pipeline file, and runs it on a thread of its own. Returns when the run is written down.
    ///
    /// # Errors
    /// Everything that is wrong with the file; or if so many runs are going on already.
    pub(crate) fn start(&self, app: &App, start: Start) -> Result<RunId, Problem> {
        self.has_room()?;
        let shared = &app.shared;
        let How {
            set,
            fresh,
            from,
            only,
        } = start.how;
        let plan = check_set(&start.file, &set, &shared.runtime, &*shared.plugins);
        let plan = plan.map_err(|wrong| {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "The pipeline file is wrong", wrong)
                .hint("mend the file; nothing has run")
        })?;
        for stage in from.iter().chain(&only) {
            let names = plan.stages.iter().map(|stage| stage.name.as_str());
            if !names.clone().any(|name| name == stage) {
                return Err(Problem::unknown("stage", stage, &plan.name, names));
            }
        }
        Lock::pin(&plan).map_err(Problem::failed)?;
        let options = Options {
            cache: !fresh,
            from,
            only,
            ..Options::default()
        };
        self.spawn(app, plan, options)
    }

    /// Takes up a run that did not come to its end, as another one. Returns when that is written down.
    ///
    /// # Errors
    /// If there is nothing to take up, or what it was made from is gone; or if so many runs are going on already.
    pub(crate) fn resume(&self, app: &App, run: &str) -> Result<RunId, Problem> {
        self.has_room()?;
        let shared = &app.shared;
        let found = trueline_engine::resume(&shared.store, run, &shared.runtime)?;
        let options = Options {
            only: found.only,
            resumes: Some(found.run),
            ..Options::default()
        };
        self.spawn(app, found.plan, options)
    }

    fn has_room(&self) -> Result<(), Problem> {
        let going_on = |active: &&Active| !active.thread.is_finished();
        if self.lock().iter().filter(going_on).count() < MOST {
            return Ok(());
        }
        let detail = format!("{MOST} runs are going on");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Err(Problem::new(status, "There is enough to do", detail)
            .hint("wait for one of them to end, or cancel it"))
    }

    /// Runs a plan on a thread of its own.
    fn spawn(&self, app: &App, plan: Plan, options: Options) -> Result<RunId, Problem> {
        let (created, creation) = sync_channel(1);
        let progress = Arc::new(Progress {
            created,
            stages: Mutex::default(),
            news: AtomicU64::new(0),
        });
        let cancel = Cancel::default();
        let options = Options {
            cancel: cancel.clone(),
            ..options
        };
        let (failed, failure) = sync_channel(1);
        let (app, hears) = (app.clone(), progress.clone());
        let work = move || {
            let shared = &app.shared;
            let ended =
                trueline_engine::run(&plan, &shared.store, &shared.runtime, &options, &*hears);
            if let Err(error) = ended {
                // Once the run is written down, the store has the reason, and nobody listens here.
                let _ = failed.try_send(error);
            }
            // The starter hears of the end of a run that never began.
            drop(hears);
        };
        let thread = thread::Builder::new().name("run".to_owned()).spawn(work);
        let thread = thread.map_err(Problem::failed)?;
        let handle = Active {
            run: None,
            cancel,
            progress,
            thread,
        };
        self.enter(handle, &creation, &failure)
    }

    /// Waits until a run has a name, or has failed before.
    fn enter(
        &self,
        mut active: Active,
        creation: &std::sync::mpsc::Receiver<RunId>,
        failure: &std::sync::mpsc::Receiver<trueline_engine::Error>,
    ) -> Result<RunId, Problem> {
        let patience = std::time::Duration::from_millis(50);
        let run = loop {
            match creation.recv_timeout(patience) {
                Ok(run) => break run,
                Err(_) if !active.thread.is_finished() => {}
                // It may have been written down and ended between the two looks.
                Err(_) => match (creation.try_recv(), failure.try_recv()) {
                    (Ok(run), _) => break run,
                    (_, Ok(error)) => return Err(error.into()),
                    _ => return Err(Problem::failed("the run ended before it began")),
                },
            }
        };
        active.run = Some(run.clone());
        let mut all = self.lock();
        all.retain(|active| !active.thread.is_finished());
        all.push(active);
        Ok(run)
    }

    /// Asks a run of this process to come to a clean end. Whether there was one.
    pub(crate) fn cancel(&self, run: &RunId) -> bool {
        let all = self.lock();
        let active = all.iter().find(|active| active.run.as_ref() == Some(run));
        active.is_some_and(|active| {
            active.cancel.cancel();
            !active.thread.is_finished()
        })
    }

    /// Whether a run goes on in this process.
    pub(crate) fn owns(&self, run: &RunId) -> bool {
        let all = self.lock();
        let active = all.iter().find(|active| active.run.as_ref() == Some(run));
        active.is_some_and(|active| !active.thread.is_finished())
    }

    /// How far the stages of a run of this process have come, and a number that grows with what is heard.
    pub(crate) fn progress(&self, run: &RunId) -> (u64, BTreeMap<String, StageProgress>) {
        let all = self.lock();
        let active = all.iter().find(|active| active.run.as_ref() == Some(run));
        active.map_or_else(Default::default, |active| {
            let progress = &active.progress;
            let stages = progress
                .stages
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            (progress.news.load(Ordering::Relaxed), stages.clone())
        })
    }

    /// Gives up every run, and waits until each has come to a clean end.
    pub(crate) fn shut_down(&self) {
        let all = std::mem::take(&mut *self.lock());
        for active in &all {
            active.cancel.cancel();
        }
        for active in all {
            // A run that panicked has been closed by the store, or will be found lost.
            let _ = active.thread.join();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn tell(&self, event: Event<'_>) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            // The buffer holds the one run that there is.
            Event::RunCreated { run } => drop(self.created.try_send(run.clone())),
            Event::Rows {
                stage,
                pass,
                passes,
                rows,
            } => {
                let known = stages.entry(stage.to_owned()).or_default();
                (known.pass, known.passes, known.rows) = (pass, passes, rows);
            }
            Event::Step {
                stage,
                step,
                metrics,
            } => {
                let known = stages.entry(stage.to_owned()).or_default();
                known.step = Some(step);
                known.metrics = metrics
                    .iter()
                    .map(|metric| (metric.name.clone(), metric.value))
                    .collect();
            }
            Event::StageFinished { report } => drop(stages.remove(&report.stage)),
            _ => {}
        }
        self.news.fetch_add(1, Ordering::Relaxed);
    }
}
