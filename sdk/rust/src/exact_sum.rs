//! Exact sums of `f64`: the result does not depend on the order of the values, nor on how they were
//! split and merged.
//!
//! [`ExactSum`] is a superaccumulator: a fixed-point number wide enough to hold any sum of `f64`
//! values, and of products of two of them, without rounding. [`ExactMoments`] builds mean and
//! variance on it. Both are mergeable reductions: the same values give the same
//! [bytes](ExactSum::to_bytes) for every order, chunking, partition and merge tree.
//!
//! ```
//! use trueline_sdk::exact_sum::ExactSum;
//!
//! let mut left = ExactSum::new();
//! left.add_slice(&[1e100, 1.0]);
//! let mut right = ExactSum::new();
//! right.add_slice(&[-1e100, 0.5]);
//! left.merge(&right);
//! assert_eq!(left.value(), 1.5); // plain addition gives 0.5
//! ```
//!
//! Source: R. Neal, *Fast exact summation using small and large superaccumulators* (2015), for the
//! accumulator with delayed carries. It is integer arithmetic only, which costs nothing extra where
//! an engine canonicalizes NaNs: vectorized error-free transformations are faster natively but
//! slower there.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers are cut into limbs on purpose"
)]

mod magnitude;
mod moments;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::{
    Result,
    canonical::{Reader, serde_as_canonical_bytes},
};

pub use moments::ExactMoments;

/// The exponent of bit 0. Below 2^-2148, the last place of the smallest product, and a multiple of
/// the limb width.
const UNIT_EXPONENT: i32 = -2176;
/// Limbs that a canonical sum can use: up to 2^2112, the largest product 2^64 times.
const USED_LIMBS: usize = 134;
/// One limb more, signed, holds the sign while carries are pending and after them.
const LIMBS: usize = USED_LIMBS + 1;
/// One addition changes a limb by less than 2^52 + 2^33, so 1024 of them stay below 2^63.
const MAX_PENDING: usize = 1024;
/// A guest's engine looks at the clock on every turn of a loop.
const UNROLL: usize = 8;

const NAN: u8 = 1;
const POSITIVE_INFINITY: u8 = 2;
const NEGATIVE_INFINITY: u8 = 4;
const NEGATIVE: u8 = 8;
const VERSION: u8 = 1;

const MANTISSA_MASK: u64 = (1 << 52) - 1;
const LIMB_MASK: u64 = (1 << 32) - 1;
/// The sign and payload of `f64::NAN` are not guaranteed.
const CANONICAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// An exact, order-free, mergeable sum of `f64` values and of products of two of them.
///
/// | values | [`value`](Self::value) |
/// |---|---|
/// | none, or all zero | `+0.0`, also for `-0.0` alone |
/// | finite | the exact sum, rounded once: to nearest, ties to even; ±infinity only if the final sum is out of range |
/// | infinities of one sign | that infinity |
/// | any NaN, or infinities of both signs | the canonical NaN `0x7ff8000000000000` |
///
/// Holds for up to 2^64 additions. Takes about 1 KiB.
#[derive(Clone)]
pub struct ExactSum {
    /// The sum is Σ `limbs[i]` × 2^(32 i + [`UNIT_EXPONENT`]). Once carried, all limbs but the last
    /// are 32 bits wide.
    limbs: [i64; LIMBS],
    /// Additions since the last carry.
    pending: usize,
    /// Which special values were added: flags, since they combine in any order.
    specials: u8,
}

