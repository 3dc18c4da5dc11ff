//! The one thread that writes.
//!
//! SQLite takes one writer at a time, and a durable commit waits for the disk. So all writes of a process
//! go through one thread, which puts whatever is waiting into one transaction: each in a savepoint of its
//! own, so that one that fails is undone alone, and all of them share the wait for the disk.
//!
//! Some writes need not be on the disk when the caller goes on: that an attempt began is worth nothing
//! without how it ended. Such a write is done at once, in the order of all, and its transaction stays open
//! for a moment, so that it shares the commit of whatever has to wait for one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};
use trueline_files::fault;

use crate::{Error, Result};

/// So many writes share a commit at most: the first of them should not wait for ever.
const GROUP_LIMIT: usize = 128;

/// How long a transaction waits for a write that has to be on the disk. Other processes wait as long.
const PATIENCE: Duration = Duration::from_millis(20);

/// Sends writes to the thread. Dropped, it waits until all of them are done.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `None` only while it is being dropped.
    queue: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// A write, and when its caller goes on.
struct Work {
    /// Given the connection, it does its work; given none, the transaction is broken already.
    action: Action,
    is_urgent: bool,
}

type Action = Box<dyn FnOnce(Option<&Connection>) -> Done + Send>;

struct Done {
    /// Whether the work succeeded, so that its savepoint stays.
    keep: bool,
    /// Called when the caller can go on, with how that went.
    reply: Reply,
}

type Reply = Box<dyn FnOnce(Result<()>) + Send>;

impl Writer {
    /// Starts the thread on a connection to the database at `path`.
    pub(crate) fn start(connection: Connection, path: PathBuf) -> Result<Self> {
        let (queue, waiting) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("trueline-store-writer".into())
            .spawn(move || serve(connection, &waiting))
            .map_err(|source| Error::Io {
                action: "start the thread that writes",
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            path,
        })
    }

    /// Does `action` in a transaction, and returns when it is on the disk. If `action` fails, or the commit
    /// does, nothing of it stays.
    pub(crate) fn write<T, F>(&self, action: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.send(action, true)
    }

    /// Does `action` in a transaction, which comes to the disk soon, and before any write that follows. If
    /// it does not, the write that follows fails.
    pub(crate) fn write_soon<T, F>(&self, action: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.send(action, false)
    }

    fn send<T, F>(&self, action: F, is_urgent: bool) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (sender, answer) = mpsc::sync_channel(1);
        let action = Box::new(move |connection: Option<&Connection>| {
            let result = connection.map(action).transpose();
            let keep = matches!(result, Ok(Some(_)));
            let reply: Reply = Box::new(move |committed| {
                let result =
                    result.and_then(|value| committed.and_then(|()| value.ok_or(Error::Stopped)));
                // Nobody listens only if the caller's thread is gone.
                let _ = sender.send(result);
            });
            Done { keep, reply }
        });
        let queue = self.queue.as_ref().ok_or(Error::Stopped)?;
        let work = Work { action, is_urgent };
        queue.send(work).map_err(|_| Error::Stopped)?;
        let result = answer.recv().map_err(|_| Error::Stopped)?;
        result.map_err(|error| error.in_database(&self.path))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It ended with a panic at worst, and every caller was told then.
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, waiting: &Receiver<Work>) {
    let mut lost = None;
    while let Ok(first) = waiting.recv() {
        lost = commit_group(&mut connection, Group::new(first, waiting), lost.take());
    }
}

/// The writes of a transaction: those that wait, and those that come while none of them is urgent.
struct Group<'a> {
    first: Option<Work>,
    waiting: &'a Receiver<Work>,
    since: Instant,
    is_urgent: bool,
    count: usize,
}

impl<'a> Group<'a> {
    fn new(first: Work, waiting: &'a Receiver<Work>) -> Self {
        Self {
            first: Some(first),
            waiting,
            since: Instant::now(),
            is_urgent: false,
            count: 0,
        }
    }
}

impl Iterator for Group<'_> {
    type Item = Work;

    fn next(&mut self) -> Option<Work> {
        if self.count == GROUP_LIMIT {
            return None;
        }
        let next = self.first.take().or_else(|| match self.is_urgent {
            true => self.waiting.try_recv().ok(),
            false => {
                let left = PATIENCE.saturating_sub(self.since.elapsed());
                self.waiting.recv_timeout(left).ok()
            }
        })?;
        self.count += 1;
        self.is_urgent |= next.is_urgent;
        Some(next)
    }
}

/// Does the work of a group in one transaction, and tells everyone how it went. `lost` is why a write before
/// did not come to the disk although its caller has gone on; answered is the same for this group.
fn commit_group(
    connection: &mut Connection,
    mut group: impl Iterator<Item = Work>,
    lost: Option<Arc<rusqlite::Error>>,
) -> Option<Arc<rusqlite::Error>> {
    let mut replies = Vec::new();
    let mut has_gone_on = false;
    let fail = |replies: Vec<Reply>, source: &Arc<rusqlite::Error>| {
        for reply in replies {
            let source = source.clone();
            reply(Err(Error::Database { source }));
        }
    };
    if let Some(lost) = lost {
        fail(group.map(|work| (work.action)(None).reply).collect(), &lost);
        return None;
    }
    // Immediate: a transaction that starts by reading cannot wait for another process when it comes to write.
    let committed = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .and_then(|mut transaction| {
            group.by_ref().try_for_each(|work| {
                has_gone_on |= !work.is_urgent;
                in_savepoint(&mut transaction, work, &mut replies)
            })?;
            fault::before("commit").map_err(|error| in_sqlite(&error))?;
            transaction.commit()
        });
    let Err(error) = committed else {
        // What is on the disk stays; only a death can follow here.
        let _ = fault::after("commit");
        replies.into_iter().for_each(|reply| reply(Ok(())));
        return None;
    };
    let source = Arc::new(error);
    replies.extend(group.map(|work| (work.action)(None).reply));
    fail(replies, &source);
    has_gone_on.then_some(source)
}

