//! Attempts: the tries of a stage. What an attempt made becomes visible in the transaction that marks its
//! success, or not at all.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::json;

use crate::results::{self, Results};
use crate::store::TENANT;
use crate::{
    AttemptFailure, AttemptState, Error, NewEvent, Result, RunId, StageKey, StageState, Store,
    cache, events, stages,
};

/// Names an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptId {
    pub run: RunId,
    pub stage: String,
    /// From 1.
    pub number: u32,
}

/// What an attempt runs on.
#[derive(Clone, Debug)]
pub struct EngineIdentity {
    /// What the result may depend on, such as `pure@1`.
    pub profile: String,
    /// Of the engine: to find what a faulty version made.
    pub fingerprint: String,
}

/// How an attempt ends.
#[derive(Clone, Debug)]
pub enum AttemptOutcome {
    /// The stage succeeds with it.
    Succeeded(Results),
    /// The attempt worked and its results are kept, but they fail the stage: an expectation that was not met.
    Rejected { results: Results, reason: String },
    /// Nothing of it is kept. With `retry` the stage stays running, for another attempt; without, it fails.
    Failed {
        failure: AttemptFailure,
        message: String,
        retry: bool,
    },
}

/// All that is known of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    pub stage: String,
    /// From 1.
    pub number: u32,
    pub state: AttemptState,
    /// Why it failed; `null` if it did not.
    pub failure: Option<AttemptFailure>,
    /// Why it failed, for a person.
    pub message: Option<String>,
    pub profile: String,
    pub fingerprint: String,
    pub started_us: i64,
    pub finished_us: Option<i64>,
}

impl Store {
    /// Starts the next attempt of a stage that has not started, or is running with its last attempt failed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Transition`]; [`Error::Rule`] if the run is not running or another
    /// attempt of the stage is.
    pub fn start_attempt(
        &self,
        run: &RunId,
        stage: &str,
        engine: EngineIdentity,
    ) -> Result<AttemptId> {
        self.start(run, stage, engine, None)
    }

    /// Starts an attempt, and writes down what it is about to be computed from.
    ///
    /// # Errors
    /// As [`Store::start_attempt`].
    pub fn start_attempt_with_key(
        &self,
        run: &RunId,
        engine: EngineIdentity,
        key: StageKey,
    ) -> Result<AttemptId> {
        let stage = key.stage.clone();
        self.start(run, &stage, engine, Some(key))
    }

    fn start(
        &self,
        run: &RunId,
        stage: &str,
        engine: EngineIdentity,
        key: Option<StageKey>,
    ) -> Result<AttemptId> {
        let (run, stage, now) = (run.clone(), stage.to_owned(), self.now_us());
        // If it is lost with the process, so is the run; whoever takes it up begins the stage again.
        self.write_soon(move |connection| {
            if let Some(key) = &key {
                cache::put_key(connection, &run, key)?;
            }
            if stages::state(connection, &run, &stage)? != StageState::Running {
                stages::make_ready(connection, &run, &stage, now)?;
                stages::advance(connection, &run, &stage, StageState::Running, None, now)?;
            }
            let number = connection
                .prepare_cached(
                    "INSERT INTO attempts (tenant, run_id, stage, attempt, state, started_us, profile, fingerprint)
                     SELECT ?1, ?2, ?3, coalesce(max(attempt), 0) + 1, ?4, ?5, ?6, ?7
                     FROM attempts WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3
                     RETURNING attempt",
                )?
                .query_row(
                    params![TENANT, run, stage, AttemptState::Running, now, engine.profile, engine.fingerprint],
                    |row| row.get(0),
                )?;
            let id = AttemptId { run, stage, number };
            let event = NewEvent::new("attempt.running").stage(&id.stage).detail(json!({ "attempt": number }));
            events::append(connection, &id.run, now, event)?;
            Ok(id)
        })
    }

    /// Ends an attempt, and its stage with it, unless another attempt is to follow.
    ///
    /// # Errors
    /// [`Error::Transition`] if it has ended already, [`Error::NotFound`]; [`Error::Full`] or
    /// [`Error::ReadOnly`], and then the attempt is still running and may be ended as failed.
    pub fn finish_attempt(&self, attempt: &AttemptId, outcome: AttemptOutcome) -> Result<()> {
        let (id, now) = (attempt.clone(), self.now_us());
        match outcome {
            AttemptOutcome::Succeeded(results) => {
                self.keep(id, results, StageState::Succeeded, None)
            }
            AttemptOutcome::Rejected { results, reason } => {
                self.keep(id, results, StageState::Failed, Some(reason))
            }
            AttemptOutcome::Failed {
                failure,
                message,
                retry,
            } => self.write(move |connection| {
                end(
                    connection,
                    &id,
                    AttemptState::Failed,
                    Some((failure, &message)),
                    now,
                )?;
                if retry {
                    return Ok(());
                }
                stages::advance(
                    connection,
                    &id.run,
                    &id.stage,
                    StageState::Failed,
                    Some(&message),
                    now,
                )
            }),
        }
    }

