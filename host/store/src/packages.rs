//! The registry: packages by name and version, and what their gates said of them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::Value;
use trueline_table::Digest;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Error, Result, RunId, Store, Verdict};

/// A package that a run made and a gate judged.
#[derive(Clone, Debug)]
pub struct NewPackage {
    /// The name it gets a version under.
    pub name: String,
    /// Over what serving runs, never over the run: two runs with one result make one package.
    pub digest: Digest,
    pub manifest: Value,
    pub run: RunId,
    pub verdict: Verdict,
    /// The rules of the gate, and the numbers they were held against.
    pub message: String,
}

/// What a list shows of a version of a package.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PackageSummary {
    pub name: String,
    /// From 1.
    pub version: u32,
    pub digest: Digest,
    /// The latest.
    pub verdict: Verdict,
    /// The run that the latest verdict is from.
    pub run: RunId,
    pub created_us: i64,
    /// The aliases that stand at it, in alphabetical order.
    pub aliases: Vec<String>,
}

/// All that is known of a version of a package.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Package {
    #[serde(flatten)]
    pub summary: PackageSummary,
    /// What the gate said.
    pub message: String,
    pub manifest: Value,
}

impl Store {
    /// Adds a package to the registry with the verdict of its gate. One that has a version under the name
    /// already keeps it and gets one more verdict, which is the one that counts from now on.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the name is not one; [`Error::Rule`] if there is no such run.
    pub fn put_package(&self, package: NewPackage) -> Result<PackageSummary> {
        check_name("package name", &package.name)?;
        let now = self.now_us();
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO packages (tenant, digest, created_us, manifest) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![TENANT, Column(&package.digest), now, Column(&package.manifest)],
            )?;
            connection.execute(
                "INSERT INTO package_versions (tenant, name, version, digest, created_us)
                 SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4
                 FROM package_versions WHERE tenant = ?1 AND name = ?2
                 ON CONFLICT (tenant, digest, name) DO NOTHING",
                params![TENANT, package.name, Column(&package.digest), now],
            )?;
            let version = version_of(connection, &package.name, &package.digest)?;
            connection.execute(
                "INSERT INTO verdicts (tenant, name, version, sequence, verdict, message, run_id, decided_us)
                 SELECT ?1, ?2, ?3, coalesce(max(sequence), 0) + 1, ?4, ?5, ?6, ?7
                 FROM verdicts WHERE tenant = ?1 AND name = ?2 AND version = ?3",
                params![TENANT, package.name, version, package.verdict, package.message, package.run, now],
            )?;
            let sql = format!("{SUMMARY} WHERE v.tenant = ?1 AND v.name = ?2 AND v.version = ?3");
            Ok(connection.query_row(&sql, params![TENANT, package.name, version], summary)?)
        })
    }

    /// The packages by name and version, `limit` of them at most, behind `after`: name and version of the
    /// last of the page before.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn packages(&self, after: Option<(&str, u32)>, limit: u32) -> Result<Vec<PackageSummary>> {
        let (name, version) = after.unwrap_or(("", 0));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SUMMARY} WHERE v.tenant = ?1 AND (v.name, v.version) > (?2, ?3) ORDER BY v.name, v.version LIMIT ?4"
            ))?;
            let rows = statement.query_map(params![TENANT, name, version, limit], summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The versions of a package, the newest first, `limit` of them at most, behind version `before`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn package_versions(
        &self,
        name: &str,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PackageSummary>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SUMMARY} WHERE v.tenant = ?1 AND v.name = ?2 AND v.version < ?3 ORDER BY v.version DESC LIMIT ?4"
            ))?;
            let before = before.map_or(i64::MAX, i64::from);
            let rows = statement.query_map(params![TENANT, name, before, limit], summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The newest version of every package, by name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn package_names(&self) -> Result<Vec<PackageSummary>> {
        self.read(|connection| {
            // From name to name through the key, so that it does not matter how many versions each has.
            let mut statement = connection.prepare_cached(&format!(
                "WITH RECURSIVE names (name) AS (
                     SELECT min(name) FROM package_versions WHERE tenant = ?1
                     UNION ALL
                     SELECT (SELECT min(name) FROM package_versions WHERE tenant = ?1 AND name > names.name)
                     FROM names WHERE names.name IS NOT NULL)
                 {SUMMARY} JOIN names ON v.name = names.name WHERE v.tenant = ?1 AND v.version = (
                     SELECT max(version) FROM package_versions WHERE tenant = ?1 AND name = names.name)
                 ORDER BY v.name"
            ))?;
            let rows = statement.query_map([TENANT], summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The version that a package has under a name, if it has one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn package_version(&self, name: &str, digest: &Digest) -> Result<Option<PackageSummary>> {
        self.read(|connection| {
            let sql = format!("{SUMMARY} WHERE v.tenant = ?1 AND v.name = ?2 AND v.digest = ?3");
            Ok(connection
                .prepare_cached(&sql)?
                .query_row(params![TENANT, name, Column(digest)], summary)
                .optional()?)
        })
    }

    /// One package, by
    /// - `name@alias` or `name@version`,
    /// - `name`: its newest version,
    /// - its digest, or a start of it that no other package has. Under several names, the newest counts.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Ambiguous`].
    pub fn package(&self, reference: &str) -> Result<Package> {
        self.read(|connection| {
            let (name, version) = resolve(connection, reference)?;
            let sql = "SELECT r.message, p.manifest FROM package_versions v
                JOIN packages p ON p.tenant = v.tenant AND p.digest = v.digest
                JOIN verdicts r ON r.tenant = v.tenant AND r.name = v.name AND r.version = v.version
                WHERE v.tenant = ?1 AND v.name = ?2 AND v.version = ?3 ORDER BY r.sequence DESC LIMIT 1";
            let key = params![TENANT, name, version];
            let (message, Column(manifest)) = connection.query_row(sql, key, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let sql = format!("{SUMMARY} WHERE v.tenant = ?1 AND v.name = ?2 AND v.version = ?3");
            Ok(Package { summary: connection.query_row(&sql, key, summary)?, message, manifest })
        })
    }
}

/// Every version with its latest verdict and its aliases.
const SUMMARY: &str = "SELECT v.name, v.version, v.digest, r.verdict, r.run_id, v.created_us, (
        SELECT json_group_array(m.alias ORDER BY m.alias) FROM alias_moves m
        WHERE m.tenant = v.tenant AND m.name = v.name AND m.version = v.version AND m.sequence = (
            SELECT max(l.sequence) FROM alias_moves l WHERE l.tenant = m.tenant AND l.name = m.name AND l.alias = m.alias))
    FROM package_versions v JOIN verdicts r ON r.tenant = v.tenant AND r.name = v.name AND r.version = v.version
        AND r.sequence = (
            SELECT max(l.sequence) FROM verdicts l WHERE l.tenant = v.tenant AND l.name = v.name AND l.version = v.version)";

fn summary(row: &Row<'_>) -> rusqlite::Result<PackageSummary> {
    Ok(PackageSummary {
        name: row.get(0)?,
        version: row.get(1)?,
        digest: row.get::<_, Column<_>>(2)?.0,
        verdict: row.get(3)?,
        run: row.get(4)?,
        created_us: row.get(5)?,
        aliases: row.get::<_, Column<_>>(6)?.0,
    })
}

/// The name and version that a reference stands for.
fn resolve(connection: &Connection, reference: &str) -> Result<(String, u32)> {
    let missing = || Error::not_found("package", reference);
    if let Some((name, at)) = reference.split_once('@') {
        // A number has the affinity of the column it is compared with, so text will do for both.
        let sql = if at.parse::<u32>().is_ok() {
            "SELECT version FROM package_versions WHERE tenant = ?1 AND name = ?2 AND version = ?3"
        } else {
            "SELECT version FROM alias_moves WHERE tenant = ?1 AND name = ?2 AND alias = ?3 ORDER BY sequence DESC LIMIT 1"
        };
        let version = connection
            .query_row(sql, [TENANT, name, at], |row| row.get(0))
            .optional()?;
        return Ok((name.to_owned(), version.ok_or_else(missing)?));
    }
    let newest = "SELECT name, version FROM package_versions WHERE tenant = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1";
    let named = connection
        .query_row(newest, [TENANT, reference], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some(found) = named {
        return Ok(found);
    }

    let start = reference.strip_prefix("sha256:").unwrap_or(reference);
    if start.is_empty() {
        // Every digest begins so: of one package alone it would be taken for its name.
        return Err(missing());
    }
    let start = format!("sha256:{}", start.to_ascii_lowercase());
    let sql = "SELECT digest FROM packages WHERE tenant = ?1 AND digest >= ?2 AND digest < ?2 || '~' LIMIT 5";
    let mut statement = connection.prepare(sql)?;
    let digests = statement.query_map([TENANT, &start], |row| row.get(0))?;
    let digests: Vec<String> = digests.collect::<Result<_, _>>()?;
    match digests.as_slice() {
        [digest] => {
            let sql = "SELECT name, version FROM package_versions WHERE tenant = ?1 AND digest = ?2
                ORDER BY created_us DESC, name LIMIT 1";
            Ok(
                connection
                    .query_row(sql, [TENANT, digest], |row| Ok((row.get(0)?, row.get(1)?)))?,
            )
        }
        [] => Err(missing()),
        _ => Err(Error::Ambiguous {
            what: "package",
            prefix: reference.to_owned(),
            matches: digests,
        }),
    }
}

/// The version that a package has under a name.
pub(crate) fn version_of(connection: &Connection, name: &str, digest: &Digest) -> Result<u32> {
    let sql =
        "SELECT version FROM package_versions WHERE tenant = ?1 AND name = ?2 AND digest = ?3";
    let version = connection
        .query_row(sql, params![TENANT, name, Column(digest)], |row| row.get(0))
        .optional()?;
    version.ok_or_else(|| Error::not_found("package", format!("{name}` with digest `{digest}")))
}

/// Names stand in references such as `name@champion`, so they are of letters, digits, `-`, `_` and `.`.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    let allowed = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    if name.is_empty() || !name.chars().all(allowed) {
        let problem = "is not made of letters, digits, `-`, `_` and `.`".to_owned();
        return Err(Error::Invalid {
            what,
            value: name.to_owned(),
            problem,
        });
    }
    Ok(())
}
