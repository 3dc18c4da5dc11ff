//! Shallow trees for many rows at a time, by the ranks of their values.
//!
//! A split asks whether a value is below one of the thresholds that its feature has anywhere in the forest.
//! So each value is replaced, once for all trees, by its rank: how many of those thresholds are at or below
//! it. That fits a byte, and a register holds the ranks of sixteen rows. Then every split of a tree is
//! answered, also those that a row does not come to, and leaves are chosen from the last level up: for
//! sixteen rows together that takes fewer instructions than going down with each, and no load waits for
//! the one before. Ranks in bytes are those of RapidScorer (Ye et al., 2018).

use std::collections::BTreeMap;

use super::lanes::{Sixteen, add, count_not_above};

/// Rows of a register.
pub(super) const LANES: usize = 16;
/// Rows that go through all trees before the next ones do: their ranks stay in the first cache level
/// together with a tree.
pub(super) const BLOCK_ROWS: usize = 128;
/// Fewer rows than these are done sooner one by one.
pub(super) const ROWS_MIN: usize = 6;
/// Splits for each feature that has any, below which finding ranks does not pay.
const SPLITS_MIN: usize = 16;
/// Ranks that a byte has. The last is right of every split, as is a missing value that goes right.
const RANKS: usize = 256;
/// Kinds of ranks that are within reach of a row's first one.
const WINDOW: usize = 256;

/// A split as `Complete` has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub feature: u16,
    pub threshold: f32,
    pub default_left: bool,
}

/// Splits that compare ranks, and how ranks are found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    features: Vec<Feature>,
    splits: Vec<Split>,
    /// How many kinds of ranks a row has: one for each feature and way that missing values go.
    kinds: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Feature {
    feature: usize,
    thresholds: Thresholds,
    /// Where the ranks lie whose missing values go right, and left.
    kinds: [Option<usize>; 2],
}

/// Less than so much, biased as ranks are, goes left.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    kind: u8,
    rank: i8,
}

/// The distinct thresholds of a feature, ascending, filled up with NaN.
#[derive(Clone, Debug, PartialEq)]
struct Thresholds {
    /// The last one of each sixteen.
    last: [f32; LANES],
    sixteens: Vec<[f32; LANES]>,
}

impl Ranked {
    /// From the splits of all trees, in order; none where both ways lead to the same leaf. Not if some
    /// feature has too many thresholds, or if it would not pay.
    pub(super) fn new(splits: &[Option<Asked>]) -> Option<Self> {
        let mut of_features: BTreeMap<u16, (Vec<f32>, [bool; 2])> = BTreeMap::new();
        for split in splits.iter().flatten() {
            let (thresholds, ways) = of_features.entry(split.feature).or_default();
            thresholds.push(split.threshold);
            ways[usize::from(split.default_left)] = true;
        }
        if splits.iter().flatten().count() <= SPLITS_MIN * of_features.len() {
            return None;
        }
        let (mut features, mut kinds) = (Vec::new(), 0);
        for (&feature, (thresholds, ways)) in &mut of_features {
            thresholds.sort_unstable_by(f32::total_cmp);
            // Zeros of both signs are one.
            thresholds.dedup_by(|one, other| *one <= *other);
            if thresholds.len() >= RANKS {
                return None;
            }
            features.push(Feature {
                feature: feature.into(),
                thresholds: Thresholds::new(thresholds),
                kinds: ways.map(|is_asked| {
                    kinds += usize::from(is_asked);
                    is_asked.then(|| kinds - 1)
                }),
            });
        }
        if kinds > WINDOW {
            return None;
        }
        let place = |asked: &Option<Asked>| {
            let Some(asked) = asked else {
                return Some(Split { kind: 0, rank: 0 });
            };
            let (thresholds, _) = of_features.get(&asked.feature)?;
            let below = thresholds.partition_point(|&threshold| threshold < asked.threshold);
            let at = features.partition_point(|one| one.feature < asked.feature.into());
            let kind = features[at].kinds[usize::from(asked.default_left)]?;
            Some(Split {
                kind: u8::try_from(kind).ok()?,
                rank: biased(below + 1),
            })
        };
        Some(Self {
            splits: splits.iter().map(place).collect::<Option<_>>()?,
            features,
            kinds,
        })
    }

    /// The ranks of some rows: for sixteen rows at a time those of each kind.
    pub(super) fn ranks(&self, rows: &[f32], feature_count: usize) -> Ranks {
        let sixteens = rows.chunks(LANES * feature_count);
        // The last ones have a whole window as well; what is beyond a row's kinds is never looked at.
        let mut ranks = vec![[0; LANES]; sixteens.len() * self.kinds + WINDOW];
        for feature in &self.features {
            let starts = (0..).step_by(self.kinds.max(1));
            for (rows, start) in sixteens.clone().zip(starts) {
                feature.rank(rows, feature_count, &mut ranks[start..][..self.kinds]);
            }
        }
        Ranks {
            ranks,
            kinds: self.kinds,
        }
    }

