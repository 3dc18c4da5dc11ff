//! The rows of a view as the log has them, sorted by entity and the contract's order.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use rusqlite::Connection;
use trueline_table::{Digest, Schema};

use crate::contract::{Order, Rule, Succession};
use crate::definition::View;
use crate::key::KeyColumns;
use crate::log::{self, Content};
use crate::segments::Segments;
use crate::{Error, Result};

/// The rows of a view, and where those of each entity are.
pub(crate) struct SortedRows {
    pub(crate) entities: HashMap<Box<[u8]>, Range<usize>>,
    /// When each row happened, and was known.
    pub(crate) events: Vec<i64>,
    pub(crate) known: Vec<i64>,
    /// Where each sorted row is among the batches' rows.
    pub(crate) places: Vec<u32>,
    /// In the order of the log.
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) read: Read,
}

/// What was read of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub(crate) segments: Vec<Digest>,
    pub(crate) last_sequence: i64,
    pub(crate) rows: usize,
}

/// Entity, order, when it was known, place.
type Logged = (u32, Order, i64, u32);

impl SortedRows {
    /// Reads these columns, join keys among them, of the rows that the log has up to a sequence number. What of
    /// a batch is kept, `keep` says.
    pub(crate) fn load(
        connection: &Connection,
        segments: &Segments,
        view: &View,
        columns: &Schema,
        until_sequence: i64,
        keep: impl Fn(RecordBatch) -> Result<RecordBatch>,
    ) -> Result<Self> {
        let mut entities: HashMap<Box<[u8]>, u32> = HashMap::new();
        let mut logged: Vec<Logged> = Vec::new();
        let mut batches = Vec::new();
        let mut read = Read::default();
        let mut key = Vec::new();
        let mut start: u32 = 0;
        for entry in log::entries(connection, &view.source, 0)? {
            if entry.first_sequence > until_sequence {
                continue;
            }
            if let Content::Segment(digest) = &entry.content {
                read.segments.push(*digest);
            }
            for rows in log::read(&entry, segments, columns)? {
                let keys = KeyColumns::of_source(&view.keys, &rows.rows, "the log")?;
                for row in 0..rows.rows.num_rows() {
                    let order = rows.order(row);
                    if order.sequence > until_sequence || !keys.encode(row, &mut key) {
                        continue;
                    }
                    read.last_sequence = read.last_sequence.max(order.sequence);
                    let next = count(entities.len(), view)?;
                    let entity = match entities.get(key.as_slice()) {
                        Some(entity) => *entity,
                        None => *entities.entry(key.as_slice().into()).or_insert(next),
                    };
                    let place = start + count(row, view)?;
                    logged.push((entity, order, rows.known_us(row), place));
                }
                start = start
                    .checked_add(count(rows.rows.num_rows(), view)?)
                    .ok_or_else(|| too_many(view))?;
                batches.push(keep(rows.rows)?);
            }
        }
        read.rows = logged.len();
        logged.sort_unstable_by_key(|(entity, order, _, _)| (*entity, *order));
        let orders = logged.iter().map(|(_, order, _, _)| order.event_us);
        Ok(Self {
            events: orders.collect(),
            known: logged.iter().map(|(_, _, known, _)| *known).collect(),
            places: logged.iter().map(|(_, _, _, place)| *place).collect(),
            entities: ranges(entities, &logged),
            batches,
            read,
        })
    }

    /// Leaves out the rows that are never the value of their entity; answers from when on each that stays
    /// counts. When a row was known is of no use after that.
    pub(crate) fn keep_values(&mut self, rule: Rule) -> Vec<i64> {
        let mut due = std::mem::take(&mut self.known);
        let mut ranges: Vec<&mut Range<usize>> = self.entities.values_mut().collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut kept = 0;
        for range in ranges {
            // From the greatest down, those that stay gather at the end of their entity's rows.
            let mut first = range.end;
            let mut succession = Succession::default();
            for row in range.clone().rev() {
                let due_us = rule.due_us(self.events[row], due[row]);
                if succession.keeps(due_us) {
                    first -= 1;
                    due[first] = due_us;
                    self.events[first] = self.events[row];
                    self.places[first] = self.places[row];
                }
            }
            due.copy_within(first..range.end, kept);
            self.events.copy_within(first..range.end, kept);
            self.places.copy_within(first..range.end, kept);
            let count = range.end - first;
            *range = kept..kept + count;
            kept += count;
        }
        due.truncate(kept);
        self.events.truncate(kept);
        self.places.truncate(kept);
        due
    }
}

fn ranges(
    entities: HashMap<Box<[u8]>, u32>,
    logged: &[Logged],
) -> HashMap<Box<[u8]>, Range<usize>> {
    let mut starts = vec![0; entities.len() + 1];
    for (entity, ..) in logged {
        starts[*entity as usize + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let range = |entity: u32| starts[entity as usize]..starts[entity as usize + 1];
    // From map to map: no order gets out.
    entities
        .into_iter()
        .map(|(key, entity)| (key, range(entity)))
        .collect()
}

fn count(number: usize, view: &View) -> Result<u32> {
    u32::try_from(number).map_err(|_| too_many(view))
}

fn too_many(view: &View) -> Error {
    Error::input(
        format!("view `{}` has more than {} rows", view.name, u32::MAX),
        "split its source, or keep less history",
    )
}
