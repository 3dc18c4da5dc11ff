//! Tiles in Redis. Each entity has two hashes, of summaries and of rows, by when its tiles begin; and the view
//! has a set of the entities that have any. Both values of a tile begin with its version, eight bytes that
//! change with it: a tile is written only if it has the version that was read, and rows that are read belong to
//! the summary that was.

use std::sync::LazyLock;

use redis::{Script, ScriptInvocation};
use trueline_table::Digest;

use super::{RedisOnline, number, ordered};
use crate::online::{ChangeTile, Tile, TilePlace};
use crate::{Error, Result};

/// Tiles, or entities, of one script's run.
const AT_ONCE: usize = 500;
const VERSION_BYTES: usize = 8;

macro_rules! script {
    ($($file:literal),+) => {
        LazyLock::new(|| Script::new(concat!($(include_str!($file)),+)))
    };
}

static FIND: LazyLock<Script> = script!("find_tiles.lua");
static CHANGE: LazyLock<Script> = script!("prune.lua", "change_tiles.lua");
static SUMMARIES: LazyLock<Script> = script!("summaries.lua");
static REMOVE: LazyLock<Script> = script!("prune.lua", "remove_tiles.lua");

/// A tile with its version.
type Versioned = (i64, Tile);

pub(super) fn change(
    store: &RedisOnline,
    view: &Digest,
    places: &[TilePlace],
    change: &mut ChangeTile<'_>,
    keep_from_us: i64,
    cursor: Option<i64>,
) -> Result<()> {
    let seen = store.seen(view)?;
    let mut pieces = places.chunks(AT_ONCE).peekable();
    let mut before = 0;
    loop {
        let piece = pieces.next().unwrap_or_default();
        let is_last = pieces.peek().is_none();
        let mut open: Vec<usize> = (before..before + piece.len()).collect();
        loop {
            let wanted: Vec<&TilePlace> = open.iter().map(|&place| &places[place]).collect();
            let found = find(store, view, &wanted)?;
            let mut call = CHANGE.prepare_invoke();
            call.key(store.key(view, "rows"))
                .key(store.key(view, "entities"));
            call.arg(seen.epoch);
            // The cursor goes with the last of the tiles.
            call.arg(cursor.filter(|_| is_last).unwrap_or(-1));
            call.arg(&ordered(keep_from_us)[..]);
            for (&place, known) in open.iter().zip(&found) {
                let TilePlace { key, start_us } = &places[place];
                keys(&mut call, store, view, key);
                call.arg(&ordered(*start_us)[..]);
                let version = known.as_ref().map(|(version, _)| *version);
                call.arg(
                    version
                        .map(|version| ordered(version).to_vec())
                        .unwrap_or_default(),
                );
                let next = ordered(version.unwrap_or(0).wrapping_add(1));
                match change(place, known.as_ref().map(|(_, tile)| tile))? {
                    Some(tile) => call
                        .arg([&next[..], &tile.summary].concat())
                        .arg([&next[..], &tile.rows].concat()),
                    None => call.arg("").arg(""),
                };
                call.arg(key);
            }
            let (refused, _) = store.run::<Option<Vec<usize>>>(&call, Some(&seen.server))?;
            let refused = refused.ok_or_else(|| store.lost())?;
            open = refused
                .iter()
                .filter_map(|&index| open.get(index).copied())
                .collect();
            if open.is_empty() {
                break;
            }
        }
        before += piece.len();
        if is_last {
            return Ok(());
        }
    }
}

