//! Stopping guests from outside: because someone gave up, or because a time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Error;

/// Someone who may give up. Cheap to clone; clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops all that watches for it, within some milliseconds.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone gave up.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for whoever can only set one: a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

/// What stops the guests of one attempt, beside their own limits: a wish, and a time for all of their calls
/// together.
#[derive(Clone, Debug)]
pub struct Watch {
    cancel: Cancel,
    until: Option<(Instant, Duration)>,
}

impl Watch {
    /// Watches from now on.
    pub fn new(cancel: Cancel, timeout: Option<Duration>) -> Self {
        Self {
            cancel,
            until: timeout.map(|timeout| (Instant::now() + timeout, timeout)),
        }
    }

    /// Whether work may go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] or [`Error::Overdue`] if not.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        match self.until {
            Some((until, timeout)) if Instant::now() >= until => Err(Error::Overdue {
                timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            }),
            _ => Ok(()),
        }
    }
}
