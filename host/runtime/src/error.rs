//! What can go wrong between the host and a component.

use trueline_table::Digest;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a component could not be admitted, or a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no component that the profile allows.
    #[error("not a component that can run here: {reason}")]
    Invalid { reason: String },

    /// A pure stage asked for something outside its world.
    #[error(
        "the component imports `{import}`, which the world `{world}` does not offer; a pure stage has no \
         clock, randomness, files or network"
    )]
    Import { import: String, world: &'static str },

    /// It is no stage of this contract.
    #[error(
        "the component does not export `{export}`; stages export the interfaces of trueline:stage@0.1.0"
    )]
    MissingExport { export: &'static str },

    /// The guest answered with an error of its own, word for word.
    #[error("{message}")]
    Guest {
        kind: GuestErrorKind,
        message: String,
    },

    /// The guest crashed.
    #[error("the stage trapped: {reason}")]
    Trap { reason: String },

    #[error(
        "the stage needed more memory than its limit of {limit_bytes} bytes; raise `limits.memory`"
    )]
    Memory { limit_bytes: usize },

    #[error(
        "the stage ran longer than its limit of {limit_ms} ms in one call; raise `limits.time`"
    )]
    Timeout { limit_ms: u64 },

    #[error(
        "the stage used more processor time than its limit of {limit_ms} ms in one call; raise `limits.cpu_time`"
    )]
    CpuTime { limit_ms: u64 },

    /// The attempt as a whole took too long.
    #[error("the stage took longer than its timeout of {timeout_ms} ms; raise `timeout`")]
    Overdue { timeout_ms: u64 },

    /// Someone gave up.
    #[error("the run was cancelled")]
    Cancelled,

    #[error(
        "the stage answered with more than its limit of {limit_bytes} bytes; raise `limits.output`"
    )]
    Output { limit_bytes: usize },

    /// The guest broke the contract: its answer does not fit what it said before.
    #[error("the stage broke its contract: {reason}")]
    Contract { reason: String },

    /// A table has a column of a name that stands for something else.
    #[error(
        "the table has a column called `{column}`, the name by which the stage reads the numbers of rows; give the \
         column another name"
    )]
    ReservedColumn { column: &'static str },

    /// The rows do not fit what the stage or package reads.
    #[error("{0}")]
    Rows(#[from] trueline_table::Error),

    /// A request in JSON that does not hold what the package reads.
    #[error("{0}")]
    Wire(#[from] trueline_wire::Error),

    /// Typed rows that are not what the package reads, or an answer that is not of the type asked for.
    #[error("the rows do not fit the package: {reason}")]
    Typed { reason: String },

    #[error(
        "the input has no column `{column}` ({expected} is expected); it has {}",
        names(columns)
    )]
    MissingColumn {
        column: String,
        expected: String,
        columns: Vec<String>,
    },

    #[error("column `{column}` is {found}, but {expected} is expected")]
    ColumnType {
        column: String,
        found: String,
        expected: String,
    },

    #[error("column `{column}` has {count} nulls, but takes none")]
    UnexpectedNull { column: String, count: usize },

    /// A package file or its parts.
    #[error("{path} is not a package: {reason}")]
    Package { path: String, reason: String },

    #[error("the package lacks {what} {digest}")]
    MissingPart { what: &'static str, digest: Digest },

    #[error("{path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },

    /// The host itself could not go on: no memory for another instance, say.
    #[error("the host could not run the stage: {0}")]
    Host(String),
}

/// Which of the contract's errors a guest answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestErrorKind {
    Params,
    Schema,
    Data,
    Other,
}

impl Error {
    pub(crate) fn contract(reason: impl Into<String>) -> Self {
        Self::Contract {
            reason: reason.into(),
        }
    }

    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}

fn names(columns: &[String]) -> String {
    if columns.is_empty() {
        "no columns".to_owned()
    } else {
        columns.join(", ")
    }
}
