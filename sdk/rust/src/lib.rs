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
//! and `log1p` that give the same bits everywhere, [`math`]; for hashes that do, [`hash`]; for values that
//! are counted and shown whatever their type, [`order`] and [`civil`]; for states, [`state`].
//!
//! A whole stage, with all that there is to write:
//!
//! ```
//! use trueline_sdk::exact_sum::ExactMoments;
//! use trueline_sdk::testing::{Table, fit_map};
//! use trueline_sdk::{prelude::*, state};
//!
//! /// Adds how fast a trip was, less the mean of the trips that it learned from.
//! struct Speed;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Params {
//!     into: String,
//! }
//!
//! const READS: [&str; 2] = ["km", "hours"];
//!
//! impl Stage for Speed {
//!     type Params = Params;
//!     type Reduce = Learn;
//!     type Map = Apply;
//!
//!     fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
//!         for table in inputs.iter().map(|input| &input.schema).chain(rows) {
//!             for name in READS {
//!                 table.field(name)?; // or an error that lists the columns
//!             }
//!         }
//!         let speed = Field::new(&params.into, DataType::Float64);
//!         Ok(Signature {
//!             reduction: Some(Reduction::one_pass(READS)),
//!             mapping: Some(Mapping::new(READS, [speed])),
//!         })
//!     }
//! }
//!
//! fn speeds(batch: &Batch<'_>) -> Result<Vec<f64>> {
//!     let (km, hours) = (batch.column(0).numbers(batch.rows())?, batch.column(1).numbers(batch.rows())?);
//!     Ok(km.iter().zip(hours.iter()).map(|(km, hours)| km / hours).collect())
//! }
//!
//! struct Learn(ExactMoments);
//!
//! impl Reduce for Learn {
//!     type Params = Params;
//!
//!     fn begin(_: Params, _: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
//!         Ok(Self(ExactMoments::new()))
//!     }
//!
//!     fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
//!         self.0.add_slice(&speeds(batch)?);
//!         Ok(())
//!     }
//!
//!     fn partial(&self) -> Result<Vec<u8>> {
//!         state::encode(&self.0)
//!     }
//!
//!     fn merge(&mut self, partial: &[u8]) -> Result<()> {
//!         self.0.merge(&state::decode(partial)?);
//!         Ok(())
//!     }
//!
//!     fn finish(self) -> Result<Outcome> {
//!         let mean = self.0.mean().ok_or_else(|| Error::data("there is no trip to learn from"))?;
//!         Ok(Outcome::state(state::encode(&mean)?))
//!     }
//! }
//!
//! struct Apply {
//!     mean: f64,
//!     writes: Schema,
//! }
//!
//! impl Map for Apply {
//!     type Params = Params;
//!
//!     fn load(params: Params, _: &Schema, state: &[u8]) -> Result<Self> {
//!         let writes = Schema::new([Field::new(params.into, DataType::Float64)]);
//!         Ok(Self { mean: state::decode(state)?, writes })
//!     }
//!
//!     fn writes(&self) -> &Schema {
//!         &self.writes
//!     }
//!
//!     fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
//!         let mut writer = BatchWriter::new(&self.writes, batch.rows());
//!         let known = batch.column(0).validity.and(&batch.column(1).validity, batch.rows());
//!         for (written, speed) in writer.float64(&known)?.iter_mut().zip(speeds(batch)?) {
//!             *written = speed - self.mean;
//!         }
//!         writer.finish()
//!     }
//! }
//!
//! export_transform!(Speed);
//!
//! let trips = Table::new().with_column("km", [30.0, 50.0]).with_column("hours", [Some(1.0), None]);
//! let speeds = fit_map::<Speed>(r#"{"into": "speed"}"#, &[("rows", &trips)], &trips)?;
//! assert_eq!(speeds, Table::new().with_column("speed", [Some(0.0), None]));
//! # Ok::<(), Error>(())
//! ```
#![deny(missing_docs)]

mod batch;
mod canonical;
pub mod civil;
mod error;
pub mod exact_sum;
mod export;
pub mod hash;
pub mod math;
pub mod order;
mod params;
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
pub use params::{parse_params, parse_value};
pub use per_column::{ColumnStage, PerColumn};
pub use stage::{Map, NoMap, NoReduce, Reduce, Stage};
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
