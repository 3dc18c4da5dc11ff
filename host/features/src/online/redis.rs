//! The online store in Redis, 6 or newer.
//!
//! Each version of a view has two keys. `…:rows` is a hash: an entity's newest row by its key, and the cursor
//! under `cursor`, so that whatever Redis loses of one it loses of the other. `…:waiting` is a sorted set of
//! rows that do not count yet, by when they will; how many there should be is in the hash, under `waiting`. An
//! entity's bytes begin with the code of a type, which no letter is.
//!
//! Every call is one script, and so one round trip and one state: reading n keys lets rows that have become
//! due count, and answers. Values of a view never expire in Redis, since an expired value is told from one
//! that was never there.
//!
//! Views with aggregates have tiles as well: [`tiles`].
//!
//! Redis may lose what it acknowledged last, or all that it holds. The cursor is lost with it, and the view
//! catches up with the log again. A write that was under way then is refused, as its cursor would hide what
//! was lost before it: hence the hash has a name, given under `epoch` when its first cursor is asked for, and
//! a server that was started anew is another server.

mod tiles;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::{Connection, FromRedisValue, RedisError, Script, ScriptInvocation};
use trueline_table::Digest;

use super::address::Address;
use super::{ChangeTile, OnlineRow, OnlineStore, OnlineWrite, Tile, TilePlace};
use crate::contract::Order;
use crate::{Error, Result};

/// Rows of one script's run: Redis does nothing else until it ends.
const ROWS: usize = 1_000;
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(30);

/// Stands for a row without a created time: before all others.
const NOT_CREATED: i64 = i64::MIN;
const ORDER_BYTES: usize = 24;

static CURSOR: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/cursor.lua")));
static REACHED: LazyLock<Script> =
    LazyLock::new(|| Script::new("return tonumber(redis.call('HGET', KEYS[1], 'cursor') or 0)"));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/forget.lua")));
static WRITE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("redis/newest.lua"),
        include_str!("redis/write.lua")
    ))
});
static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("redis/newest.lua"),
        include_str!("redis/read.lua")
    ))
});

/// One database of a Redis server, any number of threads and processes.
pub(crate) struct RedisOnline {
    address: Address,
    client: redis::Client,
    /// Stands before all of the store's keys there, so that several stores can share a database.
    prefix: String,
    /// Connections that nobody uses at the moment.
    idle: Mutex<Vec<Link>>,
    /// Where the cursor of each view was read last.
    seen: Mutex<BTreeMap<Digest, Seen>>,
}

/// A connection to one start of a server.
struct Link {
    connection: Connection,
    server: String,
}

/// What a write holds to be there still.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    server: String,
    epoch: i64,
}

impl RedisOnline {
    /// A store that is connected to when it is first used.
    ///
    /// # Errors
    /// If the client cannot reach such an address at all.
    pub(crate) fn new(address: &Address, identity: &str) -> Result<Self> {
        let client = redis::Client::open(address.info().clone());
        Ok(Self {
            client: client.map_err(|error| unreachable(address, &error))?,
            address: address.clone(),
            prefix: format!("trueline:{identity}"),
            idle: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// Asks with a connection; once more if it turns out to be one that the server has closed. What is asked
    /// can be asked twice. Answers from which server the answer is; with `only`, another one is not asked.
    fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        only: Option<&str>,
    ) -> Result<(T, String)> {
        let failed = |error: &RedisError| unreachable(&self.address, error);
        let idle = lock(&self.idle).pop();
        let mut link = match idle {
            Some(link) => link,
            None => self.connect().map_err(|error| failed(&error))?,
        };
        for is_last in [false, true] {
            if only.is_some_and(|only| only != link.server) {
                return Err(self.lost());
            }
            match script.invoke(&mut link.connection) {
                Ok(answer) => {
                    let server = link.server.clone();
                    lock(&self.idle).push(link);
                    return Ok((answer, server));
                }
                Err(error) if !is_broken(&error) => {
                    lock(&self.idle).push(link);
                    return Err(failed(&error));
                }
                Err(error) if is_last => return Err(failed(&error)),
                Err(_) => {
                    // What else is idle was most likely closed with it.
                    lock(&self.idle).clear();
                    link = self.connect().map_err(|error| failed(&error))?;
                }
            }
        }
        Err(self.lost())
    }

    fn connect(&self) -> Result<Link, RedisError> {
        let mut connection = self.client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let about: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
        let server = about.lines().find_map(|line| line.strip_prefix("run_id:"));
        Ok(Link {
            server: server.unwrap_or_default().to_owned(),
            connection,
        })
    }

    /// A call of a script over the two keys of a view. The braces put both on one node of a cluster.
    fn call<'s>(&self, script: &'s Script, view: &Digest) -> ScriptInvocation<'s> {
        let mut call = script.prepare_invoke();
        call.key(self.key(view, "rows"))
            .key(self.key(view, "waiting"));
        call
    }

