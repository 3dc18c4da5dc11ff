//! Telling the host how training goes.
//!
//! Only a component exported with [`export_model!`](crate::export_model) has somebody to tell; in
//! any other, and in native tests, the answer is always to go on.

use std::cell::Cell;

use crate::Metric;

/// What the host wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Continue,
    /// Stop here and finish with what was learned.
    Stop,
}

/// Takes a step's number and metrics to the host.
pub type Reporter = fn(u32, &[Metric]) -> Decision;

thread_local! {
    static REPORTER: Cell<Option<Reporter>> = const { Cell::new(None) };
}

/// Reports a step, counted from 0. Call it in a reduction only.
pub fn step(step: u32, metrics: &[Metric]) -> Decision {
    REPORTER
        .get()
        .map_or(Decision::Continue, |report| report(step, metrics))
}

/// Whom [`step`] tells from now on, in this thread. Tests of early stopping set their own.
pub fn set_reporter(reporter: Reporter) {
    REPORTER.set(Some(reporter));
}
