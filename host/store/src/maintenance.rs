//! Looking after a home: freeing what nothing needs, copying it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;
use trueline_files::{fault, folder_of};
use trueline_table::Digest;

use crate::boot::OpenLock;
use crate::columns::Column;
use crate::files::{create_private_dir, sync_dir};
use crate::migrations::{self, LATEST};
use crate::store::{TENANT, copy_database};
use crate::{Error, Result, Store};

/// What was freed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    pub blobs: u64,
    pub artifacts: u64,
    pub size_bytes: u64,
}

/// A copy of a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    pub folder: PathBuf,
    pub blobs: u64,
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

    /// Copies the home, as it is at one moment, into a new folder, which is a home itself. Runs may go on
    /// meanwhile. Every blob is hashed on its way.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder has something in it; [`Error::Corrupt`] if a blob has changed.
    pub fn back_up(&self, folder: &Path) -> Result<Backup> {
        let temporary = beside(folder)?;
        let backup = self.copy_into(&temporary, folder);
        if backup.is_err() {
            // The error is the thing to tell.
            let _ = fs::remove_dir_all(&temporary);
        }
        backup
    }

    fn copy_into(&self, temporary: &Path, folder: &Path) -> Result<Backup> {
        create_private_dir(temporary)?;
        let database = temporary.join("trueline.db");
        // Its own connection: a transaction of a reader would keep the copy from being made.
        let connection = Connection::open(self.home().join("trueline.db"))?;
        copy_database(&connection, &database)?;
        let mut backup = Backup {
            folder: folder.to_owned(),
            blobs: 0,
            size_bytes: 0,
        };
        // The copy of the database names no blob that is not there yet, and nothing that it names is freed
        // while this process has the home open.
        for (digest, size_bytes) in self.blobs().list()? {
            self.blobs().copy_to(&digest, temporary)?;
            backup.blobs += 1;
            backup.size_bytes += size_bytes;
        }
        publish(temporary, folder)?;
        Ok(backup)
    }
}

/// Makes a home of a backup. Every blob is hashed, and the database is opened, before the home appears.
///
/// # Errors
/// [`Error::Exists`] if there is something at `home`; [`Error::NotFound`] if `backup` is none.
pub fn restore(backup: &Path, home: &Path, clock: impl crate::Clock + 'static) -> Result<Backup> {
    if !backup.join("trueline.db").is_file() {
        return Err(Error::not_found("backup", backup.display()));
    }
    let store = Store::open(backup, clock)?;
    let found = store.check()?;
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(Error::Schema {
            path: backup.to_owned(),
            problem,
        });
    }
    store.back_up(home)
}

/// The version of the database in a home, and the version that this program knows; none if there is no
/// database. Nothing is changed.
///
/// # Errors
/// If the database cannot be read.
pub fn schema_versions(home: &Path) -> Result<Option<(usize, usize)>> {
    let path = home.join("trueline.db");
    if !path.is_file() {
        return Ok(None);
    }
    let version = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(Error::from)
        .and_then(|connection| migrations::applied_version(&connection));
    let version = version.map_err(|error| error.in_database(&path))?;
    Ok(Some((version, LATEST)))
}

/// A folder beside the one that is to appear.
fn beside(folder: &Path) -> Result<PathBuf> {
    let is_empty = |mut entries: fs::ReadDir| entries.next().is_none();
    let is_free = match fs::read_dir(folder) {
        Ok(entries) => is_empty(entries),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(Error::Exists {
            path: folder.to_owned(),
        });
    }
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let temporary = folder.with_file_name(name);
    match fs::remove_dir_all(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::writing(&temporary)(error))
        }
        _ => Ok(temporary),
    }
}

/// Gives a finished folder its name.
fn publish(temporary: &Path, folder: &Path) -> Result<()> {
    fault::around("backup.rename", || fs::rename(temporary, folder))
        .map_err(Error::writing(folder))?;
    sync_dir(folder_of(folder))
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
