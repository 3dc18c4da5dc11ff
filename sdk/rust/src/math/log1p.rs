//! The logarithm of numbers near one, by their distance from it.

use super::{
    LN_2_HIGH, LN_2_LOW, NAN,
    blocks::{EMPTY, map, step},
    ln::{exponent, ratio, series, split, sum},
};

/// ln(1 + x), within 1 unit in the last place, also where 1 + x would lose all digits of x.
///
/// `log1p(±0)` is ±0, `log1p(-1)` -infinity, `log1p(inf)` infinity; NaN and numbers below -1 give
/// NaN.
///
/// The logarithm of the rounded 1 + x, corrected by what the rounding lost. Source: fdlibm's
/// `s_log1p.c`.
#[must_use]
#[inline]
pub fn log1p(x: f64) -> f64 {
    let [f, k, correction] = reduce([x]);
    let [s] = ratio([f]);
    let [series] = series([s]);
    let [result] = finish([x, f, s, series, k, correction]);
    result
}

/// `output[i] = log1p(input[i])`, up to the end of the shorter slice.
pub fn log1p_slice(input: &[f64], output: &mut [f64]) {
    let [mut f, mut k, mut correction, mut s, mut sums] = [EMPTY; 5];
    let block = |x: &_, output: &mut _| {
        step([x], [&mut f, &mut k, &mut correction], reduce);
        step([&f], [&mut s], ratio);
        step([&s], [&mut sums], series);
        step([x, &f, &s, &sums, &k, &correction], [output], finish);
    };
    map(input, output, block, log1p);
}

/// f and k of 1 + x, and what the addition lost, divided by the sum.
#[inline(always)]
fn reduce([x]: [f64; 1]) -> [f64; 3] {
    let rounded = 1.0 + x;
    // Exact, since the larger term is subtracted first.
    let (larger, smaller) = if x > 1.0 { (x, 1.0) } else { (1.0, x) };
    let lost = smaller - (rounded - larger);
    let (field, mantissa) = split(rounded);
    // Without an exponent to split off, x itself is f, with nothing lost.
    let is_small = field == 1023;
    let f = if is_small { x } else { mantissa - 1.0 };
    let correction = if is_small { 0.0 } else { lost / rounded };
    [f, exponent(field), correction]
}

#[inline(always)]
fn finish([x, f, s, series, k, correction]: [f64; 6]) -> [f64; 1] {
    let result = sum(f, s, series, k * LN_2_HIGH, k * LN_2_LOW + correction);
    let result = if x == -1.0 { f64::NEG_INFINITY } else { result };
    // Both zeros and infinity are their own logarithm.
    let result = if x == 0.0 || x == f64::INFINITY {
        x
    } else {
        result
    };
    [if x >= -1.0 { result } else { NAN }]
}
