//! The online store: the newest row of each entity, and nothing else.
//!
//! A row is written only if it is newer in the contract's order than the one that is there, so late rows,
//! repeated ones and any order of writers leave the same. A row that does not count yet, as its event or its
//! being known lies ahead, waits until it does. How far a view has read the log is written with the rows, so
//! whatever is lost is written again.
//!
//! Of a view with aggregates it holds *tiles* instead: what there is of an entity in a stretch of time, as bytes
//! that only [`windows`](crate::windows) understands.

mod address;
mod place;
mod redis;
mod sqlite;

use trueline_table::Digest;

pub(crate) use address::Address;
pub use address::{ONLINE_VARIABLE, PASSWORD_VARIABLE, STREAM_PASSWORD};
pub(crate) use place::{Environment, Place};
pub(crate) use redis::RedisOnline;
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

/// Where the tile of an entity is: the stretch of time that begins at `start_us`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePlace {
    pub key: Vec<u8>,
    pub start_us: i64,
}

/// What there is of an entity in a stretch of time. To the store these are bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tile {
    /// What is read first, and mostly alone.
    pub summary: Vec<u8>,
    /// What a summary is made of; may be much longer.
    pub rows: Vec<u8>,
}

/// Says what is to be at a place, given by its index, instead of what is there. Without an answer it stays. A
/// store may ask again for the same place if another writer was faster.
pub type ChangeTile<'c> = dyn FnMut(usize, Option<&Tile>) -> Result<Option<Tile>> + 'c;

/// Where the newest rows and the tiles are kept.
pub trait OnlineStore: Send + Sync {
    /// Whether reading waits for this machine's memory and disk alone.
    fn is_local(&self) -> bool {
        false
    }

    /// How far a version of a view has read the log. Asked before each row of writes.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn cursor(&self, view: &Digest) -> Result<i64>;

    /// As [`cursor`](Self::cursor), but only to know it: nothing is written after it.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn reached(&self, view: &Digest) -> Result<i64> {
        self.cursor(view)
    }

    /// Forgets all that there is of a view, if it has read the log as far as `cursor` and no further: its next
    /// cursor is 0. Whoever dies in between has left the cursor.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn forget(&self, view: &Digest, cursor: i64) -> Result<()>;

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

    /// Changes tiles of a view, each place given once: no other writer's change comes between what `change`
    /// sees and what it answers. Tiles of the same entities that begin before `keep_from_us` are removed. With
    /// a cursor, it is moved there once all tiles are changed, unless it is further already.
    ///
    /// # Errors
    /// If the store cannot be reached, or `change` fails; changing the same again then does no harm, as it
    /// leaves out what a tile has already.
    fn change_tiles(
        &self,
        view: &Digest,
        places: &[TilePlace],
        change: &mut ChangeTile<'_>,
        keep_from_us: i64,
        cursor: Option<i64>,
    ) -> Result<()>;

    /// The tiles of each entity that begin at or after `from_us`, ascending. Those whose summary does not want
    /// its rows come without them.
    ///
    /// # Errors
    /// If the store cannot be reached, or `wants_rows` fails.
    fn read_tiles(
        &self,
        view: &Digest,
        keys: &[Vec<u8>],
        from_us: i64,
        wants_rows: &dyn Fn(&[u8]) -> Result<bool>,
    ) -> Result<Vec<Vec<Tile>>>;

    /// Removes the tiles of a view that begin before `before_us`, of all entities.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn remove_tiles(&self, view: &Digest, before_us: i64) -> Result<()>;
}
