//! Columns that the server finds itself: a package that was trained with features says which service they came
//! from, and requests then hold what identifies an entity in their place.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use trueline_runtime::Manifest;
use trueline_table::TableSchema;

/// Where columns of packages come from that requests do not have.
pub trait Features: Debug + Send + Sync {
    /// What brings the columns of a package; nothing if it reads none of a service.
    ///
    /// # Errors
    /// Why not, such as a service that is not defined, in words for the operator.
    fn of_package(&self, manifest: &Manifest) -> Result<Option<Arc<dyn Extract>>, String>;
}

/// What brings the columns of one package. Its calls may block.
pub trait Extract: Debug + Send + Sync {
    /// The columns of a request.
    fn request(&self) -> &TableSchema;

    /// The columns that the package reads, for each row of a request.
    ///
    /// # Errors
    /// If a row does not identify an entity, or the features cannot be read.
    fn complete(&self, rows: &RecordBatch) -> Result<RecordBatch, Unread>;
}

/// Why features could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The request is wrong; the client is told.
    Refused(String),
    /// The store is; the client is not told why.
    Failed(String),
}
