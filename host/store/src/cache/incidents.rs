//! Incidents: the same ingredients gave two different things.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::json;
use trueline_table::Digest;

use crate::columns::Column;
use crate::state::words;
use crate::store::TENANT;
use crate::{NewEvent, Result, RunId, Store, events};

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

/// Writes an incident down, also in the log of its run.
pub(super) fn note(connection: &Connection, incident: Incident) -> Result<Incident> {
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