    /// Adds a tree's leaves to the sums of sixteen rows each. The tree has so many levels of splits,
    /// which begin at this place, and 2^depth leaves.
    pub(super) fn add_tree<'s>(
        &self,
        place: usize,
        depth: u32,
        ranks: &Ranks,
        leaves: &[f32],
        sums: impl Iterator<Item = &'s mut [f32; LANES]>,
    ) {
        match depth {
            1 => self.add(place, one, ranks, leaves.first_chunk::<2>(), sums),
            2 => self.add(place, two, ranks, leaves.first_chunk::<4>(), sums),
            3 => self.add(place, three, ranks, leaves.first_chunk::<8>(), sums),
            4 => self.add(place, four, ranks, leaves.first_chunk::<16>(), sums),
            5 => self.add(place, five, ranks, leaves.first_chunk::<32>(), sums),
            6 => self.add(place, six, ranks, leaves.first_chunk::<64>(), sums),
            7 => self.add(place, seven, ranks, leaves.first_chunk::<128>(), sums),
            _ => self.add(place, eight, ranks, leaves.first_chunk::<256>(), sums),
        }
    }

    #[inline(always)]
    fn add<'s, const SIZE: usize>(
        &self,
        place: usize,
        walk: impl Fn(&[Split; SIZE], &[[i8; LANES]; WINDOW], usize) -> Sixteen,
        ranks: &Ranks,
        leaves: Option<&[f32; SIZE]>,
        sums: impl Iterator<Item = &'s mut [f32; LANES]>,
    ) {
        let splits = self.splits[place..].first_chunk();
        let (Some(splits), Some(leaves)) = (splits, leaves) else {
            return;
        };
        for (sums, start) in sums.zip((0..).step_by(ranks.kinds.max(1))) {
            if let Some(ranks) = ranks.ranks[start..].first_chunk() {
                add(sums, walk(splits, ranks, 1), leaves);
            }
        }
    }
}

/// The ranks of some rows, sixteen rows of each kind side by side.
pub(super) struct Ranks {
    ranks: Vec<[i8; LANES]>,
    kinds: usize,
}

impl Feature {
    /// Writes the ranks of up to sixteen rows.
    fn rank(&self, rows: &[f32], feature_count: usize, out: &mut [[i8; LANES]]) {
        let mut found = [0; LANES];
        let values = rows.iter().skip(self.feature).step_by(feature_count);
        for (rank, &value) in found.iter_mut().zip(values.clone()) {
            *rank = biased(self.thresholds.rank(value));
        }
        let [right, left] = self.kinds;
        // What is missing is found to be less than any.
        if let Some(left) = left {
            out[left] = found;
        }
        if let Some(right) = right {
            for (rank, value) in found.iter_mut().zip(values) {
                if value.is_nan() {
                    *rank = i8::MAX;
                }
            }
            out[right] = found;
        }
    }
}

impl Thresholds {
    /// From less than [`RANKS`].
    fn new(ascending: &[f32]) -> Self {
        let sixteen =
            |some: &[f32]| std::array::from_fn(|lane| some.get(lane).copied().unwrap_or(f32::NAN));
        let mut sixteens: Vec<[f32; LANES]> = ascending.chunks(LANES).map(sixteen).collect();
        let last = std::array::from_fn(|at| sixteens.get(at).map_or(f32::NAN, |some| some[15]));
        // One more, where values go that are not below any; a power of two, so that a mask is a check.
        let size = (ascending.len() / LANES + 1).next_power_of_two();
        sixteens.resize(size, [f32::NAN; LANES]);
        Self { last, sixteens }
    }

    /// How many are at or below a value; 0 if it is missing.
    #[inline(always)]
    fn rank(&self, value: f32) -> usize {
        match &self.sixteens[..] {
            [few] => count_not_above(few, value),
            sixteens => {
                let at = count_not_above(&self.last, value) & (sixteens.len() - 1);
                LANES * at + count_not_above(&sixteens[at], value)
            }
        }
    }
}

/// Signed bytes are compared in one instruction.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "ranks are below 256")]
fn biased(rank: usize) -> i8 {
    (rank as u8 ^ 0x80) as i8
}

/// -1 for each of sixteen rows that go left at the split at this place.
#[inline(always)]
fn goes_left<const SIZE: usize>(
    splits: &[Split; SIZE],
    ranks: &[[i8; LANES]; WINDOW],
    at: usize,
) -> Sixteen {
    let split = splits[at & (SIZE - 1)];
    Sixteen::splat(split.rank).is_greater(Sixteen::new(&ranks[usize::from(split.kind)]))
}

/// The leaf that each of sixteen rows comes to below a split of the last level: that of the left one
/// is twice the split's place, of which the lower bits count.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lower bits count")]
fn one<const SIZE: usize>(
    splits: &[Split; SIZE],
    ranks: &[[i8; LANES]; WINDOW],
    at: usize,
) -> Sixteen {
    let right = Sixteen::splat((2 * at + 1) as i8);
    goes_left(splits, ranks, at).plus(right)
}

/// The same below a split of a level above.
macro_rules! levels {
    ($($level:ident, $next:ident;)*) => {
        $(
            #[inline(always)]
            fn $level<const SIZE: usize>(
                splits: &[Split; SIZE],
                ranks: &[[i8; LANES]; WINDOW],
                at: usize,
            ) -> Sixteen {
                let left = $next(splits, ranks, 2 * at);
                let right = $next(splits, ranks, 2 * at + 1);
                goes_left(splits, ranks, at).choose(left, right)
            }
        )*
    };
}

levels! {
    two, one;
    three, two;
    four, three;
    five, four;
    six, five;
    seven, six;
    eight, seven;
}
