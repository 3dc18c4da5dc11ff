//! The cache: what a stage computed, found again by what it was computed from.
//!
//! The engine makes the keys; here they are opaque digests. An entry points at the stage that made the
//! result, so nothing is stored twice. Three rules keep it sound: outputs are hashed again before they are
//! handed on; the first result for a key stays, and another one is an [`Incident`] and never silent; and a
//! key that was in an incident is never a hit again.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::Value;
use trueline_table::Digest;

use crate::attempts::AttemptId;
use crate::columns::Column;
use crate::results::{self, Results, results_of};
use crate::store::TENANT;
use crate::{AttemptState, NewLogLine, Result, RunId, StageState, Store, attempts, logs, stages};

mod incidents;
mod keys;
mod maintenance;
mod recipes;

pub use incidents::{Incident, IncidentKind};
pub(crate) use keys::put_key;
pub use keys::{CacheDecision, StageKey};
pub use maintenance::{CacheStats, Forgotten};
pub use recipes::RecipeRows;

/// A result that may be used again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheEntry {
    pub key: Digest,
    /// Of the outputs, metrics and findings.
    pub result: Digest,
    /// Who made it.
    pub run: RunId,
    pub stage: String,
    /// Rows that it read.
    pub rows: u64,
    /// Of the engine that made it.
    pub fingerprint: String,
    pub created_us: i64,
    pub used_us: i64,
    pub hits: u64,
}

/// A key and what it was made from.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub key: Digest,
    /// The key without the rows.
    pub shape: Digest,
    pub ingredients: Value,
    /// Rows that the stage read.
    pub rows: u64,
    /// Which rows the recipes of its inputs gave.
    pub recipes: Vec<RecipeRows>,
}

/// What a finished attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Its stage succeeded.
    Succeeded,
    /// Its stage failed: what it computed is not what was known for its key.
    Nondeterministic(Box<Incident>),
}

impl Store {
    /// If the database cannot be read.
    pub fn cache_entry(&self, key: &Digest) -> Result<Option<CacheEntry>> {
        self.read(|connection| {
            let sql = format!("{ENTRY} WHERE tenant = ?1 AND key = ?2 AND is_trusted = 1");
            Ok(connection
                .prepare_cached(&sql)?
                .query_row(params![TENANT, Column(key)], entry)
                .optional()?)
        })
    }

    /// If the database cannot be read.
    pub fn knows_shape(&self, shape: &Digest) -> Result<bool> {
        self.read(|connection| {
            let sql =
                "SELECT 1 FROM cache_entries WHERE tenant = ?1 AND shape = ?2 AND is_trusted = 1";
            Ok(connection
                .prepare_cached(sql)?
                .exists(params![TENANT, Column(shape)])?)
        })
    }

    /// can run. [`Error::Transition`](crate::Error::Transition) if it has started.
    pub fn cache_stage(
        &self,
        run: &RunId,
        stage: &str,
        from: &CacheEntry,
        ingredients: Value,
    ) -> Result<Results> {
        let found = self.read(|connection| results_of(connection, &from.run, &from.stage))?;
        for digest in found.stored() {
            self.verify_artifact(&digest)?;
        }
        let prepared = results::prepare(self, found.clone())?;
        let (run, stage, from, now) = (run.clone(), stage.to_owned(), from.clone(), self.now_us());
        // If it is lost with the process, so is the run; whoever takes it up finds the same result.
        self.write_soon(move |connection| {
            let reason = format!("the result of stage `{}` of {}", from.stage, from.run);
            stages::make_ready(connection, &run, &stage, now)?;
            stages::advance(connection, &run, &stage, StageState::Cached, Some(&reason), now)?;
            results::record(connection, &run, &stage, &prepared, now)?;
            connection
                .prepare_cached(
                    "UPDATE cache_entries SET hits = hits + 1, used_us = ?3 WHERE tenant = ?1 AND key = ?2",
                )?
                .execute(params![TENANT, Column(&from.key), now])?;
            let key = StageKey {
                stage,
                key: Some(from.key),
                decision: CacheDecision::Hit,
                reason: None,
                source_run: Some(from.run),
                source_stage: Some(from.stage),
                ingredients,
            };
            put_key(connection, &run, &key)
        })?;
        Ok(found)
    }

