//! Windows in the offline store: what they were at the instants of a spine.

use std::collections::HashMap;
use std::ops::Range;
use std::thread;

use arrow::array::{
    Array, ArrayRef, RecordBatch, TimestampMicrosecondArray, UInt32Array, new_empty_array,
};
use arrow::compute::{concat, take};
use rusqlite::Connection;

use super::layout::{Layout, Measure};
use super::online::with_keys;
use super::sweep::{Rows, Sliding, sweep};
use super::words::{self, Words};
use crate::Result;
use crate::contract::Knowledge;
use crate::definition::View;
use crate::key::KeyColumns;
use crate::offline::{Counts, Looked, Read, SortedRows};
use crate::segments::Segments;

/// The history of a view with aggregates, some of its features only.
pub(crate) struct WindowHistory {
    view: View,
    layout: Layout,
    entities: HashMap<Box<[u8]>, Range<usize>>,
    /// When each row happened, and from when on it counts; sorted by entity and order.
    events: Vec<i64>,
    dues: Vec<i64>,
    /// For each entity its rows, counted from its first, by when they begin to count.
    by_due: Vec<u32>,
    /// For each measure, what it takes of each row.
    words: Vec<Words>,
    /// For each measure of a first or last value, the values, and where each row's is.
    values: Vec<Option<ArrayRef>>,
    places: Vec<u32>,
    pub(crate) read: Read,
}

/// A thread has at least so many instants to answer.
const LEAST_SHARE: usize = 1024;

/// An instant that is asked for: of whom, by the range of their rows, when, and by which row of the spine.
type Asked = (usize, usize, i64, u32);

