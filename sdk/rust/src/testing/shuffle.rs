//! Ways to cut and to shuffle rows, the same ones for the same rows.

use std::ops::Range;

/// A small generator of numbers (`SplitMix64`), so that a law that fails once fails again.
pub(super) struct Shuffler(u64);

impl Shuffler {
    /// Seeded by bytes (with FNV-1a): other rows are cut in other places.
    pub(super) fn new(seed: &[u8]) -> Self {
        let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(seed.iter().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    /// A number below `end`; 0 if `end` is 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the remainder is below a usize"
    )]
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % (end as u64).max(1)) as usize
    }

    /// Puts the items in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Cuts `rows` rows into ranges, in order. Some may be empty; without rows there may be none.
    pub(super) fn cut(&mut self, rows: usize) -> Vec<Range<usize>> {
        let longest = 1 + self.below(rows + 1);
        let mut ranges = Vec::new();
        let mut start = 0;
        while start < rows {
            let end = rows.min(start + self.below(longest + 1));
            ranges.push(start..end);
            start = end;
        }
        ranges
    }
}
