//! The two roundings that this crate means.

/// Rounds to the nearest float32, where XGBoost does.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
pub(crate) fn to_f32(value: f64) -> f32 {
    value as f32
}
