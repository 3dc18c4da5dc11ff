//! The exponential function.
//!
//! x is k ln 2 + r with |r| <= ln 2 / 2, as in fdlibm's `e_exp.c`; e^r is a polynomial, and the sum
//! 1 + r keeps its rounding error.

use super::{
    LN_2_HIGH, LN_2_LOW, NAN,
    blocks::{EMPTY, map, step},
};

/// Beyond these, results are infinite, or zero.
const LARGEST: f64 = 710.0;
const SMALLEST: f64 = -746.0;

/// 1.5 * 2^52: adding it rounds a small number to an integer, which then sits in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Chebyshev coefficients (error 2^-61) of (e^r - 1 - r) / r^2, from the constant up.
const COEFFICIENTS: [f64; 11] = [
    0.5,
    0.1666666666666667,
    0.04166666666666667,
    0.00833333333332614,
    0.0013888888888883752,
    0.00019841269874804214,
    2.4801587325536023e-05,
    2.7557255421023506e-06,
    2.7557273657975953e-07,
    2.5105208339987698e-08,
    2.0914680780540263e-09,
];

/// e^x, within 1 unit in the last place.
///
/// `exp(-inf)` is 0, `exp(inf)` infinity, NaN gives NaN; results out of range are 0 or infinity.
#[must_use]
#[inline]
pub fn exp(x: f64) -> f64 {
    let [shifted, high, low] = reduce([x]);
    let [tail] = tail([high, low]);
    let [result] = finish([x, shifted, high, tail]);
    result
}

/// `output[i] = exp(input[i])`, up to the end of the shorter slice.
pub fn exp_slice(input: &[f64], output: &mut [f64]) {
    let [mut shifted, mut high, mut low, mut tails] = [EMPTY; 4];
    let block = |x: &_, output: &mut _| {
        step([x], [&mut shifted, &mut high, &mut low], reduce);
        step([&high, &low], [&mut tails], tail);
        step([x, &shifted, &high, &tails], [output], finish);
    };
    map(input, output, block, exp);
}

/// k in the lowest bits of the first number, and r as the second less the third; the second is
/// exact.
#[inline(always)]
pub(super) fn reduce([x]: [f64; 1]) -> [f64; 3] {
    let bounded = if x > LARGEST { LARGEST } else { x };
    let bounded = if bounded < SMALLEST {
        SMALLEST
    } else {
        bounded
    };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    [shifted, bounded - k * LN_2_HIGH, k * LN_2_LOW]
}

/// e^r less 1 and the high part of r.
#[inline(always)]
pub(super) fn tail([high, low]: [f64; 2]) -> [f64; 1] {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10] = COEFFICIENTS;
    let r = high - low;
    let r2 = r * r;
    let r4 = r2 * r2;
    let lowest = (c0 + c1 * r) + (c2 + c3 * r) * r2;
    let middle = (c4 + c5 * r) + (c6 + c7 * r) * r2;
    let highest = (c8 + c9 * r) + c10 * r2;
    [r2 * (lowest + (r4 * middle + (r4 * r4) * highest)) - low]
}

#[inline(always)]
fn finish([x, shifted, high, tail]: [f64; 4]) -> [f64; 1] {
    let sum = 1.0 + high;
    let error = high - (sum - 1.0);
    let mantissa = sum + (error + tail);
    let [power, half] = power(shifted);
    let result = mantissa * power * half;
    [if x.is_nan() { NAN } else { result }]
}

/// 2^k in two factors, since k reaches beyond the exponents of normal numbers.
#[inline(always)]
pub(super) fn power(shifted: f64) -> [f64; 2] {
    let biased = shifted.to_bits().wrapping_add(2 * 1023) & 0xfff;
    let half = biased >> 1;
    [half, biased - half].map(|field| f64::from_bits(field << 52))
}
