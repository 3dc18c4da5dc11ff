//! What all connections share: the model that answers at the moment, and what guards it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use tokio::sync::Semaphore;

use crate::aside::{Answered, Aside};
use crate::challenger::Challenger;
use crate::metrics::Metrics;
use crate::recorder::{Recorder, Recording};
use crate::workers::Workers;
use crate::{Model, Settings};

/// A served package. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    model: RwLock<Arc<Model>>,
    workers: Workers,
    /// A permit for each KiB of a body in memory.
    bodies: Arc<Semaphore>,
    is_stopping: AtomicBool,
    metrics: Metrics,
    /// What happens beside the answers, if anything.
    aside: Option<Aside>,
}

impl Service {
    /// Serves a model.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn new(model: Model, settings: Settings) -> std::io::Result<Self> {
        Self::with(model, settings, None, None)
    }

    /// Serves a model, with a sample of its answers recorded, and a challenger that answers beside it.
    ///
    /// # Errors
    /// If threads cannot be started, or the recording not be written.
    pub fn with(
        model: Model,
        settings: Settings,
        recording: Option<Recording>,
        challenger: Option<Model>,
    ) -> std::io::Result<Self> {
        let workers = Workers::start(
            settings.worker_threads,
            settings.queue_length,
            settings.queue_time,
        )?;
        let recorder = recording.map(Recorder::open).transpose()?;
        let challenger = challenger.map(|model| Arc::new(Challenger::new(model)));
        let aside = (recorder.is_some() || challenger.is_some())
            .then(|| Aside::start(recorder, challenger))
            .transpose()?;
        let metrics = Metrics::new();
        metrics.package(&model, false);
        Ok(Self {
            inner: Arc::new(Inner {
                metrics,
                aside,
                model: RwLock::new(Arc::new(model)),
                workers,
                bodies: Arc::new(Semaphore::new(settings.bodies_bytes.div_ceil(1024))),
                is_stopping: AtomicBool::new(false),
                settings,
            }),
        })
    }

    /// The model that answers now.
    pub fn model(&self) -> Arc<Model> {
        let model = self.inner.model.read();
        // Only whole models are ever put there.
        model.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets another model answer from now on. Requests that have begun end with the one they began with.
    pub fn swap(&self, model: Model) {
        self.inner.metrics.package(&model, true);
        let slot = self.inner.model.write();
        *slot.unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
    }

    /// How it was set up.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn challenger(&self) -> Option<&Challenger> {
        self.inner.aside.as_ref()?.challenger()
    }

    /// Counts what was answered, and hands it to whatever happens beside the answers.
    pub(crate) fn answered(
        &self,
        model: &Arc<Model>,
        rows: Option<RecordBatch>,
        answers: &RecordBatch,
    ) {
        self.metrics().rows(answers.num_rows());
        if let (Some(aside), Some(rows)) = (&self.inner.aside, rows) {
            let answered = Answered {
                model: model.clone(),
                rows,
                answers: answers.clone(),
            };
            if !aside.remember(answered) {
                self.metrics().passed_over();
            }
        }
    }

    /// Rows that will be wanted once they are answered, for [`answered`](Self::answered).
    pub(crate) fn keep(&self, rows: &RecordBatch) -> Option<RecordBatch> {
        self.inner.aside.as_ref().map(|_| rows.clone())
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.inner.workers
    }

    pub(crate) fn bodies(&self) -> &Arc<Semaphore> {
        &self.inner.bodies
    }

    /// Says that the server is about to end, so that nobody sends it new clients.
    pub(crate) fn stop(&self) {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.inner.is_stopping.load(Ordering::Relaxed)
    }
}
