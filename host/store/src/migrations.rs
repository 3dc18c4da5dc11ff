//! Brings the database to the newest version, or says why it cannot.

use std::path::Path;

use rusqlite::{Connection, params};
use rusqlite_migration::{HookResult, M, Migrations};
use trueline_files::fault;
use trueline_table::Digest;

use crate::columns::Column;
use crate::writer::in_sqlite;
use crate::{Error, Result};

/// The text of every migration, the first of them version 1. Append only: a text that was released is
/// never changed, since every database records the digest of what was applied to it.
const TEXTS: &[&str] = &[
    include_str!("../migrations/V1__initial.sql"),
    include_str!("../migrations/V2__cache.sql"),
    include_str!("../migrations/V3__registry.sql"),
    include_str!("../migrations/V4__lineage.sql"),
    include_str!("../migrations/V5__freed.sql"),
    include_str!("../migrations/V6__pages.sql"),
    include_str!("../migrations/V7__package_parts.sql"),
    include_str!("../migrations/V8__dataset_origins.sql"),
    include_str!("../migrations/V9__comparisons.sql"),
    include_str!("../migrations/V10__logs.sql"),
];

/// The version that this program writes.
pub(crate) const LATEST: usize = TEXTS.len();

/// Whether this program may write into a database; nothing is changed.
///
/// # Errors
/// [`Error::Schema`] if the database is newer than this program, a migration that was applied to it is not the
/// one this program knows under that version, or it is another program's.
pub(crate) fn check_version(connection: &Connection, path: &Path) -> Result<()> {
    let schema = |problem: String| {
        Err(Error::Schema {
            path: path.to_owned(),
            problem,
        })
    };
    let applied = applied_version(connection)?;
    if applied > TEXTS.len() {
        return schema(format!(
            "it is at version {applied}, and this program knows versions up to {}",
            TEXTS.len()
        ));
    }
    // An empty database may become ours; one with tables has to have our record of them.
    let sql = "SELECT count(*) FROM sqlite_schema WHERE ?1 OR name = 'migrations'";
    let tables: u32 = connection.query_row(sql, [applied == 0], |row| row.get(0))?;
    if (tables > 0) != (applied > 0) {
        return schema("it is of another program".to_owned());
    }
    for (version, text) in (1..).zip(&TEXTS[..applied]) {
        match recorded_digest(connection, version) {
            Ok(recorded) if recorded == Digest::of(text.as_bytes()) => {}
            Ok(_) => {
                return schema(format!(
                    "migration {version} was changed after it was applied"
                ));
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                return schema(format!("it has no record of migration {version}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Applies what is missing, each version in a transaction of its own.
///
/// # Errors
/// As [`check_version`].
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    check_version(connection, path)?;
    migrations()
        .to_latest(connection)
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => Error::from(err),
            other => Error::Schema {
                path: path.to_owned(),
                problem: other.to_string(),
            },
        })
}

/// Every migration, followed by the record of its digest in the same transaction.
fn migrations() -> Migrations<'static> {
    let steps = (1_i64..).zip(TEXTS).map(|(version, text)| {
        let record = move |transaction: &rusqlite::Transaction<'_>| -> HookResult {
            let digest = Digest::of(text.as_bytes());
            fault::before("migrate.step").map_err(|error| in_sqlite(&error))?;
            transaction.execute(
                "INSERT INTO migrations (version, digest) VALUES (?1, ?2)",
                params![version, Column(&digest)],
            )?;
            fault::after("migrate.step").map_err(|error| in_sqlite(&error))?;
            Ok(())
        };
        M::up_with_hook(text, record)
    });
    Migrations::new(steps.collect())
}

/// The version of a database; 0 if it is empty.
pub(crate) fn applied_version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // A negative version is of no program we know: as good as one from the future.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn recorded_digest(connection: &Connection, version: i64) -> rusqlite::Result<Digest> {
    let sql = "SELECT digest FROM migrations WHERE version = ?1";
    connection
        .query_row(sql, [version], |row| row.get(0))
        .map(|Column(digest)| digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_at(version: usize) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut connection, version).unwrap();
        connection
    }

    #[test]
    fn every_released_version_becomes_the_newest() {
        for version in 0..=TEXTS.len() {
            let mut connection = database_at(version);
            if version > 0 {
                let run = "INSERT INTO runs VALUES ('default', 'run_1', 'p', 'succeeded', NULL, 1, 1, 1, NULL, 'boot_1', 0, 'd', 'd', '{}')";
                connection.execute(run, []).unwrap();
            }
            migrate(&mut connection, Path::new("db")).unwrap();
            assert_eq!(applied_version(&connection).unwrap(), TEXTS.len());
            let runs: u32 = connection
                .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
                .unwrap();
            assert_eq!(runs, u32::from(version > 0), "what was there stays");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let cases = [
            ("PRAGMA user_version = 99", "it is at version 99"),
            (
                "UPDATE migrations SET digest = 'sha256:' || hex(zeroblob(32))",
                "migration 1 was changed",
            ),
            ("DELETE FROM migrations", "no record of migration 1"),
            ("DROP TABLE migrations", "it is of another program"),
            ("PRAGMA user_version = 0", "it is of another program"),
        ];
        for (sql, expected) in cases {
            let mut connection = database_at(TEXTS.len());
            connection.execute_batch(sql).unwrap();
            let error = migrate(&mut connection, Path::new("home/trueline.db")).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(expected) && text.contains("home/trueline.db"),
                "{text}"
            );
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn every_table_is_strict_and_knows_its_tenant() {
        let connection = database_at(TEXTS.len());
        let sql = "SELECT name, strict, EXISTS (SELECT 1 FROM pragma_table_info(l.name) WHERE name = 'tenant' AND pk = 1)
                   FROM pragma_table_list l WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'";
        let mut statement = connection.prepare(sql).unwrap();
        let tables = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        let tables: Vec<(String, bool, bool)> = tables.map(Result::unwrap).collect();
        assert!(tables.len() > 10);
        for (name, strict, tenant) in tables {
            assert!(strict && (tenant || name == "migrations"), "{name}");
        }
    }
}
