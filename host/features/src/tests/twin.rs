//! Both online stores as one, which every test runs over: what one answers, the other has to answer too.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use trueline_table::Digest;
use trueline_tests::redis::Redis;

use crate::online::{
    Address, ChangeTile, Environment, OnlineStore, RedisOnline, SqliteOnline, Tile, TilePlace,
};
use crate::{FeatureStore, OnlineRow, OnlineWrite, Result};

/// One server for all tests: each store has an identity of its own.
static REDIS: LazyLock<Redis> = LazyLock::new(Redis::start);

struct Twin {
    sqlite: SqliteOnline,
    redis: RedisOnline,
}

/// The store of a home, with its newest rows in a file and in a Redis.
pub(super) fn open(home: &Path) -> FeatureStore {
    let mut store = FeatureStore::open_in(home, Environment::default()).unwrap();
    store.online.pin(|identity| {
        let address = Address::parse(&REDIS.url()).unwrap();
        Arc::new(Twin {
            sqlite: SqliteOnline::open(&home.join("features/online.db")).unwrap(),
            redis: RedisOnline::new(&address, identity).unwrap(),
        })
    });
    store
}

impl OnlineStore for Twin {
    fn cursor(&self, view: &Digest) -> Result<i64> {
        // Of two processes that write, one may be between the two stores.
        Ok(self.redis.cursor(view)?.min(self.sqlite.cursor(view)?))
    }

    fn reached(&self, view: &Digest) -> Result<i64> {
        Ok(self.redis.reached(view)?.max(self.sqlite.reached(view)?))
    }

    fn forget(&self, view: &Digest, _: i64) -> Result<()> {
        // One may be further than the other.
        self.redis.forget(view, self.redis.reached(view)?)?;
        self.sqlite.forget(view, self.sqlite.reached(view)?)
    }

    fn write(
        &self,
        view: &Digest,
        rows: Vec<OnlineWrite>,
        now_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        self.sqlite.write(view, rows.clone(), now_us, cursor)?;
        self.redis.write(view, rows, now_us, cursor)
    }

    fn change_tiles(
        &self,
        view: &Digest,
        places: &[TilePlace],
        change: &mut ChangeTile<'_>,
        keep_from_us: i64,
        cursor: Option<i64>,
    ) -> Result<()> {
        self.sqlite
            .change_tiles(view, places, change, keep_from_us, cursor)?;
        self.redis
            .change_tiles(view, places, change, keep_from_us, cursor)
    }

    fn read_tiles(
        &self,
        view: &Digest,
        keys: &[Vec<u8>],
        from_us: i64,
        wants_rows: &dyn Fn(&[u8]) -> Result<bool>,
    ) -> Result<Vec<Vec<Tile>>> {
        let found = self.redis.read_tiles(view, keys, from_us, wants_rows)?;
        assert_eq!(
            found,
            self.sqlite.read_tiles(view, keys, from_us, wants_rows)?
        );
        Ok(found)
    }

    fn remove_tiles(&self, view: &Digest, before_us: i64) -> Result<()> {
        self.redis.remove_tiles(view, before_us)?;
        self.sqlite.remove_tiles(view, before_us)
    }

    fn read(&self, view: &Digest, keys: &[Vec<u8>], now_us: i64) -> Result<Vec<Option<OnlineRow>>> {
        let found = self.redis.read(view, keys, now_us)?;
        assert_eq!(found, self.sqlite.read(view, keys, now_us)?);
        Ok(found)
    }
}
