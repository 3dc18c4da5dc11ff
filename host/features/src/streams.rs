//! Sources that are read from a stream of a Redis. What was read is remembered in the transaction of the log
//! that takes it in, so that a death between any two steps neither loses an entry nor takes it in twice; nothing is written
//! into the Redis, and others may read the same stream.
//!
//! Each entry is a row, pushed under its place in the stream. One that cannot be read, or is not as its source
//! expects, goes to quarantine alone.

mod entry;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use redis::{Connection, RedisError, Value};
use rusqlite::{OptionalExtension as _, Transaction, params};
use trueline_runtime::Finding;

pub(crate) use entry::Entry;

use crate::definition::{Source, Stream};
use crate::log::{self, Arrival, Content, TENANT, commit, write};
use crate::online::Address;
use crate::quarantine::{self, Refused, Sent};
use crate::registry::Revision;
use crate::{Error, FeatureStore, Result};

/// Entries that are taken in together.
const ENTRIES: usize = 1_000;
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(30);
/// Before the first entry of any stream.
const BEGINNING: &str = "0-0";

/// Connections to the servers that streams are on.
pub(crate) struct Streams {
    password: Option<String>,
    idle: Mutex<BTreeMap<String, Connection>>,
}

/// What was taken in of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ingested {
    pub rows: u64,
    /// Entries that went to quarantine.
    pub quarantined: u64,
}

/// Entries of a stream, told apart.
struct Sorted {
    /// As they go into the log.
    logged: Option<RecordBatch>,
    refused: Vec<(Entry, Vec<Finding>)>,
}

impl Streams {
    pub(crate) fn new(password: Option<String>) -> Self {
        Self {
            password,
            idle: Mutex::default(),
        }
    }

    /// The next entries of a stream after one.
    fn read(&self, source: &Source, stream: &Stream, after: &str) -> Result<Vec<Entry>> {
        let address = Address::parse(&stream.redis)?.with_password(self.password.as_deref());
        let failed = |error: &RedisError| Error::Stream {
            of: source.name.clone(),
            key: stream.key.clone(),
            address: address.to_string(),
            problem: error.to_string(),
        };
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().remove(&stream.redis);
        let mut connection = match known {
            Some(connection) => connection,
            None => connect(&address).map_err(|error| failed(&error))?,
        };
        let answer = match ask(&mut connection, &stream.key, after) {
            // A server may have closed it, or have been started anew, in the meantime.
            Err(error) if error.is_io_error() || error.is_connection_dropped() => {
                connection = connect(&address).map_err(|error| failed(&error))?;
                ask(&mut connection, &stream.key, after)
            }
            answer => answer,
        };
        let answer = answer.map_err(|error| failed(&error))?;
        idle().insert(stream.redis.clone(), connection);
        entry::of_answer(answer).ok_or_else(|| Error::Stream {
            of: source.name.clone(),
            key: stream.key.clone(),
            address: address.to_string(),
            problem: "it answered something else than entries".to_owned(),
        })
    }
}

fn connect(address: &Address) -> Result<Connection, RedisError> {
    let client = redis::Client::open(address.info().clone())?;
    let connection = client.get_connection_with_timeout(CONNECT)?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.set_write_timeout(Some(ANSWER))?;
    Ok(connection)
}

fn ask(connection: &mut Connection, key: &str, after: &str) -> Result<Value, RedisError> {
    redis::cmd("XREAD")
        .arg("COUNT")
        .arg(ENTRIES)
        .arg("STREAMS")
        .arg(key)
        .arg(after)
        .query(connection)
}

impl FeatureStore {
    /// Takes in all that the streams of sources hold now, by source; those without anything new are left out.
    ///
    /// # Errors
    /// If a stream cannot be read; what was taken in before stays. Streams after it are tried all the same.
    pub fn ingest(&self, now_us: i64) -> Result<BTreeMap<String, Ingested>> {
        let revision = self.revision()?;
        let sources: Vec<&Source> = revision.definitions.sources.values().collect();
        self.ingest_these(&revision, &sources, now_us)
    }

    pub(crate) fn ingest_these(
        &self,
        revision: &Revision,
        sources: &[&Source],
        now_us: i64,
    ) -> Result<BTreeMap<String, Ingested>> {
        self.agree(now_us)?;
        let mut done = BTreeMap::new();
        let mut failed = Ok(());
        for source in sources {
            let Some(stream) = &source.stream else {
                continue;
            };
            let mut ingested = Ingested::default();
            let read = self.ingest_stream(revision, source, stream, now_us, &mut ingested);
            if ingested != Ingested::default() {
                done.insert(source.name.clone(), ingested);
            }
            failed = failed.and(read);
        }
        failed.map(|()| done)
    }

