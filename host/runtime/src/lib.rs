//! The sandbox: admits stage components, runs them, bakes them, and applies packages of them.
//!
//! This crate is what another program embeds. It links neither the run store nor HTTP.
//!
//! A [`Runtime`] admits a component as a [`Stage`], which can be asked ([`Stage::describe`]), reduced with
//! ([`Reduction`]) and mapped with ([`Mapper`]). A [`Package`] is a chain of maps with their states; load
//! one and apply it:
//!
//! ```no_run
//! use trueline_runtime::{Backend, Package, Runtime};
//! # use trueline_table::arrow::array::RecordBatch;
//! # fn rows() -> RecordBatch { unimplemented!() }
//! let runtime = Runtime::new(Backend::default(), None)?;
//! let package = Package::open("flight-delays.trueline".as_ref())?;
//! let model = package.load(&runtime)?;
//! let predictions = model.predict(&rows())?;   // an Arrow RecordBatch in, one out
//! println!("{} {:?}", package.digest(), predictions.column(0));
//! # Ok::<(), trueline_runtime::Error>(())
//! ```
//!
//! One thing is promised above all: the same component, parameters, state and rows give the same bytes,
//! in any cut of the rows, on any back end, from a baked component or a loaded one.

mod admission;
mod applied;
mod bake;
mod bindings;
mod canonical_nan;
mod code_cache;
mod contract;
mod convert;
mod engine;
mod error;
mod frames;
mod instance;
mod limits;
mod mapper;
mod package;
mod plugins;
mod reading;
mod reduction;
mod stage;
mod watch;

pub use applied::Applied;
pub use bake::Baked;
pub use contract::{
    Decision, Finding, Input, Mapping, Metric, Outcome, Reduction as ReductionSignature, Severity,
    Signature, World,
};
pub use engine::{Backend, Fingerprint, PROFILE};
pub use error::{Error, GuestErrorKind, Result};
pub use instance::Progress;
pub use limits::Limits;
pub use mapper::Mapper;
pub use package::{Link, Loaded, Manifest, Package, ServiceFeatures};
pub use plugins::Plugins;
pub use reading::{ROW_NUMBER, Reading};
pub use reduction::Reduction;
pub use stage::{Bound, Runtime, Stage};
pub use trueline_table as table;
pub use watch::{Cancel, Watch};
