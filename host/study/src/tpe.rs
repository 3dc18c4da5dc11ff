//! The tree-structured Parzen estimator.
//!
//! J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl: *Algorithms for Hyper-Parameter Optimization*, NIPS 2011,
//! section 4: the trials are parted into the best and the others, each side's values of a parameter give a
//! density, l and g, and of some values that are drawn from l the one with the greatest l/g is tried. Each
//! parameter is treated alone. How many are the best (a tenth, at most 25), how old trials fade, and what
//! becomes of trials that were stopped, is as Optuna's documentation says of its sampler.

use serde::Serialize;
use serde_json::Value as Json;

use crate::parzen::Parzen;
use crate::random::Random;
use crate::space::{Domain, Point};
use crate::study::{Seen, Study};

/// How the estimator is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tpe {
    /// So many trials are drawn evenly before anything is estimated.
    pub startup: usize,
    /// So many values are drawn from the density of the best.
    pub candidates: usize,
}

impl Default for Tpe {
    fn default() -> Self {
        Self {
            startup: 10,
            candidates: 24,
        }
    }
}

/// The most trials that count as the best.
const MOST_BEST: usize = 25;

impl Tpe {
    /// What to try after these trials, while some others are running.
    pub(crate) fn suggest(
        &self,
        study: &Study,
        number: usize,
        known: &[Seen],
        running: &[&Point],
    ) -> Point {
        let (best, others) = part(study, known);
        // What is being tried is nothing to try again: it counts as not good until it has shown otherwise.
        let point = |&number: &usize| &known[number].point;
        let best: Vec<&Point> = best.iter().map(point).collect();
        let running = running.iter().copied();
        let others: Vec<&Point> = others.iter().map(point).chain(running).collect();
        let choose = |(name, domain): (&String, &Domain)| {
            let values = |points: &[&Point]| -> Vec<Json> {
                points
                    .iter()
                    .filter_map(|point| point.get(name).cloned())
                    .collect()
            };
            let good = Parzen::new(domain, &values(&best));
            let bad = Parzen::new(domain, &values(&others));
            let mut random = Random::of(study.seed, number, name);
            let mut chosen: Option<(Json, f64)> = None;
            for _ in 0..self.candidates.max(1) {
                let value = good.draw(&mut random);
                let score = good.log_density(&value) - bad.log_density(&value);
                if chosen.as_ref().is_none_or(|(_, highest)| score > *highest) {
                    chosen = Some((value, score));
                }
            }
            (name.clone(), chosen.map_or(Json::Null, |(value, _)| value))
        };
        study.space.iter().map(choose).collect()
    }
}

/// The numbers of the best trials and those of the others, each in the order of the trials. A trial that was
/// stopped stands behind all that were not; of two, the one that came further is the better. One that failed
/// came nowhere.
fn part(study: &Study, known: &[Seen]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..known.len()).collect();
    let last = |number: usize| known[number].curve.last().copied();
    order.sort_by(
        |&one, &other| match (known[one].value, known[other].value) {
            (Some(one), Some(other)) => study.goal.compare(one, other),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => {
                let step = |number| last(number).map(|(step, _)| step);
                let value = |number| last(number).map_or(f64::NAN, |(_, value)| value);
                let further = step(other).cmp(&step(one));
                further.then_with(|| study.goal.compare(value(one), value(other)))
            }
        },
    );
    let count = known.len().div_ceil(10).min(MOST_BEST);
    let mut others = order.split_off(count.min(order.len()));
    order.sort_unstable();
    others.sort_unstable();
    (order, others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Sampler, Space};

    #[test]
    fn a_tenth_is_the_best_and_what_was_stopped_comes_last() {
        let study = Study {
            space: Space::new(),
            sampler: Sampler::Tpe(Tpe::default()),
            goal: Goal::Max,
            seed: 0,
            parallel: 1,
        };
        let trial = |value, curve: &[(u32, f64)]| Seen {
            point: Point::new(),
            value,
            curve: curve.to_vec(),
        };
        let mut known = vec![
            trial(None, &[(1, 0.9)]),
            trial(None, &[(3, 0.1)]),
            trial(Some(0.2), &[]),
        ];
        let best = |known: &[Seen]| part(&study, known).0;
        assert_eq!(best(&known), [2]);
        known.pop();
        assert_eq!(best(&known), [1]);
        known.extend((0..19).map(|number| trial(Some(f64::from(number)), &[])));
        assert_eq!(best(&known), [18, 19, 20]);
        let many: Vec<Seen> = (0..400)
            .map(|number| trial(Some(f64::from(number)), &[]))
            .collect();
        assert_eq!(best(&many).len(), 25);
    }
}
