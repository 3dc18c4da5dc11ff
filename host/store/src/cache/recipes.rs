//! Recipes: which rows come of a dataset and the maps that they go through, so that rows that were read once
//! need not be read again to be named.

use rusqlite::{Connection, OptionalExtension, params};
use trueline_table::Digest;

use super::NewKey;
use super::incidents::{self, Incident, IncidentKind};
use crate::attempts::AttemptId;
use crate::columns::Column;
use crate::store::TENANT;
use crate::{EngineIdentity, Result, Store};

/// Which rows a recipe gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipeRows {
    pub recipe: Digest,
    pub table: Digest,
    pub rows: u64,
}

impl Store {
    /// If the database cannot be read.
    pub fn recipe_rows(&self, recipe: &Digest) -> Result<Option<RecipeRows>> {
        self.read(|connection| Ok(known_rows(connection, recipe)?.map(|(rows, _)| rows)))
    }

    /// If the home cannot be written to.
    pub fn remember_recipe(&self, rows: RecipeRows, engine: &EngineIdentity) -> Result<()> {
        let (fingerprint, now) = (engine.fingerprint.clone(), self.now_us());
        self.write(move |connection| remember(connection, &rows, &fingerprint, now))
    }
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
pub(super) fn other_rows(
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
        .map(|incident| incidents::note(connection, incident))
        .transpose()
}
