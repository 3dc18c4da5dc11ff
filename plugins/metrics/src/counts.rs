//! How often each distinct prediction was seen: all that the metrics of a classification need.

use trueline_sdk::prelude::*;

use crate::rows::Row;

/// Rows that are the same but for their label.
///
/// Predictions and weights are kept by their bits: both are never negative, so bits sort as the
/// numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Entry {
    prediction: u64,
    weight: u64,
    /// Rows with either label.
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
}

impl Entry {
    pub(crate) fn prediction(&self) -> f64 {
        f64::from_bits(self.prediction)
    }

    pub(crate) fn weight(&self) -> f64 {
        f64::from_bits(self.weight)
    }
}

/// Counts of entries, in any order of rows.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Sorted, each prediction and weight once.
    sorted: Vec<Entry>,
    /// As they came.
    recent: Vec<Entry>,
}

/// Sorting fewer would cost more than it frees.
const FEWEST_TO_SORT: usize = 4096;

impl Counts {
    /// Counts a row of a classification.
    pub(crate) fn add(&mut self, row: Row) {
        let is_positive = row.label == 1.0;
        self.push(Entry {
            // Adding zero turns -0.0 into 0.0.
            prediction: (row.prediction + 0.0).to_bits(),
            weight: (row.weight + 0.0).to_bits(),
            positives: u64::from(is_positive),
            negatives: u64::from(!is_positive),
        });
    }

    /// Adds what another instance counted.
    pub(crate) fn merge(&mut self, entries: Vec<Entry>) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }

    /// Every distinct pair of prediction and weight, sorted.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        combined(&self.sorted, &self.recent)
    }

    /// Sorting when the new are as many as the sorted keeps the cost at log n a row.
    fn push(&mut self, entry: Entry) {
        self.recent.push(entry);
        if self.recent.len() >= self.sorted.len().max(FEWEST_TO_SORT) {
            self.sorted = combined(&self.sorted, &self.recent);
            self.recent.clear();
        }
    }
}

fn combined(sorted: &[Entry], recent: &[Entry]) -> Vec<Entry> {
    let mut all = [sorted, recent].concat();
    all.sort_unstable();
    all.dedup_by(|later, first| {
        let same = (later.prediction, later.weight) == (first.prediction, first.weight);
        if same {
            first.positives += later.positives;
            first.negatives += later.negatives;
        }
        same
    });
    all
}
