//! The scale on which a range is even, and the steps on it.

use serde_json::Value as Json;

use super::Domain;

impl Domain {
    /// How many values a range with steps has.
    pub(crate) fn cells(&self) -> Option<u64> {
        match self {
            Self::Float {
                low,
                high,
                step: Some(step),
                ..
            } => {
                // Forgives what rounding takes from the last step.
                let steps = libm::floor((high - low) / step + 1e-9);
                Some(whole(steps).saturating_add(1))
            }
            Self::Int {
                low, high, step, ..
            } => u64::try_from((high - low) / (*step).max(1))
                .ok()
                .map(|steps| steps + 1),
            _ => None,
        }
    }

    /// The value of a cell.
    pub(super) fn at(&self, cell: u64) -> Json {
        match self {
            Self::Float {
                low,
                step: Some(step),
                ..
            } => Json::from(low + step * cell as f64),
            Self::Int { low, step, .. } => {
                Json::from(low + step * i64::try_from(cell).unwrap_or(0))
            }
            _ => Json::Null,
        }
    }

    /// The ends of a range on the scale on which it is even. What has steps reaches half a step further, so
    /// that its first and last value are as wide as the others.
    pub(crate) fn scaled(&self) -> (f64, f64) {
        let scale = |value: f64| {
            if self.is_log() {
                libm::log(value)
            } else {
                value
            }
        };
        let (low, high, half) = match self {
            Self::Float {
                low, high, step, ..
            } => {
                let half = step.unwrap_or(0.0) / 2.0;
                let high = match self.cells() {
                    Some(cells) => low + step.unwrap_or(0.0) * (cells - 1) as f64,
                    None => *high,
                };
                (*low, high, half)
            }
            Self::Int { low, step, .. } => {
                let cells = self.cells().unwrap_or(1);
                let high = *low as f64 + *step as f64 * (cells - 1) as f64;
                (*low as f64, high, *step as f64 / 2.0)
            }
            Self::Choice { .. } => (0.0, 0.0, 0.0),
        };
        (scale(low - half), scale(high + half))
    }

    /// A value on that scale; nothing if it is none of the domain.
    pub(crate) fn scale(&self, value: &Json) -> Option<f64> {
        let value = value.as_f64()?;
        Some(if self.is_log() {
            libm::log(value)
        } else {
            value
        })
    }

    /// What of that scale counts as this value: the value itself, or all that is nearer to it than to others.
    pub(crate) fn cell(&self, value: &Json) -> Option<(f64, f64)> {
        let half = match self {
            Self::Int { step, .. } => *step as f64 / 2.0,
            Self::Float {
                step: Some(step), ..
            } => step / 2.0,
            _ => return None,
        };
        let value = value.as_f64()?;
        let scale = |value: f64| {
            if self.is_log() {
                libm::log(value)
            } else {
                value
            }
        };
        Some((scale(value - half), scale(value + half)))
    }

    /// The value at a place of that scale.
    pub(crate) fn unscale(&self, place: f64) -> Json {
        let value = if self.is_log() {
            libm::exp(place)
        } else {
            place
        };
        match self {
            Self::Float {
                low,
                high,
                step: None,
                ..
            } => Json::from(value.clamp(*low, *high)),
            Self::Float {
                low,
                step: Some(step),
                ..
            } => self.at(self.nearest((value - low) / step)),
            Self::Int { low, step, .. } => {
                self.at(self.nearest((value - *low as f64) / *step as f64))
            }
            Self::Choice { .. } => Json::Null,
        }
    }

    fn nearest(&self, steps: f64) -> u64 {
        let last = self.cells().unwrap_or(1) - 1;
        whole(libm::round(steps)).min(last)
    }

    pub(super) fn is_log(&self) -> bool {
        matches!(
            self,
            Self::Float { log: true, .. } | Self::Int { log: true, .. }
        )
    }
}

/// A whole number as an integer; what is below 0 or NaN is 0, what is too large the largest.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, which is what is wanted"
)]
fn whole(value: f64) -> u64 {
    value as u64
}
