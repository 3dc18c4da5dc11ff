//! What a tree must keep to: the direction of a feature's effect, and which features may interact.

use std::collections::BTreeSet;

use crate::{histogram::Sum, params::TreeParams, split};

/// Constraints of every feature, by its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// 1 where predictions may only rise with the feature, -1 where only fall, else 0; empty if all
    /// are 0.
    pub monotone: Vec<i8>,
    /// Sets of features that may stand on one path; empty if all may.
    pub interactions: Vec<BTreeSet<u32>>,
}

/// What the leaves below a node must keep to so that the constraints above hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    lower: f32,
    upper: f32,
}

impl Bounds {
    /// Those of the root. XGBoost's are finite, too.
    pub(crate) const NONE: Self = Self {
        lower: f32::MIN,
        upper: f32::MAX,
    };

    /// The weight of a leaf with this sum, within the bounds.
    pub(crate) fn weight(self, params: &TreeParams, sum: Sum) -> f32 {
        let weight = split::weight(params, sum);
        if params.constraints.monotone.is_empty() {
            weight
        } else {
            weight.max(self.lower).min(self.upper)
        }
    }

    /// How much the loss falls when a leaf with this sum gets the weight that suits it best within
    /// the bounds.
    pub(crate) fn gain(self, params: &TreeParams, sum: Sum) -> f32 {
        split::gain_given_weight(params, sum, self.weight(params, sum))
    }

    /// Those of the children of a split on this feature, whose weights within the parent's bounds
    /// are given: neither may cross the middle between them.
    pub(crate) fn of_children(
        self,
        constraints: &Constraints,
        feature: usize,
        [left, right]: [f32; 2],
    ) -> [Self; 2] {
        let middle = f32::midpoint(left, right);
        let below = Self {
            upper: middle,
            ..self
        };
        let above = Self {
            lower: middle,
            ..self
        };
        match constraints.direction(feature) {
            1 => [below, above],
            -1 => [above, below],
            _ => [self, self],
        }
    }
}

impl Constraints {
    /// 1, -1 or 0.
    #[inline]
    pub(crate) fn direction(&self, feature: usize) -> i8 {
        self.monotone.get(feature).copied().unwrap_or(0)
    }

    /// Whether a split into leaves of these weights keeps to the feature's direction.
    #[inline]
    pub(crate) fn allows(&self, feature: usize, left: f32, right: f32) -> bool {
        match self.direction(feature) {
            1 => left <= right,
            -1 => left >= right,
            _ => true,
        }
    }

    /// The features that may be split on below a path that splits on these: at the root all, then
    /// those of the path, and of every set that has the whole path. `None` for all.
    pub(crate) fn reachable(&self, path: &BTreeSet<u32>) -> Option<BTreeSet<u32>> {
        if self.interactions.is_empty() || path.is_empty() {
            return None;
        }
        let mut reachable = path.clone();
        for set in self.interactions.iter().filter(|set| path.is_subset(set)) {
            reachable.extend(set);
        }
        Some(reachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_the_sets_that_have_it() {
        let constraints = Constraints {
            interactions: vec![[0, 1].into(), [1, 2, 3].into()],
            ..Constraints::default()
        };
        for (path, expected) in [
            (vec![], None),
            (vec![0], Some(vec![0, 1])),
            (vec![1], Some(vec![0, 1, 2, 3])),
            (vec![1, 3], Some(vec![1, 2, 3])),
            (vec![5], Some(vec![5])),
        ] {
            let reachable = constraints.reachable(&path.iter().copied().collect());
            let reachable = reachable.map(|features| features.into_iter().collect::<Vec<_>>());
            assert_eq!(reachable, expected, "{path:?}");
        }
    }

    #[test]
    fn children_keep_to_their_side_of_the_middle() {
        let constraints = Constraints {
            monotone: vec![1, -1, 0],
            ..Constraints::default()
        };
        let bounds = |feature| {
            Bounds::NONE
                .of_children(&constraints, feature, [1.0, 3.0])
                .map(|bounds| (bounds.lower, bounds.upper))
        };
        assert_eq!(bounds(0), [(f32::MIN, 2.0), (2.0, f32::MAX)]);
        assert_eq!(bounds(1), [(2.0, f32::MAX), (f32::MIN, 2.0)]);
        assert_eq!(bounds(2), [(f32::MIN, f32::MAX); 2]);
        assert!(constraints.allows(0, 1.0, 1.0) && !constraints.allows(1, 1.0, 2.0));
    }
}
