//! What happened in a run, in order. Every transition leaves an event in its own transaction; the engine
//! adds what else is worth telling.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Result, RunId, Store};

/// An event that is to be appended.
#[derive(Clone, Debug)]
pub struct NewEvent {
    kind: String,
    stage: Option<String>,
    detail: Value,
}

impl NewEvent {
    /// An event of the run as a whole. A kind is a noun and what happened to it: `gate.refused`.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            stage: None,
            detail: json!({}),
        }
    }

    /// The stage it happened in.
    pub fn stage(mut self, stage: impl Into<String>) -> Self {
        self.stage = Some(stage.into());
        self
    }

    /// What else there is to say.
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Position in the log of the run, from 1, without a gap.
    pub sequence: u64,
    pub time_us: i64,
    pub kind: String,
    pub stage: Option<String>,
    pub detail: Value,
}

impl Store {
    /// Appends an event to the log of a run; returns its position.
    ///
    /// # Errors
    /// [`Error::Rule`](crate::Error::Rule) if there is no such run.
    pub fn append_event(&self, run: &RunId, event: NewEvent) -> Result<u64> {
        let (run, now) = (run.clone(), self.now_us());
        self.write(move |connection| append(connection, &run, now, event))
    }

    /// The events of a run behind position `after` (0: from the start), `limit` of them at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn events(&self, run: &RunId, after: u64, limit: u32) -> Result<Vec<Event>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sequence, time_us, kind, stage, detail FROM events
                 WHERE tenant = ?1 AND run_id = ?2 AND sequence > ?3 ORDER BY sequence LIMIT ?4",
            )?;
            let rows = statement.query_map(params![TENANT, run, Column(after), limit], |row| {
                Ok(Event {
                    sequence: row.get::<_, Column<_>>(0)?.0,
                    time_us: row.get(1)?,
                    kind: row.get(2)?,
                    stage: row.get(3)?,
                    detail: row.get::<_, Column<_>>(4)?.0,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Appends an event within a transaction; returns its position.
pub(crate) fn append(
    connection: &Connection,
    run: &RunId,
    now_us: i64,
    event: NewEvent,
) -> Result<u64> {
    let Column(sequence) = connection
        .prepare_cached(
            "INSERT INTO events (tenant, run_id, sequence, time_us, kind, stage, detail)
             SELECT ?1, ?2, coalesce(max(sequence), 0) + 1, ?3, ?4, ?5, ?6 FROM events WHERE tenant = ?1 AND run_id = ?2
             RETURNING sequence",
        )?
        .query_row(params![TENANT, run, now_us, event.kind, event.stage, Column(&event.detail)], |row| row.get(0))?;
    Ok(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{running, store};
    use crate::{Error, RunOutcome};

    #[test]
    fn a_log_is_read_from_where_one_stopped() {
        let (_home, store) = store();
        let run = running(&store, &[]);
        let event = NewEvent::new("gate.refused")
            .stage("gate")
            .detail(json!({ "auc": 0.5 }));
        assert_eq!(store.append_event(&run, event).unwrap(), 3);
        store.finish_run(&run, RunOutcome::Cancelled).unwrap();

        let kinds = |after, limit| -> Vec<String> {
            store
                .events(&run, after, limit)
                .unwrap()
                .into_iter()
                .map(|event| event.kind)
                .collect()
        };
        assert_eq!(
            kinds(0, 100),
            ["run.queued", "run.running", "gate.refused", "run.cancelled"]
        );
        assert_eq!(kinds(2, 1), ["gate.refused"]);
        assert_eq!(kinds(4, 100), [""; 0]);
        let event = &store.events(&run, 2, 1).unwrap()[0];
        assert_eq!((event.sequence, event.stage.as_deref()), (3, Some("gate")));
        assert_eq!(event.detail, json!({ "auc": 0.5 }));
    }

    #[test]
    fn a_log_needs_its_run_and_is_never_rewritten() {
        let (_home, store) = store();
        let run = running(&store, &[]);
        let nobody = "run_0000000000000000".parse().unwrap();
        let error = store
            .append_event(&nobody, NewEvent::new("x.y"))
            .unwrap_err();
        assert!(matches!(error, Error::Rule { .. }), "{error}");
        for sql in ["UPDATE events SET kind = 'x'", "DELETE FROM events"] {
            let error = store
                .write(move |connection| Ok(connection.execute(sql, [])?))
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                "the store refused a change: events are append-only"
            );
        }
        assert_eq!(store.events(&run, 0, 9).unwrap().len(), 2);
    }
}
