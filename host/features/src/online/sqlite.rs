//! The online store in a SQLite file. It can be made again from the log, so a write does not wait for the
//! disk: after a loss of power, its cursor is as old as its rows.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::types::ToSqlOutput::Borrowed;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use trueline_table::Digest;

use super::{ChangeTile, OnlineRow, OnlineStore, OnlineWrite, Tile, TilePlace};
use crate::contract::Order;
use crate::{Error, Result};

const SCHEMA: &str = "
-- How far each version of a view has read the log.
CREATE TABLE IF NOT EXISTS views (
  view BLOB PRIMARY KEY,
  id INTEGER NOT NULL UNIQUE,
  cursor INTEGER NOT NULL
) STRICT;
-- The newest row of each entity.
CREATE TABLE IF NOT EXISTS newest (
  view INTEGER NOT NULL,
  key BLOB NOT NULL,
  event_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  features BLOB NOT NULL,
  PRIMARY KEY (view, key)
) STRICT, WITHOUT ROWID;
-- Rows that do not count yet, by when they will.
CREATE TABLE IF NOT EXISTS waiting (
  view INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  key BLOB NOT NULL,
  event_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  features BLOB NOT NULL,
  PRIMARY KEY (view, due_us, sequence)
) STRICT, WITHOUT ROWID;
-- What there is of each entity in each stretch of time, for views with aggregates.
CREATE TABLE IF NOT EXISTS tiles (
  view INTEGER NOT NULL,
  key BLOB NOT NULL,
  start_us INTEGER NOT NULL,
  summary BLOB NOT NULL,
  rows BLOB NOT NULL,
  PRIMARY KEY (view, key, start_us)
) STRICT;
";

const UPSERT: &str = "
INSERT INTO newest (view, key, event_us, created_us, sequence, features) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (view, key) DO UPDATE SET
  event_us = excluded.event_us, created_us = excluded.created_us,
  sequence = excluded.sequence, features = excluded.features
WHERE (excluded.event_us, excluded.created_us, excluded.sequence) > (event_us, created_us, sequence)";

/// Stands for a row without a created time: before all others.
const NOT_CREATED: i64 = i64::MIN;

/// One file, any number of threads and processes.
#[derive(Debug)]
pub(crate) struct SqliteOnline {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Connections that nobody reads with at the moment.
    readers: Mutex<Vec<Connection>>,
}

impl SqliteOnline {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let made = connect(path).and_then(|writer| {
            writer.execute_batch(SCHEMA)?;
            Ok(writer)
        });
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(made.map_err(Error::of_database(path))?),
            readers: Mutex::default(),
        })
    }

    fn with_reader<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let idle = lock(&self.readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let result = read(&mut connection);
        lock(&self.readers).push(connection);
        result.map_err(Error::of_database(&self.path))
    }

    /// Lets the rows that have become due count.
    fn promote(&self, id: i64, now_us: i64) -> Result<()> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let sql = "SELECT key, event_us, created_us, sequence, features FROM waiting
                       WHERE view = ?1 AND due_us <= ?2 ORDER BY due_us, sequence";
            let mut due = transaction.prepare_cached(sql)?;
            let mut rows = due.query([id, now_us])?;
            let mut upsert = transaction.prepare_cached(UPSERT)?;
            while let Some(row) = rows.next()? {
                upsert.execute(params![
                    id,
                    Borrowed(row.get_ref(0)?),
                    Borrowed(row.get_ref(1)?),
                    Borrowed(row.get_ref(2)?),
                    Borrowed(row.get_ref(3)?),
                    Borrowed(row.get_ref(4)?)
                ])?;
            }
            let sql = "DELETE FROM waiting WHERE view = ?1 AND due_us <= ?2";
            transaction.prepare_cached(sql)?.execute([id, now_us])?;
        }
        Ok(transaction.commit()?)
    }
}

impl OnlineStore for SqliteOnline {
    fn is_local(&self) -> bool {
        true
    }

    fn cursor(&self, view: &Digest) -> Result<i64> {
        self.with_reader(|connection| {
            let sql = "SELECT cursor FROM views WHERE view = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let cursor = statement.query_row([view.to_string().as_bytes()], |row| row.get(0));
            Ok(cursor.optional()?.unwrap_or(0))
        })
    }

