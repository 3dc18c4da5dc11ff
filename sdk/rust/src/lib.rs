//! What the author of a Trueline stage links.
//!
//! A stage is a struct with parameters, a reduction and/or a map. Implement [`Stage`], [`Reduce`] and
//! [`Map`], end with [`export_transform!`], [`export_check!`] or [`export_model!`], and build it with
//! `trueline plugin build`. The same code runs natively, so `cargo test` tests it; the feature
//! `testing` brings a kit that cuts tables at random and checks the four laws.
//!
//! A stage that learns from columns of numbers and changes each alone is shorter still: implement
//! [`ColumnStage`] and export [`PerColumn`] of it. `examples/first-stage` is one.
//!
//! Rows come as a [`Batch`] whose columns are slices into the bytes that the host passed; a map writes
//! its result with [`BatchWriter`], straight into the bytes that go back.
//!
//! For results that do not depend on order there are [`exact_sum`] and [`quantiles`]; for `exp`, `ln`
//! and `log1p` that give the same bits everywhere, [`math`]; for states, [`state`].
#![deny(missing_docs)]

mod batch;
mod canonical;
mod error;
pub mod exact_sum;
mod export;
pub mod math;
mod per_column;
pub mod progress;
pub mod quantiles;
pub mod schema;
mod stage;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod validity;
mod wire;
mod writer;

pub use batch::{Batch, Blobs, Column, Texts, Values};
pub use error::Result;
#[doc(hidden)]
pub use export::glue;
pub use per_column::{ColumnStage, PerColumn};
pub use stage::{Map, NoMap, NoReduce, Reduce, Stage, parse_params};
pub use validity::Validity;
pub use wire::types::{
    DataType, Error, Field, Finding, Input, Mapping, Metric, Outcome, Reduction, Role, Schema,
    Severity, Signature,
};
pub use writer::BatchWriter;

#[doc(hidden)]
pub use {wire::types as __types, wit_bindgen};

/// Everything that a stage usually needs.
pub mod prelude {
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Batch, BatchWriter, Column, ColumnStage, DataType, Error, Field, Finding, Input, Map,
        Mapping, Metric, NoMap, NoReduce, Outcome, PerColumn, Reduce, Reduction, Result, Role,
        Schema, Severity, Signature, Stage, Validity, Values, export_check, export_model,
        export_transform, schema,
    };
}
