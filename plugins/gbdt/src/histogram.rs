//! Sums of gradients per bin.

mod lanes;
mod rare;
mod slot;
mod unit;

use std::{
    array,
    ops::{Add, Sub},
};

use self::lanes::Pair;
pub(crate) use self::{
    lanes::Sixteen,
    rare::{RareAdder, RareSlots},
    slot::{Narrow, Slots, Wide},
};
use crate::{
    bins::{Bin, BinMatrix, Layout},
    num::to_index,
};

/// First and second derivative of a row's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gradient {
    /// First derivative, times the row's weight.
    pub gradient: f32,
    /// Second derivative, times the row's weight.
    pub hessian: f32,
}

impl Gradient {
    /// Both derivatives times a weight.
    #[inline]
    pub(crate) fn times(self, weight: f32) -> Self {
        Self {
            gradient: self.gradient * weight,
            hessian: self.hessian * weight,
        }
    }
}

/// A sum of [`Gradient`]s. Sums are float64 and go in row order: the trees are XGBoost's, bit for
/// bit, only if these are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    /// Sum of first derivatives.
    pub gradient: f64,
    /// Sum of second derivatives.
    pub hessian: f64,
}

impl Sum {
    /// The sum over the rows of a node, in their order.
    pub(crate) fn of(rows: &[u32], gradients: &[Gradient]) -> Self {
        rows.iter().fold(Self::default(), |sum, &row| {
            sum + gradients[row as usize].into()
        })
    }
}

impl From<Gradient> for Sum {
    fn from(one: Gradient) -> Self {
        Self {
            gradient: one.gradient.into(),
            hessian: one.hessian.into(),
        }
    }
}

impl Add for Sum {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
        }
    }
}

impl Sub for Sum {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
        }
    }
}

/// Features added without a branch between them: the sandbox checks the time at every turn of a loop.
pub(crate) const BLOCK: usize = 16;
/// Rows that are fetched before the first of them is added: so the waits for memory overlap. The rows
/// of a small node are far from each other, and adding one fills all that a processor looks ahead.
const FETCHED: usize = 16;

/// A [`Sum`] for every slot of a [`Layout`].
pub(crate) type Histogram = Vec<Sum>;

/// Adds up histograms, one after another in the same place.
pub(crate) struct Adder<S: Slots> {
    feature_count: usize,
    /// First slot of each feature, block by block; the last one is filled up with 0.
    offsets: Vec<S::Block>,
    /// The slots of the rows that were fetched.
    slots: Vec<S::Block>,
    /// All 0 between two histograms.
    sums: S::Sums,
}

impl<S: Slots> Adder<S> {
    pub(crate) fn new(layout: &Layout) -> Self {
        let blocks = layout.offsets().chunks(BLOCK);
        let offsets: Vec<S::Block> = blocks
            .map(|offsets| {
                S::block(array::from_fn(|lane| {
                    offsets.get(lane).map_or(0, |&slot| to_index(slot))
                }))
            })
            .collect();
        Self {
            feature_count: layout.offsets().len(),
            slots: offsets.repeat(FETCHED),
            offsets,
            sums: S::sums(layout.slot_count()),
        }
    }

    /// Adds up the rows of a node, in their order.
    pub(crate) fn add<B: Bin>(
        &mut self,
        bins: &BinMatrix<B>,
        rows: &[u32],
        gradients: &[Gradient],
    ) {
        let width = self.offsets.len().max(1);
        let last_count =
            self.feature_count - (self.feature_count.saturating_sub(1)) / BLOCK * BLOCK;
        let mut fetched = [Pair::new(Sum::default()); FETCHED];
        for rows in rows.chunks(FETCHED) {
            let places = self.slots.chunks_exact_mut(width).zip(&mut fetched);
            for (&row, (slots, pair)) in rows.iter().zip(places) {
                *pair = Pair::new(gradients[row as usize].into());
                fetch::<B, S>(bins.row(row), &self.offsets, slots);
            }
            let places = self.slots.chunks_exact(width).zip(&fetched);
            for (slots, &pair) in places.take(rows.len()) {
                if let Some((&last, whole)) = slots.split_last() {
                    for &slots in whole {
                        S::add(slots, BLOCK, &mut self.sums, pair);
                    }
                    S::add(last, last_count, &mut self.sums, pair);
                }
            }
        }
    }

