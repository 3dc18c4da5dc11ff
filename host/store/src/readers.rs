//! Connections that only read. Under WAL they neither wait for the writer nor hold it up.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Result};

/// So many stay open while nobody reads.
const IDLE_LIMIT: usize = 4;

/// So many questions are kept as SQLite has parsed them; there are not so many different ones.
const STATEMENTS: usize = 128;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
        }
    }

    /// Answers a question from one moment of the database: what others write meanwhile is not seen.
    pub(crate) fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let pooled = idle().pop();
        let answer = pooled
            .map_or_else(|| open(&self.path), Ok)
            .and_then(|mut connection| {
                let answer = connection
                    .transaction()
                    .map_err(Error::from)
                    .and_then(|moment| question(&moment));
                let mut idle = idle();
                if idle.len() < IDLE_LIMIT {
                    idle.push(connection);
                }
                answer
            });
        answer.map_err(|error| error.in_database(&self.path))
    }
}

fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
