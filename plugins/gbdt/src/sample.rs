//! What is drawn by chance: rows of a tree, features of a tree, a level or a node, pairs of a ranking.
//!
//! Every draw is a function of the seed and of what it is for, not of the draws before it: the same
//! model comes out in whatever order nodes are worked on. XGBoost draws from one long sequence, so it
//! samples other rows and features.

use crate::num::{to_index, to_whole};

/// Shares to draw, each in (0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Of rows, for each tree.
    pub subsample: f32,
    /// Of features, for each tree.
    pub colsample_bytree: f32,
    /// Of the tree's features, for each level.
    pub colsample_bylevel: f32,
    /// Of the level's features, for each node.
    pub colsample_bynode: f32,
    /// What all draws follow from.
    pub seed: u64,
}

impl Sampling {
    /// Whether anything is left to chance.
    pub fn draws(&self) -> bool {
        [
            self.subsample,
            self.colsample_bytree,
            self.colsample_bylevel,
            self.colsample_bynode,
        ]
        .iter()
        .any(|&share| share < 1.0)
    }
}

/// What a draw is for; a part of its key, so that no two draws are the same.
#[derive(Clone, Copy)]
enum Purpose {
    Rows = 1,
    Tree,
    Level,
    Node,
    Pair,
}

/// The draws for one tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw<'a> {
    pub sampling: &'a Sampling,
    pub tree: u32,
}

impl Draw<'_> {
    /// Whether a row is learned from.
    #[inline]
    pub(crate) fn takes_row(&self, row: u32) -> bool {
        let chance = self.key(Purpose::Rows, 0).mix(u64::from(row)).fraction();
        chance < f64::from(self.sampling.subsample)
    }

    /// Whether every row is.
    pub(crate) fn takes_all_rows(&self) -> bool {
        self.sampling.subsample >= 1.0
    }

    /// The features that the tree may split on, ascending.
    pub(crate) fn for_tree(&self, feature_count: usize) -> Vec<u32> {
        let all = (0..to_index(feature_count)).collect();
        take(
            all,
            self.sampling.colsample_bytree,
            self.key(Purpose::Tree, 0),
        )
    }

    /// Those that a node may split on, of the tree's. `path` tells nodes apart.
    pub(crate) fn for_node(&self, of_tree: &[u32], depth: u32, path: u64) -> Vec<u32> {
        let of_level = take(
            of_tree.to_vec(),
            self.sampling.colsample_bylevel,
            self.key(Purpose::Level, depth.into()),
        );
        take(
            of_level,
            self.sampling.colsample_bynode,
            self.key(Purpose::Node, path),
        )
    }

    fn key(&self, purpose: Purpose, number: u64) -> Key {
        Key(self.sampling.seed)
            .mix(purpose as u64)
            .mix(self.tree.into())
            .mix(number)
    }
}

/// The draws of pairs in one round.
#[derive(Clone, Copy)]
pub(crate) struct PairDraw(Key);

impl PairDraw {
    pub(crate) fn new(seed: u64, round: u32) -> Self {
        Self(Key(seed).mix(Purpose::Pair as u64).mix(round.into()))
    }

    /// Which of `count` others a row is paired with for the so-manieth time.
    pub(crate) fn of(self, row: u32, number: u32, count: usize) -> usize {
        let bits = self.0.mix(row.into()).mix(number.into()).0;
        let place = (u128::from(bits) * count as u128) >> 64;
        usize::try_from(place).unwrap_or(0)
    }
}

/// The path of the root.
pub(crate) const ROOT_PATH: u64 = 1;

/// The path of a child, which tells it from every other node of the tree.
pub(crate) fn child_path(parent: u64, is_right: bool) -> u64 {
    Key(parent).mix(1 + u64::from(is_right)).0
}

/// Some of these features, at least one, in their order: those with the smallest numbers of their own.
fn take(features: Vec<u32>, share: f32, key: Key) -> Vec<u32> {
    if share >= 1.0 || features.is_empty() {
        return features;
    }
    // XGBoost rounds down as well.
    let count = to_whole(features.len() as f32 * share).max(1);
    let mut numbered: Vec<(u64, u32)> = features
        .into_iter()
        .map(|feature| (key.mix(feature.into()).0, feature))
        .collect();
    numbered.sort_unstable();
    numbered.truncate(count);
    let mut taken: Vec<u32> = numbered.into_iter().map(|(_, feature)| feature).collect();
    taken.sort_unstable();
    taken
}

/// 64 bits that look random.
#[derive(Clone, Copy)]
struct Key(u64);

impl Key {
    /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), over the sum with a number that is
    /// spread over all bits: a bijection in each argument.
    fn mix(self, number: u64) -> Self {
        let mut bits = self
            .0
            .wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(bits ^ (bits >> 31))
    }

    /// The first 53 bits as a fraction in [0, 1).
    fn fraction(self) -> f64 {
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(share: f32, seed: u64) -> Sampling {
        Sampling {
            subsample: share,
            colsample_bytree: share,
            colsample_bylevel: share,
            colsample_bynode: share,
            seed,
        }
    }

    #[test]
    fn rows_come_with_the_share_that_was_asked_for() {
        for share in [0.1, 0.5, 0.9] {
            let sampling = sampling(share, 7);
            let draw = Draw {
                sampling: &sampling,
                tree: 3,
            };
            let taken = (0..100_000).filter(|&row| draw.takes_row(row)).count();
            let expected = f64::from(share) * 1e5;
            // Five standard deviations.
            assert!(
                (taken as f64 - expected).abs()
                    < 5.0 * (expected * (1.0 - f64::from(share))).sqrt(),
                "{taken} of 100000 at {share}"
            );
        }
    }

    #[test]
    fn features_are_fewer_from_tree_to_level_to_node() {
        let sampling = sampling(0.5, 1);
        let draw = Draw {
            sampling: &sampling,
            tree: 0,
        };
        let of_tree = draw.for_tree(40);
        let of_node = draw.for_node(&of_tree, 2, 77);
        assert_eq!((of_tree.len(), of_node.len()), (20, 5));
        assert!(of_node.iter().all(|feature| of_tree.contains(feature)));
        assert!(of_node.is_sorted());
        assert_ne!(of_node, draw.for_node(&of_tree, 2, 78));
        assert_ne!(of_node, draw.for_node(&of_tree, 3, 77));
        let few = Sampling {
            colsample_bytree: 0.01,
            ..sampling
        };
        let draw = Draw {
            sampling: &few,
            tree: 0,
        };
        assert_eq!(draw.for_tree(40).len(), 1);
    }

    #[test]
    fn trees_and_seeds_draw_other_rows() {
        let rows = |seed, tree| -> Vec<u32> {
            let sampling = sampling(0.5, seed);
            let draw = Draw {
                sampling: &sampling,
                tree,
            };
            (0..64).filter(|&row| draw.takes_row(row)).collect()
        };
        assert_eq!(rows(1, 1), rows(1, 1));
        assert_ne!(rows(1, 1), rows(1, 2));
        assert_ne!(rows(1, 1), rows(2, 1));
    }
}
