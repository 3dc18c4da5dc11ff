//! Where digests occur: what made a thing, and what used it. The engine follows them; here each question is
//! one step.

use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::Value;
use trueline_table::Digest;

use crate::columns::Column;
use crate::state::words;
use crate::store::TENANT;
use crate::{Error, Result, RunId, Store};

words! {
    /// What a digest is of.
    DigestKind {
        /// The contents of a dataset, whatever files hold them.
        Dataset = "dataset",
        /// The bytes of a file that a dataset was read from.
        File = "file",
        Component = "component",
        /// What a stage made: a state, a report.
        Output = "output",
        Pipeline = "pipeline file",
        Package = "package",
    }
}

/// A stage of a run that made an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Producer {
    pub run: RunId,
    pub stage: String,
    /// The name of the output: `state`, `report`, …
    pub output: String,
}

/// A stage that was computed in a run, and what from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Computed {
    pub run: RunId,
    pub stage: String,
    pub ingredients: Value,
}

impl Store {
    /// What a digest, or the start of one, is of: a digest has several kinds if, say, an empty state is also
    /// an empty report.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Ambiguous`] with some of the digests that begin so.
    pub fn find_digest(&self, start: &str) -> Result<(Digest, Vec<DigestKind>)> {
        let start_text = start
            .strip_prefix("sha256:")
            .unwrap_or(start)
            .to_ascii_lowercase();
        let full = format!("sha256:{start_text}");
        let mut found: Vec<(Digest, DigestKind)> = Vec::new();
        for (kind, sql) in PLACES {
            found.extend(self.read(|connection| {
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map([TENANT, full.as_str()], |row| {
                    Ok((row.get::<_, Column<Digest>>(0)?.0, *kind))
                })?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })?);
        }
        found.sort();
        let Some((first, _)) = found.first().copied() else {
            return Err(Error::not_found("digest", start));
        };
        if found.iter().any(|(digest, _)| *digest != first) {
            let name = |(digest, kind): &(Digest, DigestKind)| format!("{digest} ({kind})");
            return Err(Error::Ambiguous {
                what: "digest",
                prefix: start.to_owned(),
                matches: found.iter().map(name).collect(),
            });
        }
        Ok((first, found.into_iter().map(|(_, kind)| kind).collect()))
    }

    /// The stages that computed an output, the oldest runs first, `limit` at most; not those that took it from
    /// the cache.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn producers(&self, digest: &Digest, limit: u32) -> Result<Vec<Producer>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.run_id, o.stage, o.name FROM outputs o
                 JOIN stages s ON s.tenant = o.tenant AND s.run_id = o.run_id AND s.stage = o.stage
                 WHERE o.tenant = ?1 AND o.digest = ?2 AND s.state <> 'cached' ORDER BY o.run_id, o.stage, o.name LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(digest), limit], |row| {
                Ok(Producer {
                    run: row.get(0)?,
                    stage: row.get(1)?,
                    output: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What a stage was computed from, if it was.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn computed(&self, run: &RunId, stage: &str) -> Result<Option<Computed>> {
        let mut found = self.read(|connection| {
            let sql = format!("{COMPUTED} AND run_id = ?2 AND stage = ?3");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![TENANT, run, stage], computed)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        Ok(found.pop())
    }

    /// The stages that were computed from something with this digest: a component, a dataset, a state. The
    /// oldest runs first, `limit` at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn computed_from(&self, digest: &Digest, limit: u32) -> Result<Vec<Computed>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT k.run_id, k.stage, k.ingredients FROM ingredients i
                 JOIN stage_keys k ON k.tenant = i.tenant AND k.run_id = i.run_id AND k.stage = i.stage
                 WHERE i.tenant = ?1 AND i.digest = ?2 AND k.decision <> 'hit' AND k.key IS NOT NULL
                 ORDER BY i.run_id, i.stage LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(digest), limit], computed)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The packages whose manifests name a component or state, by name and version, `limit` at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn packages_with(&self, digest: &Digest, limit: u32) -> Result<Vec<(String, u32, Digest)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT v.name, v.version, v.digest FROM package_parts p
                 JOIN package_versions v ON v.tenant = p.tenant AND v.digest = p.package
                 WHERE p.tenant = ?1 AND p.digest = ?2 ORDER BY v.name, v.version LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(digest), limit], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, Column<_>>(2)?.0))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The tables that datasets with a file held, with a name of each, `limit` at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn read_in(&self, file: &Digest, limit: u32) -> Result<Vec<(String, Digest)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT f.name, d.table_digest FROM dataset_files f
                 JOIN datasets d ON d.tenant = f.tenant AND d.run_id = f.run_id AND d.name = f.name
                 WHERE f.tenant = ?1 AND f.digest = ?2 ORDER BY f.name, d.table_digest LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(file), limit], |row| {
                Ok((row.get(0)?, row.get::<_, Column<_>>(1)?.0))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The runs of a pipeline file with this digest, the oldest first, `limit` at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn runs_of_file(&self, pipeline: &Digest, limit: u32) -> Result<Vec<RunId>> {
        self.read(|connection| {
            let sql = "SELECT run_id FROM runs WHERE tenant = ?1 AND pipeline_digest = ?2 ORDER BY run_id LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![TENANT, Column(pipeline), limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// What a stage was computed from; not what it took from the cache.
const COMPUTED: &str = "SELECT run_id, stage, ingredients FROM stage_keys WHERE tenant = ?1 AND decision <> 'hit' AND key IS NOT NULL";

/// Some digests of each kind that begin so.
const PLACES: &[(DigestKind, &str)] = &[
    (
        DigestKind::Dataset,
        "SELECT DISTINCT table_digest FROM datasets WHERE tenant = ?1 AND table_digest >= ?2 AND table_digest < ?2 || '~' LIMIT 5",
    ),
    (
        DigestKind::File,
        "SELECT DISTINCT digest FROM dataset_files WHERE tenant = ?1 AND digest >= ?2 AND digest < ?2 || '~' LIMIT 5",
    ),
    (
        DigestKind::Component,
        "SELECT DISTINCT component FROM stages WHERE tenant = ?1 AND component >= ?2 AND component < ?2 || '~' LIMIT 5",
    ),
    (
        DigestKind::Output,
        "SELECT DISTINCT digest FROM outputs WHERE tenant = ?1 AND digest >= ?2 AND digest < ?2 || '~' LIMIT 5",
    ),
    (
        DigestKind::Pipeline,
        "SELECT DISTINCT pipeline_digest FROM runs WHERE tenant = ?1 AND pipeline <> 'import'
             AND pipeline_digest >= ?2 AND pipeline_digest < ?2 || '~' LIMIT 5",
    ),
    (
        DigestKind::Package,
        "SELECT digest FROM packages WHERE tenant = ?1 AND digest >= ?2 AND digest < ?2 || '~' LIMIT 5",
    ),
];

fn computed(row: &Row<'_>) -> rusqlite::Result<Computed> {
    Ok(Computed {
        run: row.get(0)?,
        stage: row.get(1)?,
        ingredients: row.get::<_, Column<_>>(2)?.0,
    })
}
