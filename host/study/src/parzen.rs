//! A density over the values of a parameter, from some of its values.

use serde_json::Value as Json;

use crate::random::Random;
use crate::space::Domain;

/// The density.
pub(crate) enum Parzen<'d> {
    Range(Mixture<'d>),
    Choice {
        values: &'d [Json],
        shares: Vec<f64>,
    },
}

/// Normal distributions around the values, cut off at the ends of the range, on the scale on which it is even.
pub(crate) struct Mixture<'d> {
    domain: &'d Domain,
    low: f64,
    high: f64,
    kernels: Vec<Kernel>,
}

struct Kernel {
    weight: f64,
    mean: f64,
    deviation: f64,
    /// The logarithm of its weight, all of which is in the range.
    log_weight: f64,
    log_deviation: f64,
}

impl<'d> Parzen<'d> {
    /// The density of values in the order of their trials.
    pub(crate) fn new(domain: &'d Domain, seen: &[Json]) -> Self {
        let weights = weights(seen.len());
        match domain {
            Domain::Choice { values } => {
                // Each value counts as if it had been seen once more: N p + C in the paper, p being even.
                let shares = values.iter().map(|value| {
                    let counted = seen.iter().zip(&weights).filter(|(seen, _)| *seen == value);
                    let counted: f64 = counted.map(|(_, weight)| weight).sum();
                    counted + 1.0
                });
                let shares: Vec<f64> = shares.collect();
                let total: f64 = shares.iter().sum();
                Self::Choice {
                    values,
                    shares: shares.into_iter().map(|share| share / total).collect(),
                }
            }
            _ => Self::Range(Mixture::new(domain, seen, &weights)),
        }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> Json {
        match self {
            Self::Choice { values, shares } => values[random.index(shares.iter().copied())].clone(),
            Self::Range(mixture) => mixture.draw(random),
        }
    }

    /// The logarithm of the density at a value, or of its probability if it is one of countable many.
    pub(crate) fn log_density(&self, value: &Json) -> f64 {
        match self {
            Self::Choice { values, shares } => {
                let place = values.iter().position(|known| known == value);
                place.map_or(f64::NEG_INFINITY, |place| libm::log(shares[place]))
            }
            Self::Range(mixture) => mixture.log_density(value),
        }
    }
}

/// How much the even density over all values counts, in trials.
const PRIOR: f64 = 1.0;

/// The weights of trials by age: the last 25 count in full, those before them the less the older they are.
fn weights(count: usize) -> Vec<f64> {
    const FULL: usize = 25;
    let older = count.saturating_sub(FULL);
    let lowest = 1.0 / count.max(1) as f64;
    let ramp = |place: usize| {
        if older < 2 {
            return lowest;
        }
        lowest + (1.0 - lowest) * place as f64 / (older - 1) as f64
    };
    (0..count)
        .map(|place| if place < older { ramp(place) } else { 1.0 })
        .collect()
}

impl<'d> Mixture<'d> {
    fn new(domain: &'d Domain, seen: &[Json], weights: &[f64]) -> Self {
        let (low, high) = domain.scaled();
        let width = high - low;
        let mut means: Vec<(f64, f64, bool)> = seen
            .iter()
            .zip(weights)
            .filter_map(|(value, weight)| Some((domain.scale(value)?, *weight, false)))
            .collect();
        means.push((low + width / 2.0, PRIOR, true));
        means.sort_by(|one, other| one.0.total_cmp(&other.0));
        let total: f64 = means.iter().map(|(_, weight, _)| weight).sum();
        // Kernels reach to their neighbours, but are neither wider than the range nor so narrow that nothing
        // new could come of them.
        let narrowest = width / (1.0 + means.len() as f64).min(100.0);
        let kernel = |(place, &(mean, weight, is_prior)): (usize, &(f64, f64, bool))| {
            let below = place.checked_sub(1).map_or(low, |below| means[below].0);
            let above = means.get(place + 1).map_or(high, |above| above.0);
            // The ends of the range are no neighbours.
            let reach = match (place == 0, place + 1 == means.len()) {
                (true, true) => width,
                (true, false) => above - mean,
                (false, true) => mean - below,
                (false, false) => (mean - below).max(above - mean),
            };
            let deviation = if is_prior {
                width
            } else {
                reach.clamp(narrowest, width)
            };
            let inside = normal_between(low, high, mean, deviation);
            Kernel {
                weight: weight / total,
                mean,
                deviation,
                log_weight: libm::log(weight / total) - libm::log(inside),
                log_deviation: libm::log(deviation),
            }
        };
        let kernels = means.iter().enumerate().map(kernel).collect();
        Self {
            domain,
            low,
            high,
            kernels,
        }
    }

