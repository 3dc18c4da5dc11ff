//! When sums of gradients are exact, whatever their order.

use super::{Gradient, Sum, lanes::Whole};

/// Sums below so many units are exact: float64 holds every whole number up to this one.
const MOST_UNITS: f64 = (1u64 << 53) as f64;

/// Powers of two that all first, and all second, derivatives are multiples of.
///
/// A float32 is a whole number times a power of two. If all are multiples of one such unit, and the sum
/// of their magnitudes is below 2^53 of it, then so is the sum of any of them, and float64 holds it without rounding.
/// Then no order of additions, and no subtraction of one sum from another, makes a difference: what
/// is computed in another way has the bits that XGBoost's additions give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Units {
    gradient: f64,
    hessian: f64,
    /// One divided by each, which is a power of two as well.
    inverses: [f64; 2],
}

impl Units {
    /// The units of these gradients, unless their sums are inexact.
    pub(crate) fn of(gradients: &[Gradient]) -> Option<Self> {
        let gradient = unit(gradients.iter().map(|one| one.gradient))?;
        let hessian = unit(gradients.iter().map(|one| one.hessian))?;
        Some(Self {
            gradient,
            hessian,
            inverses: [1.0 / gradient, 1.0 / hessian],
        })
    }

    /// How many units both are.
    #[inline]
    pub(crate) fn count(self, one: Gradient) -> Whole {
        let [gradient, hessian] = self.inverses;
        Whole::new([
            whole(f64::from(one.gradient) * gradient),
            whole(f64::from(one.hessian) * hessian),
        ])
    }

    /// The sum of so many units.
    #[inline]
    pub(crate) fn sum(self, units: Whole) -> Sum {
        let [gradient, hessian] = units.both();
        Sum {
            gradient: gradient as f64 * self.gradient,
            hessian: hessian as f64 * self.hessian,
        }
    }
}

/// A whole number of a magnitude below 2^51 as an integer. The sandbox has no quick conversion; but added to
/// this number, it sits in the lowest bits.
#[inline]
fn whole(number: f64) -> i64 {
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let bits = (number + ROUNDER).to_bits();
    bits.wrapping_sub(ROUNDER.to_bits()) as i64
}

/// The largest power of two that all of these are multiples of, unless their sums are inexact.
fn unit(values: impl Iterator<Item = f32>) -> Option<f64> {
    // In units of 2^-149, the smallest float32.
    let mut least = u32::MAX;
    let (mut largest, mut sum) = (0, 0.0);
    for value in values {
        let bits = value.to_bits() & (u32::MAX >> 1);
        largest = largest.max(bits);
        sum += f64::from(f32::from_bits(bits));
        // A normal number has one more bit than is written down.
        let exponent = (bits >> 23).max(1);
        let mantissa = bits & 0x7f_ffff | u32::from(bits >> 23 != 0) << 23;
        let last = if mantissa == 0 {
            u32::MAX
        } else {
            exponent - 1 + mantissa.trailing_zeros()
        };
        least = least.min(last);
    }
    if least == u32::MAX {
        return Some(1.0);
    }
    let unit = f64::from_bits(u64::from(least + 1023 - 149) << 52);
    let is_whole = f64::from(f32::from_bits(largest)) < MOST_UNITS / 4.0 * unit;
    // The sum itself may be rounded, by far less than half of it.
    (is_whole && sum < MOST_UNITS / 2.0 * unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_of(values: &[f32]) -> Option<f64> {
        unit(values.iter().copied())
    }

    #[test]
    fn gradients_are_counted_and_summed() {
        let one = |gradient, hessian| Gradient { gradient, hessian };
        let gradients = [one(-0.75, 3e-7), one(1.25, 0.0), one(2.0, 1e-3)];
        let units = Units::of(&gradients).unwrap();
        let counted = gradients.map(|one| units.count(one));
        assert_eq!(counted.map(|one| one.both()[0]), [-3, 5, 8]);
        for (counted, one) in counted.into_iter().zip(gradients) {
            assert_eq!(units.sum(counted), one.into());
        }
    }

    #[test]
    fn units_are_the_last_bits() {
        for (values, expected) in [
            (&[][..], Some(1.0)),
            (&[0.0, -0.0], Some(1.0)),
            (&[3.0, -0.75], Some(0.25)),
            (&[6.0, 4.0], Some(2.0)),
            (&[f32::from_bits(1)], Some(2f64.powi(-149))),
            (&[f32::MIN_POSITIVE], Some(2f64.powi(-126))),
            (&[f32::MAX], Some(2f64.powi(104))),
            (&[1.0, 2f32.powi(-50)], Some(2f64.powi(-50))),
            (&[1.0, 2f32.powi(-51)], None),
            (&[1.0, 1.0, 1.0, 1.0, 2f32.powi(-50)], None),
            (&[1.0, f32::INFINITY], None),
            (&[1.0, f32::NAN], None),
        ] {
            assert_eq!(unit_of(values), expected, "{values:?}");
        }
    }
}
