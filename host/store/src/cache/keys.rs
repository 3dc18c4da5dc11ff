//! Why each stage of a run ran, or did not have to.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::Value;
use trueline_table::Digest;

use crate::columns::Column;
use crate::state::words;
use crate::store::TENANT;
use crate::{Result, RunId, Store};

words! {
    /// What the cache had for a stage.
    CacheDecision {
        /// Its result.
        Hit = "hit",
        /// Nothing that could be used.
        Miss = "miss",
        /// It was not asked.
        Off = "off",
    }
}

/// Why a stage of a run ran, or did not have to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageKey {
    pub stage: String,
    /// `null` if the stage did not come to an end.
    pub key: Option<Digest>,
    pub decision: CacheDecision,
    /// What kept a known key from being a hit.
    pub reason: Option<String>,
    /// Of a hit: the run whose result it was.
    pub source_run: Option<RunId>,
    pub source_stage: Option<String>,
    /// What the key is the digest of, and what that came from.
    pub ingredients: Value,
}

impl Store {
    /// If the database cannot be read.
    pub fn stage_keys(&self, run: &RunId) -> Result<Vec<StageKey>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT k.stage, k.key, k.decision, k.reason, k.source_run, k.source_stage, k.ingredients
                 FROM stages s JOIN stage_keys k ON k.tenant = s.tenant AND k.run_id = s.run_id AND k.stage = s.stage
                 WHERE s.tenant = ?1 AND s.run_id = ?2 ORDER BY s.ordinal",
            )?;
            let rows = statement.query_map(params![TENANT, run], stage_key)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// If the database cannot be read.
    pub fn earlier_key(&self, run: &RunId, stage: &str) -> Result<Option<(RunId, StageKey)>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT k.stage, k.key, k.decision, k.reason, k.source_run, k.source_stage, k.ingredients, k.run_id
                     FROM runs r JOIN stage_keys k ON k.tenant = r.tenant AND k.run_id = r.run_id AND k.stage = ?3
                     WHERE r.tenant = ?1 AND r.run_id < ?2 AND k.key IS NOT NULL
                         AND r.pipeline = (SELECT pipeline FROM runs WHERE tenant = ?1 AND run_id = ?2)
                     ORDER BY r.run_id DESC LIMIT 1",
                )?
                .query_row(params![TENANT, run, stage], |row| Ok((row.get(7)?, stage_key(row)?)))
                .optional()?)
        })
    }
}

fn stage_key(row: &Row<'_>) -> rusqlite::Result<StageKey> {
    Ok(StageKey {
        stage: row.get(0)?,
        key: row
            .get::<_, Option<Column<_>>>(1)?
            .map(|Column(digest)| digest),
        decision: row.get(2)?,
        reason: row.get(3)?,
        source_run: row.get(4)?,
        source_stage: row.get(5)?,
        ingredients: row.get::<_, Column<_>>(6)?.0,
    })
}

/// Writes down what a stage is computed from, within a transaction.
pub(crate) fn put_key(connection: &Connection, run: &RunId, key: &StageKey) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO stage_keys (tenant, run_id, stage, key, decision, reason, source_run, source_stage, ingredients)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET key = excluded.key, decision = excluded.decision, reason = excluded.reason,
                 ingredients = excluded.ingredients",
        )?
        .execute(params![
            TENANT,
            run,
            key.stage,
            key.key.as_ref().map(Column),
            key.decision,
            key.reason,
            key.source_run,
            key.source_stage,
            Column(&key.ingredients),
        ])?;
    Ok(())
}
