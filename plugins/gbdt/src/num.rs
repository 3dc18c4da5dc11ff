//! The roundings and narrowings that this crate means.

/// Rounds to the nearest float32, where XGBoost does.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
pub(crate) fn to_f32(value: f64) -> f32 {
    value as f32
}

/// A number of a row, node, feature or bin: there are fewer than 2^31 of each.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "rows and features are counted before, a tree has at most two nodes per row"
)]
pub(crate) fn to_index(index: usize) -> u32 {
    index as u32
}

/// The whole part of a label or category: 0 for what is below or no number.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "truncation is the purpose")]
pub(crate) fn to_whole(value: f32) -> usize {
    value as usize
}