    fn forget(&self, view: &Digest, cursor: i64) -> Result<()> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let name = view.to_string();
        let sql = "UPDATE views SET cursor = 0 WHERE view = ?1 AND cursor = ?2 RETURNING id";
        let found = transaction.query_row(sql, params![name.as_bytes(), cursor], |row| row.get(0));
        let id: Option<i64> = found.optional()?;
        for table in ["newest", "waiting", "tiles"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE view = ?1"), [id])?;
        }
        Ok(transaction.commit()?)
    }

    fn write(
        &self,
        view: &Digest,
        rows: Vec<OnlineWrite>,
        now_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let id = move_cursor(&transaction, view, cursor)?;
            let mut upsert = transaction.prepare_cached(UPSERT)?;
            let sql = "INSERT OR IGNORE INTO waiting (view, due_us, sequence, key, event_us, created_us, features)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let mut wait = transaction.prepare_cached(sql)?;
            for OnlineWrite { key, due_us, row } in rows {
                let Order {
                    event_us,
                    created_us,
                    sequence,
                } = row.order;
                let created_us = created_us.unwrap_or(NOT_CREATED);
                if due_us <= now_us {
                    upsert.execute(params![
                        id,
                        key,
                        event_us,
                        created_us,
                        sequence,
                        row.features
                    ])?;
                } else {
                    wait.execute(params![
                        id,
                        due_us,
                        sequence,
                        key,
                        event_us,
                        created_us,
                        row.features
                    ])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    fn read(&self, view: &Digest, keys: &[Vec<u8>], now_us: i64) -> Result<Vec<Option<OnlineRow>>> {
        let name = view.to_string();
        loop {
            match self.with_reader(|connection| newest(connection, &name, keys, now_us))? {
                Newest::Rows(rows) => return Ok(rows),
                Newest::Due(id) => self.promote(id, now_us)?,
            }
        }
    }

    fn change_tiles(
        &self,
        view: &Digest,
        places: &[TilePlace],
        change: &mut ChangeTile<'_>,
        keep_from_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let id = move_cursor(&transaction, view, cursor)?;
            let sql =
                "SELECT summary, rows FROM tiles WHERE view = ?1 AND key = ?2 AND start_us = ?3";
            let mut find = transaction.prepare_cached(sql)?;
            let sql = "INSERT INTO tiles (view, key, start_us, summary, rows) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (view, key, start_us) DO UPDATE SET summary = excluded.summary, rows = excluded.rows";
            let mut put = transaction.prepare_cached(sql)?;
            let sql = "DELETE FROM tiles WHERE view = ?1 AND key = ?2 AND start_us < ?3";
            let mut prune = transaction.prepare_cached(sql)?;
            for (index, TilePlace { key, start_us }) in places.iter().enumerate() {
                let found = find.query_row(params![id, key, start_us], |row| {
                    Ok(Tile {
                        summary: row.get(0)?,
                        rows: row.get(1)?,
                    })
                });
                if let Some(tile) = change(index, found.optional()?.as_ref())? {
                    put.execute(params![id, key, start_us, tile.summary, tile.rows])?;
                }
            }
            let keys = places.chunk_by(|one, next| one.key == next.key);
            for key in keys.filter_map(|places| places.first().map(|place| &place.key)) {
                prune.execute(params![id, key, keep_from_us])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn read_tiles(
        &self,
        view: &Digest,
        keys: &[Vec<u8>],
        from_us: i64,
        wants_rows: &dyn Fn(&[u8]) -> Result<bool>,
    ) -> Result<Vec<Vec<Tile>>> {
        let name = view.to_string();
        self.with_reader(|connection| {
            let transaction = connection.transaction()?;
            let sql = "SELECT summary, rows FROM tiles
                       WHERE view = (SELECT id FROM views WHERE view = ?1) AND key = ?2 AND start_us >= ?3
                       ORDER BY start_us";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut all = Vec::with_capacity(keys.len());
            for key in keys {
                let mut found = statement.query(params![name.as_bytes(), key, from_us])?;
                let mut tiles = Vec::new();
                while let Some(row) = found.next()? {
                    let summary: Vec<u8> = row.get(0)?;
                    // SQLite reads the pages of a long value when it is asked for.
                    let rows = if wants_rows(&summary)? {
                        row.get(1)?
                    } else {
                        Vec::new()
                    };
                    tiles.push(Tile { summary, rows });
                }
                all.push(tiles);
            }
            Ok(all)
        })
    }

    fn remove_tiles(&self, view: &Digest, before_us: i64) -> Result<()> {
        let sql = "DELETE FROM tiles WHERE view = (SELECT id FROM views WHERE view = ?1) AND start_us < ?2";
        let connection = lock(&self.writer);
        let mut statement = connection.prepare_cached(sql)?;
        statement.execute(params![view.to_string().as_bytes(), before_us])?;
        Ok(())
    }
}

/// What a view's keys have, or that rows have become due which have to be let in first.
enum Newest {
    Rows(Vec<Option<OnlineRow>>),
    /// Of the view of this number.
    Due(i64),
}

fn newest(
    connection: &mut Connection,
    view: &str,
    keys: &[Vec<u8>],
    now_us: i64,
) -> Result<Newest> {
    let transaction = connection.transaction()?;
    let sql = "SELECT id, EXISTS (SELECT 1 FROM waiting WHERE view = v.id AND due_us <= ?2)
               FROM views v WHERE view = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    let place = statement.query_row(params![view.as_bytes(), now_us], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    let id: i64 = match place.optional()? {
        None => return Ok(Newest::Rows(vec![None; keys.len()])),
        Some((id, true)) => return Ok(Newest::Due(id)),
        Some((id, false)) => id,
    };
    let sql =
        "SELECT event_us, created_us, sequence, features FROM newest WHERE view = ?1 AND key = ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = keys.iter().map(|key| {
        let row = statement.query_row(params![id, key], |row| {
            let created_us: i64 = row.get(1)?;
            Ok(OnlineRow {
                order: Order {
                    event_us: row.get(0)?,
                    created_us: (created_us != NOT_CREATED).then_some(created_us),
                    sequence: row.get(2)?,
                },
                features: row.get(3)?,
            })
        });
        Ok(row.optional()?)
    });
    rows.collect::<Result<_>>().map(Newest::Rows)
}

/// Moves the cursor of a view, unless it is further already; answers the number that its rows go by.
fn move_cursor(connection: &Connection, view: &Digest, cursor: Option<i64>) -> Result<i64> {
    let name = view.to_string();
    let sql = "INSERT INTO views (view, id, cursor)
               VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM views), ?2)
               ON CONFLICT (view) DO UPDATE SET cursor = max(cursor, excluded.cursor)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![name.as_bytes(), cursor.unwrap_or(0)])?;
    let mut statement = connection.prepare_cached("SELECT id FROM views WHERE view = ?1")?;
    Ok(statement.query_row([name.as_bytes()], |row| row.get(0))?)
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A lock that a panic of another thread does not spoil: a transaction that it left is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