    fn key(&self, view: &Digest, what: &str) -> String {
        format!("{}:{{{}}}:{what}", self.prefix, view.hex())
    }

    /// Where the cursor of a view was read.
    fn seen(&self, view: &Digest) -> Result<Seen> {
        let seen = lock(&self.seen).get(view).cloned();
        seen.ok_or_else(|| self.lost())
    }

    fn lost(&self) -> Error {
        Error::Online {
            address: self.address.to_string(),
            problem: "it has lost rows that it had; they get there again from the log".to_owned(),
        }
    }
}

impl OnlineStore for RedisOnline {
    fn cursor(&self, view: &Digest) -> Result<i64> {
        let ((cursor, epoch), server) = self.run(&self.call(&CURSOR, view), None)?;
        lock(&self.seen).insert(*view, Seen { server, epoch });
        Ok(cursor)
    }

    fn reached(&self, view: &Digest) -> Result<i64> {
        Ok(self.run(&self.call(&REACHED, view), None)?.0)
    }

    fn forget(&self, view: &Digest, cursor: i64) -> Result<()> {
        if self.reached(view)? != cursor {
            return Ok(());
        }
        // Before the cursor, as rows that are in a tile already would be taken for those that come again.
        tiles::remove(self, view, i64::MAX)?;
        let mut call = self.call(&FORGET, view);
        call.arg(cursor);
        self.run::<()>(&call, None)?;
        Ok(())
    }

