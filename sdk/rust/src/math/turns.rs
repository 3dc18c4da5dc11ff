//! Sine and cosine of angles that are counted in turns: an hour of a day, a day of a week.
//!
//! An angle in turns is reduced without any rounding, however large it is, and the functions are exact
//! where a clock's hand points straight up, down, left or right.

use super::NAN;

/// 2π in two parts.
const TURN: f64 = std::f64::consts::TAU;
const TURN_LOW: f64 = f64::from_bits(0x3cb1_a626_3314_5c07);

/// fdlibm's coefficients of `k_sin.c`, from the cube up.
const SINE: [f64; 6] = [
    f64::from_bits(0xbfc5_5555_5555_5549),
    f64::from_bits(0x3f81_1111_1110_f8a6),
    f64::from_bits(0xbf2a_01a0_19c1_61d5),
    f64::from_bits(0x3ec7_1de3_57b1_fe7d),
    f64::from_bits(0xbe5a_e5e6_8a2b_9ceb),
    f64::from_bits(0x3de5_d93a_5acf_d57c),
];

/// fdlibm's coefficients of `k_cos.c`, from the fourth power up.
const COSINE: [f64; 6] = [
    f64::from_bits(0x3fa5_5555_5555_554c),
    f64::from_bits(0xbf56_c16c_16c1_5177),
    f64::from_bits(0x3efa_01a0_19cb_1590),
    f64::from_bits(0xbe92_7e4f_809c_52ad),
    f64::from_bits(0x3e21_ee9e_bdb4_b1c4),
    f64::from_bits(0xbda8_fae9_be88_38d4),
];

/// sin(2π t), within 1 unit in the last place: ±0, 1 and -1 exactly at the quarters of a turn.
///
/// Infinities and NaN give NaN; the sine of a whole number of turns is 0 with the sign of `t`.
///
/// Source: the polynomials of fdlibm's `k_sin.c` and `k_cos.c`.
#[must_use]
pub fn sin_turns(t: f64) -> f64 {
    let (quarter, [angle, low]) = reduce(t);
    let result = match quarter {
        0 => sine(angle, low),
        1 => cosine(angle, low),
        2 => -sine(angle, low),
        _ => -cosine(angle, low),
    };
    if !t.is_finite() {
        NAN
    } else if result == 0.0 {
        0.0_f64.copysign(t)
    } else {
        result
    }
}

/// cos(2π t), within 1 unit in the last place: 1, 0 and -1 exactly at the quarters of a turn.
///
/// Infinities and NaN give NaN.
///
/// Source: the polynomials of fdlibm's `k_sin.c` and `k_cos.c`.
#[must_use]
pub fn cos_turns(t: f64) -> f64 {
    let (quarter, [angle, low]) = reduce(t);
    let result = match quarter {
        0 => cosine(angle, low),
        1 => -sine(angle, low),
        2 => -cosine(angle, low),
        _ => sine(angle, low),
    };
    // The zero added turns -0.0 into 0.0.
    if t.is_finite() { result + 0.0 } else { NAN }
}

/// The nearest quarter of a turn, counted from 0 to 3, and the angle from there in radians, in two parts.
fn reduce(t: f64) -> (u8, [f64; 2]) {
    if !t.is_finite() {
        return (0, [0.0; 2]);
    }
    // Nothing is rounded: the remainder of a number that is divided by a power of two.
    let fraction = t % 1.0;
    let quarters = (4.0 * fraction).round_ties_even();
    let rest = fraction - quarters / 4.0;
    let quarter = (quarters as i8).rem_euclid(4).unsigned_abs();
    let angle = rest * TURN;
    // What the product lost, by Dekker's splitting.
    let ((high, low), (turn_high, turn_low)) = (split(rest), split(TURN));
    let lost = (high * turn_high - angle) + high * turn_low + low * turn_high + low * turn_low;
    (quarter, [angle, lost + rest * TURN_LOW])
}

/// A number as the sum of two that have 26 bits each.
fn split(x: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0;
    let scaled = x * SPLITTER;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// The sine of an angle of at most π / 4, and a little more.
fn sine(x: f64, low: f64) -> f64 {
    let [s1, s2, s3, s4, s5, s6] = SINE;
    let x2 = x * x;
    let x3 = x2 * x;
    let series = s2 + x2 * (s3 + x2 * s4) + x2 * (x2 * x2) * (s5 + x2 * s6);
    x - ((x2 * (0.5 * low - x3 * series) - low) - x3 * s1)
}

/// The cosine of an angle of at most π / 4, and a little more.
fn cosine(x: f64, low: f64) -> f64 {
    let [c1, c2, c3, c4, c5, c6] = COSINE;
    let x2 = x * x;
    let x4 = x2 * x2;
    let series = x2 * (c1 + x2 * (c2 + x2 * c3)) + x4 * x4 * (c4 + x2 * (c5 + x2 * c6));
    let half = 0.5 * x2;
    let rounded = 1.0 - half;
    rounded + (((1.0 - rounded) - half) + (x2 * series - x * low))
}
