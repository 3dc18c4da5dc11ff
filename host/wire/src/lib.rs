//! What clients send and are answered with: rows as JSON, as CSV and as tensors, exactly.
//!
//! ```text
//!  body ── json::Reader, csv, tensors ──▶ Rows ──▶ RecordBatch, the package's input columns
//!  RecordBatch, its answer ──▶ Cells ──▶ body
//! ```
//!
//! Every protocol is a thin module over the same cells: [`native`], [`oip`] (the Open Inference
//! Protocol), [`invocations`] (what SageMaker and MLflow send to `/invocations`) and [`csv`]. All of them
//! take and give [`Schema`]s and Arrow batches, so a client's side of a protocol is the same code with the
//! schemas swapped. Nothing here knows of HTTP or of the sandbox.
//!
//! What always holds:
//! - a number loses nothing: texts are read as the column's own type (never as float64 first, which
//!   rounds some float32 twice), integers keep all 64 bits, and a float32 is written with the digits of
//!   the same number as float64, so that readers that only know float64 get the same bits back;
//! - null is null and NaN is a number, each with one spelling in each protocol;
//! - what does not fit is an [`Error`] that names the column, the row, what was expected and what was found.
//!
//! ```
//! use trueline_table::{DataType, Field, Schema};
//! use trueline_wire::native;
//!
//! let schema = Schema::new([Field::new("delay", DataType::Float32)]);
//! let (_, rows) = native::read(&schema, br#"{"records": [{"delay": 7.038531e-26}, {"delay": null}]}"#)?;
//! assert_eq!(rows.num_rows(), 2);
//! let error = native::read(&schema, br#"{"records": [{"delays": 1}]}"#).unwrap_err();
//! assert_eq!(error.to_string(), "the package reads no column `delays`; did you mean `delay` (float32)?");
//! # Ok::<(), trueline_wire::Error>(())
//! ```

mod cells;
mod column;
pub mod csv;
mod error;
pub mod invocations;
mod json;
pub mod native;
pub mod oip;
mod rows;
mod scalar;

pub use error::{Error, Result};
pub use trueline_table::Schema;
