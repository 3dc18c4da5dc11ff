//! The Open Inference Protocol, version 2, with its extension for binary tensors.
//!
//! A column is a tensor of the same name: of shape `[rows]` (or `[rows, 1]`), a vector's of
//! `[rows, width]`. Integers may come narrower than the column is. Instants are INT64 in microseconds
//! since the epoch, UTC, dates INT32 in days since it; both may come as BYTES holding ISO 8601.
//! Nulls are where the BOOL tensor `<name>.valid` says false; without one there are none. In JSON, NaN
//! and the infinities are bare, as stock clients write them.

mod datatype;
mod header;
mod read;
mod tensor;
mod write;

pub use read::{Request, read, read_answer};
pub use write::{Body, metadata, write, write_request};

/// The name of the tensor that says which rows of another one are not null.
fn validity(name: &str) -> String {
    format!("{name}.valid")
}
