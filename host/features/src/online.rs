//! The online store: the newest row of each entity, and nothing else.
//!
//! A row is written only if it is newer in the contract's order than the one that is there, so late rows,
//! repeated ones and any order of writers leave the same. A row that does not count yet, as its event or its
//! being known lies ahead, waits until it does. How far a view has read the log is written with the rows, so
//! whatever is lost is written again.

mod sqlite;

use trueline_table::Digest;

pub(crate) use sqlite::SqliteOnline;

use crate::Result;
use crate::contract::Order;

/// A row of a view, its features encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineRow {
    pub order: Order,
    pub features: Vec<u8>,
}

/// A row that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineWrite {
    pub key: Vec<u8>,
    /// From when on it counts.
    pub due_us: i64,
    pub row: OnlineRow,
}

/// Where the newest rows are kept.
pub trait OnlineStore: Send + Sync {
    /// How far a version of a view has read the log.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn cursor(&self, view: &Digest) -> Result<i64>;

    /// Writes rows of a view; those that are due after `now_us` wait. With a cursor, it is moved there
    /// together with the last of the rows, unless it is further already.
    ///
    /// # Errors
    /// If the store cannot be reached; writing the same again then does no harm.
    fn write(
        &self,
        view: &Digest,
        rows: Vec<OnlineWrite>,
        now_us: i64,
        cursor: Option<i64>,
    ) -> Result<()>;

    /// The newest row of each key, those that have become due by `now_us` among them. All keys are read
    /// from one state.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn read(&self, view: &Digest, keys: &[Vec<u8>], now_us: i64) -> Result<Vec<Option<OnlineRow>>>;
}
