//! A study: what to try next, and what was best.

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::space::{Point, Space, grid};
use crate::tpe::Tpe;

/// Whether the metric of a study is to be large or small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    #[default]
    Max,
    Min,
}

impl Goal {
    /// Whether one value is better than another; NaN is worse than all others.
    pub fn is_better(self, value: f64, than: f64) -> bool {
        match (value.is_nan(), than.is_nan(), self) {
            (true, _, _) => false,
            (false, true, _) => true,
            (false, false, Self::Max) => value > than,
            (false, false, Self::Min) => value < than,
        }
    }

    /// The index of the best trial that came to its end; of equal ones, the first.
    pub fn best(self, trials: &[Seen]) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (index, trial) in trials.iter().enumerate() {
            if let Some(value) = trial.value.filter(|value| !value.is_nan())
                && best.is_none_or(|(_, known)| self.is_better(value, known))
            {
                best = Some((index, value));
            }
        }
        best.map(|(index, _)| index)
    }

    /// The best first; equal values keep their order, and NaN comes last.
    pub(crate) fn compare(self, one: f64, other: f64) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        match (self.is_better(one, other), self.is_better(other, one)) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }
}

/// How a study chooses what to try.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Sampler {
    /// Evenly over the space.
    Random,
    /// Every combination, one after the other.
    Grid,
    /// Where values like those of the best trials are dense, and those of the others are not.
    Tpe(Tpe),
}

/// What is tried how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    pub space: Space,
    pub sampler: Sampler,
    pub goal: Goal,
    pub seed: u64,
    /// How many trials may run at once, at least 1.
    pub parallel: usize,
}

/// A trial that has come to an end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    pub point: Point,
    /// What it was worth; nothing if it was stopped early, or failed.
    pub value: Option<f64>,
    /// The metric that is watched after each step that was reported, with the number of the step.
    pub curve: Vec<(u32, f64)>,
}

impl Study {
    /// How many trials have to be over before the trial of this number begins: the first so many. What runs
    /// at the same time as it is unknown to it, whether or not it has ended by chance.
    pub fn known(&self, number: usize) -> usize {
        (number + 1).saturating_sub(self.parallel.max(1))
    }

    /// The parameters of the trial of this number, counted from 0. Of `trials`, which hold those before it in
    /// order, it looks at the results of those that are [`known`](Self::known).
    ///
    /// A grid begins again when it has come to its end.
    pub fn suggest(&self, number: usize, trials: &[Seen]) -> Point {
        let known = &trials[..self.known(number).min(trials.len())];
        let running = trials.get(known.len()..).unwrap_or_default();
        match &self.sampler {
            Sampler::Grid => {
                let points = grid(&self.space).unwrap_or_default();
                let place = number.checked_rem(points.len()).unwrap_or(0);
                points.get(place).cloned().unwrap_or_default()
            }
            Sampler::Tpe(tpe) if known.len() >= tpe.startup => {
                let running: Vec<&Point> = running.iter().map(|trial| &trial.point).collect();
                tpe.suggest(self, number, known, &running)
            }
            Sampler::Random | Sampler::Tpe(_) => {
                let draw = |(name, domain): (&String, &crate::Domain)| {
                    let mut random = Random::of(self.seed, number, name);
                    (name.clone(), domain.draw(&mut random))
                };
                self.space.iter().map(draw).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Domain;

    fn study(sampler: Sampler, parallel: usize) -> Study {
        let mut space = Space::new();
        space.insert(
            "x".to_owned(),
            Domain::Float {
                low: -5.0,
                high: 5.0,
                log: false,
                step: None,
            },
        );
        space.insert(
            "n".to_owned(),
            Domain::Int {
                low: 1,
                high: 9,
                log: false,
                step: 1,
            },
        );
        space.insert(
            "c".to_owned(),
            Domain::Choice {
                values: vec![json!("a"), json!("b")],
            },
        );
        Study {
            space,
            sampler,
            goal: Goal::Min,
            seed: 3,
            parallel,
        }
    }

    fn worth(point: &Point) -> f64 {
        let number = |name: &str| point[name].as_f64().unwrap();
        number("x").powi(2) + (number("n") - 7.0).abs() + f64::from(u8::from(point["c"] == "b"))
    }

    fn seen(point: Point) -> Seen {
        let value = Some(worth(&point));
        Seen {
            point,
            value,
            curve: Vec::new(),
        }
    }

    /// Trials as they come if those that are not known yet have no value.
    fn trials(study: &Study, count: usize) -> Vec<Seen> {
        let mut trials: Vec<Seen> = Vec::new();
        for number in 0..count {
            let mut shown = trials.clone();
            for trial in &mut shown[study.known(number)..] {
                trial.value = None;
            }
            trials.push(seen(study.suggest(number, &shown)));
        }
        trials
    }

    #[test]
    fn what_runs_at_the_same_time_is_not_looked_at() {
        for parallel in [1, 2, 5] {
            let study = study(Sampler::Tpe(Tpe::default()), parallel);
            let blind = trials(&study, 40);
            // Whatever has ended by chance changes nothing.
            let mut all: Vec<Seen> = Vec::new();
            for number in 0..40 {
                all.push(seen(study.suggest(number, &all)));
            }
            assert_eq!(all, blind, "{parallel}");
        }
    }

    #[test]
    fn tpe_comes_closer_than_chance() {
        let best = |sampler: Sampler| {
            let mut bests: Vec<f64> = (0..15)
                .map(|seed| {
                    let study = Study {
                        seed,
                        ..study(sampler.clone(), 2)
                    };
                    let trials = trials(&study, 60);
                    trials[study.goal.best(&trials).unwrap()].value.unwrap()
                })
                .collect();
            bests.sort_by(f64::total_cmp);
            bests[7]
        };
        let (tpe, random) = (best(Sampler::Tpe(Tpe::default())), best(Sampler::Random));
        assert!(tpe < random / 3.0, "{tpe} {random}");
    }

    #[test]
    fn a_grid_begins_again_at_its_end() {
        let mut study = study(Sampler::Grid, 1);
        study.space.remove("x");
        assert_eq!(study.suggest(0, &[]), study.suggest(18, &[]));
        assert_eq!(
            json!(study.suggest(17, &[])).to_string(),
            r#"{"c":"b","n":9}"#
        );
    }

    #[test]
    fn the_first_of_the_best_counts_and_nan_never() {
        let trial = |value| Seen {
            point: Point::new(),
            value,
            curve: Vec::new(),
        };
        let study = study(Sampler::Random, 1);
        let trials = [Some(f64::NAN), None, Some(2.0), Some(1.0), Some(1.0)].map(trial);
        assert_eq!(study.goal.best(&trials), Some(3));
        assert_eq!(study.goal.best(&trials[..2]), None);
    }
}
