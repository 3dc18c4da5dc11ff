//! Intervals by the Poisson bootstrap, the same in any order of rows and on any number of instances.
//!
//! A bootstrap sample of n rows takes each row a number of times that is close to a Poisson number of
//! mean 1 (Chamandy, Muralidharan, Najmi and Naidu, *Estimating uncertainty for massive data streams*,
//! 2012). Here this number is a function of the seed, the sample, the content of the row and which one of
//! the equal rows it is. Equal rows so count independently, and nothing depends on where a row stands.
//! In a ranking whole groups are taken, keyed by their name.

use trueline_sdk::hash::mix;
use trueline_sdk::quantiles::OrderStatistics;

use crate::params::Bootstrap;

/// What is drawn as one: a distinct row, or a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// Decides what is drawn.
    pub(crate) hash: u64,
    /// How many equal ones there are.
    pub(crate) rows: u64,
    /// What each counts.
    pub(crate) weight: f64,
}

/// The bounds of a metric.
pub(crate) type Interval = [f64; 2];

/// The interval of each metric that `measure` computes of the units' total weights.
pub(crate) fn intervals(
    bootstrap: Bootstrap,
    seed: u64,
    units: &[Unit],
    measure: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<Interval> {
    let mut drawn: Vec<Vec<f64>> = Vec::new();
    let mut weights = vec![0.0; units.len()];
    for sample in 0..bootstrap.samples {
        let key = mix(mix(seed) ^ u64::from(sample));
        for (weight, unit) in weights.iter_mut().zip(units) {
            *weight = unit.weight * draws(key ^ unit.hash, unit.rows) as f64;
        }
        let measured = measure(&weights);
        drawn.resize_with(measured.len(), Vec::new);
        for (values, value) in drawn.iter_mut().zip(measured) {
            // In some samples a metric may not be defined, such as the AUC of one class.
            values.extend(Some(value).filter(|value| !value.is_nan()));
        }
    }
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    drawn
        .into_iter()
        .map(|mut values| {
            values.sort_unstable_by(f64::total_cmp);
            [quantile(&values, tail), quantile(&values, 1.0 - tail)]
        })
        .collect()
}

/// How often so many equal rows are taken in all.
fn draws(key: u64, rows: u64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    (0..rows)
        .map(|row| poisson(mix(key.wrapping_add(row.wrapping_mul(STEP)))))
        .sum()
}

/// A Poisson number of mean 1 from a random number, by inversion.
fn poisson(random: u64) -> u64 {
    let below = CUMULATIVE.iter().position(|&bound| random < bound);
    below.unwrap_or(CUMULATIVE.len()) as u64
}

/// 2^64 times the probability of at most 0, 1, 2, …
const CUMULATIVE: [u64; 16] = [
    0x5e2d_58d8_b3bc_df1a,
    0xbc5a_b1b1_6779_be35,
    0xeb71_5e1d_c158_2dc2,
    0xfb23_9797_34a2_52f1,
    0xff10_25f5_9174_dc3d,
    0xffd9_0f3b_a405_5e19,
    0xfffa_8b71_fc72_c913,
    0xffff_540c_0914_b3c9,
    0xffff_ed1f_4aa8_f120,
    0xffff_fe21_6e64_1462,
    0xffff_ffd4_d85d_3183,
    0xffff_fffc_6da2_62b4,
    0xffff_ffff_ba12_d178,
    0xffff_ffff_fb07_c64c,
    0xffff_ffff_ffab_8ea5,
    0xffff_ffff_fffa_be22,
];

/// By linear interpolation, as `numpy.quantile`; NaN of nothing.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let statistics = OrderStatistics::at(q, sorted.len(), |rank| sorted[rank]);
    statistics.map_or(f64::NAN, |statistics| statistics.linear())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_mean_and_variance_1() {
        let draws: Vec<f64> = (0..100_000_u64).map(|i| draws(mix(i), 1) as f64).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        assert_eq!(poisson(u64::MAX), 16);
        assert_eq!(poisson(0), 0);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0], 0.975), 1.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
