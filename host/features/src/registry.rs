//! Definitions as they were applied: every revision, and every version of a view or service.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_table::Digest;

use crate::definition::{AnyView, Definitions, Kind, Service};
use crate::log::{TENANT, write};
use crate::{Error, Result};

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct Revision {
    /// Counted from 1; 0 if nothing was applied yet.
    pub number: i64,
    /// The folder of the feature file.
    pub folder: PathBuf,
    pub definitions: Definitions,
}

/// The number of the revision in force.
pub(crate) fn number(connection: &Connection) -> Result<i64> {
    let sql = "SELECT coalesce(max(number), 0) FROM revisions WHERE tenant = ?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([TENANT], |row| row.get(0))?)
}

/// What tells this store from others.
pub(crate) fn identity(connection: &Connection) -> Result<String> {
    let sql = "SELECT id FROM identity WHERE tenant = ?1";
    Ok(connection.query_row(sql, [TENANT], |row| row.get(0))?)
}

/// The revision in force.
pub(crate) fn current(connection: &Connection) -> Result<Revision> {
    let sql = "SELECT number, folder, definitions FROM revisions WHERE tenant = ?1 ORDER BY number DESC LIMIT 1";
    let row = connection.prepare_cached(sql)?.query_row([TENANT], |row| {
        Ok((
            row.get(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
        ))
    });
    let Some((number, folder, definitions)) = row.optional()? else {
        return Ok(Revision::default());
    };
    Ok(Revision {
        number,
        folder: folder.into(),
        definitions: parse(&definitions)?,
    })
}

/// Puts definitions in force.
pub(crate) fn apply(
    connection: &mut Connection,
    definitions: &Definitions,
    folder: &Path,
    now_us: i64,
) -> Result<i64> {
    let transaction = write(connection)?;
    let number = number(&transaction)? + 1;
    {
        let sql = "INSERT OR IGNORE INTO versions (tenant, kind, version, name, definition) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = transaction.prepare_cached(sql)?;
        for (name, view) in &definitions.views {
            let version = view.version().to_string();
            insert.execute(params![
                TENANT,
                Kind::View.name(),
                version,
                name,
                json(view)?
            ])?;
        }
        for (name, view) in &definitions.derived {
            let (version, view) = (view.version().to_string(), json(view)?);
            insert.execute(params![TENANT, DERIVED, version, name, view])?;
        }
        for (name, service) in &definitions.services {
            let version = service.version().to_string();
            insert.execute(params![
                TENANT,
                Kind::Service.name(),
                version,
                name,
                json(service)?
            ])?;
        }
    }
    let sql = "INSERT INTO revisions (tenant, number, applied_us, folder, definitions) VALUES (?1, ?2, ?3, ?4, ?5)";
    let folder = folder.to_string_lossy();
    transaction.execute(
        sql,
        params![TENANT, number, now_us, folder, json(definitions)?],
    )?;
    transaction.commit()?;
    Ok(number)
}

/// What versions of views of other views are called.
const DERIVED: &str = "derived";

/// A version of a view.
pub(crate) fn view(connection: &Connection, version: &Digest) -> Result<AnyView> {
    let sql = "SELECT kind, definition FROM versions
               WHERE tenant = ?1 AND kind IN ('view', 'derived') AND version = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![TENANT, version.to_string()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
    match found.optional()? {
        Some((kind, text)) if kind == DERIVED => parse(&text).map(AnyView::Derived),
        Some((_, text)) => parse(&text).map(AnyView::Source),
        None => Err(Error::Unknown {
            kind: "version of a view",
            name: version.to_string(),
            hint: "apply the feature file that defines it".to_owned(),
        }),
    }
}

/// Every version of a view of a source that was ever applied.
pub(crate) fn view_versions(connection: &Connection) -> Result<Vec<Digest>> {
    let sql = "SELECT version FROM versions WHERE tenant = ?1 AND kind = ?2 ORDER BY version";
    let mut statement = connection.prepare_cached(sql)?;
    let versions = statement.query_map(params![TENANT, Kind::View.name()], |row| {
        row.get::<_, String>(0)
    })?;
    let digest = |text: String| {
        text.parse::<Digest>().map_err(|error| {
            Error::input(
                format!("the feature store holds `{text}` as the version of a view: {error}"),
                "the store was changed by hand: restore the folder from a backup",
            )
        })
    };
    versions.map(|text| digest(text?)).collect()
}

/// The service that a name means: the version in force, or `name@version` with the start of a version's
/// digest.
pub(crate) fn service(connection: &Connection, revision: &Revision, name: &str) -> Result<Service> {
    let services = &revision.definitions.services;
    let Some((base, version)) = name.split_once('@') else {
        return services
            .get(name)
            .cloned()
            .ok_or_else(|| unknown("feature service", name, services.keys().map(String::as_str)));
    };
    let sql = "SELECT version, definition FROM versions WHERE tenant = ?1 AND kind = 'service' AND name = ?2 ORDER BY version";
    let mut statement = connection.prepare_cached(sql)?;
    let versions = statement
        .query_map(params![TENANT, base], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, String)>, _>>()?;
    let start = version.strip_prefix("sha256:").unwrap_or(version);
    let mut fitting = versions
        .iter()
        .filter(|(digest, _)| digest.trim_start_matches("sha256:").starts_with(start));
    match (fitting.next(), fitting.next()) {
        (Some((_, definition)), None) if !start.is_empty() => parse(definition),
        _ => Err(unknown(
            "version of a feature service",
            name,
            versions.iter().map(|(digest, _)| digest.as_str()),
        )),
    }
}

/// The error for a name that was not applied.
pub(crate) fn unknown<'n>(
    kind: &'static str,
    name: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Error {
    let hint = did_you_mean(name, names.clone()).unwrap_or_else(|| match names.clone().next() {
        Some(_) => format!("there are {}", list_some(names)),
        None => "`trueline features apply` puts a feature file in force".to_owned(),
    });
    Error::Unknown {
        kind,
        name: name.to_owned(),
        hint,
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::input(error.to_string(), ""))
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::input(
            format!("the feature store holds a definition that this program cannot read: {error}"),
            "use the version of the program that wrote it, or a newer one",
        )
    })
}
