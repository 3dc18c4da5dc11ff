//! Pipeline files: what a user writes becomes a plan, or a list of everything that is wrong with it.
//!
//! ```text
//! text ── declaration ── outline ─────── plan
//!         keys, types    names, order    files, plugins, columns
//! ```
//!
//! [`check`] does it all: it reads the file, finds what its names mean, opens its datasets, and asks
//! every stage for its signature with the columns that it will get. Nothing runs, and nothing that is
//! wrong hides what else is. A [`Plan`] is what the engine runs; [`Diagnostics`] print with file, line
//! and a hint; a [`Lock`] keeps the components that names stand for.
//!
//! ```no_run
//! use std::borrow::Cow;
//! use trueline_pipeline::{Plugins, check};
//! use trueline_runtime::{Backend, Runtime};
//!
//! struct NoPlugins;
//! impl Plugins for NoPlugins {
//!     fn find(&self, _name: &str) -> Option<Cow<'static, [u8]>> {
//!         None
//!     }
//!     fn names(&self) -> Vec<String> {
//!         Vec::new()
//!     }
//! }
//!
//! let runtime = Runtime::new(Backend::default(), None)?;
//! let plan = check("pipeline.toml".as_ref(), &runtime, &NoPlugins)?;
//! for stage in &plan.stages {
//!     println!("{} after {:?}", stage.name, stage.depends_on);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![doc = ""]
#![doc = include_str!("../../../docs/pipeline-file.md")]

mod check;
mod declaration;
mod fan_out;
mod gate;
mod graph;
mod limits;
mod lock;
mod outline;
mod params;
mod pipe;
mod plan;
mod plugins;
mod rules;
mod tune;

use trueline_declaration::{keys, source, values};

pub use check::{
    Recorded, RecordedFile, check, check_recorded, check_set, check_unlocked, recorded_datasets,
};
pub use gate::{Champion, GateWork, Metrics, Requirement, Verdict};
pub use lock::{LOCK_FILE, Lock, LockError};
pub use params::{EarlierMetric, earlier_metrics};
pub use plan::{
    Pipe, Plan, PlannedDataset, PlannedFeatures, PlannedInput, PlannedPackage, PlannedStage,
    Pruner, StageWork, StudyWork, Trials, Work,
};
pub use plugins::Plugins;
pub use rules::{Retry, RetryOn, Rules, RunIf};
pub use trueline_declaration::{Diagnostic, Diagnostics, Place};
