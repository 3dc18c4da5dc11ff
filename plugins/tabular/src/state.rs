//! What the stage keeps between passes, and what its map loads.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trueline_sdk::{Error, Result, state};

use crate::{
    learn::{Fitted, Progress},
    walk::Lesson,
};

/// How far each lesson is, in the order of the steps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) entries: Vec<Entry>,
}

/// How far the lesson of a step about a column is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    step: u32,
    column: String,
    pub(crate) progress: Progress,
}

impl State {
    /// The state before pass 0.
    pub(crate) fn new(lessons: &[Lesson]) -> Self {
        let entry = |lesson: &Lesson| Entry {
            step: step_number(lesson.place.index),
            column: lesson.column.clone(),
            progress: Progress::Waiting,
        };
        Self {
            entries: lessons.iter().map(entry).collect(),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote; empty bytes are a state without entries.
    ///
    /// # Errors
    /// [`Error::Data`] if the bytes are not such a state.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            Ok(Self::default())
        } else {
            state::decode(bytes)
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        state::encode(self)
    }

    /// What was learned so far, for people: a JSON array of steps, columns and values.
    pub(crate) fn report(&self) -> Option<String> {
        let entry = |entry: &Entry| match &entry.progress {
            Progress::Learned(fitted) => Some(json!({
                "step": entry.step,
                "column": entry.column,
                "learned": fitted,
            })),
            Progress::Waiting | Progress::Learning(_) => None,
        };
        Some(Value::Array(self.entries.iter().filter_map(entry).collect()).to_string())
    }

    /// What a step has learned from a column, if it has.
    pub(crate) fn fitted(&self, step: usize, column: &str) -> Option<&Fitted> {
        let step = step_number(step);
        self.entries
            .iter()
            .find(|entry| entry.step == step && entry.column == column)
            .and_then(|entry| match &entry.progress {
                Progress::Learned(fitted) => Some(fitted),
                Progress::Waiting | Progress::Learning(_) => None,
            })
    }

    /// The entry of each lesson.
    ///
    /// # Errors
    /// [`Error::Data`] if the state is one of other lessons.
    pub(crate) fn check(&self, lessons: &[Lesson]) -> Result<()> {
        let same = |(entry, lesson): (&Entry, &Lesson)| {
            entry.step == step_number(lesson.place.index) && entry.column == lesson.column
        };
        if self.entries.len() == lessons.len() && self.entries.iter().zip(lessons).all(same) {
            Ok(())
        } else {
            Err(Error::data(
                "the state was learned with other steps; fit the stage again",
            ))
        }
    }
}

/// Steps are written by hand; there are fewer than 2^32.
fn step_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
