//! What became of a run or a proof. The command line prints it, `--json` shows it as it is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_pipeline::Verdict;
use trueline_store::{RunFailure, RunId, RunState, StageState};
use trueline_table::Digest;

use crate::Champion;

/// What became of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    pub run: RunId,
    pub pipeline: String,
    pub state: RunState,
    pub failure: Option<RunFailure>,
    /// Why it failed, in a sentence.
    pub message: Option<String>,
    pub elapsed_ms: u64,
    /// In the order in which they could run.
    pub stages: Vec<StageReport>,
    pub gates: Vec<Gate>,
    /// The package that a gate compared this run with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub champion: Option<Champion>,
    pub package: Option<PackageReport>,
}

/// What became of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    pub stage: String,
    /// The plugin that it uses; `gate` for a gate.
    pub plugin: String,
    pub state: StageState,
    /// Why it failed or did not run.
    pub message: Option<String>,
    pub elapsed_ms: u64,
    /// Of a stage that was cached: the run whose result it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<RunId>,
    /// Rows that its reduction read, over all inputs and passes.
    pub rows: u64,
    pub metrics: BTreeMap<String, f64>,
    /// What a check found.
    pub findings: Vec<trueline_runtime::Finding>,
    /// Details that the stage reported, such as a confusion matrix.
    pub report: Option<Value>,
    /// The digest of what it learned.
    pub state_digest: Option<Digest>,
    /// Of a trial that its study stopped early: after this step, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<u32>,
    /// The study that made it, if it is of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    /// Of a study: the stage that was the best, for which its name stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
}

impl StageReport {
    /// Whether it is of a trial, and came to nothing that a person should see beside its study.
    pub fn is_quiet_trial(&self) -> bool {
        self.study.is_some() && self.state != StageState::Failed
    }

    /// Whether stages that depend on it can go on.
    pub fn has_result(&self) -> bool {
        matches!(self.state, StageState::Succeeded | StageState::Cached)
    }
}

/// What a gate decided.
#[derive(Clone, Debug, Serialize)]
pub struct Gate {
    pub stage: String,
    pub passed: bool,
    pub verdicts: Vec<Verdict>,
}

/// The package that a run made.
#[derive(Clone, Debug, Serialize)]
pub struct PackageReport {
    pub name: String,
    pub version: u32,
    pub digest: Digest,
    pub chain: Vec<String>,
    /// Whether it passed its gate. Only then can it be promoted.
    pub accepted: bool,
    pub message: String,
}

/// What a proof found.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    pub package: Digest,
    pub name: String,
    pub ways: Vec<Way>,
    /// Bits that differ in any way; the proof holds if there are none.
    pub bits_differing: u64,
    pub elapsed_ms: u64,
}

/// One way of computing the same.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// Such as `row by row, baked`.
    pub way: String,
    /// The chain, or the stage whose reduction it was.
    pub what: String,
    /// Rows that went through; of a sample, those of the sample.
    pub rows: u64,
    /// Bits that were compared.
    pub bits: u64,
    pub bits_differing: u64,
    /// Of what the way gave: the table digest, or the digest of the state.
    pub digest: Digest,
    pub elapsed_ms: u64,
}

impl VerifyReport {
    /// Whether every way gave the same bits.
    pub fn holds(&self) -> bool {
        self.bits_differing == 0
    }
}
