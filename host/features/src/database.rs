//! The database of definitions and of the log: opened whole or not at all.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::segments::Segments;
use crate::{Error, Result};

/// Of one page, which even a database without any row has.
const SMALLEST_BYTES: u64 = 4096;

/// Opens the database at the newest version, making it if it is missing.
///
/// # Errors
/// [`Error::Corrupt`] if it is not what was written: cut off, overwritten, or empty beside segments, whose rows a
/// new database would know nothing of.
pub(crate) fn connect(path: &Path, segments: &Segments) -> Result<Connection> {
    // Before the size, as whoever makes the first segment has made the database.
    let segments = segments.count()?;
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    let damaged = Error::corrupt(path);
    if size == 0 && segments > 0 {
        let problem = format!("nothing is in it, and beside it are {segments} segments of the log");
        return Err(damaged(&problem));
    }
    if (1..SMALLEST_BYTES).contains(&size) {
        // SQLite would take some of these for empty, and write into them.
        return Err(damaged(&format!("it is cut off after {size} bytes")));
    }
    open(path).map_err(Error::of_database(path))
}

fn open(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    // A second process waits for the first one's transaction.
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was acknowledged is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    let migrations = Migrations::new(vec![
        M::up(include_str!("../migrations/V1__initial.sql")),
        M::up(include_str!("../migrations/V2__identity.sql")),
        M::up(include_str!("../migrations/V3__quarantine.sql")),
    ]);
    migrations
        .to_latest(&mut connection)
        .map_err(|error| Error::corrupt(path)(&error))?;
    Ok(connection)
}
