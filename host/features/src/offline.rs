//! The offline store: what a feature was at any instant, for as many rows as one likes.
//!
//! The history of a view is read from the log once and sorted by entity and order, and rows that are never a
//! value are left out; every row of a spine is then a look-up of its entity and a binary search. One row out
//! per row in, in the order of the spine.

mod sorted;

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{concat, take};
use rusqlite::Connection;

pub(crate) use sorted::{Read, SortedRows};

use crate::Result;
use crate::contract::{self, Found, Knowledge, Rule};
use crate::definition::View;
use crate::key::KeyColumns;
use crate::segments::Segments;
use crate::transform::{Reading, Transforms};
use crate::windows::WindowHistory;

/// The history of a view, some of its features only.
pub(crate) struct ViewHistory {
    view: View,
    rule: Rule,
    /// Where each entity's rows are, among those sorted.
    entities: HashMap<Box<[u8]>, std::ops::Range<usize>>,
    /// From when on each row counts, and when it happened; sorted by entity and order.
    due: Vec<i64>,
    events: Vec<i64>,
    /// Where each sorted row's features are.
    rows: Vec<u32>,
    features: Vec<ArrayRef>,
    /// The rows of the log that were read.
    pub(crate) read: Read,
}

/// The features of some rows of a spine.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) features: Vec<ArrayRef>,
    pub(crate) counts: Counts,
}

/// What became of the rows of a spine, in one view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    pub found: u64,
    pub expired: u64,
    pub not_found: u64,
    /// Rows without an entity, as a join key is null.
    pub no_entity: u64,
}

/// The history of a view, of whatever kind it is.
pub(crate) enum History {
    Newest(ViewHistory),
    Windows(WindowHistory),
}

impl History {
    /// Reads the rows of a view that the log has up to a sequence number.
    pub(crate) fn load(
        connection: &Connection,
        (segments, transforms): (&Segments, &Transforms),
        view: &View,
        features: &[String],
        knowledge: Knowledge,
        until_sequence: i64,
    ) -> Result<Self> {
        if view.aggregates.is_some() {
            return WindowHistory::load(
                connection,
                segments,
                view,
                features,
                knowledge,
                until_sequence,
            )
            .map(Self::Windows);
        }
        ViewHistory::load(
            connection,
            (segments, transforms),
            view,
            features,
            knowledge,
            until_sequence,
        )
        .map(Self::Newest)
    }

    /// The features of each row of a spine at its instant.
    pub(crate) fn look_up(
        &self,
        spine: &RecordBatch,
        instants: &TimestampMicrosecondArray,
    ) -> Result<Looked> {
        match self {
            Self::Newest(history) => history.look_up(spine, instants),
            Self::Windows(history) => history.look_up(spine, instants),
        }
    }

    /// The rows of the log that were read.
    pub(crate) fn read(&self) -> &Read {
        match self {
            Self::Newest(history) => &history.read,
            Self::Windows(history) => &history.read,
        }
    }
}

impl ViewHistory {
    /// Reads the rows of a view that the log has up to a sequence number.
    pub(crate) fn load(
        connection: &Connection,
        (segments, transforms): (&Segments, &Transforms),
        view: &View,
        features: &[String],
        knowledge: Knowledge,
        until_sequence: i64,
    ) -> Result<Self> {
        let reading = Reading::new(view, Some(features), transforms)?;
        let keep = |rows: RecordBatch| reading.features(&rows);
        let columns = &reading.columns;
        let rule = view.rule(knowledge);
        let mut sorted =
            SortedRows::load(connection, segments, view, columns, until_sequence, keep)?;
        Ok(Self {
            view: view.clone(),
            rule,
            due: sorted.keep_values(rule),
            features: concatenated(&sorted.batches, &reading)?,
            entities: sorted.entities,
            events: sorted.events,
            rows: sorted.places,
            read: sorted.read,
        })
    }

    /// The features of each row of a spine at its instant.
    pub(crate) fn look_up(
        &self,
        spine: &RecordBatch,
        instants: &TimestampMicrosecondArray,
    ) -> Result<Looked> {
        let keys = KeyColumns::of_entities(&self.view.keys, spine, "the spine")?;
        let mut key = Vec::new();
        let mut counts = Counts::default();
        let mut places = Vec::with_capacity(spine.num_rows());
        for row in 0..spine.num_rows() {
            if !keys.encode(row, &mut key) {
                counts.no_entity += 1;
                places.push(None);
                continue;
            }
            let found = self.as_of(&key, instants.value(row));
            match found {
                Found::Value(_) => counts.found += 1,
                Found::Expired => counts.expired += 1,
                Found::Nothing => counts.not_found += 1,
            }
            places.push(found.value());
        }
        let places = UInt32Array::from(places);
        let features = self.features.iter();
        Ok(Looked {
            features: features
                .map(|feature| take(feature, &places, None))
                .collect::<Result<_, _>>()?,
            counts,
        })
    }

    /// Where the features of an entity at an instant are.
    fn as_of(&self, key: &[u8], at_us: i64) -> Found<u32> {
        let Some(range) = self.entities.get(key) else {
            return Found::Nothing;
        };
        let history = contract::History {
            due: &self.due[range.clone()],
            events: &self.events[range.clone()],
        };
        match self.rule.as_of(history, at_us) {
            Found::Value(index) => Found::Value(self.rows[range.start + index]),
            Found::Expired => Found::Expired,
            Found::Nothing => Found::Nothing,
        }
    }
}

/// The wanted features of all rows, in the order asked for.
fn concatenated(batches: &[RecordBatch], reading: &Reading) -> Result<Vec<ArrayRef>> {
    let empty = RecordBatch::new_empty(reading.schema().to_arrow());
    let whole = |index: usize| {
        let pieces: Vec<&dyn Array> = batches
            .iter()
            .chain(std::iter::once(&empty))
            .map(|batch| batch.column(index).as_ref())
            .collect();
        Ok(concat(&pieces)?)
    };
    (0..empty.num_columns()).map(whole).collect()
}
