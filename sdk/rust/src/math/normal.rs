//! Quantiles of the standard normal distribution.

use super::{NAN, ln};

/// Numerators and denominators of the three rational functions, from the constant up.
const CENTRAL: [[f64; 8]; 2] = [
    [
        3.3871328727963665,
        133.14166789178438,
        1971.5909503065513,
        13731.69376550946,
        45921.95393154987,
        67265.7709270087,
        33430.57558358813,
        2509.0809287301227,
    ],
    [
        1.0,
        42.31333070160091,
        687.1870074920579,
        5394.196021424751,
        21213.794301586597,
        39307.89580009271,
        28729.085735721943,
        5226.495278852854,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.4234371107496835,
        4.630337846156546,
        5.769497221460691,
        3.6478483247632045,
        1.2704582524523684,
        0.2417807251774506,
        0.022723844989269184,
        0.0007745450142783414,
    ],
    [
        1.0,
        2.053191626637759,
        1.6763848301838038,
        0.6897673349851,
        0.14810397642748008,
        0.015198666563616457,
        0.0005475938084995345,
        1.0507500716444169e-09,
    ],
];
const OUTER: [[f64; 8]; 2] = [
    [
        6.657904643501103,
        5.463784911164114,
        1.7848265399172913,
        0.29656057182850487,
        0.026532189526576124,
        0.0012426609473880784,
        2.7115555687434876e-05,
        2.0103343992922881e-07,
    ],
    [
        1.0,
        0.599832206555888,
        0.1369298809227358,
        0.014875361290850615,
        0.0007868691311456133,
        1.8463183175100548e-05,
        1.421511758316446e-07,
        2.0442631033899397e-15,
    ],
];

/// The number that a standard normal variable falls below with this probability, within 5 units in the
/// last place.
///
/// `normal_quantile(0.5)` is 0, of 0 -infinity, of 1 infinity; NaN, and what is no probability, give NaN.
///
/// Source: M. Wichura, *Algorithm AS 241: The percentage points of the normal distribution* (1988),
/// routine PPND16.
#[must_use]
pub fn normal_quantile(probability: f64) -> f64 {
    let from_median = probability - 0.5;
    if from_median.abs() <= 0.425 {
        return from_median * ratio(&CENTRAL, 0.180_625 - from_median * from_median);
    }
    // Exact: the probability is more than a half where it is subtracted.
    let tail = if from_median < 0.0 {
        probability
    } else {
        1.0 - probability
    };
    if tail == 0.0 {
        return f64::INFINITY.copysign(from_median);
    }
    // The logarithm of a negative number, and of NaN, is NaN.
    let root = (-ln(tail)).sqrt();
    let result = if root <= 5.0 {
        ratio(&MIDDLE, root - 1.6)
    } else {
        ratio(&OUTER, root - 5.0)
    };
    if result.is_nan() {
        NAN
    } else {
        result.copysign(from_median)
    }
}

fn ratio([numerator, denominator]: &[[f64; 8]; 2], x: f64) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    value(numerator) / value(denominator)
}
