//! What the cache holds, and forgetting some of it. Forgetting never removes what a run made: entries only
//! point at it. It costs time when the result is wanted again, and nothing else.

use rusqlite::params;
use serde::Serialize;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Error, Result, Store};

/// What the cache holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheStats {
    /// Results that may be used again.
    pub entries: u64,
    /// Results that may not, because another one was seen for their key.
    pub distrusted: u64,
    /// How often an entry was used.
    pub hits: u64,
    /// Bytes of the results, each counted once. They belong to the runs that made them.
    pub size_bytes: u64,
    /// Recipes whose rows are known.
    pub recipes: u64,
    pub incidents: u64,
    /// The engines that made the entries, and how many each.
    pub made_by: Vec<(String, u64)>,
    /// When the entry was used that was not used for the longest time.
    pub oldest_use_us: Option<i64>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    pub entries: u64,
    pub recipes: u64,
}

impl Store {
    /// What the cache holds.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn cache_stats(&self) -> Result<CacheStats> {
        self.read(|connection| {
            let number = |sql: &str| -> Result<u64> {
                Ok(connection.query_row(sql, [TENANT], |row| row.get::<_, Column<_>>(0))?.0)
            };
            let mut made_by = connection.prepare(
                "SELECT fingerprint, count(*) FROM cache_entries WHERE tenant = ?1 GROUP BY fingerprint ORDER BY fingerprint",
            )?;
            let made_by = made_by.query_map([TENANT], |row| Ok((row.get(0)?, row.get::<_, Column<_>>(1)?.0)))?;
            Ok(CacheStats {
                entries: number("SELECT count(*) FROM cache_entries WHERE tenant = ?1 AND is_trusted = 1")?,
                distrusted: number("SELECT count(*) FROM cache_entries WHERE tenant = ?1 AND is_trusted = 0")?,
                hits: number("SELECT coalesce(sum(hits), 0) FROM cache_entries WHERE tenant = ?1")?,
                size_bytes: number(
                    "SELECT coalesce(sum(a.size_bytes), 0) FROM artifacts a WHERE a.tenant = ?1 AND a.digest IN (
                         SELECT o.digest FROM cache_entries c
                         JOIN outputs o ON o.tenant = c.tenant AND o.run_id = c.run_id AND o.stage = c.stage
                         WHERE c.tenant = ?1)",
                )?,
                recipes: number("SELECT count(*) FROM recipes WHERE tenant = ?1")?,
                incidents: number("SELECT count(*) FROM incidents WHERE tenant = ?1")?,
                made_by: made_by.collect::<Result<_, _>>()?,
                oldest_use_us: connection.query_row(
                    "SELECT min(used_us) FROM cache_entries WHERE tenant = ?1",
                    [TENANT],
                    |row| row.get(0),
                )?,
            })
        })
    }

    /// Forgets what was not used since a time, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// If the home cannot be written to.
    pub fn prune_cache(&self, unused_since_us: i64) -> Result<Forgotten> {
        self.write(move |connection| {
            let forget = |table| -> Result<u64> {
                let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND used_us < ?2");
                Ok(connection.execute(&sql, params![TENANT, unused_since_us])? as u64)
            };
            Ok(Forgotten {
                entries: forget("cache_entries")?,
                recipes: forget("recipes")?,
            })
        })
    }

    /// Forgets everything that an engine made, by its fingerprint or a start of it that no other has; without
    /// one, everything.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it made nothing, [`Error::Ambiguous`] if several engines have such a fingerprint.
    pub fn purge_cache(&self, made_by: Option<&str>) -> Result<Forgotten> {
        let fingerprint = made_by
            .map(|start| self.fingerprint_of(start))
            .transpose()?;
        self.write(move |connection| {
            let forget = |table| -> Result<u64> {
                let sql = format!(
                    "DELETE FROM {table} WHERE tenant = ?1 AND (?2 IS NULL OR fingerprint = ?2)"
                );
                Ok(connection.execute(&sql, params![TENANT, fingerprint])? as u64)
            };
            Ok(Forgotten {
                entries: forget("cache_entries")?,
                recipes: forget("recipes")?,
            })
        })
    }

    /// The engine whose fingerprint begins so.
    fn fingerprint_of(&self, start: &str) -> Result<String> {
        let full = format!(
            "sha256:{}",
            start
                .strip_prefix("sha256:")
                .unwrap_or(start)
                .to_ascii_lowercase()
        );
        let found: Vec<String> = self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT fingerprint FROM cache_entries WHERE tenant = ?1
                 UNION SELECT fingerprint FROM recipes WHERE tenant = ?1 ORDER BY fingerprint",
            )?;
            let all = statement.query_map([TENANT], |row| row.get(0))?;
            Ok(all.collect::<Result<_, _>>()?)
        })?;
        let mut found: Vec<String> = found
            .into_iter()
            .filter(|known| known.starts_with(start) || known.starts_with(&full))
            .collect();
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Error::not_found(
                "engine in the cache with the fingerprint",
                start,
            )),
            _ => Err(Error::Ambiguous {
                what: "engine's fingerprint",
                prefix: start.to_owned(),
                matches: found,
            }),
        }
    }
}
