//! What can go wrong with a store, by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};
use trueline_table::Digest;

/// The result of every call to the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call to the store failed. The message says what and where; [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing. Look at the list.
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },

    /// A shortened id or digest that fits several. Write more of it.
    #[error("`{prefix}` is the start of more than one {what}:{}", candidates(.matches))]
    Ambiguous {
        what: &'static str,
        prefix: String,
        matches: Vec<String>,
    },

    /// A value that cannot be stored. Correct it.
    #[error("{what} `{value}` {problem}")]
    Invalid {
        what: &'static str,
        value: String,
        problem: String,
    },

    /// The thing is not in a state that allows this: it has finished already, or has not come so far.
    #[error("{what} is {from} and cannot become {to}")]
    Transition {
        what: String,
        from: String,
        to: String,
    },

    /// A rule that the database keeps by itself was about to be broken: a bug of the caller.
    #[error("the store refused a change: {rule}")]
    Rule { rule: String },

    /// An alias was asked to move to a package that has not passed its gate.
    #[error("alias `{alias}` of `{name}` cannot move to version {version} ({digest}): {why}")]
    Refused {
        name: String,
        alias: String,
        version: u32,
        digest: Digest,
        why: String,
    },

    /// Stored bytes have changed since they were written.
    #[error("the bytes of {digest} have changed: {} now holds {found}", .path.display())]
    Corrupt {
        digest: Digest,
        found: Digest,
        path: PathBuf,
    },

    /// The bytes of an artifact are not in the store (any more).
    #[error("the bytes of {digest} are missing: there is no {}", .path.display())]
    Missing { digest: Digest, path: PathBuf },

    /// The disk, or the quota, is full. Nothing was written.
    #[error("no space left to write {}", .path.display())]
    Full {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The home cannot be written to. Nothing was written.
    #[error("cannot write to {}", .path.display())]
    ReadOnly {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Another process has the home open, which must be closed for this.
    #[error("{} is in use by another process ({boot})", .path.display())]
    InUse { path: PathBuf, boot: String },

    /// Something is where a new folder is to be.
    #[error("{} exists and is not empty", .path.display())]
    Exists { path: PathBuf },

    /// Another process makes the folder that is to be made.
    #[error("another process is about to make {}", .path.display())]
    Claimed { path: PathBuf },

    /// Another process held the database for so long that we gave up. Try again.
    #[error("the database {} is held by another process", .path.display())]
    Busy { path: PathBuf },

    /// The database was written by another version of Trueline, or its migrations were tampered with.
    #[error("cannot open the database {}: {problem}", .path.display())]
    Schema { path: PathBuf, problem: String },

    /// The database is not what was written: cut off, overwritten, or no database at all.
    #[error("the database {} is damaged: {problem}", .path.display())]
    Damaged { path: PathBuf, problem: String },

    /// Any other failure of the file system.
    #[error("cannot {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    /// Any other failure of the database.
    #[error("the database failed")]
    Database {
        #[source]
        source: Arc<rusqlite::Error>,
    },

    /// The thread that writes has ended; only a bug in it can do that.
    #[error("the store has stopped writing")]
    Stopped,
}

impl Error {
    /// What to do about it, where the message does not say so already.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { what: "run", .. } => Some("list the runs with `trueline runs`"),
            Self::NotFound {
                what: "package", ..
            } => Some("list the packages with `trueline package list`"),
            Self::NotFound {
                what: "earlier package to go back to for the alias",
                ..
            } => Some("`trueline package history NAME` shows where it stood"),
            Self::NotFound { what: "digest", .. } => Some(
                "`trueline show RUN STAGE` and `trueline package show NAME` show digests; a start of one is enough",
            ),
            Self::NotFound { what: "backup", .. } => {
                Some("name a folder that `trueline store backup` made")
            }
            Self::NotFound {
                what: "engine in the cache with the fingerprint",
                ..
            } => Some("`trueline cache stats` lists the engines"),
            Self::Ambiguous { .. } => Some("write more of it"),
            Self::Refused { .. } => Some("run the pipeline until its gate accepts the package"),
            Self::Corrupt { .. } => Some(
                "the disk or another program changed it: restore the file from a copy, or remove it and run again",
            ),
            Self::Missing { .. } => Some("restore the file from a copy, or run the pipeline again"),
            Self::Io { source, .. } if !is_of_a_name(source) => {
                Some("see what the system says of the disk; what was there before is as it was")
            }
            Self::Full { .. } => {
                Some("free some space, or set TRUELINE_HOME to a directory on another disk")
            }
            Self::ReadOnly { .. } => {
                Some("make it writable, or set TRUELINE_HOME to a directory that is")
            }
            Self::InUse { .. } => Some(
                "wait for its run to end, or cancel it, then try again; `trueline store backup` copies a home in use",
            ),
            Self::Claimed { .. } => Some("wait until it is done, or name another folder"),
            Self::Exists { .. } => Some("name a folder that does not exist yet"),
            Self::Busy { .. } => Some("wait for the other process to end, then try again"),
            Self::Schema { .. } => Some(
                "use the version of trueline that wrote it, restore it from a copy, or set TRUELINE_HOME to another directory",
            ),
            Self::Damaged { .. } => Some(
                "restore the home from a backup, `trueline store restore BACKUP --home NEW`, or set TRUELINE_HOME to a new \
                 directory; the damaged one was left as it is",
            ),
            _ => None,
        }
    }

    pub(crate) fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }

    /// For `map_err` on something that was to read `path`.
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            action: "read",
            path,
            source,
        }
    }

    /// For `map_err` on something that was to change `path`.
    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        use io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let path = path.to_owned();
        move |source| match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full {
                path,
                source: source.into(),
            },
            ReadOnlyFilesystem | PermissionDenied => Self::ReadOnly {
                path,
                source: source.into(),
            },
            _ => Self::Io {
                action: "write",
                path,
                source,
            },
        }
    }

    /// The same about the original of a copy.
    pub(crate) fn instead_of(self, copy: &Path, original: &Path) -> Self {
        let moved = |path: PathBuf| match path.strip_prefix(copy) {
            Ok(inside) => original.join(inside),
            Err(_) => path,
        };
        match self {
            Self::Schema { path, problem } => Self::Schema {
                path: moved(path),
                problem,
            },
            Self::Damaged { path, problem } => Self::Damaged {
                path: moved(path),
                problem,
            },
            other => other,
        }
    }

    /// Says of a bare failure of the database which file it was about, and what the caller can do.
    pub(crate) fn in_database(self, path: &Path) -> Self {
        let Self::Database { source } = self else {
            return self;
        };
        let path = path.to_owned();
        match (source.as_ref(), source.sqlite_error_code()) {
            (_, Some(ErrorCode::DiskFull)) => Self::Full {
                path,
                source: source.into(),
            },
            // The file that processes share to find their way in the log cannot grow.
            (rusqlite::Error::SqliteFailure(failure, _), _)
                if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE =>
            {
                Self::Full {
                    path,
                    source: source.into(),
                }
            }
            (_, Some(ErrorCode::SystemIoFailure)) => Self::Io {
                action: "use",
                path,
                source: io::Error::other(source),
            },
            (
                _,
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied),
            ) => Self::ReadOnly {
                path,
                source: source.into(),
            },
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Self::Busy { path },
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            // What we wrote can be read again.
            | (rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..), _) => Self::Damaged {
                path,
                problem: source.to_string(),
            },
            (
                rusqlite::Error::SqliteFailure(_, Some(rule)),
                Some(ErrorCode::ConstraintViolation),
            ) => Self::Rule { rule: rule.clone() },
            _ => Self::Database { source },
        }
    }
}

