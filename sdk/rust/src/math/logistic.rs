//! XGBoost's logistic function and its inverse.

use super::{expf, logf};

/// The probability of a margin: `1 / (expf(min(-margin, 88.7)) + 1 + 1e-16)`, all in `f32`.
///
/// To the bit what XGBoost gives on Linux; between 3e-39 and 1, NaN for NaN.
///
/// Source: `Sigmoid` in XGBoost's `src/common/math.h`.
#[must_use]
#[inline]
pub fn sigmoid(margin: f32) -> f32 {
    /// Keeps the exponential finite.
    const LARGEST: f32 = 88.7;
    let negated = if LARGEST < -margin { LARGEST } else { -margin };
    1.0 / (expf(negated) + 1.0 + 1e-16)
}

/// The margin of a probability: `-logf(1 / probability - 1)`, all in `f32`, as XGBoost turns
/// `base_score` into a margin.
///
/// Infinite for 0 and 1, NaN outside; XGBoost first moves `base_score` to between 1e-6 and 1 -
/// 1e-6.
#[must_use]
pub fn logit(probability: f32) -> f32 {
    -logf(1.0 / probability - 1.0)
}
