//! Runs: their beginning, their end, and lists of them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use trueline_table::Digest;

use crate::columns::Column;
use crate::store::TENANT;
use crate::{AttemptFailure, BootId, Error, NewEvent, Result, RunFailure, RunId, RunState, Store};
use crate::{attempts, events, stages};

/// A run that is to be written down.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The name of the pipeline.
    pub pipeline: String,
    /// Of the bytes of the pipeline file.
    pub pipeline_digest: Digest,
    /// Of the bytes of the lock file.
    pub lock_digest: Digest,
    pub seed: u64,
    /// What this run was given, `as_of` among it.
    pub params: Value,
}

/// How a run ends.
#[derive(Clone, Debug)]
pub enum RunOutcome {
    /// Every stage has finished, none of them failed or blocked.
    Succeeded,
    /// The run ends here: attempts that are running are cancelled, stages that have not finished fail or
    /// are blocked.
    Failed {
        failure: RunFailure,
        message: String,
    },
    /// As `Failed`, at someone's wish.
    Cancelled,
}

/// What a list shows of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    pub id: RunId,
    pub pipeline: String,
    pub state: RunState,
    /// Why it failed; `null` if it did not.
    pub failure: Option<RunFailure>,
    pub created_us: i64,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
}

/// All that is known of a run itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Why it failed, for a person.
    pub message: Option<String>,
    /// The process that is responsible for it.
    pub boot: BootId,
    pub seed: u64,
    pub pipeline_digest: Digest,
    pub lock_digest: Digest,
    pub params: Value,
}

/// Which part of the list of runs to show.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// Only the runs of this pipeline.
    pub pipeline: Option<String>,
    /// Only runs older than this one: the last of the page before.
    pub before: Option<RunId>,
    /// So many at most.
    pub limit: u32,
}

impl Default for RunPage {
    fn default() -> Self {
        Self {
            pipeline: None,
            before: None,
            limit: 50,
        }
    }
}

impl Store {
    /// Writes a run down, queued. It belongs to this opening of the home: if this process ends before the
    /// run does, the run is lost. Its id sorts behind those of all other runs, even if the clock was set back.
    ///
    /// # Errors
    /// If the home cannot be written to.
    pub fn create_run(&self, run: NewRun) -> Result<RunId> {
        let drawn = self.new_run_id()?;
        let (boot, now) = (self.boot().clone(), self.now_us());
        self.write(move |connection| {
            // The newest run of a list is the one with the greatest id, whatever the clock says.
            let id = drawn.behind(newest(connection)?.as_ref());
            connection.execute(
                "INSERT INTO runs (tenant, run_id, pipeline, state, created_us, boot_id, seed, pipeline_digest, lock_digest, params)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    TENANT,
                    id,
                    run.pipeline,
                    RunState::Queued,
                    now,
                    boot,
                    run.seed.cast_signed(),
                    Column(&run.pipeline_digest),
                    Column(&run.lock_digest),
                    Column(&run.params),
                ],
            )?;
            events::append(connection, &id, now, NewEvent::new("run.queued"))?;
            Ok(id)
        })
    }

    /// Starts a run that is queued, or goes on with one that is waiting.
    ///
    /// # Errors
    /// [`Error::Transition`] if it is neither, [`Error::NotFound`].
    pub fn start_run(&self, run: &RunId) -> Result<()> {
        self.set_run(run, RunState::Running)
    }

    /// Marks a run as waiting, for an approval or a time.
    ///
    /// # Errors
    /// [`Error::Transition`] if it is not running, [`Error::NotFound`].
    pub fn wait_run(&self, run: &RunId) -> Result<()> {
        self.set_run(run, RunState::Waiting)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`Error::Transition`] if it has ended already; [`Error::Rule`] if it is to succeed although one of its
    /// stages has not.
    pub fn finish_run(&self, run: &RunId, outcome: RunOutcome) -> Result<()> {
        let (run, now) = (run.clone(), self.now_us());
        self.write(move |connection| match outcome {
            RunOutcome::Succeeded => advance(connection, &run, RunState::Succeeded, None, now),
            RunOutcome::Failed { failure, message } => {
                close_work(connection, &run, None, "the run failed", now)?;
                advance(
                    connection,
                    &run,
                    RunState::Failed,
                    Some((failure, &message)),
                    now,
                )
            }
            RunOutcome::Cancelled => {
                close_work(connection, &run, None, "the run was cancelled", now)?;
                advance(connection, &run, RunState::Cancelled, None, now)
            }
        })
    }

    /// Some runs, the newest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn runs(&self, page: &RunPage) -> Result<Vec<RunSummary>> {
        // '~' sorts behind every letter and digit, so this is behind every id.
        let before = page.before.as_ref().map_or("run_~", RunId::as_str);
        self.read(|connection| {
            let rows = match &page.pipeline {
                None => connection
                    .prepare_cached(PAGE)?
                    .query_map(params![TENANT, before, page.limit], summary)?
                    .collect::<Result<_, _>>(),
                Some(pipeline) => connection
                    .prepare_cached(PAGE_OF_PIPELINE)?
                    .query_map(params![TENANT, before, page.limit, pipeline], summary)?
                    .collect::<Result<_, _>>(),
            };
            Ok(rows?)
        })
    }

    /// One run, by its id or by a start of it that no other run has; `run_` may be left out.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Ambiguous`].
    pub fn run(&self, prefix: &str) -> Result<Run> {
        let start = format!("run_{}", prefix.strip_prefix("run_").unwrap_or(prefix));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT run_id FROM runs WHERE tenant = ?1 AND run_id >= ?2 AND run_id < ?2 || '~' ORDER BY run_id DESC LIMIT 5",
            )?;
            let ids = statement.query_map([TENANT, &start], |row| row.get(0))?;
            let ids: Vec<RunId> = ids.collect::<Result<_, _>>()?;
            match ids.as_slice() {
                [id] => Ok(connection.prepare_cached(DETAILS)?.query_row(params![TENANT, id], details)?),
                [] => Err(Error::not_found("run", prefix)),
                _ => Err(Error::Ambiguous {
                    what: "run",
                    prefix: prefix.to_owned(),
                    matches: ids.iter().map(RunId::to_string).collect(),
                }),
            }
        })
    }

    fn set_run(&self, run: &RunId, to: RunState) -> Result<()> {
        let (run, now) = (run.clone(), self.now_us());
        self.write(move |connection| advance(connection, &run, to, None, now))
    }
}