    fn ingest_stream(
        &self,
        revision: &Revision,
        source: &Source,
        stream: &Stream,
        now_us: i64,
        ingested: &mut Ingested,
    ) -> Result<()> {
        loop {
            let last = last_id(&self.connection(), source, stream)?;
            let entries = self.streams.read(source, stream, &last)?;
            let Some(newest) = entries.last() else {
                return Ok(());
            };
            let newest = newest.id.clone();
            let Sorted { logged, refused } = self.sorted_out(revision, source, entries, now_us)?;
            let rows = logged.as_ref().map_or(0, RecordBatch::num_rows);
            let mut connection = self.connection();
            let transaction = write(&mut connection)?;
            // Another process may have taken them in meanwhile.
            if !advance(&transaction, source, stream, &last, &newest)? {
                continue;
            }
            let receipt = match logged {
                None => None,
                Some(logged) => {
                    let content = Content::Inline(log::to_stream(&logged)?);
                    let count = i64::try_from(rows).unwrap_or(i64::MAX);
                    Some(log::append_in(
                        &transaction,
                        &source.name,
                        None,
                        count,
                        content,
                    )?)
                }
            };
            let count = refused.len();
            for (entry, reasons) in refused {
                let id = format!("stream:{}:{}", stream.key, entry.id);
                let refused = Refused {
                    source: &source.name,
                    id: Some(&id),
                    sent: Sent::Streamed,
                    rows: 1,
                    reasons,
                    content: Content::Inline(entry.content()?),
                };
                quarantine::add(&transaction, &refused, now_us)?;
            }
            commit("stream.append", transaction)?;
            drop(connection);
            ingested.rows += rows as u64;
            ingested.quarantined += count as u64;
            if let Some(receipt) = receipt {
                self.bring_online(revision, source, receipt, now_us)?;
            }
        }
    }

    /// Tells entries that go into the log from those that do not. Each is looked at by itself, as how many came
    /// together is chance.
    fn sorted_out(
        &self,
        revision: &Revision,
        source: &Source,
        entries: Vec<Entry>,
        now_us: i64,
    ) -> Result<Sorted> {
        let expectations = self.transforms.expectations(source)?;
        let rows_of = |entries: &[Entry]| {
            let rows = entry::rows(source, entries)?;
            let logged = log::logged(source, &rows, Arrival::Pushed, now_us, 0)?;
            self.check_rows(revision, source, &rows, &logged)?;
            Ok((rows, logged))
        };
        let reasons_of = |entry: &Entry| -> Result<Vec<Finding>> {
            match rows_of(std::slice::from_ref(entry)) {
                Ok((rows, _)) => match &expectations {
                    Some(expectations) => expectations.findings(&[rows]),
                    None => Ok(Vec::new()),
                },
                Err(error) if is_about_rows(&error) => {
                    Ok(vec![quarantine::reason("entry", error.to_string(), 1)])
                }
                Err(error) => Err(error),
            }
        };
        // As a rule all are well, and read at once.
        if expectations.is_none()
            && let Ok((_, logged)) = rows_of(&entries)
        {
            return Ok(Sorted {
                logged: Some(logged),
                refused: Vec::new(),
            });
        }
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for entry in entries {
            match reasons_of(&entry)? {
                reasons if reasons.is_empty() => good.push(entry),
                reasons => refused.push((entry, reasons)),
            }
        }
        let logged = match good.is_empty() {
            true => None,
            false => Some(rows_of(&good)?.1),
        };
        Ok(Sorted { logged, refused })
    }
}

/// Whether an error is the sender's, and not of this store.
fn is_about_rows(error: &Error) -> bool {
    matches!(
        error,
        Error::Input { .. } | Error::Transform { .. } | Error::Table(_)
    )
}

/// The last entry of a stream that was taken in.
fn last_id(connection: &rusqlite::Connection, source: &Source, stream: &Stream) -> Result<String> {
    let sql = "SELECT last_id FROM streams WHERE tenant = ?1 AND source = ?2 AND stream = ?3";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![TENANT, source.name, stream.key], |row| row.get(0));
    Ok(found.optional()?.unwrap_or_else(|| BEGINNING.to_owned()))
}

/// Notes that a stream was taken in up to `newest`; no if that did not begin after `last`.
fn advance(
    transaction: &Transaction<'_>,
    source: &Source,
    stream: &Stream,
    last: &str,
    newest: &str,
) -> Result<bool> {
    if last_id(transaction, source, stream)? != last {
        return Ok(false);
    }
    let sql = "INSERT INTO streams (tenant, source, stream, last_id) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET last_id = excluded.last_id";
    transaction.execute(sql, params![TENANT, source.name, stream.key, newest])?;
    Ok(true)
}