    /// The attempts of a run, in the order of the plan.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT a.stage, a.attempt, a.state, a.failure, a.message, a.profile, a.fingerprint, a.started_us, a.finished_us
                 FROM stages s JOIN attempts a ON a.tenant = s.tenant AND a.run_id = s.run_id AND a.stage = s.stage
                 WHERE s.tenant = ?1 AND s.run_id = ?2 ORDER BY s.ordinal, a.attempt",
            )?;
            let rows = statement.query_map(params![TENANT, run], from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends an attempt that worked: one transaction for its state, its results and its stage.
    fn keep(
        &self,
        id: AttemptId,
        results: Results,
        stage: StageState,
        reason: Option<String>,
    ) -> Result<()> {
        let results = results::prepare(self, results)?;
        let now = self.now_us();
        self.write(move |connection| {
            end(connection, &id, AttemptState::Succeeded, None, now)?;
            results::record(connection, &id.run, &id.stage, &results, now)?;
            stages::advance(
                connection,
                &id.run,
                &id.stage,
                stage,
                reason.as_deref(),
                now,
            )
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        stage: row.get(0)?,
        number: row.get(1)?,
        state: row.get(2)?,
        failure: row.get(3)?,
        message: row.get(4)?,
        profile: row.get(5)?,
        fingerprint: row.get(6)?,
        started_us: row.get(7)?,
        finished_us: row.get(8)?,
    })
}

/// Ends the running attempts of a run: as failed for this reason, or as cancelled if there is none.
pub(crate) fn close(
    connection: &Connection,
    run: &RunId,
    failure: Option<AttemptFailure>,
    why: &str,
    now_us: i64,
) -> Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT stage, attempt FROM attempts WHERE tenant = ?1 AND run_id = ?2 AND state = 'running' ORDER BY stage")?;
    let rows = statement.query_map(params![TENANT, run], |row| {
        Ok(AttemptId {
            run: run.clone(),
            stage: row.get(0)?,
            number: row.get(1)?,
        })
    })?;
    let to = if failure.is_some() {
        AttemptState::Failed
    } else {
        AttemptState::Cancelled
    };
    for id in rows.collect::<Result<Vec<_>, _>>()? {
        end(
            connection,
            &id,
            to,
            failure.map(|failure| (failure, why)),
            now_us,
        )?;
    }
    Ok(())
}

/// The engine that an attempt runs on.
pub(crate) fn fingerprint(connection: &Connection, id: &AttemptId) -> Result<String> {
    let sql = "SELECT fingerprint FROM attempts WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 AND attempt = ?4";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![TENANT, id.run, id.stage, id.number], |row| {
            row.get(0)
        })
        .optional()?;
    found.ok_or_else(|| Error::not_found("attempt", format!("{} of {}", id.number, id.stage)))
}

/// Moves an attempt from running to its end, and says so in the log of its run.
pub(crate) fn end(
    connection: &Connection,
    id: &AttemptId,
    to: AttemptState,
    failed: Option<(AttemptFailure, &str)>,
    now_us: i64,
) -> Result<()> {
    let key = params![TENANT, id.run, id.stage, id.number];
    let what = format!(
        "attempt {} of stage `{}` of {}",
        id.number, id.stage, id.run
    );
    let from: AttemptState = connection
        .prepare_cached("SELECT state FROM attempts WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 AND attempt = ?4")?
        .query_row(key, |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::not_found("attempt", &what))?;
    if from.is_final() {
        return Err(Error::Transition {
            what,
            from: from.to_string(),
            to: to.to_string(),
        });
    }
    let (failure, message) = failed.unzip();
    connection
        .prepare_cached(
            "UPDATE attempts SET state = ?5, failure = ?6, message = ?7, finished_us = ?8
             WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 AND attempt = ?4",
        )?
        .execute(params![
            TENANT, id.run, id.stage, id.number, to, failure, message, now_us
        ])?;
    let detail = match failed {
        Some((failure, message)) => {
            json!({ "attempt": id.number, "failure": failure, "message": message })
        }
        None => json!({ "attempt": id.number }),
    };
    let event = NewEvent::new(format!("attempt.{to}"))
        .stage(&id.stage)
        .detail(detail);
    events::append(connection, &id.run, now_us, event).map(drop)
}
