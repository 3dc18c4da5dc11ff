//! Histograms from what is rare.
//!
//! Of many a feature most rows are in the same bin: of a one-hot column, nearly all. Where sums are
//! [exact](Units), the sum of that bin is what the feature's others leave of the sum of all rows. So a
//! row is added to the slots alone that are not the common ones of their features, and in whole numbers,
//! which need no care for NaN.

use std::hint::black_box;

use super::{Gradient, Sum, lanes::Whole, unit::Units};
use crate::bins::{Bin, Layout};

/// Slots that are kept in one word.
const PER_WORD: usize = 4;
/// Bits of a slot.
const BITS: usize = 16;
/// Numbers that a slot can have.
const SLOTS: usize = 1 << BITS;
/// Rows that are looked at before the first of them is added: so the waits for memory overlap. The rows
/// of a small node are far from each other.
const FETCHED: usize = 32;
const NOTHING: Whole = Whole::NOTHING;

/// The slots of every row that are not the common ones of their features.
#[derive(Debug)]
pub(crate) struct RareSlots {
    /// The slot of each feature that most rows have.
    common: Vec<usize>,
    /// Words per row.
    width: usize,
    /// Row by row. The last ones are filled up with numbers that are no slot's, each place with another
    /// one, so that no addition waits for the one before.
    words: Vec<u64>,
    /// Where the numbers that are no slot's begin.
    fillers: usize,
}

impl RareSlots {
    /// From the bins of all rows, row by row. Not if the rows have too many rare slots: at most three
    /// quarters of the features are worth their memory.
    pub(crate) fn new<B: Bin>(by_row: &[B], layout: &Layout) -> Option<Self> {
        let offsets = layout.offsets();
        let fillers = layout.slot_count();
        let rows = by_row.chunks_exact(offsets.len().max(1));
        let mut counts = vec![0u32; layout.slot_count()];
        for row in rows.clone() {
            for (&bin, &offset) in row.iter().zip(offsets) {
                counts[offset + usize::from(bin.into())] += 1;
            }
        }
        let most = |feature| {
            let slots = layout.slots(feature);
            slots.rev().max_by_key(|&slot| counts[slot])
        };
        let common = (0..offsets.len()).map(most).collect::<Option<Vec<_>>>()?;
        let places = || offsets.iter().zip(&common);
        let count = |row: &[B]| {
            let bins = row.iter().zip(places());
            bins.filter(|&(&bin, (offset, &common))| offset + usize::from(bin.into()) != common)
                .count()
        };
        let width = rows.clone().map(count).max()?.div_ceil(PER_WORD);
        let per_row = width * PER_WORD;
        if 4 * per_row > 3 * offsets.len() || fillers + per_row > SLOTS {
            return None;
        }
        let mut words = Vec::with_capacity(rows.len() * width);
        let mut slots: Vec<usize> = Vec::with_capacity(offsets.len());
        for row in rows {
            slots.clear();
            for (&bin, (&offset, &common)) in row.iter().zip(places()) {
                let slot = offset + usize::from(bin.into());
                if slot != common {
                    slots.push(slot);
                }
            }
            slots.extend((fillers..).skip(slots.len()).take(per_row - slots.len()));
            let word = |slots: &[usize]| {
                let slots = slots.iter().rev();
                slots.fold(0, |word, &slot| word << BITS | slot as u64)
            };
            words.extend(slots.chunks_exact(PER_WORD).map(word));
        }
        Some(Self {
            common,
            width,
            words,
            fillers,
        })
    }
}

/// Adds up histograms from rare slots, one after another in the same place.
pub(crate) struct RareAdder {
    /// For every number that a slot can have, so that none has to be compared with a length. All 0
    /// between two histograms.
    sums: Box<[Whole; SLOTS]>,
    gradients: Vec<Whole>,
    units: Option<Units>,
}

impl RareAdder {
    pub(crate) fn new() -> Self {
        let sums = vec![NOTHING; SLOTS].into_boxed_slice();
        Self {
            sums: sums
                .try_into()
                .unwrap_or_else(|_| unreachable!("it has that length")),
            gradients: Vec::new(),
            units: None,
        }
    }

    /// Makes ready to add these gradients; whether their sums are exact.
    pub(crate) fn prepare(&mut self, gradients: &[Gradient]) -> bool {
        self.units = Units::of(gradients);
        self.gradients.clear();
        if let Some(units) = self.units {
            let counted = gradients.iter().map(|&one| units.count(one));
            self.gradients.extend(counted);
        }
        self.units.is_some()
    }

    /// Adds up the rows of a node.
    pub(crate) fn add(&mut self, rare: &RareSlots, layout: &Layout, rows: &[u32]) {
        let total = match rare.width {
            1 => self.add_rows::<1>(rare, rows),
            2 => self.add_rows::<2>(rare, rows),
            3 => self.add_rows::<3>(rare, rows),
            4 => self.add_rows::<4>(rare, rows),
            5 => self.add_rows::<5>(rare, rows),
            6 => self.add_rows::<6>(rare, rows),
            _ => self.add_wide_rows(rare, rows),
        };
        self.sums[rare.fillers..][..PER_WORD * rare.width].fill(NOTHING);
        for (feature, &common) in rare.common.iter().enumerate() {
            let others = self.sums[layout.slots(feature)].iter();
            let others = others.fold(NOTHING, |sum, &other| sum.plus(other));
            self.sums[common] = total.minus(others);
        }
    }

