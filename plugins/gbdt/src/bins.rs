//! The training rows as bin numbers.

use crate::{
    cuts::{Cuts, bin_of},
    histogram::{BLOCK, RareSlots, Sixteen},
    num::{to_index, to_whole},
    rows::Rows,
};

/// A bin number: one byte where no feature needs more than 256, else two.
pub(crate) trait Bin: Copy + Into<u16> + TryFrom<u32> {
    /// Several bins at once.
    fn widen(bins: &[Self; BLOCK]) -> Sixteen;
}

impl Bin for u8 {
    #[inline(always)]
    fn widen(bins: &[Self; BLOCK]) -> Sixteen {
        Sixteen::of_bytes(bins)
    }
}

impl Bin for u16 {
    #[inline(always)]
    fn widen(bins: &[Self; BLOCK]) -> Sixteen {
        Sixteen::of_words(bins)
    }
}

/// Where each feature's bins lie in a histogram.
///
/// A feature that misses values, or has none of any weight, has one more slot after its bins, which
/// collects the rows that miss it: so binning and adding need no branch. Nothing reads that slot.
#[derive(Debug)]
pub(crate) struct Layout {
    /// First slot of each feature, and the total at the end.
    offsets: Vec<usize>,
    bin_counts: Vec<usize>,
    /// Whether the bins of each feature are categories; empty if none are.
    categorical: Vec<bool>,
    /// Whether no value is missing anywhere.
    dense: bool,
}

impl Layout {
    /// The layout for these cuts; `missing[f]` says whether feature f misses values, and
    /// `categorical[f]` whether its bins are categories.
    pub(crate) fn new(cuts: &[Cuts], missing: &[bool], categorical: &[bool]) -> Self {
        let mut offsets = vec![0];
        let mut end = 0;
        for (cuts, &missing) in cuts.iter().zip(missing) {
            end += cuts.len() + usize::from(missing || cuts.is_empty());
            offsets.push(end);
        }
        Self {
            offsets,
            bin_counts: cuts.iter().map(Vec::len).collect(),
            categorical: categorical.to_vec(),
            dense: !missing.contains(&true) && cuts.iter().all(|cuts| !cuts.is_empty()),
        }
    }

    /// Slots of a whole histogram.
    pub(crate) fn slot_count(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Slots of the widest feature.
    pub(crate) fn widest(&self) -> usize {
        let widths = self.offsets.windows(2).map(|pair| pair[1] - pair[0]);
        widths.max().unwrap_or(0)
    }

    /// First slot of each feature.
    pub(crate) fn offsets(&self) -> &[usize] {
        &self.offsets[..self.bin_counts.len()]
    }

    /// All slots of a feature.
    pub(crate) fn slots(&self, feature: usize) -> std::ops::Range<usize> {
        self.offsets[feature]..self.offsets[feature + 1]
    }

    /// The slots of a feature's bins, without the one for missing values.
    pub(crate) fn bins(&self, feature: usize) -> std::ops::Range<usize> {
        let start = self.offsets[feature];
        start..start + self.bin_counts[feature]
    }

    /// Whether a feature's bins are categories.
    pub(crate) fn is_categorical(&self, feature: usize) -> bool {
        self.categorical.get(feature).copied().unwrap_or(false)
    }

    /// Whether no value is missing anywhere.
    pub(crate) fn is_dense(&self) -> bool {
        self.dense
    }
}

/// Bin numbers; the number after a feature's last bin stands for a missing value.
///
/// They are kept twice: row by row to add up histograms, and feature by feature to tell which way the
/// rows of a node go, where a cache line then holds a feature of 64 rows, not 64 features of a row.
#[derive(Debug)]
pub(crate) struct BinMatrix<B> {
    row_count: usize,
    feature_count: usize,
    by_row: Vec<B>,
    by_feature: Vec<B>,
    /// What is not common, if that is little.
    rare: Option<RareSlots>,
}

impl<B: Bin> BinMatrix<B> {
    /// Bins the rows, dropping their float values block by block.
    pub(crate) fn new(rows: &mut Rows, cuts: &[Cuts], layout: &Layout) -> Self {
        let (row_count, feature_count) = (rows.len(), cuts.len());
        let mut by_row = Vec::with_capacity(row_count * feature_count);
        for block in rows.take_blocks() {
            for row in block.chunks_exact(feature_count) {
                let bins = row.iter().zip(cuts).enumerate();
                by_row.extend(bins.map(|(feature, (&value, cuts))| {
                    let bin = if value.is_nan() {
                        cuts.len()
                    } else if layout.is_categorical(feature) {
                        // Making the cuts checked that it is a category.
                        to_whole(value)
                    } else {
                        bin_of(value, cuts)
                    };
                    to_bin::<B>(bin)
                }));
            }
        }
        let mut by_feature = Vec::with_capacity(by_row.len());
        for feature in 0..feature_count {
            by_feature.extend(by_row.iter().skip(feature).step_by(feature_count));
        }
        Self {
            row_count,
            feature_count,
            rare: RareSlots::new(&by_row, layout),
            by_row,
            by_feature,
        }
    }

    /// What is not common of each row, if that is little.
    pub(crate) fn rare(&self) -> Option<&RareSlots> {
        self.rare.as_ref()
    }

    /// The bins of a row.
    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[B] {
        let start = row as usize * self.feature_count;
        &self.by_row[start..start + self.feature_count]
    }

    /// The bins of a feature.
    pub(crate) fn feature(&self, feature: usize) -> &[B] {
        &self.by_feature[feature * self.row_count..][..self.row_count]
    }
}

fn to_bin<B: Bin>(bin: usize) -> B {
    B::try_from(to_index(bin)).unwrap_or_else(|_| unreachable!("the type is chosen by `widest`"))
}

/// Which features miss a value in some row.
pub(crate) fn find_missing(rows: &Rows) -> Vec<bool> {
    let mut missing = vec![false; rows.feature_count()];
    for block in rows.blocks() {
        for row in block.chunks_exact(rows.feature_count()) {
            for (missing, value) in missing.iter_mut().zip(row) {
                *missing |= value.is_nan();
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuts::find_cuts;

    #[test]
    fn missing_values_have_the_slot_after_the_bins() {
        let mut rows = Rows::new(2);
        rows.extend(&[1.0, 7.0, f32::NAN, 8.0, 2.0, 7.0], &[0.0; 3], None, None)
            .unwrap();
        let cuts = find_cuts(&rows, 256, &[]).unwrap();
        let layout = Layout::new(&cuts, &find_missing(&rows), &[]);
        let matrix = BinMatrix::<u8>::new(&mut rows, &cuts, &layout);
        assert_eq!(matrix.row(0), [0, 0]);
        assert_eq!(matrix.row(1), [2, 1]);
        assert_eq!(
            (matrix.feature(0), matrix.feature(1)),
            (&[0, 2, 1][..], &[0, 1, 0][..])
        );
        assert_eq!(
            (layout.offsets(), layout.slot_count(), layout.widest()),
            (&[0, 3][..], 5, 3)
        );
        assert_eq!((layout.bins(0), layout.bins(1)), (0..2, 3..5));
        assert!(!layout.is_dense());
    }
}
