//! The run store: what ran, on what, with which result, and the bytes of it.
//!
//! A [`Store`] is one directory, the *home*:
//!
//! ```text
//! <home>/trueline.db        runs, stages, attempts, events, small artifacts, packages (SQLite)
//! <home>/blobs/sha256/ab/…  artifacts of 64 KiB and more, by digest
//! <home>/boots/<id>.lock    held by each process that has the home open
//! <home>/keys/<digest>.lock held while a result is computed, so that it is computed once
//! <home>/open.lock          held for the moment of opening
//! ```
//!
//! A run goes through it like this. [`Store::create_run`] and [`Store::add_stages`] write the plan down;
//! [`Store::start_attempt`] and [`Store::finish_attempt`] frame each try of a stage, and success, outputs,
//! metrics and event become visible in one transaction or not at all; [`Store::finish_run`] ends it. Every
//! transition is checked here and once more by triggers in the database: what has finished never changes.
//!
//! When a process dies, the operating system frees the lock of its boot, and the next opening of the home
//! marks whatever it left unfinished as lost. Any number of processes may have one home open.
//!
//! All calls block; a write returns when it is on the disk (`synchronous=FULL`). A `Store` is cheap to clone
//! and writes from many threads share commits.
//!
//! ```
//! use trueline_store::{AttemptOutcome, EngineIdentity, NewRun, NewStage, Output, Results, RunOutcome};
//! use trueline_store::{StageState, Store, SystemClock};
//! use trueline_table::Digest;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let home = directory.path();
//! let store = Store::open(home, SystemClock)?;
//! let run = store.create_run(NewRun {
//!     pipeline: "flights".into(),
//!     pipeline_digest: Digest::of(b"the pipeline file"),
//!     lock_digest: Digest::of(b"the lock file"),
//!     seed: 42,
//!     params: serde_json::json!({}),
//! })?;
//! store.add_stages(&run, vec![NewStage::new("features", "transform")])?;
//! store.start_run(&run)?;
//! store.set_stage(&run, "features", StageState::Ready, None)?;
//!
//! let engine = EngineIdentity { profile: "pure@1".into(), fingerprint: "wasmtime 48".into() };
//! let attempt = store.start_attempt(&run, "features", engine)?;
//! let results = Results { outputs: vec![Output::new("state", "state", b"fitted")], ..Results::default() };
//! store.finish_attempt(&attempt, AttemptOutcome::Succeeded(results))?;
//! store.finish_run(&run, RunOutcome::Succeeded)?;
//!
//! let output = &store.outputs(&run)?[0];
//! assert_eq!(store.artifact(&output.digest)?, b"fitted");
//! # Ok(())
//! # }
//! ```

mod aliases;
mod artifacts;
mod attempts;
mod backup;
mod blobs;
mod boot;
mod cache;
mod check;
mod clock;
mod columns;
mod comparisons;
mod datasets;
mod error;
mod events;
mod files;
mod id;
mod key_lock;
mod lineage;
mod logs;
mod maintenance;
mod migrations;
mod overview;
mod packages;
mod readers;
mod results;
mod runs;
mod stages;
mod state;
mod store;
mod writer;

pub use aliases::{AliasMove, MoveKind};
pub use attempts::{Attempt, AttemptId, AttemptOutcome, EngineIdentity};
pub use backup::{Backup, restore};
pub use blobs::{BlobWriter, Blobs};
pub use cache::{
    CacheDecision, CacheEntry, CacheStats, Forgotten, Incident, IncidentKind, Kept, NewKey,
    RecipeRows, StageKey,
};
pub use check::HomeCheck;
pub use clock::{Clock, SystemClock};
pub use comparisons::{Comparison, Difference};
pub use datasets::{Dataset, DatasetFile, TableMemo};
pub use error::{Error, Result};
pub use events::{Event, NewEvent};
pub use id::{BootId, RunId};
pub use key_lock::KeyLock;
pub use lineage::{Computed, DigestKind, Producer};
pub use logs::{LogLevel, LogLine, NewLogLine};
pub use maintenance::{Freed, schema_versions};
pub use overview::{ArtifactInfo, Judgement, StageMark};
pub use packages::{NewPackage, Package, PackageSummary};
pub use results::{Content, Finding, Metric, Output, Results, StageOutput};
pub use runs::{NewRun, Run, RunOutcome, RunPage, RunSummary};
pub use stages::{NewStage, Stage};
pub use state::{AttemptFailure, AttemptState, RunFailure, RunState, StageState, Verdict};
pub use store::Store;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
