//! The order of floats as integers, so that numbers can be keys.

/// The place of a number in the order of numbers: rises with it, equal for -0.0 and 0.0.
pub(crate) fn key(number: f64) -> i64 {
    // The zero added turns -0.0 into 0.0.
    let bits = i64::from_ne_bytes((number + 0.0).to_ne_bytes());
    // Negative floats fall as their bits rise.
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The number at this place.
pub(crate) fn number(key: i64) -> f64 {
    let bits = if key < 0 { key ^ i64::MAX } else { key };
    f64::from_ne_bytes(bits.to_ne_bytes())
}

/// The nearest float32.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the nearest is what is asked for"
)]
pub(crate) fn to_float32(number: f64) -> f32 {
    number as f32
}

/// The integer that this number is; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written as int32 was one before"
)]
pub(crate) fn to_int32(number: f64) -> i32 {
    number as i32
}

/// The integer that this number is; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written as int64 was one before"
)]
pub(crate) fn to_int64(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rise_with_numbers_and_lead_back() {
        let rising = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::from_bits(1),
            0.0,
            f64::from_bits(1),
            2.5,
            f64::INFINITY,
        ];
        for pair in rising.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        assert!(rising.iter().all(|x| number(key(*x)) == *x));
        assert_eq!((key(-0.0), key(0.0)), (0, 0));
    }
}
