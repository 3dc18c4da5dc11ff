//! What stands before every package, however many there are: limits, workers, counters, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::Settings;
use crate::metrics::Metrics;
use crate::workers::Workers;

/// Shared by all connections and all packages of a server.
pub(crate) struct Front {
    pub(crate) settings: Settings,
    pub(crate) workers: Workers,
    /// A permit for each KiB of a body in memory.
    pub(crate) bodies: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    is_stopping: AtomicBool,
}

impl Front {
    /// # Errors
    /// If threads cannot be started.
    pub(crate) fn start(settings: Settings) -> std::io::Result<Arc<Self>> {
        let workers = Workers::start(
            settings.worker_threads,
            settings.queue_length,
            settings.queue_time,
        )?;
        Ok(Arc::new(Self {
            workers,
            bodies: Arc::new(Semaphore::new(settings.bodies_bytes.div_ceil(1024))),
            metrics: Metrics::new(),
            is_stopping: AtomicBool::new(false),
            settings,
        }))
    }

    /// Says that the server is about to end, so that nobody sends it new clients.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.is_stopping.load(Ordering::Relaxed)
    }
}