    /// As [`Store::finish_attempt`].
    pub fn finish_with_key(
        &self,
        attempt: &AttemptId,
        results: Results,
        key: NewKey,
        log: Vec<NewLogLine>,
    ) -> Result<Kept> {
        let prepared = results::prepare(self, results)?;
        let result = prepared.digest();
        let (id, now) = (attempt.clone(), self.now_us());
        self.write(move |connection| {
            let fingerprint = attempts::fingerprint(connection, &id)?;
            logs::append(connection, &id, log)?;
            attempts::end(connection, &id, AttemptState::Succeeded, None, now)?;
            results::record(connection, &id.run, &id.stage, &prepared, now)?;
            let sql = "UPDATE stage_keys SET key = ?4, ingredients = ?5 WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3";
            let ingredients = Column(&key.ingredients);
            connection
                .prepare_cached(sql)?
                .execute(params![TENANT, id.run, id.stage, Column(&key.key), ingredients])?;
            let incident = match recipes::other_rows(connection, &id, &key, &fingerprint, now)? {
                Some(incident) => Some(incident),
                None => claim(connection, &id, &key, &result, &fingerprint, now)?,
            };
            let (state, reason) = match &incident {
                None => (StageState::Succeeded, None),
                Some(incident) => (StageState::Failed, Some(incident.message())),
            };
            stages::advance(connection, &id.run, &id.stage, state, reason.as_deref(), now)?;
            Ok(incident.map_or(Kept::Succeeded, |incident| {
                Kept::Nondeterministic(Box::new(incident))
            }))
        })
    }
}

const ENTRY: &str = "SELECT key, result, run_id, stage, rows, fingerprint, created_us, used_us, hits FROM cache_entries";

fn entry(row: &Row<'_>) -> rusqlite::Result<CacheEntry> {
    Ok(CacheEntry {
        key: row.get::<_, Column<_>>(0)?.0,
        result: row.get::<_, Column<_>>(1)?.0,
        run: row.get(2)?,
        stage: row.get(3)?,
        rows: row.get::<_, Column<_>>(4)?.0,
        fingerprint: row.get(5)?,
        created_us: row.get(6)?,
        used_us: row.get(7)?,
        hits: row.get::<_, Column<_>>(8)?.0,
    })
}

/// Makes a result the one for its key, or finds that there is another.
fn claim(
    connection: &Connection,
    id: &AttemptId,
    key: &NewKey,
    result: &Digest,
    fingerprint: &str,
    now_us: i64,
) -> Result<Option<Incident>> {
    let sql = format!("{ENTRY} WHERE tenant = ?1 AND key = ?2");
    let known = connection
        .prepare_cached(&sql)?
        .query_row(params![TENANT, Column(&key.key)], entry)
        .optional()?;
    match known {
        None => {
            connection
                .prepare_cached(
                    "INSERT INTO cache_entries (tenant, key, shape, result, run_id, stage, rows, fingerprint, created_us, used_us)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                )?
                .execute(params![
                    TENANT,
                    Column(&key.key),
                    Column(&key.shape),
                    Column(result),
                    id.run,
                    id.stage,
                    Column(key.rows),
                    fingerprint,
                    now_us,
                ])?;
            Ok(None)
        }
        Some(known) if known.result == *result => {
            connection
                .prepare_cached(
                    "UPDATE cache_entries SET used_us = ?3 WHERE tenant = ?1 AND key = ?2",
                )?
                .execute(params![TENANT, Column(&key.key), now_us])?;
            Ok(None)
        }
        Some(known) => {
            connection
                .prepare_cached(
                    "UPDATE cache_entries SET is_trusted = 0 WHERE tenant = ?1 AND key = ?2",
                )?
                .execute(params![TENANT, Column(&key.key)])?;
            let incident = Incident {
                sequence: 0,
                kind: IncidentKind::Result,
                digest: key.key,
                known: known.result,
                known_run: Some(known.run),
                known_by: known.fingerprint,
                found: *result,
                found_run: id.run.clone(),
                found_stage: id.stage.clone(),
                found_by: fingerprint.to_owned(),
                noticed_us: now_us,
            };
            incidents::note(connection, incident).map(Some)
        }
    }
}
