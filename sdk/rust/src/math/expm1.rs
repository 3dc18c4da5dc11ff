//! The exponential function less one, by the steps of [`exp`](super::exp).

use super::{
    NAN,
    blocks::{EMPTY, map, step},
    exp::{power, reduce, tail},
};

/// Below it the result is -1.
const SMALLEST: f64 = -45.0;

/// e^x - 1, within 1 unit in the last place, also where e^x would lose all digits of x.
///
/// `expm1(±0)` is ±0, `expm1(-inf)` -1, `expm1(inf)` infinity; NaN gives NaN.
///
/// With e^x = 2^k (1 + p), it is 2^k ((1 - 2^-k) + p), and that sum keeps its rounding error.
#[must_use]
#[inline]
pub fn expm1(x: f64) -> f64 {
    let [shifted, high, low] = reduce_bounded([x]);
    let [tail] = tail([high, low]);
    let [result] = finish([x, shifted, high, tail]);
    result
}

/// `output[i] = expm1(input[i])`, up to the end of the shorter slice.
pub fn expm1_slice(input: &[f64], output: &mut [f64]) {
    let [mut shifted, mut high, mut low, mut tails] = [EMPTY; 4];
    let block = |x: &_, output: &mut _| {
        step([x], [&mut shifted, &mut high, &mut low], reduce_bounded);
        step([&high, &low], [&mut tails], tail);
        step([x, &shifted, &high, &tails], [output], finish);
    };
    map(input, output, block, expm1);
}

#[inline(always)]
fn reduce_bounded([x]: [f64; 1]) -> [f64; 3] {
    reduce([if x < SMALLEST { SMALLEST } else { x }])
}

#[inline(always)]
fn finish([x, shifted, high, tail]: [f64; 4]) -> [f64; 1] {
    let [power, half] = power(shifted);
    // 1 - 2^-k, exact where it matters: beyond 53 binary places one of the two is lost in the other.
    let start = 1.0 - 1.0 / power / half;
    let sum = start + high;
    let added = sum - start;
    let error = (start - (sum - added)) + (high - added);
    let result = (sum + (error + tail)) * power * half;
    // Both zeros are their own result.
    let result = if x == 0.0 { x } else { result };
    [if x.is_nan() { NAN } else { result }]
}
