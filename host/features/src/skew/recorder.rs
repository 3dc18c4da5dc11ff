//! The recorded answers: a SQLite file of their own that is only appended to, and keeps the latest. Losing
//! some of it in a crash loses nothing else.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use rusqlite::types::Type;
use rusqlite::{Connection, params};
use trueline_table::Digest;

use crate::log;
use crate::read::AnsweredView;
use crate::row::RowEncoder;
use crate::store::FeatureStore;
use crate::{Result, Status};

/// Answers that are kept.
const KEPT: i64 = 100_000;
/// The oldest are removed once in so many answers.
const REMOVED_AT_ONCE: i64 = 1_000;

const SCHEMA: &str = "
-- Answers for one entity of one view, by when they were recorded.
CREATE TABLE IF NOT EXISTS answers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us INTEGER NOT NULL,
  -- The last row of the log when the request came.
  sequence INTEGER NOT NULL,
  view TEXT NOT NULL,
  version TEXT NOT NULL,
  key BLOB NOT NULL,
  status TEXT NOT NULL,
  -- When the row of the answer happened, and its features if they were answered.
  event_us INTEGER,
  features BLOB
) STRICT;
";

/// An answer as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) at_us: i64,
    pub(crate) sequence: i64,
    pub(crate) view: String,
    pub(crate) version: Digest,
    pub(crate) key: Vec<u8>,
    pub(crate) status: Status,
    pub(crate) event_us: Option<i64>,
    pub(crate) features: Option<Vec<u8>>,
}

/// Where answers are recorded, and of which entities.
pub(crate) struct Recorder {
    path: PathBuf,
    /// Entities whose hash is below this are recorded; with `u64::MAX`, all are.
    below: AtomicU64,
    /// Opened for the first answer.
    connection: Mutex<Option<Connection>>,
}

impl Recorder {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join("answers.db"),
            below: AtomicU64::new(0),
            connection: Mutex::default(),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of all hashes need not be exact, and casts saturate"
    )]
    pub(super) fn set_share(&self, share: f64) {
        let below = (share * u64::MAX as f64) as u64;
        self.below.store(below, Ordering::Relaxed);
    }

    /// Whether answers for any entity are recorded.
    fn is_on(&self) -> bool {
        self.below.load(Ordering::Relaxed) > 0
    }

    /// Whether answers for this entity are: all or none of them, in every process.
    fn wants(&self, key: &[u8]) -> bool {
        let below = self.below.load(Ordering::Relaxed);
        let hash = Digest::of(key);
        let (first, _) = hash.as_bytes().split_at(8);
        let hash = first
            .iter()
            .fold(0, |hash, byte| (hash << 8) | u64::from(*byte));
        below == u64::MAX || hash < below
    }

    fn append(&self, answers: &[Recorded]) -> Result<()> {
        let mut guard = self.lock();
        let connection = match &mut *guard {
            Some(connection) => connection,
            none => none.insert(connect(&self.path)?),
        };
        let transaction = connection.transaction()?;
        {
            let sql = "INSERT INTO answers (at_us, sequence, view, version, key, status, event_us, features)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let mut insert = transaction.prepare_cached(sql)?;
            for answer in answers {
                insert.execute(params![
                    answer.at_us,
                    answer.sequence,
                    answer.view,
                    answer.version.to_string(),
                    answer.key,
                    answer.status.name(),
                    answer.event_us,
                    answer.features
                ])?;
            }
        }
        let last = transaction.last_insert_rowid();
        let added = i64::try_from(answers.len()).unwrap_or(i64::MAX);
        if last / REMOVED_AT_ONCE != (last - added) / REMOVED_AT_ONCE {
            transaction.execute("DELETE FROM answers WHERE number <= ?1", [last - KEPT])?;
        }
        Ok(transaction.commit()?)
    }

    /// All answers that are kept, of one view or of all, in the order in which they were recorded.
    pub(super) fn all(&self, view: Option<&str>) -> Result<Vec<Recorded>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let connection = connect(&self.path)?;
        let sql =
            "SELECT at_us, sequence, view, version, key, status, event_us, features FROM answers
                   WHERE ?1 IS NULL OR view = ?1 ORDER BY number";
        let mut statement = connection.prepare(sql)?;
        let answers = statement.query_map([view], |row| {
            let not_one = |column| {
                move |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
            };
            let version: String = row.get(3)?;
            let status: String = row.get(5)?;
            Ok(Recorded {
                at_us: row.get(0)?,
                sequence: row.get(1)?,
                view: row.get(2)?,
                version: version
                    .parse()
                    .map_err(|error: trueline_table::ParseDigestError| {
                        not_one(3)(Box::new(error))
                    })?,
                key: row.get(4)?,
                status: Status::of_name(&status).ok_or_else(|| not_one(5)("no status".into()))?,
                event_us: row.get(6)?,
                features: row.get(7)?,
            })
        })?;
        Ok(answers.collect::<Result<_, _>>()?)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        // What a panic of another thread left half-done is rolled back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers that are about to be given.
pub(crate) struct Recording<'s> {
    recorder: &'s Recorder,
    sequence: i64,
}

impl FeatureStore {
    /// Begins to record answers for entities, if any of them are recorded: before the rows are read, as one
    /// that comes in between was not there yet.
    pub(crate) fn recording(&self, entities: &[Option<Vec<u8>>]) -> Result<Option<Recording<'_>>> {
        let recorder = &self.recorder;
        if !recorder.is_on() || !entities.iter().flatten().any(|key| recorder.wants(key)) {
            return Ok(None);
        }
        let sequence = log::last_sequence(&self.connection())?;
        Ok(Some(Recording { recorder, sequence }))
    }
}

impl Recording<'_> {
    /// Records what was answered, of which `rows` has all features of the view.
    pub(crate) fn record(
        self,
        answered: &AnsweredView,
        entities: &[Option<Vec<u8>>],
        rows: &RecordBatch,
        at_us: i64,
    ) -> Result<()> {
        let encoder = RowEncoder::new(rows);
        let wanted = |key: &&Vec<u8>| self.recorder.wants(key);
        let answers = entities.iter().enumerate().filter_map(|(row, key)| {
            let key = key.as_ref().filter(wanted)?;
            let status = answered.found[row];
            Some(Recorded {
                at_us,
                sequence: self.sequence,
                view: answered.name.clone(),
                version: answered.version,
                key: key.clone(),
                status,
                event_us: answered.event_us[row],
                features: (status == Status::Present).then(|| encoder.encode(row)),
            })
        });
        self.recorder.append(&answers.collect::<Vec<_>>())
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}