    /// Adds rows of so many words; gives the sum of the rows.
    fn add_rows<const WIDTH: usize>(&mut self, rare: &RareSlots, rows: &[u32]) -> Whole {
        let mut total = NOTHING;
        for rows in rows.chunks(FETCHED) {
            let fetched = rows.iter().map(|&row| {
                let [gradient, _] = self.gradients[row as usize].both();
                gradient as u64 ^ rare.words[row as usize * WIDTH]
            });
            // Without it the compiler would leave out what nobody asks for.
            black_box(fetched.fold(0, u64::wrapping_add));
            for &row in rows {
                let one = self.gradients[row as usize];
                total = total.plus(one);
                if let Some(words) = rare.words[row as usize * WIDTH..].first_chunk::<WIDTH>() {
                    for &word in words {
                        self.add_word(word, one);
                    }
                }
            }
        }
        total
    }

    fn add_wide_rows(&mut self, rare: &RareSlots, rows: &[u32]) -> Whole {
        let mut total = NOTHING;
        for &row in rows {
            let one = self.gradients[row as usize];
            total = total.plus(one);
            for &word in &rare.words[row as usize * rare.width..][..rare.width] {
                self.add_word(word, one);
            }
        }
        total
    }

    /// Adds a row to the slots of a word.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "only the slot's bits are kept"
    )]
    fn add_word(&mut self, word: u64, one: Whole) {
        for place in 0..PER_WORD {
            let slot = (word >> (BITS * place)) as usize & (SLOTS - 1);
            self.sums[slot] = self.sums[slot].plus(one);
        }
    }

    /// Takes the sums of all slots out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Sum> + '_ {
        let units = self.units.into_iter().cycle();
        let sums = self.sums.iter_mut();
        sums.zip(units)
            .map(|(sum, units)| units.sum(std::mem::replace(sum, NOTHING)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        bins::{BinMatrix, find_missing},
        cuts::find_cuts,
        histogram::{Adder, Histogram, Narrow},
        rows::Rows,
    };

    proptest! {
        #[test]
        fn sums_are_those_of_adding_every_slot(
            features in prop::collection::vec(
                (0u8..6, [0u8..20, 0u8..20, 0u8..20, 0u8..20, 0u8..20, 0u8..20, 0u8..20]),
                1..200,
            ),
            gradients in prop::collection::vec((-1f32..1.0, 0f32..1.0), 200),
            among: u64,
        ) {
            let (width, count) = (8, features.len());
            let values: Vec<f32> = features.iter().flat_map(|&(many, few)| {
                let few = few.map(|value| match value {
                    0..18 => 0.0,
                    18 => 1.0,
                    _ => f32::NAN,
                });
                [f32::from(many)].into_iter().chain(few)
            }).collect();
            let mut rows = Rows::new(width);
            rows.extend(&values, &vec![0.0; count], None, None).unwrap();
            let cuts = find_cuts(&rows, 256, &[]).unwrap();
            let layout = Layout::new(&cuts, &find_missing(&rows), &[]);
            let bins = BinMatrix::<u8>::new(&mut rows, &cuts, &layout);
            let gradients: Vec<_> = gradients[..count].iter()
                .map(|&(gradient, hessian)| Gradient { gradient, hessian }).collect();
            let some: Vec<u32> = (0..).take(count).filter(|row| among >> (row % 64) & 1 == 1).collect();

            let mut expected: Histogram = vec![Sum::default(); layout.slot_count()];
            let mut adder = Adder::<Narrow>::new(&layout);
            adder.add(&bins, &some, &gradients);
            super::super::take(adder.drain(), &mut expected);

            let mut found: Histogram = vec![Sum::default(); layout.slot_count()];
            let mut adder = RareAdder::new();
            prop_assert!(adder.prepare(&gradients));
            if let Some(rare) = bins.rare() {
                adder.add(rare, &layout, &some);
                super::super::take(adder.drain(), &mut found);
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn rows_of_one_hot_columns_have_few_slots() {
        let check = |features: usize, expected: Option<usize>| {
            let one_hot =
                |row: usize| (0..features).map(move |at| f32::from(u8::from(row % features == at)));
            let values: Vec<f32> = (0..20).flat_map(one_hot).collect();
            let mut rows = Rows::new(features);
            rows.extend(&values, &[0.0; 20], None, None).unwrap();
            let cuts = find_cuts(&rows, 256, &[]).unwrap();
            let layout = Layout::new(&cuts, &find_missing(&rows), &[]);
            let bins = BinMatrix::<u8>::new(&mut rows, &cuts, &layout);
            assert_eq!(bins.rare().map(|rare| rare.width), expected);
        };
        check(8, Some(1));
        // Four slots a row are more than three quarters of five.
        check(5, None);
    }
}
