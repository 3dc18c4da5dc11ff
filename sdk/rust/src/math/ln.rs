//! The natural logarithm, and the steps that it shares with [`log1p`](super::log1p).
//!
//! A number is 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2). With s = f / (2 + f),
//! ln(1 + f) = f - s (f - R), where R is a series in s^2. Source: fdlibm's `e_log.c`.

use super::{
    LN_2_HIGH, LN_2_LOW, NAN,
    blocks::{EMPTY, map, step},
};

const MANTISSA_MASK: u64 = (1 << 52) - 1;
/// Bits of 1, and of sqrt(1/2) rounded down.
const ONE: u64 = 0x3ff0_0000 << 32;
const SQRT_HALF: u64 = 0x3fe6_a09e << 32;

/// fdlibm's coefficients of the series R, from s^2 up.
const COEFFICIENTS: [f64; 7] = [
    0.6666666666666735,
    0.3999999999940942,
    0.2857142874366239,
    0.22222198432149784,
    0.1818357216161805,
    0.15313837699209373,
    0.14798198605116586,
];

/// ln x, within 1 unit in the last place.
///
/// `ln(0)` is -infinity for both zeros, `ln(inf)` infinity; NaN and negative numbers give NaN.
#[must_use]
#[inline]
pub fn ln(x: f64) -> f64 {
    let [f, k] = reduce([x]);
    let [s] = ratio([f]);
    let [series] = series([s]);
    let [result] = finish([x, f, s, series, k]);
    result
}

/// `output[i] = ln(input[i])`, up to the end of the shorter slice.
pub fn ln_slice(input: &[f64], output: &mut [f64]) {
    let [mut f, mut k, mut s, mut sums] = [EMPTY; 4];
    let block = |x: &_, output: &mut _| {
        step([x], [&mut f, &mut k], reduce);
        step([&f], [&mut s], ratio);
        step([&s], [&mut sums], series);
        step([x, &f, &s, &sums, &k], [output], finish);
    };
    map(input, output, block, ln);
}

/// f and k of a number; anything for the special ones.
#[inline(always)]
fn reduce([x]: [f64; 1]) -> [f64; 2] {
    const SHIFT: u64 = 54;
    const SCALE: f64 = (1u64 << SHIFT) as f64;
    let is_subnormal = x < f64::MIN_POSITIVE;
    let normal = if is_subnormal { x * SCALE } else { x };
    let (field, mantissa) = split(normal);
    let field = if is_subnormal {
        field.wrapping_sub(SHIFT)
    } else {
        field
    };
    [mantissa - 1.0, exponent(field)]
}

#[inline(always)]
fn finish([x, f, s, series, k]: [f64; 5]) -> [f64; 1] {
    let result = sum(f, s, series, k * LN_2_HIGH, k * LN_2_LOW);
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    let result = if x == f64::INFINITY {
        f64::INFINITY
    } else {
        result
    };
    [if x >= 0.0 { result } else { NAN }]
}

/// A positive normal number as 2^(field - 1023) times a mantissa in [sqrt(1/2), sqrt(2)).
#[inline(always)]
pub(super) fn split(x: f64) -> (u64, f64) {
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let mantissa = (shifted & MANTISSA_MASK) + SQRT_HALF;
    (shifted >> 52, f64::from_bits(mantissa))
}

/// The exponent k that [`split`] found. The conversion of an integer is never NaN, so it costs
/// nothing extra.
#[inline(always)]
pub(super) fn exponent(field: u64) -> f64 {
    f64::from(field as i32 - 1023)
}

/// s of f.
#[inline(always)]
pub(super) fn ratio([f]: [f64; 1]) -> [f64; 1] {
    [f / (2.0 + f)]
}

/// The series R of s, summed in pairs, which wait less for one another than nested terms do.
#[inline(always)]
pub(super) fn series([s]: [f64; 1]) -> [f64; 1] {
    let [c1, c2, c3, c4, c5, c6, c7] = COEFFICIENTS;
    let s2 = s * s;
    let s4 = s2 * s2;
    let low = (c1 + s2 * c2) + s4 * (c3 + s2 * c4);
    let high = (c5 + s2 * c6) + s4 * c7;
    [s2 * (low + (s4 * s4) * high)]
}

/// ln(1 + f) plus two numbers, of which the first is zero or larger, and the second small.
#[inline(always)]
pub(super) fn sum(f: f64, s: f64, series: f64, large: f64, small: f64) -> f64 {
    large - ((s * (f - series) - small) - f)
}