/// A line for each of some candidates; of many, how many more there are.
fn candidates(matches: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text: String = matches
        .iter()
        .take(SHOWN)
        .flat_map(|candidate| ["\n  ", candidate])
        .collect();
    if let more @ 1.. = matches.len().saturating_sub(SHOWN) {
        text += &format!("\n  and {more} more");
    }
    text
}

/// Whether a file system refused a name, and did not fail.
fn is_of_a_name(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | AlreadyExists | NotADirectory | IsADirectory
    )
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database {
            source: Arc::new(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_disk_say_what_to_do() {
        let cases = [
            (
                io::ErrorKind::StorageFull,
                "no space left to write home/x",
                "free some space",
            ),
            (
                io::ErrorKind::FileTooLarge,
                "no space left to write home/x",
                "free some space",
            ),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                "cannot write to home/x",
                "make it writable",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "cannot write to home/x",
                "make it writable",
            ),
        ];
        for (kind, message, hint) in cases {
            let error = Error::writing(Path::new("home/x"))(kind.into());
            assert_eq!(error.to_string(), message);
            assert!(error.hint().unwrap().starts_with(hint), "{kind}");
        }
    }

    #[test]
    fn failures_of_the_database_name_the_file() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a ANY NOT NULL) STRICT; PRAGMA max_page_count = 1;")
            .unwrap();
        let cases = [
            (
                "INSERT INTO t VALUES (zeroblob(100000))",
                "no space left to write home/trueline.db",
            ),
            (
                "INSERT INTO t VALUES (NULL)",
                "the store refused a change: NOT NULL constraint failed: t.a",
            ),
            ("INSERT INTO t", "the database failed"),
        ];
        for (sql, expected) in cases {
            let error = Error::from(connection.execute(sql, []).unwrap_err());
            let error = error.in_database(Path::new("home/trueline.db"));
            assert_eq!(error.to_string(), expected, "{sql}");
        }
    }
}