impl ExactSum {
    /// The sum of nothing: zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limbs: [0; LIMBS],
            pending: 0,
            specials: 0,
        }
    }

    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.make_room(1);
        self.add_unchecked(value);
    }

    /// Adds the exact product of two values, which has up to 106 bits and may lie far outside the
    /// range of `f64`: nothing overflows or underflows. A product with an infinity or NaN counts as
    /// what `x * y` gives.
    #[inline]
    pub fn add_product(&mut self, x: f64, y: f64) {
        self.make_room(1);
        self.add_product_unchecked(x, y);
    }

    /// Adds every value of a slice: the same state as adding them one by one.
    pub fn add_slice(&mut self, values: &[f64]) {
        self.add_each(values, Self::add_unchecked);
    }

    /// Adds the exact square of every value.
    pub fn add_squares(&mut self, values: &[f64]) {
        self.add_each(values, |sum, value| sum.add_product_unchecked(value, value));
    }

    /// Adds the exact products `x[i] * y[i]`. The slices must have one length; what one has more is
    /// left out.
    pub fn add_products(&mut self, x: &[f64], y: &[f64]) {
        debug_assert_eq!(x.len(), y.len());
        x.iter().zip(y).for_each(|(x, y)| self.add_product(*x, *y));
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        self.specials |= other.specials;
        self.carry();
        let mut other = other.clone();
        other.carry();
        for (limb, more) in self.limbs.iter_mut().zip(other.limbs) {
            *limb = limb.wrapping_add(more);
        }
        self.pending = 1;
    }

    /// The sum, correctly rounded; see the table of the [type](Self) for special values.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.rounded(|limbs| magnitude::round_to_f64(limbs, UNIT_EXPONENT, false))
    }

    /// The sum divided by `count`, rounded once. `None` if `count` is zero.
    #[must_use]
    pub fn mean(&self, count: u64) -> Option<f64> {
        (count > 0).then(|| {
            self.rounded(|limbs| {
                let has_remainder = magnitude::divide(limbs, count);
                magnitude::round_to_f64(limbs, UNIT_EXPONENT, has_remainder)
            })
        })
    }

    /// The canonical state: equal for equal multisets of added values (and exact products), in any
    /// order.
    ///
    /// Version 1; flags (1 NaN, 2 +infinity, 4 -infinity were added, 8 the sum is negative); the
    /// index of the lowest nonzero 32-bit limb of the magnitude, limb 0 counting 2^-2176; the count
    /// of limbs up to the highest nonzero one; the limbs. The first four are one byte each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (negative, limbs) = self.magnitude();
        let first = limbs.iter().position(|limb| *limb != 0).unwrap_or(0);
        let end = limbs
            .iter()
            .rposition(|limb| *limb != 0)
            .map_or(0, |last| last + 1);
        let flags = self.specials | if negative { NEGATIVE } else { 0 };
        let mut bytes = vec![VERSION, flags, first as u8, (end - first) as u8];
        bytes.extend(limbs[first..end].iter().flat_map(|limb| limb.to_le_bytes()));
        bytes
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If the bytes are not in the canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("an exact sum", VERSION, bytes)?;
        let (flags, first, count) = (
            reader.u8()?,
            usize::from(reader.u8()?),
            usize::from(reader.u8()?),
        );
        if flags >= 2 * NEGATIVE {
            return Err(reader.error(format!("the flags {flags:#x} are unknown")));
        }
        if first + count > USED_LIMBS {
            return Err(reader.error(format!(
                "limbs {first} to {} of {USED_LIMBS}",
                first + count
            )));
        }
        let mut sum = Self {
            specials: flags & !NEGATIVE,
            ..Self::new()
        };
        let limbs = &mut sum.limbs[first..first + count];
        for limb in limbs.iter_mut() {
            *limb = i64::from(reader.u32()?);
        }
        let canonical = match *limbs {
            [] => first == 0 && flags & NEGATIVE == 0,
            [low, .., high] => low != 0 && high != 0,
            [only] => only != 0,
        };
        if !canonical {
            return Err(reader.error("the limbs are padded with zeros"));
        }
        if flags & NEGATIVE != 0 {
            limbs.iter_mut().for_each(|limb| *limb = -*limb);
            sum.pending = 1;
        }
        reader.finish()?;
        Ok(sum)
    }

    #[cold]
    fn add_special(&mut self, value: f64) {
        self.specials |= match value {
            f64::INFINITY => POSITIVE_INFINITY,
            f64::NEG_INFINITY => NEGATIVE_INFINITY,
            _ => NAN,
        };
    }

    /// Makes sure that this many more additions cannot overflow a limb.
    #[inline]
    fn make_room(&mut self, count: usize) {
        if self.pending + count > MAX_PENDING {
            self.carry();
        }
        self.pending += count;
    }

    /// Calls `add` for each value, having made room for it.
    #[inline]
    fn add_each(&mut self, values: &[f64], add: impl Fn(&mut Self, f64)) {
        for block in values.chunks(MAX_PENDING) {
            self.make_room(block.len());
            let unrolled = block.chunks_exact(UNROLL);
            let rest = unrolled.remainder();
            for values in unrolled {
                values.iter().for_each(|value| add(self, *value));
            }
            rest.iter().for_each(|value| add(self, *value));
        }
    }

    /// Adds a value for which there is room.
    #[inline]
    fn add_unchecked(&mut self, value: f64) {
        let (exponent, mantissa) = split(value);
        if exponent == 0x7ff {
            self.add_special(value);
            return;
        }
        // The last place of `value` is worth 2^(exponent - 1075).
        let position = exponent + offset(1075);
        let (shift, sign) = (position % 32, sign_mask(value));
        let limbs = &mut self.limbs[position / 32..][..2];
        limbs[0] += negate_if(sign, (mantissa << shift) & LIMB_MASK);
        limbs[1] += negate_if(sign, mantissa >> (32 - shift));
    }

    /// Adds a product for which there is room.
    #[inline]
    fn add_product_unchecked(&mut self, x: f64, y: f64) {
        let ((x_exponent, x_mantissa), (y_exponent, y_mantissa)) = (split(x), split(y));
        if x_exponent == 0x7ff || y_exponent == 0x7ff {
            self.add_special(x * y);
            return;
        }
        let position = x_exponent + y_exponent + offset(2 * 1075);
        let (shift, sign) = (position % 32, sign_mask(x) ^ sign_mask(y));
        let (low, high) = multiply(x_mantissa, y_mantissa);
        let limbs = &mut self.limbs[position / 32..][..4];
        limbs[0] += negate_if(sign, (low << shift) & LIMB_MASK);
        limbs[1] += negate_if(sign, (low >> (32 - shift)) & LIMB_MASK);
        limbs[2] += negate_if(
            sign,
            ((high << shift) | (low >> 1 >> (63 - shift))) & LIMB_MASK,
        );
        limbs[3] += negate_if(sign, high >> (32 - shift));
    }

    /// Brings every limb but the last to 32 bits.
    fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..USED_LIMBS] {
            let sum = *limb + carry;
            *limb = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
        self.limbs[USED_LIMBS] = self.limbs[USED_LIMBS].wrapping_add(carry);
        self.pending = 0;
    }

    /// Whether the sum is negative, and its magnitude.
    fn magnitude(&self) -> (bool, [u32; LIMBS]) {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.limbs[USED_LIMBS] < 0;
        if negative {
            sum.limbs
                .iter_mut()
                .for_each(|limb| *limb = limb.wrapping_neg());
            sum.carry();
        }
        (negative, sum.limbs.map(|limb| magnitude::low(limb as u64)))
    }

    /// The special value if there is one, else what `round` makes of the magnitude, with the sign
    /// of the sum.
    fn rounded(&self, round: impl FnOnce(&mut [u32]) -> f64) -> f64 {
        match self.specials {
            0 => {}
            POSITIVE_INFINITY => return f64::INFINITY,
            NEGATIVE_INFINITY => return f64::NEG_INFINITY,
            _ => return CANONICAL_NAN,
        }
        let (negative, mut limbs) = self.magnitude();
        let value = round(&mut limbs);
        if negative { -value } else { value }
    }
}

