//! What goes wrong in a stage: what fails it, what is tried again, and what ends the run instead.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use trueline_pipeline::RetryOn;
use trueline_store::{AttemptFailure, AttemptId, AttemptOutcome, StageState};

use super::{Attempt, Done, empty_report};
use crate::{Error, Result};

impl Attempt<'_> {
    /// How long to wait for another attempt; none if this was the last.
    pub(super) fn retry_after(&self, attempt: &AttemptId, error: &Error) -> Option<Duration> {
        let retry = &self.stage.rules.retry;
        let is_meant = !is_final(error) && retry.on.contains(&retry_kind(attempt_failure(error)));
        (is_meant && attempt.number <= retry.max).then(|| retry.wait(attempt.number + 1))
    }

    /// Waits, unless someone gives up meanwhile.
    pub(super) fn sleep(&self, wait: Duration) -> Result<()> {
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

    /// Fails a stage of which it is not even known what it would be computed from.
    pub(super) fn fail_unbegun(&self, error: Error) -> Result<Done> {
        if is_final(&error) {
            return Err(error);
        }
        let (stage, engine) = (&self.stage.name, self.engine.clone());
        let attempt = self.store.start_attempt(self.run, stage, engine)?;
        self.fail(&attempt, error)
    }

    /// Ends an attempt that failed, and its stage with it.
    pub(super) fn fail(&self, attempt: &AttemptId, error: Error) -> Result<Done> {
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
}

/// What ends the run, not a stage: the store failed, or someone gave up.
pub(super) fn is_final(error: &Error) -> bool {
    matches!(error, Error::Store(_)) || error.is_cancelled()
}

/// A bug of the host in one stage fails that stage; waiting for an answer that never comes would hang the
/// run.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = std::panic::catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|_| {
        let message = "its thread panicked, which is a bug of Trueline";
        Err(trueline_runtime::Error::Host(message.to_owned()).into())
    })
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

pub(super) fn attempt_failure(error: &Error) -> AttemptFailure {
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