const PAGE: &str =
    "SELECT run_id, pipeline, state, failure, created_us, started_us, finished_us FROM runs
    WHERE tenant = ?1 AND run_id < ?2 ORDER BY run_id DESC LIMIT ?3";

const PAGE_OF_PIPELINE: &str =
    "SELECT run_id, pipeline, state, failure, created_us, started_us, finished_us FROM runs
    WHERE tenant = ?1 AND pipeline = ?4 AND run_id < ?2 ORDER BY run_id DESC LIMIT ?3";

const DETAILS: &str = "SELECT run_id, pipeline, state, failure, created_us, started_us, finished_us,
    message, boot_id, seed, pipeline_digest, lock_digest, params FROM runs WHERE tenant = ?1 AND run_id = ?2";

pub(crate) fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    Ok(RunSummary {
        id: row.get(0)?,
        pipeline: row.get(1)?,
        state: row.get(2)?,
        failure: row.get(3)?,
        created_us: row.get(4)?,
        started_us: row.get(5)?,
        finished_us: row.get(6)?,
    })
}

fn details(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        summary: summary(row)?,
        message: row.get(7)?,
        boot: row.get(8)?,
        seed: row.get::<_, i64>(9)?.cast_unsigned(),
        pipeline_digest: row.get::<_, Column<_>>(10)?.0,
        lock_digest: row.get::<_, Column<_>>(11)?.0,
        params: row.get::<_, Column<_>>(12)?.0,
    })
}

/// The run that began last.
fn newest(connection: &Connection) -> Result<Option<RunId>> {
    Ok(connection
        .prepare_cached("SELECT run_id FROM runs WHERE tenant = ?1 ORDER BY run_id DESC LIMIT 1")?
        .query_row([TENANT], |row| row.get(0))
        .optional()?)
}

/// The runs that have not finished, with the process that is responsible for each.
pub(crate) fn unfinished(connection: &Connection) -> Result<Vec<(RunId, BootId)>> {
    let mut statement = connection
        .prepare_cached("SELECT run_id, boot_id FROM runs WHERE state IN ('queued', 'running', 'waiting') ORDER BY run_id")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ends a run whose process is gone.
pub(crate) fn lose(connection: &Connection, run: &RunId, now_us: i64) -> Result<()> {
    const WHY: &str = "the process that ran it has ended";
    close_work(connection, run, Some(AttemptFailure::Lost), WHY, now_us)?;
    advance(
        connection,
        run,
        RunState::Failed,
        Some((RunFailure::Lost, WHY)),
        now_us,
    )
}

/// Ends whatever of a run has not finished, from the inside out: its running attempts fail for the given
/// reason (or are cancelled, if there is none), its running stages fail, the others are blocked.
fn close_work(
    connection: &Connection,
    run: &RunId,
    failure: Option<AttemptFailure>,
    why: &str,
    now_us: i64,
) -> Result<()> {
    attempts::close(connection, run, failure, why, now_us)?;
    stages::close(connection, run, why, now_us)
}

/// Moves a run along an arrow, and says so in its log.
fn advance(
    connection: &Connection,
    run: &RunId,
    to: RunState,
    failed: Option<(RunFailure, &str)>,
    now_us: i64,
) -> Result<()> {
    let from = state(connection, run)?;
    if !from.can_become(to) {
        return Err(Error::Transition {
            what: run.to_string(),
            from: from.to_string(),
            to: to.to_string(),
        });
    }
    let (failure, message) = failed.unzip();
    connection.execute(
        "UPDATE runs SET state = ?3, failure = ?4, message = ?5,
             started_us = iif(?3 = 'running', coalesce(started_us, ?6), started_us), finished_us = iif(?7, ?6, NULL)
         WHERE tenant = ?1 AND run_id = ?2",
        params![TENANT, run, to, failure, message, now_us, to.is_final()],
    )?;
    let event = NewEvent::new(format!("run.{to}"));
    let event = match failed {
        Some((failure, message)) => event.detail(json!({ "failure": failure, "message": message })),
        None => event,
    };
    events::append(connection, run, now_us, event).map(drop)
}

fn state(connection: &Connection, run: &RunId) -> Result<RunState> {
    connection
        .prepare_cached("SELECT state FROM runs WHERE tenant = ?1 AND run_id = ?2")?
        .query_row(params![TENANT, run], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::not_found("run", run))
}
