//! Aliases: names such as `champion` that move from version to version of a package, only ever to one that
//! its gate accepted. Their history is append-only.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use trueline_table::Digest;

use crate::columns::Column;
use crate::packages::{check_name, version_of};
use crate::state::words;
use crate::store::TENANT;
use crate::{Error, Result, Store, Verdict};

words! {
    /// Which way an alias moved.
    MoveKind {
        /// To a package that someone chose.
        Promote = "promote",
        /// Back to where it stood before.
        Rollback = "rollback",
    }
}

/// One move of an alias. The latest is where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AliasMove {
    pub name: String,
    pub alias: String,
    /// From 1 for each alias.
    pub sequence: u32,
    pub kind: MoveKind,
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
    /// [`Error::NotFound`]; [`Error::Invalid`] if the alias is not a name, or a number, or there is no reason.
    pub fn set_alias(
        &self,
        name: &str,
        alias: &str,
        digest: &Digest,
        reason: &str,
    ) -> Result<AliasMove> {
        check_alias(alias)?;
        check_reason(reason)?;
        let (name, alias, reason) = (name.to_owned(), alias.to_owned(), reason.to_owned());
        let (digest, now) = (*digest, self.now_us());
        self.write(move |connection| {
            let version = version_of(connection, &name, &digest)?;
            let to = Target {
                name: &name,
                alias: &alias,
                kind: MoveKind::Promote,
                version,
                digest,
            };
            to.check_verdict(connection)?;
            let standing = current(connection, &name, &alias)?;
            if let Some(standing) = standing.filter(|standing| standing.version == version) {
                return Ok(standing);
            }
            to.go(connection, &reason, now)
        })
    }

    /// Moves an alias of `name` back to where it stood before its last move forward.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it stood nowhere before; [`Error::Refused`] if the gate has refused that package
    /// since; [`Error::Invalid`] if there is no reason.
    pub fn roll_back_alias(&self, name: &str, alias: &str, reason: &str) -> Result<AliasMove> {
        check_reason(reason)?;
        let (name, alias, reason) = (name.to_owned(), alias.to_owned(), reason.to_owned());
        let now = self.now_us();
        self.write(move |connection| {
            let sql = format!(
                "{MOVES} WHERE m.tenant = ?1 AND m.name = ?2 AND m.alias = ?3 ORDER BY m.sequence"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let moves = statement.query_map([TENANT, &name, &alias], from_row)?;
            let mut stood: Vec<AliasMove> = Vec::new();
            for step in moves {
                let step = step?;
                match step.kind {
                    MoveKind::Promote => stood.push(step),
                    MoveKind::Rollback => drop(stood.pop()),
                }
            }
            drop(stood.pop());
            let Some(before) = stood.pop() else {
                let what = "earlier package to go back to for the alias";
                return Err(Error::not_found(what, format!("{name}@{alias}")));
            };
            let to = Target {
                name: &name,
                alias: &alias,
                kind: MoveKind::Rollback,
                version: before.version,
                digest: before.digest,
            };
            to.check_verdict(connection)?;
            to.go(connection, &reason, now)
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

/// Where an alias is to go.
struct Target<'a> {
    name: &'a str,
    alias: &'a str,
    kind: MoveKind,
    version: u32,
    digest: Digest,
}

impl Target<'_> {
    /// The latest verdict of a gate is the one that counts; the database holds to the same rule.
    fn check_verdict(&self, connection: &Connection) -> Result<()> {
        let (verdict, message) = latest_verdict(connection, self.name, self.version)?;
        if verdict == Verdict::Accepted {
            return Ok(());
        }
        Err(Error::Refused {
            name: self.name.to_owned(),
            alias: self.alias.to_owned(),
            version: self.version,
            digest: self.digest,
            why: format!("its gate refused it: {message}"),
        })
    }

    fn go(&self, connection: &Connection, reason: &str, now_us: i64) -> Result<AliasMove> {
        let Self {
            name,
            alias,
            kind,
            version,
            ..
        } = self;
        connection.execute(
            "INSERT INTO alias_moves (tenant, name, alias, sequence, version, reason, moved_us, kind)
             SELECT ?1, ?2, ?3, coalesce(max(sequence), 0) + 1, ?4, ?5, ?6, ?7
             FROM alias_moves WHERE tenant = ?1 AND name = ?2 AND alias = ?3",
            params![TENANT, name, alias, version, reason, now_us, kind],
        )?;
        current(connection, name, alias)?.ok_or_else(|| Error::not_found("alias", alias))
    }
}

/// Names of aliases stand where versions could.
fn check_alias(alias: &str) -> Result<()> {
    check_name("alias", alias)?;
    if alias.parse::<u32>().is_err() {
        return Ok(());
    }
    Err(Error::Invalid {
        what: "alias",
        value: alias.to_owned(),
        problem: "is a number, which stands for a version".to_owned(),
    })
}

/// Whoever reads the history wants to be told something.
fn check_reason(reason: &str) -> Result<()> {
    if !reason.trim().is_empty() {
        return Ok(());
    }
    Err(Error::Invalid {
        what: "reason",
        value: reason.to_owned(),
        problem: "is empty; say why, for the history".to_owned(),
    })
}

const MOVES: &str = "SELECT m.name, m.alias, m.sequence, m.version, v.digest, m.reason, m.moved_us, m.kind
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
        kind: row.get(7)?,
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
