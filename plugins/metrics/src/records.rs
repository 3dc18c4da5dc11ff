//! How often each distinct row was seen: all that any metric needs, and the same in any order of rows.

use trueline_sdk::prelude::*;

/// Rows of equally many 64-bit words, each distinct one once, with its count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Records {
    /// Words in a record, without the count.
    width: usize,
    /// Sorted, each record once: its words, then how often it was seen.
    sorted: Vec<u64>,
    /// As they came.
    recent: Vec<u64>,
}

/// Sorting fewer would cost more than it frees.
const FEWEST_TO_SORT: usize = 4096;

impl Records {
    /// None yet, of so many words each.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            sorted: Vec::new(),
            recent: Vec::new(),
        }
    }

    /// Counts a record so many times more.
    pub(crate) fn add(&mut self, words: &[u64], count: u64) {
        debug_assert_eq!(words.len(), self.width);
        self.recent.extend_from_slice(words);
        self.recent.push(count);
        // Sorting when the new are as many as the sorted keeps the cost at log n a row.
        if self.recent.len() >= self.sorted.len().max(FEWEST_TO_SORT) {
            self.settle();
        }
    }

    /// Adds what another counted. The widths must be equal.
    pub(crate) fn merge(&mut self, other: &Self) {
        let width = self.width;
        for records in [&other.sorted, &other.recent] {
            for record in records.chunks_exact(width + 1) {
                self.add(&record[..width], record[width]);
            }
        }
    }

    /// Every distinct record and its count, sorted by words.
    pub(crate) fn iter(&mut self) -> impl Iterator<Item = (&[u64], u64)> {
        self.settle();
        let width = self.width;
        self.sorted
            .chunks_exact(width + 1)
            .map(move |record| (&record[..width], record[width]))
    }

    /// The same records with their words changed.
    pub(crate) fn map(mut self, change: impl Fn(&mut [u64])) -> Self {
        let mut changed = Self::new(self.width);
        let mut words = Vec::with_capacity(self.width);
        for (record, count) in self.iter() {
            words.clear();
            words.extend_from_slice(record);
            change(&mut words);
            changed.add(&words, count);
        }
        changed
    }

    /// Sorts and counts what is recent.
    fn settle(&mut self) {
        if self.recent.is_empty() {
            return;
        }
        let width = self.width;
        let mut all: Vec<&[u64]> = self
            .sorted
            .chunks_exact(width + 1)
            .chain(self.recent.chunks_exact(width + 1))
            .collect();
        all.sort_unstable();
        let mut sorted: Vec<u64> = Vec::with_capacity(self.sorted.len());
        for record in all {
            let last = sorted.len().checked_sub(width + 1);
            match last {
                Some(last) if sorted[last..last + width] == record[..width] => {
                    sorted[last + width] += record[width];
                }
                _ => sorted.extend_from_slice(record),
            }
        }
        self.sorted = sorted;
        self.recent.clear();
    }
}

/// A number as a word: both zeros are one, and numbers from 0 on sort as they do.
pub(crate) fn word(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_in_any_order() {
        let rows: Vec<[u64; 2]> = (0..10_000).map(|i| [i * 7 % 5, i % 3]).collect();
        let mut forward = Records::new(2);
        rows.iter().for_each(|row| forward.add(row, 1));
        let (mut left, mut right) = (Records::new(2), Records::new(2));
        rows[..3000].iter().rev().for_each(|row| left.add(row, 1));
        rows[3000..].iter().for_each(|row| right.add(row, 1));
        right.merge(&left);
        let all = |records: &mut Records| {
            records
                .iter()
                .map(|(words, count)| (words.to_vec(), count))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(&mut forward), all(&mut right));
        assert_eq!(all(&mut forward).len(), 15);
        let swapped = all(&mut forward.clone().map(|words| words.swap(0, 1)));
        assert_eq!(swapped.len(), 15);
        assert_eq!(swapped.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    }
}