impl WindowHistory {
    /// Reads the rows of a view that the log has up to a sequence number.
    pub(crate) fn load(
        connection: &Connection,
        segments: &Segments,
        view: &View,
        features: &[String],
        knowledge: Knowledge,
        until_sequence: i64,
    ) -> Result<Self> {
        let layout = Layout::new(view, Some(features))?;
        let columns = with_keys(&layout.columns, view);
        // Only what measures take is kept, so that an expression's columns need not be.
        let inputs = |rows: RecordBatch| layout.inputs(&rows);
        let sorted =
            SortedRows::load(connection, segments, view, &columns, until_sequence, inputs)?;
        let (mut all_words, mut values) = (Vec::new(), Vec::new());
        for (measure, (kind, input)) in layout.measures.iter().enumerate() {
            let column = match (input, layout.input_type(measure)) {
                (Some(input), Some(data_type)) => {
                    let empty = new_empty_array(&data_type.to_arrow());
                    let batches = sorted.batches.iter();
                    let mut pieces: Vec<&dyn Array> =
                        batches.map(|batch| batch.column(*input).as_ref()).collect();
                    pieces.push(&empty);
                    Some(concat(&pieces)?)
                }
                _ => None,
            };
            let rows = sorted.batches.iter().map(RecordBatch::num_rows).sum();
            all_words.push(Words::of(*kind, column.as_ref(), rows)?.take(&sorted.places));
            let is_row = matches!(kind, Measure::First | Measure::Last);
            values.push(column.filter(|_| is_row));
        }
        let rule = view.rule(knowledge);
        let times = sorted.events.iter().zip(&sorted.known);
        let dues: Vec<i64> = times
            .map(|(event_us, known_us)| rule.due_us(*event_us, *known_us))
            .collect();
        Ok(Self {
            by_due: by_due(&sorted.entities, &dues),
            view: view.clone(),
            layout,
            entities: sorted.entities,
            events: sorted.events,
            dues,
            words: all_words,
            values,
            places: sorted.places,
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
        // Rows of unknown entities have empty windows; those of no entity have nulls.
        let (mut asked, mut unknown): (Vec<Asked>, Vec<u32>) = (Vec::new(), Vec::new());
        let rows = u32::try_from(spine.num_rows()).unwrap_or(u32::MAX);
        for row in 0..rows {
            if !keys.encode(row as usize, &mut key) {
                counts.no_entity += 1;
                continue;
            }
            match self.entities.get(key.as_slice()) {
                Some(range) => {
                    let at_us = instants.value(row as usize);
                    asked.push((range.start, range.end, at_us, row));
                }
                None => unknown.push(row),
            }
        }
        asked.sort_unstable();
        let mut columns = vec![vec![None; spine.num_rows()]; self.layout.outputs.len()];
        let mut answered = asked.iter();
        for answers in self.on_threads(&asked) {
            counts.found += answers.found;
            for (index, (.., row)) in answered.by_ref().take(answers.count).enumerate() {
                for (column, answers) in columns.iter_mut().zip(&answers.columns) {
                    column[*row as usize] = answers[index];
                }
            }
        }
        counts.not_found = (asked.len() + unknown.len()) as u64 - counts.found;
        let nothing = self.nothing();
        for row in unknown {
            for (column, nothing) in columns.iter_mut().zip(&nothing) {
                column[row as usize] = *nothing;
            }
        }
        let outputs = self.layout.outputs.iter().zip(columns);
        let features = outputs.map(|(output, answers)| {
            let Some(values) = &self.values[output.measure] else {
                return Ok(words::column(output.data_type, answers.into_iter()));
            };
            let place = |answer: Option<i64>| u32::try_from(answer?).ok();
            let places: UInt32Array = answers.into_iter().map(place).collect();
            Ok(take(values, &places, None)?)
        });
        Ok(Looked {
            features: features.collect::<Result<_>>()?,
            counts,
        })
    }

    /// The features at instants that are sorted by entity and time, in parts that follow one another. Entities
    /// do not know of each other, so threads change nothing.
    fn on_threads(&self, asked: &[Asked]) -> Vec<Answers> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = asked.len().div_ceil(threads).max(LEAST_SHARE);
        let mut parts = Vec::new();
        let mut rest = asked;
        while let Some((entity, ..)) = rest.get(share.min(rest.len()).saturating_sub(1)) {
            let end = rest.partition_point(|(other, ..)| other <= entity);
            let (part, others) = rest.split_at(end);
            parts.push(part);
            rest = others;
        }
        match parts.as_slice() {
            [] => Vec::new(),
            [only] => vec![self.answers(only)],
            parts => thread::scope(|scope| {
                let parts = parts.iter().copied();
                let begun = parts.map(|part| scope.spawn(move || self.answers(part)));
                let begun: Vec<_> = begun.collect();
                let end = |thread: thread::ScopedJoinHandle<'_, Answers>| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                begun.into_iter().map(end).collect()
            }),
        }
    }

    /// What the features are in an empty window.
    fn nothing(&self) -> Vec<Option<i64>> {
        let outputs = self.layout.outputs.iter();
        let nothing = outputs.map(|output| self.sliding(output.measure).value(output));
        nothing.collect()
    }

    fn sliding(&self, measure: usize) -> Sliding {
        Sliding::new(&self.layout, measure, &self.words[measure])
    }

    /// The features at instants that are sorted by entity and time.
    fn answers(&self, asked: &[Asked]) -> Answers {
        let mut answers = Answers {
            count: asked.len(),
            columns: vec![vec![None; asked.len()]; self.layout.outputs.len()],
            found: 0,
        };
        let measures = 0..self.words.len();
        let empty: Vec<Sliding> = measures.map(|measure| self.sliding(measure)).collect();
        let mut before = 0;
        for asked in asked.chunk_by(|one, next| one.0 == next.0) {
            for window in 0..self.layout.windows.len() {
                self.answer(asked, before, window, &empty, &mut answers);
            }
            before += asked.len();
        }
        answers
    }

    /// The features over one window, at the instants of one entity.
    fn answer(
        &self,
        asked: &[Asked],
        before: usize,
        window: usize,
        empty: &[Sliding],
        answers: &mut Answers,
    ) {
        let Some(&(start, end, ..)) = asked.first() else {
            return;
        };
        let rows = Rows {
            events: &self.events[start..end],
            dues: &self.dues[start..end],
            by_due: &self.by_due[start..end],
        };
        let outputs = self.layout.outputs.iter().enumerate();
        let outputs = outputs.filter(|(_, output)| output.window == window);
        let outputs: Vec<_> = outputs.collect();
        let mut measures: Vec<usize> = outputs.iter().map(|(_, output)| output.measure).collect();
        measures.sort_unstable();
        measures.dedup();
        let states = measures
            .iter()
            .map(|measure| (*measure, empty[*measure].clone()));
        let mut states: Vec<(usize, Sliding)> = states.collect();
        let word = |measure: usize, row: u32| self.words[measure].get(start + row as usize);
        let is_longest = window + 1 == self.layout.windows.len();
        sweep(
            rows,
            self.layout.windows[window],
            asked.iter().map(|(_, _, at_us, _)| *at_us),
            &mut states,
            |states, row| {
                for (measure, state) in states {
                    if let Some(word) = word(*measure, row) {
                        state.enter(row, word);
                    }
                }
            },
            |states, row| {
                for (measure, state) in states {
                    if let Some(word) = word(*measure, row) {
                        state.leave(row, word);
                    }
                }
            },
            |states, index, count| {
                answers.found += u64::from(is_longest && count > 0);
                for (place, output) in &outputs {
                    let state = states
                        .iter()
                        .find(|(measure, _)| *measure == output.measure);
                    let value = state.and_then(|(_, state)| state.value(output));
                    let value = match self.values[output.measure] {
                        // A row of the entity, as the place of its value.
                        Some(_) => value.and_then(|row| {
                            let row = start + usize::try_from(row).ok()?;
                            Some(i64::from(self.places[row]))
                        }),
                        None => value,
                    };
                    answers.columns[*place][before + index] = value;
                }
            },
        );
    }
}

/// What was asked for, in that order.
struct Answers {
    count: usize,
    /// One for each output.
    columns: Vec<Vec<Option<i64>>>,
    /// How many instants have rows in the longest window.
    found: u64,
}

/// The rows of each entity, counted from its first, by when they begin to count.
fn by_due(entities: &HashMap<Box<[u8]>, Range<usize>>, dues: &[i64]) -> Vec<u32> {
    let mut sorted = vec![0; dues.len()];
    // Each entity has a range of its own: no order gets out.
    #[expect(clippy::iter_over_hash_type, reason = "ranges do not overlap")]
    for range in entities.values() {
        let rows = &mut sorted[range.clone()];
        let dues = &dues[range.clone()];
        for (place, row) in rows.iter_mut().zip(0..) {
            *place = row;
        }
        rows.sort_by_key(|row| dues[*row as usize]);
    }
    sorted
}
