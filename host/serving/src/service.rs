//! What all connections share: the model that answers at the moment, and what guards it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Semaphore;

use crate::metrics::Metrics;
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
}

impl Service {
    /// Serves a model.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn new(model: Model, settings: Settings) -> std::io::Result<Self> {
        let workers = Workers::start(
            settings.worker_threads,
            settings.queue_length,
            settings.queue_time,
        )?;
        let metrics = Metrics::new();
        metrics.package(&model, false);
        Ok(Self {
            inner: Arc::new(Inner {
                metrics,
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
