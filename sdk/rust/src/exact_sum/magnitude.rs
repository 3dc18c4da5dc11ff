//! Arithmetic on non-negative integers of many limbs, and the one rounding at the end of an exact
//! computation.
//!
//! A number is a slice of 32-bit limbs, least significant first.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers are cut into limbs on purpose"
)]

/// The product of two numbers: `a.len() + b.len()` limbs.
pub(super) fn multiply(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut product = vec![0; a.len() + b.len()];
    for (offset, &factor) in a.iter().enumerate().filter(|(_, factor)| **factor != 0) {
        let mut carry = 0;
        for (digit, &other) in product[offset..].iter_mut().zip(b.iter().chain([&0])) {
            let sum = u64::from(*digit) + u64::from(factor) * u64::from(other) + carry;
            *digit = low(sum);
            carry = sum >> 32;
        }
    }
    product
}

/// `a -= b`, where `a` has at least as many limbs; says whether the difference is negative, and `a`
/// then wrong.
#[must_use]
pub(super) fn subtract(a: &mut [u32], b: &[u32]) -> bool {
    let mut borrow = false;
    for (digit, &other) in a.iter_mut().zip(b.iter().chain(std::iter::repeat(&0))) {
        let (difference, first) = digit.overflowing_sub(other);
        let (difference, second) = difference.overflowing_sub(u32::from(borrow));
        *digit = difference;
        borrow = first || second;
    }
    borrow
}

/// `a /= divisor`, rounded down; says whether there was a remainder.
pub(super) fn divide(a: &mut [u32], divisor: u64) -> bool {
    let mut remainder = 0u128;
    for digit in a.iter_mut().rev() {
        let dividend = remainder << 32 | u128::from(*digit);
        // The remainder is less than the divisor, so each quotient digit fits in one limb.
        *digit = low((dividend / u128::from(divisor)) as u64);
        remainder = dividend % u128::from(divisor);
    }
    remainder != 0
}

/// The value `limbs × 2^unit_exponent` rounded to the nearest `f64`, ties to even; infinity if it
/// is too large.
///
/// `has_more` says that the exact value is slightly larger than the limbs show, by less than one
/// unit. The unit must lie below the smallest subnormal number.
pub(super) fn round_to_f64(limbs: &[u32], unit_exponent: i32, has_more: bool) -> f64 {
    debug_assert!(unit_exponent < -1074);
    let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else {
        return 0.0;
    };
    let highest_bit = 32 * top + 31 - limbs[top].leading_zeros() as usize;
    let exponent = highest_bit as i32 + unit_exponent;
    if exponent > 1023 {
        return f64::INFINITY;
    }
    // The last place of the result: 53 bits, fewer for subnormal numbers.
    let last_place = ((exponent - 52).max(-1074) - unit_exponent) as usize;
    let mantissa = bits_from(limbs, last_place);
    let half = bits_from(limbs, last_place - 1) & 1 == 1;
    let rest = has_more || !is_zero_below(limbs, last_place - 1);
    let rounded = mantissa + u64::from(half && (rest || mantissa & 1 == 1));
    // The leading one of a normal mantissa adds one to the exponent field, and so does a carry out
    // of the rounding.
    let exponent_field = (exponent + 1022).max(0) as u64;
    f64::from_bits((exponent_field << 52) + rounded)
}

/// The 64 bits that start at bit `position`.
fn bits_from(limbs: &[u32], position: usize) -> u64 {
    let limb = |index: usize| u128::from(limbs.get(index).copied().unwrap_or(0));
    let first = position / 32;
    let window = limb(first) | limb(first + 1) << 32 | limb(first + 2) << 64;
    (window >> (position % 32)) as u64
}

fn is_zero_below(limbs: &[u32], position: usize) -> bool {
    let (whole, part) = (position / 32, position % 32);
    let low_bits = limbs.get(whole).map_or(0, |limb| limb & ((1 << part) - 1));
    low_bits == 0 && limbs.iter().take(whole).all(|limb| *limb == 0)
}

/// The low 32 bits.
pub(super) const fn low(value: u64) -> u32 {
    value as u32
}
