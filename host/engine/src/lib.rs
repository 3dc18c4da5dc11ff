//! Runs plans: stages as attempts, gates, packages; and proves packages.
//!
//! [`run`] takes a checked [`Plan`](trueline_pipeline::Plan) through a [`Store`](trueline_store::Store):
//! it pins the datasets, reduces every stage as soon as those that it depends on are done, decides the
//! gates and puts the package together. [`verify`] applies a package to its data in every way that there
//! is and counts the bits that differ. Both tell an [`Observer`] how they go on, and answer with a report
//! that the command line prints and `--json` shows.
//!
//! What a stage learns never depends on [`Options`]: batches may have any size, a mergeable reduction is
//! spread over threads, and the laws of the contract make the result the same bytes.

mod error;
mod observer;
mod package;
mod pin;
mod pipe;
mod reduce;
mod report;
mod run;
mod verify;

pub use error::{Error, Result};
pub use observer::{Event, NoObserver, Observer};
pub use package::load_package;
pub use report::{Gate, PackageReport, RunReport, StageReport, VerifyReport, Way};
pub use run::run;
pub use verify::verify;

/// How much of the machine a run uses. None of it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Stages at once, and workers of one mergeable reduction.
    pub threads: usize,
    /// Rows read at once.
    pub batch_rows: usize,
}

impl Default for Options {
    /// All processors, 65,536 rows.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            batch_rows: trueline_dataset::BATCH_ROWS,
        }
    }
}