impl Default for ExactSum {
    fn default() -> Self {
        Self::new()
    }
}

/// Two sums are equal if their canonical states are.
impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.specials == other.specials && self.magnitude() == other.magnitude()
    }
}

impl Eq for ExactSum {}

impl fmt::Debug for ExactSum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("ExactSum")
            .field(&self.value())
            .finish()
    }
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::new();
        sum.extend(values);
        sum
    }
}

serde_as_canonical_bytes!(ExactSum);

/// The exponent field, at least 1 so that subnormal numbers need no case of their own, and the
/// integer mantissa.
#[inline]
fn split(value: f64) -> (usize, u64) {
    let bits = value.to_bits();
    let field = (bits >> 52) as usize & 0x7ff;
    let leading_one = u64::from(field != 0) << 52;
    (field.max(1), bits & MANTISSA_MASK | leading_one)
}

/// What turns exponent fields into the position of a bit in the accumulator, where their bias is
/// `bias`.
const fn offset(bias: i32) -> usize {
    (-UNIT_EXPONENT - bias) as usize
}

/// All ones for a negative number, else zero.
#[inline]
fn sign_mask(value: f64) -> i64 {
    value.to_bits() as i64 >> 63
}

/// `-magnitude` if the mask is all ones, without a branch.
#[inline]
fn negate_if(mask: i64, magnitude: u64) -> i64 {
    (magnitude as i64 ^ mask) - mask
}

/// The low 64 bits and the rest of the product of two mantissas. `u128` would be a function call in
/// WebAssembly.
#[inline]
fn multiply(x: u64, y: u64) -> (u64, u64) {
    let ((x_low, x_high), (y_low, y_high)) = ((x & LIMB_MASK, x >> 32), (y & LIMB_MASK, y >> 32));
    let low = x_low * y_low;
    let middle = x_low * y_high + x_high * y_low;
    let (low, carry) = low.overflowing_add(middle << 32);
    (low, x_high * y_high + (middle >> 32) + u64::from(carry))
}
