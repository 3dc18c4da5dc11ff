//! Looking after a home: freeing what nothing needs.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;
use trueline_table::Digest;

use crate::boot::OpenLock;
use crate::columns::Column;
use crate::migrations::{self, LATEST};
use crate::store::{DATABASE, TENANT};
use crate::{Error, Result, Store};

/// What was freed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    pub blobs: u64,
    pub artifacts: u64,
    pub size_bytes: u64,
}

impl Store {
    /// Frees the bytes that nothing needs: blobs that no row names, artifacts that no run, package or cache
    /// entry names; and, of runs that ended before a time, outputs and copies of data that no younger run, no
    /// package and no cache entry refers to. The runs themselves stay, with the digests of all they made.
    ///
    /// # Errors
    /// [`Error::InUse`] if another process has the home open: it may be about to refer to something.
    pub fn free(&self, ended_before_us: Option<i64>, dry_run: bool) -> Result<Freed> {
        // Held to the end, so that no process comes that could refer to what is being freed.
        let opening = OpenLock::take(self.home())?;
        if let Some(boot) = self.other_boot(&opening)? {
            return Err(Error::InUse {
                path: self.home().to_owned(),
                boot: boot.to_string(),
            });
        }
        let needed = self.read(|connection| needed(connection, ended_before_us.unwrap_or(0)))?;
        let mut done = Freed::default();
        let mut forgotten = Vec::new();
        let mut emptied = Vec::new();
        let named = self.read(named)?;
        for (digest, is_inline) in self.read(artifacts)? {
            if needed.contains(&digest) {
                continue;
            }
            match named.contains(&digest) {
                // A row of a run names it, and must stay.
                true if is_inline => {}
                true => emptied.push(digest),
                false => forgotten.push(digest),
            }
        }
        done.artifacts = forgotten.len() as u64;
        let files: BTreeSet<Digest> = self.read(dataset_files)?.into_iter().collect();
        let dropped: BTreeSet<Digest> = forgotten.iter().chain(&emptied).copied().collect();
        let rows: BTreeSet<Digest> = self
            .read(artifacts)?
            .into_iter()
            .map(|(digest, _)| digest)
            .collect();
        let mut blobs = Vec::new();
        for (digest, size_bytes) in self.blobs().list()? {
            let is_kept = needed.contains(&digest)
                || (rows.contains(&digest) && !dropped.contains(&digest))
                || (files.contains(&digest) && ended_before_us.is_none());
            if !is_kept {
                done.blobs += 1;
                done.size_bytes += size_bytes;
                blobs.push(digest);
            }
        }
        if dry_run {
            return Ok(done);
        }
        // First what names them, then the bytes: a crash between leaves blobs that nothing names.
        let freed_now: Vec<Digest> = emptied
            .into_iter()
            .chain(files.into_iter().filter(|digest| blobs.contains(digest)))
            .collect();
        let now = self.now_us();
        self.write(move |connection| {
            for digest in &forgotten {
                let sql = "DELETE FROM artifacts WHERE tenant = ?1 AND digest = ?2";
                connection
                    .prepare_cached(sql)?
                    .execute(params![TENANT, Column(digest)])?;
            }
            for digest in &freed_now {
                let sql = "INSERT INTO freed (tenant, digest, freed_us) VALUES (?1, ?2, ?3)
                    ON CONFLICT DO UPDATE SET freed_us = excluded.freed_us";
                connection
                    .prepare_cached(sql)?
                    .execute(params![TENANT, Column(digest), now])?;
            }
            Ok(())
        })?;
        for digest in &blobs {
            self.blobs().remove(digest)?;
        }
        Ok(done)
    }
}

/// The version of the database in a home, and the version that this program knows; none if there is no
/// database. Nothing is changed.
///
/// # Errors
/// If the database cannot be read.
pub fn schema_versions(home: &Path) -> Result<Option<(usize, usize)>> {
    let path = home.join(DATABASE);
    if !path.is_file() {
        return Ok(None);
    }
    let version = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(Error::from)
        .and_then(|connection| migrations::applied_version(&connection));
    let version = version.map_err(|error| error.in_database(&path))?;
    Ok(Some((version, LATEST)))
}

fn digests(connection: &Connection, sql: &str) -> Result<Vec<Digest>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([TENANT], |row| row.get::<_, Column<Digest>>(0))?;
    let rows = rows.map(|row| row.map(|Column(digest)| digest));
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn artifacts(connection: &Connection) -> Result<Vec<(Digest, bool)>> {
    let sql = "SELECT digest, bytes IS NOT NULL FROM artifacts WHERE tenant = ?1 ORDER BY digest";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([TENANT], |row| {
        Ok((row.get::<_, Column<Digest>>(0)?.0, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn dataset_files(connection: &Connection) -> Result<Vec<Digest>> {
    let sql = "SELECT DISTINCT digest FROM dataset_files WHERE tenant = ?1 ORDER BY digest";
    digests(connection, sql)
}

pub(crate) fn freed(connection: &Connection) -> Result<BTreeSet<Digest>> {
    let found = digests(connection, "SELECT digest FROM freed WHERE tenant = ?1")?;
    Ok(found.into_iter().collect())
}

/// What rows name that must not dangle.
fn named(connection: &Connection) -> Result<BTreeSet<Digest>> {
    let found = digests(
        connection,
        "SELECT DISTINCT digest FROM outputs WHERE tenant = ?1",
    )?;
    Ok(found.into_iter().collect())
}

/// What packages, cache entries, and runs that ended at some time or later need.
fn needed(connection: &Connection, since_us: i64) -> Result<BTreeSet<Digest>> {
    // The runs whose verdicts count for a package are needed to make it again.
    const RUNS: &str =
        "SELECT run_id FROM runs WHERE tenant = ?1 AND (finished_us IS NULL OR finished_us >= ?2)
        UNION SELECT run_id FROM verdicts WHERE tenant = ?1";
    let sql = format!(
        "SELECT digest FROM outputs WHERE tenant = ?1 AND run_id IN ({RUNS})
         UNION SELECT o.digest FROM cache_entries c
             JOIN outputs o ON o.tenant = c.tenant AND o.run_id = c.run_id AND o.stage = c.stage WHERE c.tenant = ?1
         UNION SELECT digest FROM dataset_files WHERE tenant = ?1 AND run_id IN ({RUNS})
         UNION SELECT component FROM stages WHERE tenant = ?1 AND component IS NOT NULL AND run_id IN ({RUNS})
         UNION SELECT pipeline_digest FROM runs WHERE tenant = ?1 AND run_id IN ({RUNS})"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params![TENANT, since_us], |row| {
        row.get::<_, Column<Digest>>(0)
    })?;
    let mut found = BTreeSet::new();
    for row in rows {
        found.insert(row?.0);
    }
    let sql = "SELECT manifest FROM packages WHERE tenant = ?1";
    let mut statement = connection.prepare(sql)?;
    let manifests =
        statement.query_map([TENANT], |row| row.get::<_, Column<serde_json::Value>>(0))?;
    for manifest in manifests {
        let Column(manifest) = manifest?;
        for link in manifest["chain"].as_array().into_iter().flatten() {
            let parts = [&link["component"], &link["state"]];
            found.extend(
                parts
                    .iter()
                    .filter_map(|part| part.as_str()?.parse::<Digest>().ok()),
            );
        }
    }
    Ok(found)
}
