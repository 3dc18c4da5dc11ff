//! The datasets that runs read, pinned by the digests of their contents.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use trueline_table::Digest;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Result, RunId, Store};

/// A dataset as a run read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataset {
    pub name: String,
    /// Over schema and contents, whatever files hold them.
    pub table_digest: Digest,
    pub rows: u64,
    /// In reading order.
    pub files: Vec<DatasetFile>,
}

/// A file that a dataset was read from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetFile {
    /// Where it was when the run started.
    pub path: String,
    /// Of the file's bytes.
    pub digest: Digest,
    pub size_bytes: u64,
}

/// Which table some bytes hold when they are read in one way. The digest of a table costs a decoding of its
/// file; with this, only the first time.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMemo {
    /// Of the file's bytes.
    pub file_digest: Digest,
    /// Of how they are read: format, columns, types.
    pub spec: Digest,
    pub table_digest: Digest,
    pub rows: u64,
}

impl Store {
    /// Writes down which dataset a run reads.
    ///
    /// # Errors
    /// [`Error::Rule`](crate::Error::Rule) if there is no such run, or it has a dataset of that name.
    pub fn pin_dataset(&self, run: &RunId, dataset: Dataset) -> Result<()> {
        let run = run.clone();
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO datasets (tenant, run_id, name, table_digest, rows) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![TENANT, run, dataset.name, Column(&dataset.table_digest), Column(dataset.rows)],
            )?;
            for (ordinal, file) in (0_i64..).zip(&dataset.files) {
                connection
                    .prepare_cached(
                        "INSERT INTO dataset_files (tenant, run_id, name, ordinal, path, digest, size_bytes)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    )?
                    .execute(params![
                        TENANT,
                        run,
                        dataset.name,
                        ordinal,
                        file.path,
                        Column(&file.digest),
                        Column(file.size_bytes),
                    ])?;
            }
            Ok(())
        })
    }

    /// The datasets of a run, by name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn datasets(&self, run: &RunId) -> Result<Vec<Dataset>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, table_digest, rows FROM datasets WHERE tenant = ?1 AND run_id = ?2 ORDER BY name",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| {
                Ok(Dataset {
                    name: row.get(0)?,
                    table_digest: row.get::<_, Column<_>>(1)?.0,
                    rows: row.get::<_, Column<_>>(2)?.0,
                    files: Vec::new(),
                })
            })?;
            let datasets = rows.map(|dataset| {
                let dataset = dataset?;
                Ok(Dataset { files: files(connection, run, &dataset.name)?, ..dataset })
            });
            datasets.collect()
        })
    }

    /// Writes down what the rows of a run's dataset were made of, where no file had them.
    ///
    /// # Errors
    /// [`Error::Rule`](crate::Error::Rule) if the run has no such dataset, or that was written down before.
    pub fn record_origin(&self, run: &RunId, dataset: &str, origin: &Value) -> Result<()> {
        let (run, dataset, origin) = (run.clone(), dataset.to_owned(), origin.to_string());
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO dataset_origins (tenant, run_id, name, origin) VALUES (?1, ?2, ?3, ?4)",
                params![TENANT, run, dataset, origin],
            )?;
            Ok(())
        })
    }

    /// What the rows of a run's datasets were made of, by the names of those that no file had.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn origins(&self, run: &RunId) -> Result<BTreeMap<String, Value>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, origin FROM dataset_origins WHERE tenant = ?1 AND run_id = ?2",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| {
                Ok((row.get(0)?, row.get::<_, Column<_>>(1)?.0))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Remembers which table some bytes hold. What is remembered already stays.
    ///
    /// # Errors
    /// If the home cannot be written to.
    pub fn remember_table(&self, memo: TableMemo) -> Result<()> {
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO table_digests (tenant, file_digest, spec, table_digest, rows) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![
                    TENANT,
                    Column(&memo.file_digest),
                    Column(&memo.spec),
                    Column(&memo.table_digest),
                    Column(memo.rows),
                ],
            )?;
            Ok(())
        })
    }

    /// Which table the bytes with this digest hold when they are read in this way, if that is remembered.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn remembered_table(
        &self,
        file_digest: &Digest,
        spec: &Digest,
    ) -> Result<Option<TableMemo>> {
        self.read(|connection| {
            let memo = connection
                .prepare_cached(
                    "SELECT table_digest, rows FROM table_digests WHERE tenant = ?1 AND file_digest = ?2 AND spec = ?3",
                )?
                .query_row(params![TENANT, Column(file_digest), Column(spec)], |row| {
                    Ok(TableMemo {
                        file_digest: *file_digest,
                        spec: *spec,
                        table_digest: row.get::<_, Column<_>>(0)?.0,
                        rows: row.get::<_, Column<_>>(1)?.0,
                    })
                })
                .optional()?;
            Ok(memo)
        })
    }
}

fn files(connection: &Connection, run: &RunId, name: &str) -> Result<Vec<DatasetFile>> {
    let mut statement = connection.prepare_cached(
        "SELECT path, digest, size_bytes FROM dataset_files WHERE tenant = ?1 AND run_id = ?2 AND name = ?3 ORDER BY ordinal",
    )?;
    let rows = statement.query_map(params![TENANT, run, name], |row| {
        Ok(DatasetFile {
            path: row.get(0)?,
            digest: row.get::<_, Column<_>>(1)?.0,
            size_bytes: row.get::<_, Column<_>>(2)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{running, store};

    #[test]
    fn a_run_keeps_what_it_read() {
        let (_home, store) = store();
        let run = running(&store, &[]);
        let file = |path: &str| DatasetFile {
            path: path.to_owned(),
            digest: Digest::of(path.as_bytes()),
            size_bytes: 1 << 40,
        };
        let dataset = |name: &str, files| Dataset {
            name: name.to_owned(),
            table_digest: Digest::of(name.as_bytes()),
            rows: 336_776,
            files,
        };
        let weather = dataset("weather", vec![]);
        let flights = dataset(
            "flights",
            vec![file("data/b.parquet"), file("data/a.parquet")],
        );
        store.pin_dataset(&run, weather.clone()).unwrap();
        store.pin_dataset(&run, flights.clone()).unwrap();
        assert!(
            store.pin_dataset(&run, flights.clone()).is_err(),
            "one dataset of a name"
        );
        assert_eq!(store.datasets(&run).unwrap(), [flights, weather]);
        let origin = serde_json::json!({ "service": "departure" });
        store.record_origin(&run, "flights", &origin).unwrap();
        assert!(store.record_origin(&run, "planes", &origin).is_err());
        assert_eq!(
            store.origins(&run).unwrap(),
            [("flights".to_owned(), origin)].into()
        );
    }

    #[test]
    fn a_table_is_remembered_for_its_bytes_and_its_spec() {
        let (_home, store) = store();
        let [file_digest, spec, table_digest] =
            [b"file", b"spec", b"rows"].map(|text| Digest::of(text));
        let memo = TableMemo {
            file_digest,
            spec,
            table_digest,
            rows: 3,
        };
        assert_eq!(store.remembered_table(&file_digest, &spec).unwrap(), None);
        store.remember_table(memo.clone()).unwrap();
        store.remember_table(memo.clone()).unwrap();
        assert_eq!(
            store.remembered_table(&file_digest, &spec).unwrap(),
            Some(memo)
        );
        assert_eq!(
            store.remembered_table(&file_digest, &table_digest).unwrap(),
            None
        );
    }
}
