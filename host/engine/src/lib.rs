//! Runs plans: stages as attempts, gates, packages; and proves packages.
//!
//! [`run`] takes a checked [`Plan`](trueline_pipeline::Plan) through a [`Store`](trueline_store::Store):
//! it pins the datasets, reduces every stage as soon as those that it depends on are done (or takes its
//! result from the cache, if it was computed from the same before), decides the gates and puts the package
//! together. [`verify`] applies a package to its data in every way that there
//! is and counts the bits that differ. Both tell an [`Observer`] how they go on, and answer with a report
//! that the command line prints and `--json` shows.
//!
//! What a stage learns never depends on [`Options`]: batches may have any size, a mergeable reduction is
//! spread over threads, and the laws of the contract make the result the same bytes.

mod attempt;
mod batches;
mod champion;
mod data;
mod decisions;
mod error;
mod explain;
mod explanation;
mod features;
mod gate;
mod key;
mod lineage;
mod log;
pub mod numbers;
mod observer;
mod package;
mod pipe;
mod provenance;
mod recorded;
mod reduce;
mod report;
mod reproduce;
mod resume;
mod revision;
mod run;
mod schedule;
mod step;
mod studies;
mod study;
mod tee;
mod verify;

pub use champion::Champion;
pub use decisions::gates;
pub use error::{Error, Result};
pub use explain::{Change, changes, ingredients};
pub use explanation::{Explained, Explanation, explain, explain_stage};
pub use features::with_features;
pub use lineage::{Edge, Lineage, Node, NodeKind, lineage, lineage_within};
pub use observer::{Event, NoObserver, Observer};
pub use package::{import_package, load_package};
pub use provenance::provenance;
pub use recorded::recorded_dataset;
pub use report::{Gate, PackageReport, RunReport, StageReport, VerifyReport, Way};
pub use reproduce::{Compared, Reproduction, ReproductionReport, reproduce};
pub use resume::{Resumption, resume};
pub use revision::Revision;
pub use run::run;
pub use studies::{CurvePoint, StudyReport, TrialReport, TrialState, studies, trial_stages};
pub use trueline_runtime::Cancel;
use trueline_store::RunId;
pub use verify::verify;

/// How much of the machine a run uses, and whether it uses what was computed before. None of it changes a
/// result.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stages at once, and workers of one mergeable reduction.
    pub threads: usize,
    /// Rows read at once.
    pub batch_rows: usize,
    /// Whether stages whose result is known are not run. Without, every stage runs, and what it computes is
    /// held against what is known.
    pub cache: bool,
    /// This stage and all that depend on it run, whatever is known of them.
    pub from: Option<String>,
    /// Only these stages, and those that they depend on; the others are skipped. Empty: all.
    pub only: Vec<String>,
    /// The run that is taken up, for the record.
    pub resumes: Option<RunId>,
    /// Who may give up.
    pub cancel: Cancel,
}

impl Default for Options {
    /// All processors, 65,536 rows, with the cache.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            batch_rows: trueline_dataset::BATCH_ROWS,
            cache: true,
            from: None,
            only: Vec::new(),
            resumes: None,
            cancel: Cancel::default(),
        }
    }
}
