//! What may be tried: each parameter with its values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::random::Random;

mod scale;

/// The parameters of a study by name.
pub type Space = BTreeMap<String, Domain>;

/// A value for each parameter.
pub type Point = BTreeMap<String, Json>;

/// The values that a parameter may have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Domain {
    /// Numbers from `low` to `high`, both included; with `step`, only `low` and so many steps above it.
    Float {
        low: f64,
        high: f64,
        /// Whether they are drawn evenly on the scale of their logarithms.
        log: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<f64>,
    },
    /// Whole numbers, likewise.
    Int {
        low: i64,
        high: i64,
        log: bool,
        step: i64,
    },
    /// One of these, in no order.
    Choice { values: Vec<Json> },
}

impl Domain {
    /// Why it makes no sense, if so.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Float {
                low,
                high,
                log,
                step,
            } => range_problem(*low, *high, *log, step.map(|step| step > 0.0)),
            Self::Int {
                low,
                high,
                log,
                step,
            } => range_problem(*low as f64, *high as f64, *log, Some(*step > 0)).or_else(|| {
                let is_wide = high.checked_sub(*low).is_none_or(|width| width > 1 << 53);
                is_wide.then(|| "it has more values than a float can tell apart".to_owned())
            }),
            Self::Choice { values } if values.is_empty() => {
                Some("there is nothing to choose".to_owned())
            }
            Self::Choice { .. } => None,
        }
    }

    /// All values, if they can be listed: a choice, or a range with steps.
    pub fn values(&self) -> Option<Vec<Json>> {
        const MOST: u64 = 100_000;
        let count = match self {
            Self::Choice { values } => return Some(values.clone()),
            Self::Float { step: None, .. } => return None,
            _ => self.cells().filter(|count| *count <= MOST)?,
        };
        Some((0..count).map(|cell| self.at(cell)).collect())
    }

    /// The values at the ends of a range, or all of a choice: if these are right, so are the others, mostly.
    pub fn extremes(&self) -> Vec<Json> {
        match self {
            Self::Choice { values } => values.clone(),
            Self::Float { low, high, .. } => vec![Json::from(*low), Json::from(*high)],
            Self::Int { low, high, .. } => vec![Json::from(*low), Json::from(*high)],
        }
    }

    /// A value drawn evenly.
    pub(crate) fn draw(&self, random: &mut Random) -> Json {
        match self {
            Self::Choice { values } => {
                let index = random.index(values.iter().map(|_| 1.0));
                values.get(index).cloned().unwrap_or(Json::Null)
            }
            _ => {
                let (low, high) = self.scaled();
                self.unscale(low + (high - low) * random.uniform())
            }
        }
    }
}

fn range_problem(low: f64, high: f64, log: bool, has_step: Option<bool>) -> Option<String> {
    if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
        return Some("its ends are not finite".to_owned());
    }
    if low > high {
        return Some(format!("`low` is {low}, and `high` {high} is below it"));
    }
    if log && low <= 0.0 {
        return Some(format!(
            "`low` is {low}, and logarithms need numbers above 0"
        ));
    }
    match has_step {
        Some(false) => Some("`step` is not above 0".to_owned()),
        _ => None,
    }
}

/// Every combination of the values of a space, those of the last parameter changing fastest. Nothing if a
/// parameter has values that cannot be listed, whose name is then the error.
///
/// # Errors
/// The name of a parameter without a list of values.
pub fn grid(space: &Space) -> Result<Vec<Point>, String> {
    let mut points = vec![Point::new()];
    for (name, domain) in space {
        let values = domain.values().ok_or_else(|| name.clone())?;
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(|value| {
                    let mut point = point.clone();
                    point.insert(name.clone(), value.clone());
                    point
                })
            })
            .collect();
    }
    Ok(points)
}

#[cfg(test)]
mod tests;
