//! The cache: what a stage computed, found again by what it was computed from.
//!
//! The engine makes the keys; here they are opaque digests. An entry points at the stage that made the
//! result, so nothing is stored twice. Three rules keep it sound: outputs are hashed again before they are
//! handed on; the first result for a key stays, and another one is an [`Incident`] and never silent; and a
//! key that was in an incident is never a hit again.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use trueline_table::Digest;

use crate::attempts::AttemptId;
use crate::columns::Column;
use crate::results::{self, Results, results_of};
use crate::state::words;
use crate::store::TENANT;
use crate::{
    AttemptState, EngineIdentity, NewEvent, Result, RunId, StageState, Store, attempts, events,
    stages,
};

mod maintenance;

pub use maintenance::{CacheStats, Forgotten};

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

/// Which rows a recipe gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipeRows {
    pub recipe: Digest,
    pub table: Digest,
    pub rows: u64,
}

words! {
    /// What came out differently.
    IncidentKind {
        /// The result of a stage.
        Result = "result",
        /// The rows that a stage reads.
        Rows = "rows",
    }
}

/// The same ingredients gave two different things: something that must not matter did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    pub sequence: u64,
    pub kind: IncidentKind,
    /// The key, or the recipe of the rows.
    pub digest: Digest,
    /// What was known for it, and which run and engine it came from.
    pub known: Digest,
    pub known_run: Option<RunId>,
    pub known_by: String,
    /// What came out this time.
    pub found: Digest,
    pub found_run: RunId,
    pub found_stage: String,
    pub found_by: String,
    pub noticed_us: i64,
}

/// What a finished attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Its stage succeeded.
    Succeeded,
    /// Its stage failed: what it computed is not what was known for its key.
    Nondeterministic(Box<Incident>),
}

impl Incident {
    /// The incident in a sentence.
    pub fn message(&self) -> String {
        let (known, found) = (self.known.short(), self.found.short());
        match (self.kind, &self.known_run) {
            (IncidentKind::Result, Some(run)) => format!(
                "it is not deterministic: its result is {found}, and {run} had {known} from the same component, \
                 parameters and rows"
            ),
            (IncidentKind::Result, None) => {
                format!("it is not deterministic: its result is {found}, and was {known} before")
            }
            (IncidentKind::Rows, _) => format!(
                "the rows that it reads are {found}, and were {known} before from the same data and maps: one of \
                 the maps is not deterministic"
            ),
        }
    }
}

impl Store {
    /// The result for a key, if there is one that can be trusted. Its outputs are hashed by
    /// [`Store::cache_stage`].
    ///
    /// # Errors
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

    /// Whether there is a result for some rows of this shape.
    ///
    /// # Errors
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

