//! Windows in the online store: the log's rows go into tiles, and a read puts tiles together.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use trueline_table::{DataType, Digest, Field, Schema};

use super::layout::{Layout, Output};
use super::state::{State, Value};
use super::tile::{self, Summary, TileRow};
use super::words;
use crate::Result;
use crate::contract::{Knowledge, window_start};
use crate::definition::View;
use crate::key::KeyColumns;
use crate::log::{self, LoggedRows};
use crate::online::{Tile, TilePlace};
use crate::row::{RowDecoder, RowEncoder};
use crate::store::FeatureStore;

/// Brings the tiles of a view to where the log is; answers how many rows it had not seen.
///
/// # Errors
/// If the log or the online store cannot be reached; what was written stays, and does no harm when it is
/// written again.
pub(crate) fn catch_up(store: &FeatureStore, view: &View, now_us: i64) -> Result<u64> {
    let version = view.version();
    let layout = store.layout(view, version)?;
    let cursor = store.online().cursor(&version)?;
    let entries = log::entries(&store.connection(), &view.source, cursor)?;
    let columns = with_keys(&layout.columns, view);
    let keep_from_us = tile::start_us(&layout, window_start(now_us, layout.longest_us()));
    let mut seen = 0;
    for entry in entries {
        let batches = log::read(&entry, &store.segments, &columns)?;
        let last = batches.len().saturating_sub(1);
        for (index, rows) in batches.iter().enumerate() {
            let (tiles, count) = tiles(view, &layout, rows, cursor, now_us)?;
            seen += count;
            let places: Vec<TilePlace> = tiles.keys().cloned().collect();
            let added: Vec<Vec<TileRow>> = tiles.into_values().collect();
            // The cursor moves with the last rows of an entry, never before them.
            let moved = (index == last).then_some(entry.last_sequence);
            let mut change =
                |place: usize, tile: Option<&Tile>| tile::add(&layout, tile, &added[place]);
            store
                .online()
                .change_tiles(&version, &places, &mut change, keep_from_us, moved)?;
        }
    }
    Ok(seen)
}

/// Removes what no window reads any more.
///
/// # Errors
/// If the online store cannot be reached.
pub(crate) fn prune(store: &FeatureStore, view: &View, now_us: i64) -> Result<()> {
    let version = view.version();
    let layout = store.layout(view, version)?;
    let keep_from_us = tile::start_us(&layout, window_start(now_us, layout.longest_us()));
    store.online().remove_tiles(&version, keep_from_us)
}

/// The columns that are read of a view's source: those of its aggregates, and its join keys.
pub(super) fn with_keys(columns: &Schema, view: &View) -> Schema {
    let mut columns = columns.clone();
    for key in &view.keys {
        if columns.field(&key.column).is_none() {
            columns.fields.push(Field::new(&key.column, key.data_type));
        }
    }
    columns
}

/// The rows that a window may still read, by tile, and how many rows were looked at.
fn tiles(
    view: &View,
    layout: &Layout,
    rows: &LoggedRows,
    cursor: i64,
    now_us: i64,
) -> Result<(BTreeMap<TilePlace, Vec<TileRow>>, u64)> {
    let keys = KeyColumns::of_source(&view.keys, &rows.rows, "the log")?;
    let inputs = layout.inputs(&rows.rows)?;
    let encoder = RowEncoder::new(&inputs);
    let rule = view.rule(Knowledge::AsOf);
    let after_us = window_start(now_us, layout.longest_us());
    let mut tiles: BTreeMap<TilePlace, Vec<TileRow>> = BTreeMap::new();
    let mut seen = 0;
    let mut key = Vec::new();
    for row in 0..rows.rows.num_rows() {
        let order = rows.order(row);
        if order.sequence <= cursor || !keys.encode(row, &mut key) {
            continue;
        }
        seen += 1;
        if order.event_us <= after_us {
            continue;
        }
        let place = TilePlace {
            key: key.clone(),
            start_us: tile::start_us(layout, order.event_us),
        };
        tiles.entry(place).or_default().push(TileRow {
            order,
            due_us: rule.due_us(order.event_us, rows.known_us(row)),
            inputs: encoder.encode(row),
        });
    }
    Ok((tiles, seen))
}

/// The features of entities at an instant.
#[derive(Debug)]
pub(crate) struct Read {
    /// All features of the view.
    pub(crate) rows: RecordBatch,
    /// When the last row in the longest window happened.
    pub(crate) event_us: Vec<Option<i64>>,
}

