//! What may be tried: each parameter with its values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::random::Random;

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
    fn at(&self, cell: u64) -> Json {
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

    fn is_log(&self) -> bool {
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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn domains() -> Vec<Domain> {
        vec![
            Domain::Float {
                low: -2.0,
                high: 3.0,
                log: false,
                step: None,
            },
            Domain::Float {
                low: 1e-3,
                high: 10.0,
                log: true,
                step: None,
            },
            Domain::Float {
                low: 0.5,
                high: 1.0,
                log: false,
                step: Some(0.1),
            },
            Domain::Int {
                low: 3,
                high: 12,
                log: false,
                step: 1,
            },
            Domain::Int {
                low: 10,
                high: 95,
                log: false,
                step: 10,
            },
            Domain::Int {
                low: 1,
                high: 1024,
                log: true,
                step: 1,
            },
            Domain::Choice {
                values: vec![json!("a"), json!(2), json!(false)],
            },
        ]
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_in_the_domain(seed: u64) {
            for domain in domains() {
                let value = domain.draw(&mut Random::of(seed, 0, "x"));
                let is_in = match &domain {
                    Domain::Float { low, high, .. } => value.as_f64().is_some_and(|value| (*low..=*high).contains(&value)),
                    Domain::Int { low, high, step, .. } => {
                        value.as_i64().is_some_and(|value| (*low..=*high).contains(&value) && (value - low) % step == 0)
                    }
                    Domain::Choice { values } => values.contains(&value),
                };
                prop_assert!(is_in, "{domain:?}: {value}");
            }
        }
    }

    #[test]
    fn every_value_with_steps_is_as_likely() {
        for domain in domains() {
            let (Some(values), false) = (domain.values(), domain.is_log()) else {
                continue;
            };
            let drawn: Vec<Json> = (0..4000)
                .map(|trial| domain.draw(&mut Random::of(5, trial, "x")))
                .collect();
            for value in &values {
                let share = drawn.iter().filter(|drawn| *drawn == value).count() as f64 / 4000.0;
                let expected = 1.0 / values.len() as f64;
                assert!(
                    (share - expected).abs() < 0.03,
                    "{domain:?}: {value} {share}"
                );
            }
        }
    }

    #[test]
    fn a_grid_has_every_combination() {
        let mut space = Space::new();
        space.insert(
            "a".to_owned(),
            Domain::Int {
                low: 1,
                high: 2,
                log: false,
                step: 1,
            },
        );
        space.insert(
            "b".to_owned(),
            Domain::Choice {
                values: vec![json!("x"), json!("y")],
            },
        );
        let points = grid(&space).unwrap();
        let shown: Vec<String> = points
            .iter()
            .map(|point| json!(point).to_string())
            .collect();
        assert_eq!(
            shown,
            [
                r#"{"a":1,"b":"x"}"#,
                r#"{"a":1,"b":"y"}"#,
                r#"{"a":2,"b":"x"}"#,
                r#"{"a":2,"b":"y"}"#,
            ]
        );
        space.insert("c".to_owned(), domains().remove(0));
        assert_eq!(grid(&space), Err("c".to_owned()));
    }

    #[test]
    fn ranges_that_make_no_sense_are_told() {
        let check = |domain: Domain, said: &str| {
            let problem = domain.problem().unwrap_or_default();
            assert!(problem.contains(said), "{domain:?}: {problem}");
        };
        let float = |low, high, log, step| Domain::Float {
            low,
            high,
            log,
            step,
        };
        check(float(1.0, 0.0, false, None), "below it");
        check(float(0.0, 1.0, true, None), "above 0");
        check(float(0.0, f64::INFINITY, false, None), "not finite");
        check(float(0.0, 1.0, false, Some(0.0)), "`step`");
        check(
            Domain::Int {
                low: i64::MIN,
                high: i64::MAX,
                log: false,
                step: 1,
            },
            "more values",
        );
        check(Domain::Choice { values: Vec::new() }, "nothing to choose");
        assert!(domains().iter().all(|domain| domain.problem().is_none()));
    }
}
