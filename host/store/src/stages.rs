//! The stages of a run: the plan, and how far it has come.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use trueline_table::Digest;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{Error, NewEvent, Result, RunId, StageState, Store, events};

/// A stage that is to be written down.
#[derive(Clone, Debug)]
pub struct NewStage {
    pub name: String,
    /// `transform`, `check`, `model`, `gate`, `package`, ...
    pub kind: String,
    /// `None` if the host does the work itself.
    pub component: Option<Digest>,
    /// Canonical: equal parameters are equal values.
    pub params: Value,
    /// The names of the stages that have to finish first.
    pub depends_on: Vec<String>,
    /// The study that it is of a trial of: if it fails, the run may succeed.
    pub study: Option<String>,
}

impl NewStage {
    /// A stage without component, parameters and dependencies.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            component: None,
            params: json!({}),
            depends_on: Vec::new(),
            study: None,
        }
    }
}

/// All that is known of a stage itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    pub name: String,
    /// Position in the plan, from 0.
    pub ordinal: u32,
    pub kind: String,
    pub state: StageState,
    /// Why it is in this state, where the state does not say it.
    pub reason: Option<String>,
    pub component: Option<Digest>,
    pub params: Value,
    pub depends_on: Vec<String>,
    /// The study that it is of a trial of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
}

impl Store {
    /// Adds stages to the plan of a run, pending, behind those it has.
    ///
    /// # Errors
    /// [`Error::Rule`] if the run has finished, does not exist, or has a stage of that name.
    pub fn add_stages(&self, run: &RunId, new: Vec<NewStage>) -> Result<()> {
        let run = run.clone();
        self.write(move |connection| {
            let first: u32 = connection.query_row(
                "SELECT coalesce(max(ordinal) + 1, 0) FROM stages WHERE tenant = ?1 AND run_id = ?2",
                params![TENANT, run],
                |row| row.get(0),
            )?;
            for (ordinal, stage) in (first..).zip(&new) {
                connection
                    .prepare_cached(
                        "INSERT INTO stages (tenant, run_id, stage, ordinal, kind, state, component, depends_on, params, study)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    )?
                    .execute(params![
                        TENANT,
                        run,
                        stage.name,
                        ordinal,
                        stage.kind,
                        StageState::Pending,
                        stage.component.as_ref().map(Column),
                        Column(&json!(stage.depends_on)),
                        Column(&stage.params),
                        stage.study,
                    ])?;
            }
            Ok(())
        })
    }

    /// Moves a stage on. A stage that runs a component is moved to running and onwards by its attempts;
    /// this is for the rest: ready, skipped, blocked, and the work that the host does itself.
    ///
    /// # Errors
    /// [`Error::Transition`] if no arrow leads there, [`Error::NotFound`]; [`Error::Rule`] if an attempt is
    /// running.
    pub fn set_stage(
        &self,
        run: &RunId,
        stage: &str,
        to: StageState,
        reason: Option<&str>,
    ) -> Result<()> {
        let (run, stage, now) = (run.clone(), stage.to_owned(), self.now_us());
        let reason = reason.map(str::to_owned);
        self.write(move |connection| advance(connection, &run, &stage, to, reason.as_deref(), now))
    }

    /// The stages of a run, in the order of the plan.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn stages(&self, run: &RunId) -> Result<Vec<Stage>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT stage, ordinal, kind, state, reason, component, params, depends_on, started_us, finished_us, study
                 FROM stages WHERE tenant = ?1 AND run_id = ?2 ORDER BY ordinal",
            )?;
            let rows = statement.query_map(params![TENANT, run], from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Stage> {
    let Column(depends_on) = row.get::<_, Column<Vec<String>>>(7)?;
    Ok(Stage {
        name: row.get(0)?,
        ordinal: row.get(1)?,
        kind: row.get(2)?,
        state: row.get(3)?,
        reason: row.get(4)?,
        component: row
            .get::<_, Option<Column<_>>>(5)?
            .map(|Column(digest)| digest),
        params: row.get::<_, Column<_>>(6)?.0,
        depends_on,
        started_us: row.get(8)?,
        finished_us: row.get(9)?,
        study: row.get(10)?,
    })
}

/// Ends the stages of a run that have not finished: the running ones fail, the others are blocked.
pub(crate) fn close(connection: &Connection, run: &RunId, why: &str, now_us: i64) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT stage, state FROM stages WHERE tenant = ?1 AND run_id = ?2 AND state IN ('pending', 'ready', 'running')
         ORDER BY ordinal",
    )?;
    let rows = statement.query_map(params![TENANT, run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (stage, state) in rows.collect::<Result<Vec<(String, StageState)>, _>>()? {
        let to = if state == StageState::Running {
            StageState::Failed
        } else {
            StageState::Blocked
        };
        advance(connection, run, &stage, to, Some(why), now_us)?;
    }
    Ok(())
}

/// Moves a stage that waits to ready; one that has come further stays.
pub(crate) fn make_ready(
    connection: &Connection,
    run: &RunId,
    stage: &str,
    now_us: i64,
) -> Result<()> {
    if state(connection, run, stage)? != StageState::Pending {
        return Ok(());
    }
    advance(connection, run, stage, StageState::Ready, None, now_us)
}

/// Moves a stage along an arrow, and says so in the log of its run.
pub(crate) fn advance(
    connection: &Connection,
    run: &RunId,
    stage: &str,
    to: StageState,
    reason: Option<&str>,
    now_us: i64,
) -> Result<()> {
    let from = state(connection, run, stage)?;
    if !from.can_become(to) {
        let what = format!("stage `{stage}` of {run}");
        return Err(Error::Transition {
            what,
            from: from.to_string(),
            to: to.to_string(),
        });
    }
    connection
        .prepare_cached(
            "UPDATE stages SET state = ?4, reason = ?5,
                 started_us = iif(?4 = 'running', ?6, started_us), finished_us = iif(?7, ?6, NULL)
             WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3",
        )?
        .execute(params![
            TENANT,
            run,
            stage,
            to,
            reason,
            now_us,
            to.is_final()
        ])?;
    let event = NewEvent::new(format!("stage.{to}")).stage(stage);
    let event = match reason {
        Some(reason) => event.detail(json!({ "reason": reason })),
        None => event,
    };
    events::append(connection, run, now_us, event).map(drop)
}

pub(crate) fn state(connection: &Connection, run: &RunId, stage: &str) -> Result<StageState> {
    connection
        .prepare_cached(
            "SELECT state FROM stages WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3",
        )?
        .query_row(params![TENANT, run, stage], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::not_found("stage", format!("{stage}` of `{run}")))
}
