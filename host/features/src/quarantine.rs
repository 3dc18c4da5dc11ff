//! Quarantine: what was sent and is in neither store, since it is not as its source expects or cannot be read.
//! Each batch is kept whole with the reasons, under a number, until someone releases or drops it. What was
//! decided about stays as a record, so that sending it again changes nothing.

mod decide;

use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use trueline_runtime::{Finding, Severity};
use trueline_table::Digest;

use crate::log::{Content, TENANT, commit, write};
use crate::registry::parse;
use crate::{Error, FeatureStore, Result};

/// Reasons that a message names; a check has as many as it likes.
const TOLD: usize = 3;

/// A batch in quarantine, or one that was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quarantined {
    /// Counted from 1.
    pub number: i64,
    pub source: String,
    /// The sender's identifier, a file's digest, or an entry's place in its stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub sent: Sent,
    /// µs UTC.
    pub came_us: i64,
    pub rows: i64,
    pub reasons: Vec<Finding>,
    pub state: QuarantineState,
    /// When it was released or dropped; µs UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_us: Option<i64>,
}

/// How a batch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    Pushed,
    /// As a file.
    Loaded,
    /// As an entry of a stream.
    Streamed,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QuarantineState {
    Held,
    /// Taken in as it was.
    Released,
    /// Its content is gone.
    Dropped,
}

impl Quarantined {
    /// What its sender is told.
    pub(crate) fn told(&self) -> String {
        let Self { source, number, .. } = self;
        let mut text = match self.state {
            QuarantineState::Held => format!(
                "source `{source}`: {} not as expected, and in quarantine as number {number}",
                match self.rows {
                    1 => "the row is".to_owned(),
                    rows => format!("the {rows} rows are"),
                }
            ),
            _ => format!(
                "source `{source}`: these rows were in quarantine as number {number}, and were {}",
                self.state.name()
            ),
        };
        for (index, reason) in self.reasons.iter().take(TOLD).enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            // A string takes all that is written to it.
            let _ = write!(text, "{separator}{}: {}", reason.subject, reason.message);
        }
        if self.reasons.len() > TOLD {
            let _ = write!(text, "; and {} more", self.reasons.len() - TOLD);
        }
        text
    }
}

impl Sent {
    /// As messages and the database call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Loaded => "loaded",
            Self::Streamed => "streamed",
        }
    }
}

impl QuarantineState {
    /// As messages and the database call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Dropped => "dropped",
        }
    }
}

/// A batch that is to be kept apart.
pub(crate) struct Refused<'r> {
    pub(crate) source: &'r str,
    pub(crate) id: Option<&'r str>,
    pub(crate) sent: Sent,
    pub(crate) rows: i64,
    pub(crate) reasons: Vec<Finding>,
    pub(crate) content: Content,
}

/// A reason that no check found, but the store itself.
pub(crate) fn reason(subject: &str, message: impl Into<String>, count: u64) -> Finding {
    Finding {
        severity: Severity::Fail,
        subject: subject.to_owned(),
        message: message.into(),
        count,
    }
}

impl FeatureStore {
    /// What is in quarantine, in the order in which it came; with `all`, also what was decided about.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn quarantined(&self, all: bool) -> Result<Vec<Quarantined>> {
        let connection = self.connection();
        let sql = format!("{SELECT} WHERE tenant = ?1 AND (?2 OR state = 'held') ORDER BY number");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![TENANT, all], record)?;
        rows.map(|row| checked(row?)).collect()
    }

    /// Keeps a batch apart; answers what its sender is told.
    pub(crate) fn quarantine(&self, refused: &Refused<'_>, now_us: i64) -> Result<Quarantined> {
        let mut connection = self.connection();
        let transaction = write(&mut connection)?;
        let kept = add(&transaction, refused, now_us)?;
        commit("quarantine.add", transaction)?;
        Ok(kept)
    }
}

/// Adds a batch, unless it is there: under its identifier, or, without one, with the same content.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    refused: &Refused<'_>,
    now_us: i64,
) -> Result<Quarantined> {
    let Refused { source, id, .. } = refused;
    let (digest, segment, content) = match &refused.content {
        Content::Segment(digest) => (*digest, Some(digest.to_string()), None),
        Content::Inline(bytes) => (Digest::of(bytes), None, Some(bytes)),
    };
    let known = match id {
        Some(id) => of_id(transaction, source, id)?,
        None => {
            let sql = format!(
                "{SELECT} WHERE tenant = ?1 AND source = ?2 AND digest = ?3 AND state = 'held' AND id IS NULL"
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let key = params![TENANT, source, digest.to_string()];
            let found = statement.query_row(key, record).optional()?;
            found.map(checked).transpose()?
        }
    };
    if let Some(known) = known {
        return Ok(known);
    }
    let sql = "SELECT coalesce(max(number), 0) + 1 FROM quarantine WHERE tenant = ?1";
    let number: i64 = transaction.query_row(sql, [TENANT], |row| row.get(0))?;
    let reasons = serde_json::to_string(&refused.reasons)
        .map_err(|error| Error::input(error.to_string(), ""))?;
    let sql = "INSERT INTO quarantine (tenant, number, source, id, sent, came_us, row_count, reasons, state, digest, segment, content)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'held', ?9, ?10, ?11)";
    transaction.prepare_cached(sql)?.execute(params![
        TENANT,
        number,
        source,
        id,
        refused.sent.name(),
        now_us,
        refused.rows,
        reasons,
        digest.to_string(),
        segment,
        content
    ])?;
    Ok(Quarantined {
        number,
        source: (*source).to_owned(),
        id: id.map(str::to_owned),
        sent: refused.sent,
        came_us: now_us,
        rows: refused.rows,
        reasons: refused.reasons.clone(),
        state: QuarantineState::Held,
        decided_us: None,
    })
}

/// What was sent under an identifier and kept apart.
pub(crate) fn of_id(
    connection: &Connection,
    source: &str,
    id: &str,
) -> Result<Option<Quarantined>> {
    let sql = format!("{SELECT} WHERE tenant = ?1 AND source = ?2 AND id = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row(params![TENANT, source, id], record);
    found.optional()?.map(checked).transpose()
}

const SELECT: &str = "SELECT number, source, id, sent, came_us, row_count, reasons, state, decided_us FROM quarantine";

/// A row of [`SELECT`], its words not read yet.
type Record = (Quarantined, String, String, String);

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let quarantined = Quarantined {
        number: row.get(0)?,
        source: row.get(1)?,
        id: row.get(2)?,
        sent: Sent::Pushed,
        came_us: row.get(4)?,
        rows: row.get(5)?,
        reasons: Vec::new(),
        state: QuarantineState::Held,
        decided_us: row.get(8)?,
    };
    Ok((quarantined, row.get(3)?, row.get(6)?, row.get(7)?))
}

fn checked((quarantined, sent, reasons, state): Record) -> Result<Quarantined> {
    use QuarantineState::{Dropped, Held, Released};
    let sent = [Sent::Pushed, Sent::Loaded, Sent::Streamed]
        .into_iter()
        .find(|one| one.name() == sent);
    let state = [Held, Released, Dropped]
        .into_iter()
        .find(|one| one.name() == state);
    match (sent, state) {
        (Some(sent), Some(state)) => Ok(Quarantined {
            sent,
            state,
            reasons: parse(&reasons)?,
            ..quarantined
        }),
        _ => Err(Error::input(
            format!(
                "the quarantine holds what nobody has written, number {}",
                quarantined.number
            ),
            "the store was written by a newer program, or changed by hand",
        )),
    }
}
