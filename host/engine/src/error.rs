//! Why a run could not be made, or a package not be proved. What goes wrong *within* a stage is not
//! here: it fails the attempt, and the report says so.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped the engine itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] trueline_store::Error),

    #[error(transparent)]
    Dataset(#[from] trueline_dataset::Error),

    #[error(transparent)]
    Runtime(#[from] trueline_runtime::Error),

    #[error("the rows cannot be digested: {0}")]
    Table(#[from] trueline_table::Error),

    #[error("stage `{stage}`: {source}")]
    Stage { stage: String, source: Box<Error> },

    /// A package whose chain is not the plan's.
    #[error("{0}")]
    Mismatch(String),

    #[error("the package {digest} cannot be read: {reason}")]
    Package {
        digest: trueline_table::Digest,
        reason: String,
    },
}

impl Error {
    /// What to do about it, if anything can be said.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::Stage { source, .. } => source.hint(),
            Self::Runtime(_) | Self::Table(_) | Self::Mismatch(_) | Self::Package { .. } => None,
        }
    }
}