/// Reads the windows of entities; one that is none has nulls.
///
/// # Errors
/// If the online store cannot be reached, or holds something else.
pub(crate) fn read(
    store: &FeatureStore,
    view: &View,
    version: Digest,
    entities: &[Option<Vec<u8>>],
    now_us: i64,
) -> Result<Read> {
    let layout = store.layout(view, version)?;
    let from_us = tile::start_us(&layout, window_start(now_us, layout.longest_us()));
    let wants_rows = |summary: &[u8]| Ok(!Summary::decode(summary)?.is_whole(&layout, now_us));
    let keys: Vec<Vec<u8>> = entities.iter().flatten().cloned().collect();
    let mut found = store
        .online()
        .read_tiles(&version, &keys, from_us, &wants_rows)?
        .into_iter();
    let (mut values, mut event_us) = (Vec::with_capacity(entities.len()), Vec::new());
    for entity in entities {
        let tiles = entity.as_ref().and_then(|_| found.next());
        match tiles {
            None => {
                values.push(None);
                event_us.push(None);
            }
            Some(tiles) => {
                let (states, last_us) = gather(&layout, &tiles, now_us)?;
                let value = |output: &Output| states[output.window][output.measure].value(output);
                values.push(Some(layout.outputs.iter().map(value).collect()));
                event_us.push(last_us);
            }
        }
    }
    let columns = layout.outputs.iter().enumerate();
    let columns = columns.map(|(index, output)| column(output.data_type, index, &values));
    let columns = columns.collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(entities.len()));
    let schema = view.schema().to_arrow();
    Ok(Read {
        rows: RecordBatch::try_new_with_options(schema, columns, &options)?,
        event_us,
    })
}

/// What is known of each window, and the last event in the longest.
fn gather(layout: &Layout, tiles: &[Tile], at_us: i64) -> Result<(Vec<Vec<State>>, Option<i64>)> {
    // What belongs to a window and to no shorter one; the longer ones have it as well.
    let mut windows = vec![State::all(layout); layout.windows.len()];
    let mut last_us: Option<i64> = None;
    let shortest = |event_us: i64| {
        let out = |over_us: &i64| event_us <= window_start(at_us, *over_us);
        layout.windows.partition_point(out)
    };
    for tile in tiles {
        let summary = Summary::decode(&tile.summary)?;
        if summary.is_whole(layout, at_us) {
            if let Some(window) = windows.get_mut(shortest(summary.last_us)) {
                merge(window, &summary.states);
                last_us = last_us.max(Some(summary.last_us));
            }
            continue;
        }
        let rows = tile::decode_rows(tile)?;
        let taken = tile::taken(layout, &rows)?;
        for (index, row) in rows.iter().enumerate() {
            if row.due_us <= at_us
                && let Some(window) = windows.get_mut(shortest(row.order.event_us))
            {
                taken.add(index, row.order, window);
                last_us = last_us.max(Some(row.order.event_us));
            }
        }
    }
    for longer in 1..windows.len() {
        let (shorter, rest) = windows.split_at_mut(longer);
        merge(&mut rest[0], &shorter[longer - 1]);
    }
    Ok((windows, last_us))
}

fn merge(states: &mut [State], others: &[State]) {
    for (state, other) in states.iter_mut().zip(others) {
        state.merge(other);
    }
}

/// One feature of all entities.
fn column(data_type: DataType, feature: usize, values: &[Option<Vec<Value>>]) -> Result<ArrayRef> {
    let of_row = |row: &Option<Vec<Value>>| row.as_ref().map(|values| values[feature].clone());
    let is_encoded = |row: &Option<Vec<Value>>| matches!(of_row(row), Some(Value::Encoded(_)));
    if !values.iter().any(is_encoded) {
        let word = |row| match of_row(row) {
            Some(Value::Word(word)) => word,
            _ => None,
        };
        if values.iter().all(Option::is_none) {
            return Ok(new_null_array(&data_type.to_arrow(), values.len()));
        }
        return Ok(words::column(data_type, values.iter().map(word)));
    }
    let schema = Schema::new([Field::new("value", data_type)]);
    let mut decoder = RowDecoder::new(&schema, values.len());
    for row in values {
        match of_row(row) {
            Some(Value::Encoded(Some(bytes))) => {
                decoder.push(&bytes).map_err(|_| tile::not_a_tile())?;
            }
            _ => decoder.push_nulls(),
        }
    }
    Ok(decoder.finish()?.column(0).clone())
}