    fn write(
        &self,
        view: &Digest,
        rows: Vec<OnlineWrite>,
        now_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        let seen = self.seen(view)?;
        let mut pieces = rows.chunks(ROWS).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let is_last = pieces.peek().is_none();
            let mut call = self.call(&WRITE, view);
            call.arg(seen.epoch);
            // The cursor goes with the last of the rows.
            call.arg(cursor.filter(|_| is_last).unwrap_or(-1));
            let (waiting, newest): (Vec<_>, Vec<_>) =
                piece.iter().partition(|write| write.due_us > now_us);
            call.arg(newest.len());
            for write in newest {
                call.arg(&write.key).arg(value(&write.row));
            }
            for write in waiting {
                call.arg(member(write));
            }
            let (is_written, _) = self.run::<bool>(&call, Some(&seen.server))?;
            if !is_written {
                return Err(self.lost());
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn read(&self, view: &Digest, keys: &[Vec<u8>], now_us: i64) -> Result<Vec<Option<OnlineRow>>> {
        let mut call = self.call(&READ, view);
        call.arg(due_by(now_us));
        for key in keys {
            call.arg(key);
        }
        loop {
            // Nothing, not even a list, as long as more have become due than one run lets count.
            let (found, _) = self.run::<Option<Vec<Option<Vec<u8>>>>>(&call, None)?;
            if let Some(found) = found {
                let row = |bytes: Option<Vec<u8>>| {
                    bytes.map(|bytes| row(&self.address, &bytes)).transpose()
                };
                return found.into_iter().map(row).collect();
            }
        }
    }

    fn change_tiles(
        &self,
        view: &Digest,
        places: &[TilePlace],
        change: &mut ChangeTile<'_>,
        keep_from_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        tiles::change(self, view, places, change, keep_from_us, cursor)
    }

    fn read_tiles(
        &self,
        view: &Digest,
        keys: &[Vec<u8>],
        from_us: i64,
        wants_rows: &dyn Fn(&[u8]) -> Result<bool>,
    ) -> Result<Vec<Vec<Tile>>> {
        tiles::read(self, view, keys, from_us, wants_rows)
    }

    fn remove_tiles(&self, view: &Digest, before_us: i64) -> Result<()> {
        tiles::remove(self, view, before_us)
    }
}

/// Eight bytes that compare as the number does.
fn ordered(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn number(bytes: &[u8]) -> Option<i64> {
    let bytes = <[u8; 8]>::try_from(bytes).ok()?;
    Some((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
}

/// The end of the waiting rows that count at an instant, as a bound of a sorted set's range.
fn due_by(now_us: i64) -> Vec<u8> {
    match now_us.checked_add(1) {
        Some(next_us) => [&b"("[..], &ordered(next_us)].concat(),
        None => b"+".to_vec(),
    }
}

/// A row as it is kept: its order, whose bytes compare as it does, and its features.
fn value(row: &OnlineRow) -> Vec<u8> {
    let Order {
        event_us,
        created_us,
        sequence,
    } = row.order;
    let created_us = created_us.unwrap_or(NOT_CREATED);
    let order = [event_us, created_us, sequence].map(ordered);
    [order.as_flattened(), &row.features].concat()
}

/// A row that waits: from when on it counts, its order, the length of its key, the key and the features.
fn member(write: &OnlineWrite) -> Vec<u8> {
    let value = value(&write.row);
    let (order, features) = value.split_at(ORDER_BYTES);
    // Keys are of a few columns of less than 2³¹ bytes.
    let length = u32::try_from(write.key.len()).unwrap_or(u32::MAX);
    [
        &ordered(write.due_us),
        order,
        &length.to_be_bytes(),
        &write.key,
        features,
    ]
    .concat()
}

fn row(address: &Address, bytes: &[u8]) -> Result<OnlineRow> {
    let parsed = bytes
        .split_at_checked(ORDER_BYTES)
        .and_then(|(order, features)| {
            let created_us = number(&order[8..16])?;
            Some(OnlineRow {
                order: Order {
                    event_us: number(&order[..8])?,
                    created_us: (created_us != NOT_CREATED).then_some(created_us),
                    sequence: number(&order[16..])?,
                },
                features: features.to_vec(),
            })
        });
    parsed.ok_or_else(|| Error::Online {
        address: address.to_string(),
        problem: "it holds what the feature store has not written".to_owned(),
    })
}

/// Whether a connection is of no use after an error.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

/// What Redis says of a password or a command holds neither.
fn unreachable(address: &Address, error: &RedisError) -> Error {
    Error::Online {
        address: address.to_string(),
        problem: error.to_string(),
    }
}

/// A lock that a panic of another thread does not spoil: what it guards is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_compare_as_numbers_do() {
        let numbers = [i64::MIN, -256, -255, -1, 0, 1, 255, 256, 1 << 40, i64::MAX];
        assert!(numbers.map(ordered).is_sorted());
        for one in numbers {
            assert_eq!(number(&ordered(one)), Some(one));
        }
    }

    #[test]
    fn a_row_comes_back() {
        let address = Address::parse("redis://localhost").unwrap();
        for created_us in [None, Some(-7)] {
            let order = Order {
                event_us: 1,
                created_us,
                sequence: 9,
            };
            let whole = OnlineRow {
                order,
                features: vec![0, 255],
            };
            assert_eq!(row(&address, &value(&whole)).unwrap(), whole);
        }
        assert!(row(&address, &[0; ORDER_BYTES - 1]).is_err());
    }
}
