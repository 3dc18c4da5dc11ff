//! What can go wrong between a file and its rows.

use std::path::PathBuf;

use crate::ExpressionError;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a dataset cannot be read as declared. The message says what and where; [`hint`](Self::hint)
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The declaration is wrong: edit the pipeline file at this key.
    #[error("dataset `{dataset}`, `{key}`: {problem}")]
    Spec {
        dataset: String,
        key: String,
        problem: String,
        hint: Option<String>,
    },

    /// An expression of the declaration is wrong: edit the pipeline file at this key.
    #[error("dataset `{dataset}`, `{key}`: {source}")]
    Expression {
        dataset: String,
        key: &'static str,
        source: ExpressionError,
    },

    /// A file is missing, cannot be read, or does not hold what it should.
    #[error("dataset `{dataset}`: {}: {problem}", path.display())]
    File {
        dataset: String,
        path: PathBuf,
        problem: String,
        hint: Option<String>,
    },

    /// The rows break something that was declared about them.
    #[error("dataset `{dataset}`: {problem}")]
    Data {
        dataset: String,
        problem: String,
        hint: Option<String>,
    },

    /// The rows cannot be worked with as tables.
    #[error("dataset `{dataset}`: {source}")]
    Table {
        dataset: String,
        source: trueline_table::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Spec { hint, .. } | Self::File { hint, .. } | Self::Data { hint, .. } => {
                hint.as_deref()
            }
            Self::Expression { source, .. } => source.hint.as_deref(),
            Self::Table { .. } => None,
        }
    }
}
