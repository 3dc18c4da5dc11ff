//! Tables: schemas, batches of columns, and digests. The words that every other crate speaks.
//!
//! Rows live in Arrow [`RecordBatch`](arrow::array::RecordBatch)es. [`Schema`] is the contract's view of
//! theirs; [`normalize`] makes any source's columns fit it. [`frame`] turns a batch into the bytes that
//! cross into a stage and back, [`TableDigest`] into the digest that names a table, whatever file it
//! came from and however it was cut.

mod digest;
mod error;
pub mod frame;
mod normalize;
mod offsets;
mod schema;
mod table_digest;

pub use arrow;
pub use digest::{Digest, Hasher, ParseDigestError};
pub use error::{Error, Result};
pub use normalize::{normalize, normalized_schema};
pub use offsets::with_utc_offsets;
pub use schema::{AnySchema, DataType, Field, Role, Schema, TableSchema, UnknownRole, UnknownType};
pub use table_digest::TableDigest;