pub(super) fn read(
    store: &RedisOnline,
    view: &Digest,
    entities: &[Vec<u8>],
    from_us: i64,
    wants_rows: &dyn Fn(&[u8]) -> Result<bool>,
) -> Result<Vec<Vec<Tile>>> {
    let mut call = SUMMARIES.prepare_invoke();
    for entity in entities {
        call.key(tile_key(store, view, "summaries", entity));
    }
    loop {
        let (found, _) = store.run::<Vec<Vec<Vec<u8>>>>(&call, None)?;
        let mut all = Vec::with_capacity(entities.len());
        let mut wanted = Vec::new();
        for (entity, pairs) in entities.iter().zip(found) {
            let mut tiles = Vec::with_capacity(pairs.len() / 2);
            for pair in pairs.chunks_exact(2) {
                let start_us = number(&pair[0]).ok_or_else(|| foreign(store))?;
                if start_us >= from_us {
                    tiles.push((start_us, versioned(store, &pair[1])?));
                }
            }
            tiles.sort_by_key(|(start_us, _)| *start_us);
            for (start_us, (_, summary)) in &tiles {
                if wants_rows(summary)? {
                    wanted.push(TilePlace {
                        key: entity.clone(),
                        start_us: *start_us,
                    });
                }
            }
            all.push(tiles);
        }
        let places: Vec<&TilePlace> = wanted.iter().collect();
        let mut rows = places.iter().zip(find(store, view, &places)?).peekable();
        let mut is_one_state = true;
        let mut read = Vec::with_capacity(all.len());
        for (entity, tiles) in entities.iter().zip(all) {
            let mut whole = Vec::with_capacity(tiles.len());
            for (start_us, (version, summary)) in tiles {
                let is_it = |place: &TilePlace| place.key == *entity && place.start_us == start_us;
                let mut tile = Tile {
                    summary,
                    rows: Vec::new(),
                };
                if let Some((_, found)) = rows.next_if(|(place, _)| is_it(place)) {
                    match found {
                        Some((its_version, found)) if its_version == version => tile = found,
                        // It was changed in between the two reads.
                        _ => is_one_state = false,
                    }
                }
                whole.push(tile);
            }
            read.push(whole);
        }
        if is_one_state {
            return Ok(read);
        }
    }
}

pub(super) fn remove(store: &RedisOnline, view: &Digest, before_us: i64) -> Result<()> {
    let mut all = REMOVE_LIST.prepare_invoke();
    all.key(store.key(view, "entities"));
    let (entities, _) = store.run::<Vec<Vec<u8>>>(&all, None)?;
    for piece in entities.chunks(AT_ONCE) {
        let mut call = REMOVE.prepare_invoke();
        call.key(store.key(view, "entities"));
        call.arg(&ordered(before_us)[..]);
        for entity in piece {
            keys(&mut call, store, view, entity);
            call.arg(entity);
        }
        store.run::<()>(&call, None)?;
    }
    Ok(())
}

static REMOVE_LIST: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('SMEMBERS', KEYS[1])"));

/// The tiles at these places.
fn find(
    store: &RedisOnline,
    view: &Digest,
    places: &[&TilePlace],
) -> Result<Vec<Option<Versioned>>> {
    let mut tiles = Vec::with_capacity(places.len());
    for piece in places.chunks(AT_ONCE) {
        let mut call = FIND.prepare_invoke();
        for place in piece {
            keys(&mut call, store, view, &place.key);
            call.arg(&ordered(place.start_us)[..]);
        }
        let (found, _) = store.run::<Vec<Option<Vec<u8>>>>(&call, None)?;
        for pair in found.chunks_exact(2) {
            let tile = match (&pair[0], &pair[1]) {
                (Some(summary), Some(rows)) => {
                    let (version, summary) = versioned(store, summary)?;
                    let (_, rows) = versioned(store, rows)?;
                    Some((version, Tile { summary, rows }))
                }
                _ => None,
            };
            tiles.push(tile);
        }
    }
    Ok(tiles)
}

/// The hashes of an entity's tiles.
fn keys(call: &mut ScriptInvocation<'_>, store: &RedisOnline, view: &Digest, entity: &[u8]) {
    call.key(tile_key(store, view, "summaries", entity));
    call.key(tile_key(store, view, "tile-rows", entity));
}

fn tile_key(store: &RedisOnline, view: &Digest, what: &str, entity: &[u8]) -> Vec<u8> {
    [store.key(view, what).as_bytes(), b":", entity].concat()
}

fn versioned(store: &RedisOnline, bytes: &[u8]) -> Result<(i64, Vec<u8>)> {
    let split = bytes.split_at_checked(VERSION_BYTES);
    let split = split.and_then(|(version, rest)| Some((number(version)?, rest.to_vec())));
    split.ok_or_else(|| foreign(store))
}

fn foreign(store: &RedisOnline) -> Error {
    Error::Online {
        address: store.address.to_string(),
        problem: "it holds what the feature store has not written".to_owned(),
    }
}
