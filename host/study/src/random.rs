//! Pseudo-random numbers that follow from names: each parameter of each trial has a stream of its own.

use trueline_table::Digest;

use crate::SplitMix64;

/// The numbers of one parameter in one trial.
#[derive(Clone, Debug)]
pub(crate) struct Random(SplitMix64);

impl Random {
    /// The stream of a parameter in a trial.
    pub(crate) fn of(seed: u64, trial: usize, parameter: &str) -> Self {
        let digest =
            Digest::of(format!("trueline study 1\n{seed}\n{trial}\n{parameter}").as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        Self(SplitMix64::new(u64::from_be_bytes(first)))
    }

    /// A number from 0 to 1, 1 excluded, all of 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.bits() >> 11) as f64 * STEP
    }

    /// A number from the normal distribution (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        // From 0 excluded to 1 included, so that the logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// The index of a weight, drawn in proportion to it.
    pub(crate) fn index(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.uniform() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
            last = index;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        let mut random = Random::of(42, 3, "max_depth");
        let first = [random.uniform(), random.uniform()];
        assert_eq!(first, [0.0268963078908675, 0.6776265240513156]);
    }

    #[test]
    fn streams_are_uniform_and_normal() {
        let draws = |draw: fn(&mut Random) -> f64| -> Vec<f64> {
            (0..20_000)
                .map(|trial| draw(&mut Random::of(1, trial, "x")))
                .collect()
        };
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|value| (value - mean).powi(2));
            (mean, square.sum::<f64>() / values.len() as f64)
        };
        let (mean, variance) = moments(&draws(Random::uniform));
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.002);
        let (mean, variance) = moments(&draws(Random::normal));
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
    }
}