    fn draw(&self, random: &mut Random) -> Json {
        // A mean is within the range and a deviation no wider than it, so a third of the draws hit it.
        const TRIES: usize = 1000;
        let kernel = &self.kernels[random.index(self.kernels.iter().map(|kernel| kernel.weight))];
        for _ in 0..TRIES {
            let place = kernel.mean + kernel.deviation * random.normal();
            if (self.low..=self.high).contains(&place) {
                return self.domain.unscale(place);
            }
        }
        self.domain.unscale(kernel.mean)
    }

    fn log_density(&self, value: &Json) -> f64 {
        let cell = self.domain.cell(value);
        let place = self.domain.scale(value);
        let logs: Vec<f64> = self
            .kernels
            .iter()
            .map(|kernel| {
                let Kernel {
                    mean, deviation, ..
                } = kernel;
                let log = match (cell, place) {
                    (Some((from, to)), _) => libm::log(normal_between(from, to, *mean, *deviation)),
                    (None, Some(place)) => {
                        let distance = (place - mean) / deviation;
                        -distance * distance / 2.0 - kernel.log_deviation
                    }
                    (None, None) => f64::NEG_INFINITY,
                };
                kernel.log_weight + log
            })
            .collect();
        log_sum(&logs)
    }
}

/// The logarithm of the sum of what these are the logarithms of.
fn log_sum(logs: &[f64]) -> f64 {
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return highest;
    }
    let sum: f64 = logs.iter().map(|log| libm::exp(log - highest)).sum();
    highest + libm::log(sum)
}

/// How likely a number from a normal distribution lies between two others. Taken on the side of the mean where
/// the difference of the two tails loses no digits.
fn normal_between(from: f64, to: f64, mean: f64, deviation: f64) -> f64 {
    let (from, to) = ((from - mean) / deviation, (to - mean) / deviation);
    let above = |place: f64| libm::erfc(place / std::f64::consts::SQRT_2) / 2.0;
    if from > 0.0 {
        above(from) - above(to)
    } else {
        above(-to) - above(-from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The density adds up to 1, and what is drawn follows it.
    #[track_caller]
    fn check(domain: &Domain, seen: &[Json]) {
        let parzen = Parzen::new(domain, seen);
        let (cells, values): (Vec<f64>, Vec<Json>) = match domain.values() {
            Some(values) => (vec![1.0; values.len()], values),
            None => {
                let (low, high) = domain.scaled();
                let width = (high - low) / 400.0;
                let middle = |cell: u32| domain.unscale(low + (f64::from(cell) + 0.5) * width);
                // Of a continuous range the density leaves out the constant of the normal distribution.
                let root = (std::f64::consts::TAU).sqrt();
                (vec![width / root; 400], (0..400).map(middle).collect())
            }
        };
        let share = |(width, value): (&f64, &Json)| width * parzen.log_density(value).exp();
        let total: f64 = cells.iter().zip(&values).map(share).sum();
        assert!((total - 1.0).abs() < 0.01, "{domain:?}: {total}");
        let place = |value: &Json| {
            domain
                .scale(value)
                .or(value.as_str().map(|text| text.len() as f64))
        };
        let expected: f64 = cells
            .iter()
            .zip(&values)
            .map(|pair| share(pair) * place(pair.1).unwrap())
            .sum();
        let mut random = Random::of(9, 0, "x");
        let drawn: f64 = (0..20_000)
            .map(|_| place(&parzen.draw(&mut random)).unwrap())
            .sum();
        let (drawn, (low, high)) = (drawn / 20_000.0, domain.scaled());
        assert!(
            (drawn - expected).abs() < 0.02 * (high - low).max(1.0),
            "{domain:?}: {drawn} {expected}"
        );
    }

    #[test]
    fn densities_are_densities() {
        let float = Domain::Float {
            low: 0.0,
            high: 10.0,
            log: false,
            step: None,
        };
        check(&float, &[]);
        check(&float, &[json!(1.0), json!(1.5), json!(9.0)]);
        check(&float, &[json!(2.0), json!(2.0), json!(2.0)]);
        let log = Domain::Float {
            low: 1e-4,
            high: 1.0,
            log: true,
            step: None,
        };
        check(&log, &[json!(1e-3), json!(0.5)]);
        let int = Domain::Int {
            low: 1,
            high: 20,
            log: true,
            step: 1,
        };
        check(&int, &[json!(2), json!(3), json!(17)]);
        let stepped = Domain::Float {
            low: 0.5,
            high: 1.0,
            log: false,
            step: Some(0.1),
        };
        check(&stepped, &[json!(0.5), json!(0.7)]);
        let choice = Domain::Choice {
            values: vec![json!("a"), json!("bb")],
        };
        check(&choice, &[json!("bb"), json!("bb"), json!("a")]);
    }

    #[test]
    fn old_trials_fade() {
        assert_eq!(weights(3), [1.0; 3]);
        let weights = weights(27);
        assert_eq!(weights[2..], [1.0; 25]);
        assert_eq!(weights[..2], [1.0 / 27.0, 1.0]);
    }
}
