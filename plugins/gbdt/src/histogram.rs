//! Sums of gradients per bin.

use std::ops::{Add, Sub};

use crate::bins::{Bin, BinMatrix, Layout};

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
const UNROLLED: usize = 8;

/// A [`Sum`] for every slot of a [`Layout`].
pub(crate) type Histogram = Vec<Sum>;

/// Adds the rows of a node to a zeroed histogram.
pub(crate) fn build<B: Bin>(
    histogram: &mut [Sum],
    layout: &Layout,
    bins: &BinMatrix<B>,
    rows: &[u32],
    gradients: &[Gradient],
) {
    let offsets = layout.offsets();
    let (offsets, last_offsets) = offsets.split_at(offsets.len() / UNROLLED * UNROLLED);
    for &row in rows {
        let sum = Sum::from(gradients[row as usize]);
        let mut bins = bins.row(row).chunks_exact(UNROLLED);
        for (offsets, bins) in offsets.chunks_exact(UNROLLED).zip(bins.by_ref()) {
            for lane in 0..UNROLLED {
                add(histogram, offsets[lane] + bins[lane].into(), sum);
            }
        }
        for (&offset, &bin) in last_offsets.iter().zip(bins.remainder()) {
            add(histogram, offset + bin.into(), sum);
        }
    }
}

#[inline]
fn add(histogram: &mut [Sum], slot: usize, sum: Sum) {
    let slot = &mut histogram[slot];
    *slot = *slot + sum;
}

/// Turns a node's histogram into that of one child, given the other's.
pub(crate) fn subtract(node: &mut [Sum], child: &[Sum]) {
    for (node, child) in node.iter_mut().zip(child) {
        *node = *node - *child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bins::find_missing, cuts::find_cuts, rows::Rows};

    #[test]
    fn siblings_add_up_to_their_parent() {
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
        let histogram_of = |rows: &[u32]| {
            let mut histogram = vec![Sum::default(); layout.slot_count()];
            build(&mut histogram, &layout, &bins, rows, &gradients);
            histogram
        };
        let mut parent = histogram_of(&[0, 1, 2]);
        assert_eq!(
            parent.iter().map(|sum| sum.gradient).collect::<Vec<_>>(),
            [1.0, 4.0, 2.0, 5.0, 2.0]
        );
        subtract(&mut parent, &histogram_of(&[0]));
        assert_eq!(parent, histogram_of(&[1, 2]));
        assert_eq!(
            Sum::of(&[0, 2], &gradients),
            Sum {
                gradient: 5.0,
                hessian: 2.0
            }
        );
    }
}
