//! Aliases: names such as `champion` that move from version to version of a package, only ever to one that
//! its gate accepted. Their history is append-only.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use trueline_table::Digest;

use crate::columns::Column;
use crate::packages::{check_name, version_of};
use crate::store::TENANT;
use crate::{Error, Result, Store, Verdict};

/// One move of an alias. The latest is where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AliasMove {
    pub name: String,
    pub alias: String,
    /// From 1 for each alias.
    pub sequence: u32,
    pub version: u32,
    pub digest: Digest,
    /// Who moved it and why.
    pub reason: String,
    pub moved_us: i64,
}

impl Store {
    /// Moves an alias of `name` to a package. If it stands there already, nothing happens.
    ///
    /// # Errors
    /// [`Error::Refused`] if the latest verdict on the package is not that its gate accepted it;
    /// [`Error::NotFound`]; [`Error::Invalid`] if the alias is not a name, or a number.
    pub fn set_alias(
        &self,
        name: &str,
        alias: &str,
        digest: &Digest,
        reason: &str,
    ) -> Result<AliasMove> {
        check_name("alias", alias)?;
        if alias.parse::<u32>().is_ok() {
            let problem = "is a number, which stands for a version".to_owned();
            return Err(Error::Invalid {
                what: "alias",
                value: alias.to_owned(),
                problem,
            });
        }
        let (name, alias, reason) = (name.to_owned(), alias.to_owned(), reason.to_owned());
        let (digest, now) = (*digest, self.now_us());
        self.write(move |connection| {
            let version = version_of(connection, &name, &digest)?;
            let (verdict, message) = latest_verdict(connection, &name, version)?;
            if verdict != Verdict::Accepted {
                let why = format!("its gate refused it: {message}");
                return Err(Error::Refused {
                    name,
                    alias,
                    version,
                    digest,
                    why,
                });
            }
            let standing = current(connection, &name, &alias)?;
            if let Some(standing) = standing.filter(|standing| standing.version == version) {
                return Ok(standing);
            }
            connection.execute(
                "INSERT INTO alias_moves (tenant, name, alias, sequence, version, reason, moved_us)
                 SELECT ?1, ?2, ?3, coalesce(max(sequence), 0) + 1, ?4, ?5, ?6
                 FROM alias_moves WHERE tenant = ?1 AND name = ?2 AND alias = ?3",
                params![TENANT, name, alias, version, reason, now],
            )?;
            current(connection, &name, &alias)?.ok_or_else(|| Error::not_found("alias", &alias))
        })
    }

    /// Where an alias stands; `None` if it was never set.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn alias(&self, name: &str, alias: &str) -> Result<Option<AliasMove>> {
        self.read(|connection| current(connection, name, alias))
    }

    /// Every move of every alias of `name`, the oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn alias_history(&self, name: &str) -> Result<Vec<AliasMove>> {
        self.read(|connection| {
            let sql = format!("{MOVES} WHERE m.tenant = ?1 AND m.name = ?2 ORDER BY m.moved_us, m.alias, m.sequence");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([TENANT, name], from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

const MOVES: &str = "SELECT m.name, m.alias, m.sequence, m.version, v.digest, m.reason, m.moved_us
    FROM alias_moves m JOIN package_versions v ON v.tenant = m.tenant AND v.name = m.name AND v.version = m.version";

fn from_row(row: &Row<'_>) -> rusqlite::Result<AliasMove> {
    Ok(AliasMove {
        name: row.get(0)?,
        alias: row.get(1)?,
        sequence: row.get(2)?,
        version: row.get(3)?,
        digest: row.get::<_, Column<_>>(4)?.0,
        reason: row.get(5)?,
        moved_us: row.get(6)?,
    })
}

fn current(connection: &Connection, name: &str, alias: &str) -> Result<Option<AliasMove>> {
    let sql = format!(
        "{MOVES} WHERE m.tenant = ?1 AND m.name = ?2 AND m.alias = ?3 ORDER BY m.sequence DESC LIMIT 1"
    );
    Ok(connection
        .prepare_cached(&sql)?
        .query_row([TENANT, name, alias], from_row)
        .optional()?)
}

fn latest_verdict(connection: &Connection, name: &str, version: u32) -> Result<(Verdict, String)> {
    let sql =
        "SELECT verdict, message FROM verdicts WHERE tenant = ?1 AND name = ?2 AND version = ?3
        ORDER BY sequence DESC LIMIT 1";
    let row = connection.query_row(sql, params![TENANT, name, version], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(row?)
}