    /// Takes the sums of all slots out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Sum> + '_ {
        let empty = Pair::new(Sum::default());
        let sums = S::as_slice(&mut self.sums).iter_mut();
        sums.map(move |sum| std::mem::replace(sum, empty).sum())
    }
}

/// Writes sums to a histogram, whose length says how many slots there are.
pub(crate) fn take(sums: impl Iterator<Item = Sum>, histogram: &mut [Sum]) {
    for (to, sum) in histogram.iter_mut().zip(sums) {
        *to = sum;
    }
}

/// Writes the sums of one child of a node to `child`, and leaves the other child's in the node's own
/// histogram.
pub(crate) fn take_from(sums: impl Iterator<Item = Sum>, node: &mut [Sum], child: &mut [Sum]) {
    for ((node, child), sum) in node.iter_mut().zip(child).zip(sums) {
        *child = sum;
        *node = *node - sum;
    }
}

/// The slots of a row's bins.
#[inline(always)]
fn fetch<B: Bin, S: Slots>(bins: &[B], offsets: &[S::Block], slots: &mut [S::Block]) {
    let blocks = bins.chunks_exact(BLOCK);
    let rest = blocks.remainder();
    for (bins, (&offsets, slots)) in blocks.zip(offsets.iter().zip(slots.iter_mut())) {
        if let Ok(bins) = <&[B; BLOCK]>::try_from(bins) {
            *slots = S::plus(offsets, B::widen(bins));
        }
    }
    if let (false, Some(&offsets), Some(slots)) =
        (rest.is_empty(), offsets.last(), slots.last_mut())
    {
        let bins = array::from_fn(|lane| rest.get(lane).map_or(0, |&bin| bin.into()));
        *slots = S::plus(offsets, Sixteen::of_words(&bins));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bins::find_missing, cuts::find_cuts, rows::Rows};

    /// Slots of two bytes and of four do the same.
    fn check<S: Slots>() {
        let mut rows = Rows::new(2);
        rows.extend(&[1.0, 7.0, f32::NAN, 8.0, 2.0, 7.0], &[0.0; 3], None, None)
            .unwrap();
        let cuts = find_cuts(&rows, 256, &[]).unwrap();
        let layout = Layout::new(&cuts, &find_missing(&rows), &[]);
        let bins = BinMatrix::<u8>::new(&mut rows, &cuts, &layout);
        let gradients: Vec<_> = [1.0, 2.0, 4.0]
            .map(|gradient| Gradient {
                gradient,
                hessian: 1.0,
            })
            .into();
        let empty = || vec![Sum::default(); layout.slot_count()];
        let (mut parent, mut left, mut right) = (empty(), empty(), empty());
        let mut adder = Adder::<S>::new(&layout);
        adder.add(&bins, &[0, 1, 2], &gradients);
        take(adder.drain(), &mut parent);
        assert_eq!(
            parent.iter().map(|sum| sum.gradient).collect::<Vec<_>>(),
            [1.0, 4.0, 2.0, 5.0, 2.0]
        );
        adder.add(&bins, &[1, 2], &gradients);
        take(adder.drain(), &mut right);
        adder.add(&bins, &[0], &gradients);
        take_from(adder.drain(), &mut parent, &mut left);
        assert_eq!(parent, right);
        assert_eq!(left[3].gradient, 1.0);
        assert_eq!(
            Sum::of(&[0, 2], &gradients),
            Sum {
                gradient: 5.0,
                hessian: 2.0
            }
        );
    }

    #[test]
    fn siblings_add_up_to_their_parent() {
        check::<Narrow>();
        check::<Wide>();
    }
}
