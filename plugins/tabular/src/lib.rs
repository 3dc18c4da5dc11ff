//! Preprocessing of tables: a list of steps that learn from training rows, and then turn every row into features, the
//! same way in training, in serving and row by row.
//!
//! In Rust, on a small table:
//!
//! ```
//! use tabular::Tabular;
//! use trueline_sdk::testing::{Table, fit_map};
//!
//! let params = r#"{"steps": [
//!     {"op": "impute", "columns": "temp", "with": "median"},
//!     {"op": "one-hot", "columns": "carrier", "unknown": "ignore"},
//!     {"op": "assemble", "into": "features"}
//! ]}"#;
//! let training = Table::new()
//!     .with_column("temp", [Some(39.0), None, Some(41.0)])
//!     .with_column("carrier", ["UA", "AA", "UA"]);
//! let row = Table::new().with_column("temp", [None::<f64>]).with_column("carrier", ["AA"]);
//! let features = fit_map::<Tabular>(params, &[("rows", &training)], &row)?;
//! assert_eq!(features, Table::new().with_field(features.schema().fields[0].clone(), [[40.0_f32, 1.0, 0.0]]));
//! assert_eq!(features.schema().fields[0].elements, ["temp", "carrier=AA", "carrier=UA"]);
//! # Ok::<(), trueline_sdk::Error>(())
//! ```
//!
//! Every step, its options and its exact definition stand in the [list of steps](#the-steps-of-tabular) below.
//!
//! # How it works
//!
//! [`Tabular`] describes the stage, [`Fit`] learns, [`Apply`] maps. All three walk through the steps with a plan of the
//! table (`walk`, `table`), in which every column knows how its values are computed (`value`): a source and the kernels
//! that its numbers go through. A step only edits that plan, and says what has to be learned (`learn`) from which column.
//! When a batch comes, each column that is written is computed in blocks of rows that stay in the fastest cache (`eval`, `vectors`, `texts`).
#![doc = ""]
#![doc = include_str!("../../../docs/tabular.md")]
#![deny(missing_docs)]

mod apply;
mod cast;
mod civil;
mod columns;
mod convert;
mod dictionary;
mod elements;
mod encoder;
mod eval;
mod expression;
mod fit;
mod format;
mod hash;
mod integers;
mod kernel;
mod learn;
mod monomials;
mod ops;
mod params;
mod power;
mod quantile;
mod stage;
mod state;
mod table;
#[cfg(test)]
mod testing;
mod texts;
mod time;
mod value;
mod vectors;
mod walk;

pub use apply::Apply;
pub use fit::Fit;
pub use params::Params;
pub use stage::Tabular;

trueline_sdk::export_transform!(Tabular);
