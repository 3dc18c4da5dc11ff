//! Successive halving: stopping trials that fall behind.
//!
//! L. Li et al.: *A System for Massively Parallel Hyperparameter Tuning* (ASHA), MLSys 2020. A trial is looked
//! at after `min_steps`, then after `factor` times as many steps, and so on: it goes on if it is among the best
//! one in `factor` of those that came so far. Where the paper takes whoever happened to come so far, here it is
//! the trials that are known to the one that is looked at, so that its end is decided before it begins.

use serde::Serialize;

use crate::study::{Goal, Seen};

/// How trials are stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asha {
    /// Steps that every trial takes, at least 1.
    pub min_steps: u32,
    /// One in so many goes on, at least 2.
    pub factor: u32,
}

impl Default for Asha {
    fn default() -> Self {
        Self {
            min_steps: 1,
            factor: 4,
        }
    }
}

/// When a trial is to stop. All that decides about it is here, so it is part of what the trial is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stops {
    /// What is watched: a metric that the stage reports, or the end of its name behind a `_`.
    pub metric: String,
    pub goal: Goal,
    /// By the number of the step, rising.
    pub rungs: Vec<Rung>,
}

/// A step at which a trial stops unless it is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Counted from 0.
    pub step: u32,
    /// What it must have reached.
    pub at_least: f64,
}

impl Asha {
    /// The rungs of a trial that knows of these.
    pub fn rungs(&self, goal: Goal, known: &[Seen]) -> Vec<Rung> {
        let longest = known
            .iter()
            .filter_map(|trial| trial.curve.last())
            .map(|(step, _)| *step)
            .max();
        let Some(longest) = longest else {
            return Vec::new();
        };
        let mut rungs = Vec::new();
        let mut steps = u64::from(self.min_steps.max(1));
        let factor = self.factor.max(2) as usize;
        while let Some(step) = u32::try_from(steps - 1)
            .ok()
            .filter(|step| *step <= longest)
        {
            let reached = known.iter().filter_map(|trial| {
                let at = trial.curve.iter().find(|(number, _)| *number == step);
                at.map(|(_, value)| *value)
            });
            let mut reached: Vec<f64> = reached.collect();
            reached.sort_by(|one, other| goal.compare(*one, *other));
            // Of those that came so far and this one, so many go on.
            let go_on = ((reached.len() + 1) / factor).max(1);
            let at_least = reached
                .get(go_on - 1)
                .copied()
                .filter(|value| !value.is_nan());
            rungs.extend(at_least.map(|at_least| Rung { step, at_least }));
            steps *= factor as u64;
        }
        rungs
    }
}

impl Stops {
    /// The value of the metric that is watched, among those that a stage reported.
    pub fn watched(&self, metrics: &[(String, f64)]) -> Option<f64> {
        let exact = metrics.iter().find(|(name, _)| *name == self.metric);
        let ends = |name: &str| {
            name.strip_suffix(&self.metric)
                .is_some_and(|start| start.ends_with('_'))
        };
        let found = exact.or_else(|| metrics.iter().find(|(name, _)| ends(name)));
        found.map(|(_, value)| *value)
    }

    /// Whether to stop after a step with this value.
    pub fn stops(&self, step: u32, value: f64) -> bool {
        let rung = self.rungs.iter().find(|rung| rung.step == step);
        rung.is_some_and(|rung| value.is_nan() || self.goal.is_better(rung.at_least, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Point;

    fn trial(values: &[f64]) -> Seen {
        Seen {
            point: Point::new(),
            value: None,
            curve: (0..).zip(values.iter().copied()).collect(),
        }
    }

    #[test]
    fn the_best_one_in_so_many_goes_on() {
        let asha = Asha {
            min_steps: 1,
            factor: 2,
        };
        assert_eq!(asha.rungs(Goal::Max, &[]), []);
        let known = [
            trial(&[0.5, 0.6, 0.6, 0.7]),
            trial(&[0.3, 0.7]),
            trial(&[0.4]),
        ];
        let rungs = asha.rungs(Goal::Max, &known);
        let steps: Vec<(u32, f64)> = rungs
            .iter()
            .map(|rung| (rung.step, rung.at_least))
            .collect();
        // Two of four, one of three, one of two.
        assert_eq!(steps, [(0, 0.4), (1, 0.7), (3, 0.7)]);
        let stops = Stops {
            metric: "auc".to_owned(),
            goal: Goal::Max,
            rungs,
        };
        assert!(stops.stops(0, 0.39) && !stops.stops(0, 0.4) && stops.stops(0, f64::NAN));
        assert!(!stops.stops(2, 0.0), "it is looked at on rungs alone");
        let lowest = asha.rungs(Goal::Min, &known);
        assert_eq!(lowest[0].at_least, 0.4);
    }

    #[test]
    fn the_metric_may_be_named_by_its_end() {
        let stops = Stops {
            metric: "auc".to_owned(),
            goal: Goal::Max,
            rungs: Vec::new(),
        };
        let metrics = |names: &[&str]| -> Vec<(String, f64)> {
            names
                .iter()
                .zip(1..)
                .map(|(name, value)| ((*name).to_owned(), f64::from(value)))
                .collect()
        };
        assert_eq!(stops.watched(&metrics(&["validation_auc"])), Some(1.0));
        assert_eq!(
            stops.watched(&metrics(&["validation_auc", "auc"])),
            Some(2.0)
        );
        assert_eq!(stops.watched(&metrics(&["validation_aucpr", "xauc"])), None);
    }
}