/// A fault of the disk as SQLite tells it.
pub(crate) fn in_sqlite(error: &io::Error) -> rusqlite::Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => ffi::SQLITE_FULL,
        _ => ffi::SQLITE_IOERR_FSYNC,
    };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// An error here means that the whole transaction is broken: a full disk makes SQLite undo all of it.
fn in_savepoint(
    transaction: &mut Transaction<'_>,
    work: Work,
    replies: &mut Vec<Reply>,
) -> rusqlite::Result<()> {
    let mut savepoint = match transaction.savepoint() {
        Ok(savepoint) => savepoint,
        Err(error) => {
            replies.push((work.action)(None).reply);
            return Err(error);
        }
    };
    let done = (work.action)(Some(&savepoint));
    if !done.keep {
        let undone = savepoint.rollback();
        replies.push(done.reply);
        undone?;
    } else if work.is_urgent {
        replies.push(done.reply);
    } else {
        (done.reply)(Ok(()));
    }
    savepoint.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(
        action: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
    ) -> (Work, Receiver<Result<()>>) {
        let (sender, answer) = mpsc::channel();
        let action = Box::new(move |connection: Option<&Connection>| {
            let result = connection.map(action).transpose();
            let keep = matches!(result, Ok(Some(())));
            let reply = Box::new(move |committed| sender.send(result.and(committed)).unwrap());
            Done { keep, reply }
        });
        let is_urgent = true;
        (Work { action, is_urgent }, answer)
    }

    fn insert(number: i64) -> (Work, Receiver<Result<()>>) {
        work(move |connection| {
            Ok(connection
                .execute("INSERT INTO t VALUES (?1)", [number])
                .map(drop)?)
        })
    }

    fn numbers(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT a FROM t ORDER BY a").unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a INTEGER NOT NULL UNIQUE) STRICT")
            .unwrap();
        connection
    }

    #[test]
    fn one_that_fails_is_undone_alone() {
        let mut connection = database();
        let (half, half_answer) = work(|connection| {
            connection.execute("INSERT INTO t VALUES (7)", [])?;
            Err(Error::not_found("thing", "x"))
        });
        let ((first, first_answer), (twice, twice_answer), (last, last_answer)) =
            (insert(1), insert(1), insert(2));
        commit_group(
            &mut connection,
            [first, half, twice, last].into_iter(),
            None,
        );
        assert_eq!(numbers(&connection), [1, 2]);
        assert!(first_answer.recv().unwrap().is_ok() && last_answer.recv().unwrap().is_ok());
        assert!(matches!(
            half_answer.recv().unwrap(),
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            twice_answer.recv().unwrap(),
            Err(Error::Database { .. })
        ));
    }

    #[test]
    fn a_broken_transaction_keeps_nothing_and_tells_everyone() {
        let mut connection = database();
        // What SQLite does by itself when the disk is full.
        let (breaks, breaks_answer) = work(|connection| {
            connection.execute_batch("ROLLBACK")?;
            Err(Error::Stopped)
        });
        let ((before, before_answer), (after, after_answer)) = (insert(1), insert(2));
        commit_group(&mut connection, [before, breaks, after].into_iter(), None);
        assert_eq!(numbers(&connection), [0_i64; 0]);
        for answer in [before_answer, breaks_answer, after_answer] {
            assert!(answer.recv().unwrap().is_err());
        }

        let (again, answer) = insert(3);
        commit_group(&mut connection, std::iter::once(again), None);
        assert!(
            answer.recv().unwrap().is_ok(),
            "the next group starts afresh"
        );
        assert_eq!(numbers(&connection), [3]);
    }

    #[test]
    fn who_need_not_wait_goes_on_and_the_next_hears_of_a_failure() {
        let soon = |number| {
            let (mut work, answer) = insert(number);
            work.is_urgent = false;
            (work, answer)
        };
        let mut connection = database();
        let (begins, begins_answer) = soon(1);
        let (asked, answered) = work(move |_| {
            assert!(begins_answer.recv().unwrap().is_ok(), "it went on before");
            Ok(())
        });
        assert!(commit_group(&mut connection, [begins, asked].into_iter(), None).is_none());
        assert!(answered.recv().unwrap().is_ok());
        assert_eq!(numbers(&connection), [1]);

        let (lost, lost_answer) = soon(2);
        let (breaks, breaks_answer) = work(|connection| {
            connection.execute_batch("ROLLBACK")?;
            Err(Error::Stopped)
        });
        let told = commit_group(&mut connection, [lost, breaks].into_iter(), None);
        assert!(lost_answer.recv().unwrap().is_ok() && breaks_answer.recv().unwrap().is_err());
        let (next, next_answer) = insert(3);
        assert!(commit_group(&mut connection, std::iter::once(next), told).is_none());
        assert!(next_answer.recv().unwrap().is_err());
        assert_eq!(numbers(&connection), [1]);
    }

    #[test]
    fn a_group_waits_a_moment_for_something_urgent() {
        let (queue, waiting) = mpsc::channel();
        let soon = || {
            let (mut work, _) = insert(0);
            work.is_urgent = false;
            work
        };
        let started = Instant::now();
        assert_eq!(Group::new(soon(), &waiting).count(), 1);
        assert!(started.elapsed() >= PATIENCE);
        for work in [soon(), insert(0).0, soon()] {
            queue.send(work).unwrap();
        }
        assert_eq!(Group::new(soon(), &waiting).count(), 4);
    }
}
