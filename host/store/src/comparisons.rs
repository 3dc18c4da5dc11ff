//! How challengers did in the shadow of the packages that answered: what `trueline serve --challenger` counts.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use trueline_table::Digest;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Result, Store};

/// How the answers of a challenger compare with those that a package gave to the same requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The package whose answers were given.
    pub package: Digest,
    /// The package in the shadow.
    pub challenger: Digest,
    /// Rows that both answered.
    pub rows: u64,
    /// Rows that the challenger could not answer.
    pub rows_failed: u64,
    /// Why, the last time.
    pub failure: Option<String>,
    /// By the names of columns that both answer with.
    pub columns: BTreeMap<String, Difference>,
    /// When the first server that compared them began, and when the last one wrote; µs UTC.
    pub began_us: i64,
    pub updated_us: i64,
}

/// How far the values of a column are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Rows whose values differ, in a bit at least.
    pub rows_differing: u64,
    /// Of numbers, rows where both have one whose difference can be told.
    pub rows_with_numbers: u64,
    /// Of numbers, the largest absolute difference.
    pub largest: f64,
    /// Of numbers, the mean absolute difference.
    pub mean: f64,
}

impl Store {
    /// Writes down how two packages compare so far in this process, over what it wrote before. The times are
    /// the store's own.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn put_comparison(&self, comparison: &Comparison) -> Result<()> {
        let (comparison, boot, now) = (comparison.clone(), self.boot().clone(), self.now_us());
        let columns = serde_json::json!(comparison.columns);
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO comparisons
                 (tenant, package, challenger, boot_id, began_us, updated_us, rows, rows_failed, failure, columns)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT DO UPDATE SET updated_us = excluded.updated_us, rows = excluded.rows,
                 rows_failed = excluded.rows_failed, failure = excluded.failure, columns = excluded.columns",
                params![
                    TENANT,
                    Column(&comparison.package),
                    Column(&comparison.challenger),
                    boot,
                    now,
                    Column(comparison.rows),
                    Column(comparison.rows_failed),
                    comparison.failure,
                    Column(&columns),
                ],
            )?;
            Ok(())
        })
    }

    /// What a package was compared with, as the one that answered and as the challenger, added up over all
    /// servers; what was written last comes first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn comparisons(&self, package: &Digest) -> Result<Vec<Comparison>> {
        let rows = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT package, challenger, rows, rows_failed, failure, columns, began_us, updated_us
                 FROM comparisons WHERE tenant = ?1 AND (package = ?2 OR challenger = ?2)
                 ORDER BY updated_us DESC, package, challenger, boot_id",
            )?;
            let rows = statement.query_map(params![TENANT, Column(package)], from_row)?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })?;
        let mut all: Vec<Comparison> = Vec::new();
        for row in rows {
            let same = |one: &&mut Comparison| {
                (one.package, one.challenger) == (row.package, row.challenger)
            };
            match all.iter_mut().find(same) {
                Some(comparison) => comparison.add(row),
                None => all.push(row),
            }
        }
        Ok(all)
    }
}

impl Comparison {
    /// Adds what another server counted of the same packages, earlier.
    fn add(&mut self, earlier: Self) {
        self.rows += earlier.rows;
        self.rows_failed += earlier.rows_failed;
        self.failure = self.failure.take().or(earlier.failure);
        self.began_us = self.began_us.min(earlier.began_us);
        self.updated_us = self.updated_us.max(earlier.updated_us);
        for (name, difference) in earlier.columns {
            self.columns.entry(name).or_default().add(&difference);
        }
    }
}

impl Difference {
    fn add(&mut self, other: &Self) {
        let sum =
            self.mean * self.rows_with_numbers as f64 + other.mean * other.rows_with_numbers as f64;
        self.rows_differing += other.rows_differing;
        self.rows_with_numbers += other.rows_with_numbers;
        self.largest = self.largest.max(other.largest);
        self.mean = match self.rows_with_numbers {
            0 => 0.0,
            rows => sum / rows as f64,
        };
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Comparison> {
    let columns: Column<serde_json::Value> = row.get(5)?;
    let columns = serde_json::from_value(columns.0);
    Ok(Comparison {
        package: row.get::<_, Column<_>>(0)?.0,
        challenger: row.get::<_, Column<_>>(1)?.0,
        rows: row.get::<_, Column<_>>(2)?.0,
        rows_failed: row.get::<_, Column<_>>(3)?.0,
        failure: row.get(4)?,
        columns: columns.map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, error.into())
        })?,
        began_us: row.get(6)?,
        updated_us: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::open;

    fn comparison(package: &str, challenger: &str, rows: u64, differing: u64) -> Comparison {
        let difference = Difference {
            rows_differing: differing,
            rows_with_numbers: rows,
            largest: differing as f64,
            mean: differing as f64 / 2.0,
        };
        Comparison {
            package: Digest::of(package.as_bytes()),
            challenger: Digest::of(challenger.as_bytes()),
            rows,
            rows_failed: 0,
            failure: None,
            columns: [("prediction".to_owned(), difference)].into(),
            began_us: 0,
            updated_us: 0,
        }
    }

    #[test]
    fn a_server_writes_over_its_own_and_servers_add_up() {
        let home = tempfile::tempdir().unwrap();
        let first = open(home.path());
        first.put_comparison(&comparison("a", "b", 1, 1)).unwrap();
        first.put_comparison(&comparison("a", "b", 10, 2)).unwrap();
        first.put_comparison(&comparison("b", "c", 7, 0)).unwrap();
        let second = open(home.path());
        second.put_comparison(&comparison("a", "b", 30, 6)).unwrap();

        let of = |package: &str| second.comparisons(&Digest::of(package.as_bytes())).unwrap();
        let [sum] = of("a").try_into().unwrap();
        let difference = &sum.columns["prediction"];
        assert_eq!((sum.rows, difference.rows_differing), (40, 8));
        assert_eq!((difference.largest, difference.mean), (6.0, 2.5));
        assert!(sum.began_us > 0 && sum.began_us <= sum.updated_us);
        let of_both: Vec<_> = of("b").iter().map(|one| one.rows).collect();
        assert_eq!(
            of_both,
            [40, 7],
            "as challenger and as the one that answers"
        );
        assert_eq!(of("d"), []);
    }
}
