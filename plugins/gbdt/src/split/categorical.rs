//! Splits of categories: one against all others while they are few, else two sets.

use std::cmp::Ordering;

use super::{Place, Scan, weight};
use crate::{histogram::Sum, num::to_index};

impl Scan<'_> {
    /// The best set of categories to send right.
    pub(super) fn categories(&mut self, bins: &[Sum]) -> Option<Place> {
        let mut right = if bins.len() < self.params.max_cat_to_onehot as usize {
            self.one_category(bins);
            vec![to_index(self.best?.at)]
        } else {
            let mut ordered: Vec<u32> = (0..to_index(bins.len())).collect();
            let weight = |category: u32| weight(self.params, bins[category as usize]);
            // Stable, as XGBoost's; a set of a best split is a beginning of this order.
            ordered.sort_by(|&a, &b| weight(a).partial_cmp(&weight(b)).unwrap_or(Ordering::Equal));
            self.lowest_right(bins, &ordered);
            self.highest_left(bins, &ordered);
            ordered.truncate(self.best?.at);
            ordered
        };
        right.sort_unstable();
        Some(Place::Categories(right))
    }

    /// One category goes right, first without the missing values, then with them.
    fn one_category(&mut self, bins: &[Sum]) {
        let present = bins.iter().fold(Sum::default(), |sum, &bin| sum + bin);
        let missing = self.node.sum - present;
        for (category, &bin) in bins.iter().enumerate() {
            self.consider(self.node.sum - bin, bin, category, true);
            let right = bin + missing;
            self.consider(self.node.sum - right, right, category, false);
        }
    }

    /// Ever more categories go right, those of the lowest weights first; missing values go left.
    fn lowest_right(&mut self, bins: &[Sum], ordered: &[u32]) {
        let mut right = Sum::default();
        let steps = self.set_sizes(ordered.len());
        for (taken, &category) in ordered.iter().take(steps).enumerate() {
            right = right + bins[category as usize];
            self.consider(self.node.sum - right, right, taken + 1, true);
        }
    }

    /// Ever more categories go left, those of the highest weights first; missing values go right.
    fn highest_left(&mut self, bins: &[Sum], ordered: &[u32]) {
        let mut left = Sum::default();
        let steps = self.set_sizes(ordered.len());
        for (at, &category) in ordered.iter().enumerate().rev().take(steps) {
            left = left + bins[category as usize];
            self.consider(left, self.node.sum - left, at, false);
        }
    }

    /// How many sets a scan tries: one less than categories, and less than `max_cat_threshold`.
    fn set_sizes(&self, category_count: usize) -> usize {
        category_count
            .min(self.params.max_cat_threshold as usize)
            .saturating_sub(1)
    }
}
