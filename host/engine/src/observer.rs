//! Who is told how a run goes on while it does.

use std::time::Duration;

use trueline_runtime::{Decision, Metric};
use trueline_store::RunId;

use crate::report::{StageReport, Way};

/// Told from several threads at once, in no promised order between stages.
pub trait Observer: Sync {
    fn tell(&self, event: Event<'_>);

    /// What a model is to do after a step. One that is told to stop finishes with what it has, and its result
    /// is not kept for runs in which nobody might stop it.
    fn decide(&self, _stage: &str, _step: u32, _metrics: &[Metric]) -> Decision {
        Decision::Continue
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A run was written down, and is about to begin.
    RunCreated { run: &'a RunId },
    /// The files of a dataset are being read and digested.
    Pinning { dataset: &'a str },
    /// A stage began.
    StageStarted { stage: &'a str },
    /// A stage failed, and is tried again.
    StageRetried {
        stage: &'a str,
        /// The attempt that is to come, counted from 1.
        attempt: u32,
        /// Why the last one failed.
        message: &'a str,
        wait: Duration,
    },
    /// So many rows were taken in by a stage in this pass, counted from 0.
    Rows {
        stage: &'a str,
        pass: u32,
        passes: u32,
        rows: u64,
    },
    /// A model took a step, counted from 0.
    Step {
        stage: &'a str,
        step: u32,
        metrics: &'a [Metric],
    },
    /// A stage ended, or was found in the cache without having begun.
    StageFinished { report: &'a StageReport },
    /// A way of `verify` began; `rows` is how many it will go through, if that is known.
    WayStarted { way: &'a str, rows: Option<u64> },
    /// So many rows were compared in this way.
    WayRows { way: &'a str, rows: u64 },
    /// A way of `verify` ended.
    WayFinished { way: &'a Way },
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn tell(&self, _: Event<'_>) {}
}
