//! A tile: the rows of an entity in a stretch of time, and what is known of them together.
//!
//! Stretches begin at multiples of a width that follows from the longest window. A window takes a tile as a
//! whole if all of its rows are in it and known; else it looks at the rows. Rows stay in their tile until the
//! longest window has left it, so what a tile says can always be computed again, and a row that comes a
//! second time is recognized.

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::state::{State, Taken};
use crate::contract::{Order, window_start};
use crate::online::Tile;
use crate::row::RowDecoder;
use crate::{Error, Result};

/// How tiles are encoded. The bytes are stored: another encoding needs another number.
const FORMAT: u8 = 1;

/// The widths to choose from, in microseconds: 1 s, 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, 6 h, 1 d, 7 d.
const WIDTHS_US: [i64; 10] = [
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
    604_800_000_000,
];

/// The longest window has at least this many tiles, if it is long enough: few rows at its edge, few tiles.
const TILES: i64 = 60;

/// What is known of the rows of a tile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    format: u8,
    /// The first and the last event.
    pub(super) first_us: i64,
    pub(super) last_us: i64,
    /// From when on all rows count.
    due_us: i64,
    pub(super) states: Vec<State>,
}

/// A row of a tile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TileRow {
    pub(super) order: Order,
    /// From when on it counts.
    pub(super) due_us: i64,
    /// Its inputs, encoded.
    pub(super) inputs: Vec<u8>,
}

/// Where the tile of an instant begins.
pub(super) fn start_us(layout: &Layout, at_us: i64) -> i64 {
    let longest_us = layout.longest_us();
    let fitting = WIDTHS_US.iter().rev();
    let width_us = fitting.copied().find(|width| longest_us / width >= TILES);
    let width_us = width_us.unwrap_or(WIDTHS_US[0]);
    at_us.saturating_sub(at_us.rem_euclid(width_us))
}

impl Summary {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let summary: Self = postcard::from_bytes(bytes).map_err(|_| not_a_tile())?;
        (summary.format == FORMAT)
            .then_some(summary)
            .ok_or_else(not_a_tile)
    }

    /// Whether every window at this instant has all rows of the tile, or none.
    pub(super) fn is_whole(&self, layout: &Layout, at_us: i64) -> bool {
        let cut = |over_us: &i64| {
            let after_us = window_start(at_us, *over_us);
            self.first_us <= after_us && after_us < self.last_us
        };
        self.due_us <= at_us && !layout.windows.iter().any(cut)
    }
}

/// Adds rows to a tile, except those that it has; answers nothing if it has them all.
pub(super) fn add(layout: &Layout, tile: Option<&Tile>, rows: &[TileRow]) -> Result<Option<Tile>> {
    let (summary, mut all) = match tile {
        Some(tile) => (Some(Summary::decode(&tile.summary)?), decode_rows(tile)?),
        None => (None, Vec::new()),
    };
    let known: std::collections::BTreeSet<Order> = all.iter().map(|row| row.order).collect();
    let new = rows.iter().filter(|row| !known.contains(&row.order));
    let new: Vec<TileRow> = new.cloned().collect();
    let Some(first) = new.first() else {
        return Ok(None);
    };
    let mut summary = summary.unwrap_or_else(|| Summary {
        format: FORMAT,
        first_us: first.order.event_us,
        last_us: first.order.event_us,
        due_us: first.due_us,
        states: State::all(layout),
    });
    let taken = taken(layout, &new)?;
    for (index, row) in new.iter().enumerate() {
        taken.add(index, row.order, &mut summary.states);
        summary.first_us = summary.first_us.min(row.order.event_us);
        summary.last_us = summary.last_us.max(row.order.event_us);
        summary.due_us = summary.due_us.max(row.due_us);
    }
    all.extend(new);
    let encode = |result: postcard::Result<Vec<u8>>| result.map_err(|_| not_a_tile());
    Ok(Some(Tile {
        summary: encode(postcard::to_allocvec(&summary))?,
        rows: encode(postcard::to_allocvec(&all))?,
    }))
}

pub(super) fn decode_rows(tile: &Tile) -> Result<Vec<TileRow>> {
    postcard::from_bytes(&tile.rows).map_err(|_| not_a_tile())
}

/// Rows of tiles, as measures take them.
pub(super) fn taken<'l>(layout: &'l Layout, rows: &[TileRow]) -> Result<Taken<'l>> {
    let mut decoder = RowDecoder::new(&layout.schema(), rows.len());
    for row in rows {
        decoder.push(&row.inputs).map_err(|_| not_a_tile())?;
    }
    Taken::new(layout, &decoder.finish()?)
}

pub(super) fn not_a_tile() -> Error {
    Error::input(
        "the online store holds no tile where one should be",
        "it was changed by hand, or written by another version of the program: remove it and materialize again",
    )
}
