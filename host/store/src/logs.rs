//! What attempts noted while they ran, line by line: for a person who wants to know what a stage did.
//!
//! A stage cannot write here itself, as it imports nothing: the engine notes what it sees of it. Nothing is
//! computed from a log, and no digest holds any of it.

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::columns::Column;
use crate::state::words;
use crate::store::TENANT;
use crate::{AttemptId, Result, RunId, Store};

/// So many bytes of a message are kept.
const MESSAGE_BYTES: usize = 2048;

words! {
    /// How much a line matters.
    LogLevel {
        Info = "info",
        /// Odd, but survived.
        Warn = "warn",
        Error = "error",
    }
}

/// A line that is to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLogLine {
    pub level: LogLevel,
    /// For a person, on one line; one that is very long is cut.
    pub message: String,
    /// When it was noted; [`Store::time_us`] says what time it is.
    pub time_us: i64,
}

/// A line of the log of a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogLine {
    /// From 1 for each stage of a run, over all of its attempts.
    pub line: u64,
    /// The attempt that noted it, from 1.
    pub attempt: u32,
    pub time_us: i64,
    pub level: LogLevel,
    pub message: String,
}

impl Store {
    /// Appends lines to the log of an attempt's stage. They are on the disk soon, and before whatever is written
    /// next.
    ///
    /// # Errors
    /// [`Error::Rule`](crate::Error::Rule) if there is no such attempt.
    pub fn append_log(&self, attempt: &AttemptId, lines: Vec<NewLogLine>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let id = attempt.clone();
        self.write_soon(move |connection| append(connection, &id, lines))
    }

    /// What the attempts of a stage of a run noted, behind line `after` (0: from the start), `limit` lines at
    /// most. Nothing if the stage took its result from the cache, or there is no such stage.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn log(&self, run: &RunId, stage: &str, after: u64, limit: u32) -> Result<Vec<LogLine>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT line, attempt, time_us, level, message FROM log_lines
                 WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 AND line > ?4 ORDER BY line LIMIT ?5",
            )?;
            let key = params![TENANT, run, stage, Column(after), limit];
            let rows = statement.query_map(key, |row| {
                Ok(LogLine {
                    line: row.get::<_, Column<_>>(0)?.0,
                    attempt: row.get(1)?,
                    time_us: row.get(2)?,
                    level: row.get(3)?,
                    message: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Appends lines to the log of an attempt's stage, within a transaction.
pub(crate) fn append(
    connection: &Connection,
    id: &AttemptId,
    lines: Vec<NewLogLine>,
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let last: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(line), 0) FROM log_lines WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3",
        )?
        .query_row(params![TENANT, id.run, id.stage], |row| row.get(0))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO log_lines (tenant, run_id, stage, line, attempt, time_us, level, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (line, new) in (last + 1..).zip(lines) {
        let message = cut(&new.message);
        insert.execute(params![
            TENANT,
            id.run,
            id.stage,
            line,
            id.number,
            new.time_us,
            new.level,
            message
        ])?;
    }
    Ok(())
}

/// A message as it is kept: what it quotes of a stage or a file may hold anything.
fn cut(message: &str) -> String {
    let mut message = message.replace(char::is_control, " ");
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{attempt, engine, running, store};
    use crate::{AttemptFailure, AttemptOutcome, Error};

    fn line(message: &str) -> NewLogLine {
        NewLogLine {
            level: LogLevel::Info,
            message: message.to_owned(),
            time_us: 7,
        }
    }

    #[test]
    fn lines_are_counted_over_the_attempts_of_a_stage() {
        let (_home, store) = store();
        let run = running(&store, &["a", "b"]);
        let first = attempt(&store, &run, "a");
        store
            .append_log(&first, vec![line("one"), line("two")])
            .unwrap();
        let failed = AttemptOutcome::Failed {
            failure: AttemptFailure::Trap,
            message: "it broke off".to_owned(),
            retry: true,
        };
        store.finish_attempt(&first, failed).unwrap();
        let second = store.start_attempt(&run, "a", engine()).unwrap();
        store
            .append_log(&second, vec![line(&"é".repeat(2000))])
            .unwrap();
        let other = attempt(&store, &run, "b");
        store.append_log(&other, vec![line("b")]).unwrap();
        store.append_log(&other, Vec::new()).unwrap();
        // Others see it when it is on the disk.
        store.write(|_| Ok(())).unwrap();

        let log = store.log(&run, "a", 0, 10).unwrap();
        let shown = log.iter().map(|line| (line.line, line.attempt));
        assert_eq!(shown.collect::<Vec<_>>(), [(1, 1), (2, 1), (3, 2)]);
        assert_eq!(log[2].message.len(), MESSAGE_BYTES + "…".len());
        assert_eq!(store.log(&run, "a", 1, 1).unwrap()[0].message, "two");
        assert_eq!(store.log(&run, "b", 0, 10).unwrap().len(), 1);
        assert_eq!(store.log(&run, "c", 0, 10).unwrap(), []);
    }

    #[test]
    fn a_log_needs_its_attempt_and_is_never_rewritten() {
        let (_home, store) = store();
        let run = running(&store, &["a"]);
        let nobody = AttemptId {
            run: run.clone(),
            stage: "a".to_owned(),
            number: 1,
        };
        let error = store.append_log(&nobody, vec![line("x")]).unwrap_err();
        assert!(matches!(error, Error::Rule { .. }), "{error}");
        let id = attempt(&store, &run, "a");
        store.append_log(&id, vec![line("x")]).unwrap();
        for sql in [
            "UPDATE log_lines SET message = 'y'",
            "DELETE FROM log_lines",
        ] {
            let error = store
                .write(move |connection| Ok(connection.execute(sql, [])?))
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                "the store refused a change: logs are append-only"
            );
        }
    }
}