    /// Which rows a recipe gives, if they were read before.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn recipe_rows(&self, recipe: &Digest) -> Result<Option<RecipeRows>> {
        self.read(|connection| Ok(known_rows(connection, recipe)?.map(|(rows, _)| rows)))
    }

    /// Remembers which rows a recipe gave. What is remembered already stays.
    ///
    /// # Errors
    /// If the home cannot be written to.
    pub fn remember_recipe(&self, rows: RecipeRows, engine: &EngineIdentity) -> Result<()> {
        let (fingerprint, now) = (engine.fingerprint.clone(), self.now_us());
        self.write(move |connection| remember(connection, &rows, &fingerprint, now))
    }

    /// Marks a stage that has not started as cached, with the result of an entry. Outputs are hashed once
    /// more before, so that a hit never hands on what has changed since.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), [`Error::Missing`](crate::Error::Missing) or
    /// [`Error::Corrupt`](crate::Error::Corrupt) if an output is not what it was: the stage is as it was, and
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
        self.write(move |connection| {
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

    /// Ends an attempt that worked, and its stage with it; its result becomes the one for its key. If there
    /// is another result for the key, or other rows for one of its recipes, that is an incident: the results
    /// are kept to be compared, the stage fails, and the key is never a hit again.
    ///
    /// # Errors
    /// As [`Store::finish_attempt`].
    pub fn finish_with_key(
        &self,
        attempt: &AttemptId,
        results: Results,
        key: NewKey,
    ) -> Result<Kept> {
        let prepared = results::prepare(self, results)?;
        let result = prepared.digest();
        let (id, now) = (attempt.clone(), self.now_us());
        self.write(move |connection| {
            let fingerprint = attempts::fingerprint(connection, &id)?;
            attempts::end(connection, &id, AttemptState::Succeeded, None, now)?;
            results::record(connection, &id.run, &id.stage, &prepared, now)?;
            let sql = "UPDATE stage_keys SET key = ?4, ingredients = ?5 WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3";
            let ingredients = Column(&key.ingredients);
            connection
                .prepare_cached(sql)?
                .execute(params![TENANT, id.run, id.stage, Column(&key.key), ingredients])?;
            let incident = match other_rows(connection, &id, &key, &fingerprint, now)? {
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

    /// Why each stage of a run ran or did not have to, in the order of the plan; gates have no key.
    ///
    /// # Errors
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

    /// The latest run of the same pipeline before `run` that has the key of a stage, and that key.
    ///
    /// # Errors
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

    /// Everything that came out differently the second time, the first of them first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sequence, kind, digest, known, known_run, known_by, found, found_run, found_stage, found_by,
                     noticed_us
                 FROM incidents WHERE tenant = ?1 ORDER BY sequence",
            )?;
            let rows = statement.query_map([TENANT], incident)?;
            Ok(rows.collect::<Result<_, _>>()?)
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

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    Ok(Incident {
        sequence: row.get::<_, Column<_>>(0)?.0,
        kind: row.get(1)?,
        digest: row.get::<_, Column<_>>(2)?.0,
        known: row.get::<_, Column<_>>(3)?.0,
        known_run: row.get(4)?,
        known_by: row.get(5)?,
        found: row.get::<_, Column<_>>(6)?.0,
        found_run: row.get(7)?,
        found_stage: row.get(8)?,
        found_by: row.get(9)?,
        noticed_us: row.get(10)?,
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

/// The rows of a recipe, and the engine that mapped them.
fn known_rows(connection: &Connection, recipe: &Digest) -> Result<Option<(RecipeRows, String)>> {
    let sql =
        "SELECT table_digest, rows, fingerprint FROM recipes WHERE tenant = ?1 AND recipe = ?2";
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params![TENANT, Column(recipe)], |row| {
            let rows = RecipeRows {
                recipe: *recipe,
                table: row.get::<_, Column<_>>(0)?.0,
                rows: row.get::<_, Column<_>>(1)?.0,
            };
            Ok((rows, row.get(2)?))
        })
        .optional()?)
}

fn remember(
    connection: &Connection,
    rows: &RecipeRows,
    fingerprint: &str,
    now_us: i64,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO recipes (tenant, recipe, table_digest, rows, fingerprint, used_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET used_us = excluded.used_us",
        )?
        .execute(params![
            TENANT,
            Column(&rows.recipe),
            Column(&rows.table),
            Column(rows.rows),
            fingerprint,
            now_us
        ])?;
    Ok(())
}

/// Remembers the rows of every recipe of a key. If one gave other rows before, it is forgotten, and the
/// incident written down.
fn other_rows(
    connection: &Connection,
    id: &AttemptId,
    key: &NewKey,
    fingerprint: &str,
    now_us: i64,
) -> Result<Option<Incident>> {
    let mut incident = None;
    for found in &key.recipes {
        match known_rows(connection, &found.recipe)? {
            Some((known, known_by)) if known != *found => {
                connection
                    .prepare_cached("DELETE FROM recipes WHERE tenant = ?1 AND recipe = ?2")?
                    .execute(params![TENANT, Column(&found.recipe)])?;
                incident = Some(Incident {
                    sequence: 0,
                    kind: IncidentKind::Rows,
                    digest: found.recipe,
                    known: known.table,
                    known_run: None,
                    known_by,
                    found: found.table,
                    found_run: id.run.clone(),
                    found_stage: id.stage.clone(),
                    found_by: fingerprint.to_owned(),
                    noticed_us: now_us,
                });
            }
            _ => remember(connection, found, fingerprint, now_us)?,
        }
    }
    incident
        .map(|incident| note(connection, incident))
        .transpose()
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
            note(connection, incident).map(Some)
        }
    }
}

/// Writes an incident down, also in the log of its run.
fn note(connection: &Connection, incident: Incident) -> Result<Incident> {
    let Column(sequence) = connection.query_row(
        "INSERT INTO incidents (tenant, sequence, kind, digest, known, known_run, known_by, found, found_run, found_stage,
             found_by, noticed_us)
         SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
         FROM incidents WHERE tenant = ?1 RETURNING sequence",
        params![
            TENANT,
            incident.kind,
            Column(&incident.digest),
            Column(&incident.known),
            incident.known_run,
            incident.known_by,
            Column(&incident.found),
            incident.found_run,
            incident.found_stage,
            incident.found_by,
            incident.noticed_us,
        ],
        |row| row.get(0),
    )?;
    let incident = Incident {
        sequence,
        ..incident
    };
    let event = NewEvent::new("cache.incident")
        .stage(&incident.found_stage)
        .detail(json!(incident));
    events::append(connection, &incident.found_run, incident.noticed_us, event)?;
    Ok(incident)
}
