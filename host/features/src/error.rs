//! What can go wrong with features.

use std::path::{Path, PathBuf};

use trueline_declaration::Diagnostics;

use crate::log::Receipt;
use crate::quarantine::Quarantined;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why features could not be defined, written or read. The message says what and where;
/// [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The feature file is wrong.
    #[error(transparent)]
    File(#[from] Diagnostics),

    /// Nothing of that name was applied.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        kind: &'static str,
        name: String,
        hint: String,
    },

    /// What was asked for, or sent, does not fit the definitions.
    #[error("{problem}")]
    Input { problem: String, hint: String },

    /// What computes a view failed, or cannot be loaded.
    #[error("view `{view}`: {source}")]
    Transform {
        view: String,
        source: trueline_runtime::Error,
    },

    /// What looks at the rows of a source failed, or cannot be loaded.
    #[error("source `{of}`: the check of its rows: {cause}")]
    Expectations {
        of: String,
        #[source]
        cause: trueline_runtime::Error,
    },

    /// Rows are not as their source expects: they are kept, but in neither store.
    #[error("{}", .0.told())]
    Quarantined(Box<Quarantined>),

    /// A stream cannot be read. Nothing is lost: what was taken in before stays, the rest waits there.
    #[error("the stream `{key}` of source `{of}` at {address}: {problem}")]
    Stream {
        of: String,
        key: String,
        address: String,
        problem: String,
    },

    /// Rows of a file cannot be read.
    #[error(transparent)]
    Dataset(#[from] trueline_dataset::Error),

    /// A file of the store, or a result, cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },

    /// The store holds what nobody has written.
    #[error("{}: {problem}", path.display())]
    Corrupt { path: PathBuf, problem: String },

    /// The database of the store.
    #[error("the feature store's database: {0}")]
    Database(#[from] rusqlite::Error),

    /// The online store cannot be reached, or not be relied on. Nothing is lost: the log has every row.
    #[error("the online store at {address}: {problem}")]
    Online { address: String, problem: String },

    /// Rows are in the log, but the online store could not be brought to where it is.
    #[error("{} rows are in the log, but not online yet: {cause}", receipt.rows)]
    NotOnline {
        receipt: Receipt,
        #[source]
        cause: Box<Error>,
    },

    /// The work was given up, as the program ends.
    #[error("the feature store is being closed")]
    Stopped,

    /// Rows cannot be worked with as tables.
    #[error(transparent)]
    Table(#[from] trueline_table::Error),
}

impl Error {
    pub(crate) fn input(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Input {
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn corrupt(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> Self {
        |problem| Self::Corrupt {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }

    /// Names the file of a database that is not what was written.
    pub(crate) fn of_database(path: &Path) -> impl Fn(Self) -> Self {
        move |error| match error {
            Self::Database(failure) if is_damage(&failure) => Self::corrupt(path)(&failure),
            error => error,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unknown { hint, .. } | Self::Input { hint, .. } => Some(hint),
            Self::Dataset(error) => error.hint(),
            Self::Online { .. } => Some(
                "look whether it runs, and whether [online] of the feature file or the environment says where; nothing is lost: `trueline features materialize` brings online what is in the log",
            ),
            Self::Quarantined(_) => Some(
                "look with `trueline features quarantine show`, then `release` takes them in as they are, and `drop` forgets them; sending them again changes nothing",
            ),
            Self::Stream { .. } => Some(
                "look whether the Redis runs, and whether `stream` of the source says where; what waits there is taken in by the next `trueline features materialize` or `ingest`",
            ),
            Self::NotOnline { .. } => Some(
                "do not push them again: they get online once the online store can be reached, with the next push or with `trueline features materialize`",
            ),
            // The one file that holds nothing that is not in the log.
            Self::Corrupt { path, .. } if path.ends_with("online.db") => Some(
                "it was changed or damaged: remove it, and what is called `online.db-…` beside it; `trueline features materialize` makes it again from the log",
            ),
            Self::Database(failure) if is_damage(failure) => Some(
                "a database in the folder `features` of the home was changed or damaged: restore the folder from a backup",
            ),
            Self::Corrupt { .. } => {
                Some("the file was changed or damaged: restore the folder from a backup")
            }
            Self::Database(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == rusqlite::ErrorCode::DatabaseBusy =>
            {
                Some("another process is writing to it: try again when it is done")
            }
            _ => None,
        }
    }
}

/// Whether a database is not what was written.
fn is_damage(failure: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        failure.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Table(error.into())
    }
}
