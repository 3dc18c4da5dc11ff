//! Ways to cut and to shuffle rows, the same ones for the same seed.

use std::ops::Range;

/// A small generator of numbers (`SplitMix64`).
pub(crate) struct Shuffler(pub(crate) u64);

impl Shuffler {
    /// A number below `end`, which is above 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % end as u64).unwrap()
    }

    /// Puts the items in random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Cuts `rows` rows into ranges, in order. Some are empty.
    pub(crate) fn cut(&mut self, rows: usize) -> Vec<Range<usize>> {
        let mut ends: Vec<usize> = (0..self.below(6)).map(|_| self.below(rows + 1)).collect();
        ends.push(rows);
        ends.sort_unstable();
        let mut start = 0;
        let ranges = ends
            .into_iter()
            .map(|end| std::mem::replace(&mut start, end)..end);
        ranges.collect()
    }
}
