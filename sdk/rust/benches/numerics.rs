//! Nanoseconds a value of the exact sums, the quantiles and the elementary functions.
//!
//! `cargo bench -p trueline-sdk` prints the best of several rounds, for a column of 65,536 values
//! that stays in the cache, beside the plain loop or the platform's function that each replaces.
#![expect(
    clippy::print_stdout,
    reason = "the numbers are what a benchmark is for"
)]

use std::{hint::black_box, time::Instant};

use trueline_sdk::{
    exact_sum::{ExactMoments, ExactSum},
    math,
    quantiles::{QuantileRefiner, QuantileSketch},
};

const VALUES: usize = 1 << 16;
const ROUNDS: usize = 20;

fn measure(name: &str, mut work: impl FnMut()) {
    let seconds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    println!("{name:36} {:8.2} ns", best / VALUES as f64 * 1e9);
}

/// Numbers between 0 and 1000, the same ones always.
fn column() -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 11) as f64 / (1u64 << 53) as f64 * 1000.0
    };
    (0..VALUES).map(|_| next()).collect()
}

fn main() {
    let column = column();
    let values = || black_box(column.as_slice());
    let mut results = vec![0.0; VALUES];

    measure("sum, plain loop", || {
        black_box(values().iter().sum::<f64>());
    });
    measure("ExactSum::add_slice", || {
        let mut sum = ExactSum::new();
        sum.add_slice(values());
        black_box(sum.value());
    });
    measure("ExactSum::add_squares", || {
        let mut sum = ExactSum::new();
        sum.add_squares(values());
        black_box(sum.value());
    });
    measure("ExactMoments::add_slice", || {
        let mut moments = ExactMoments::new();
        moments.add_slice(values());
        black_box(moments.variance());
    });
    measure("QuantileSketch::add_slice", || {
        let mut sketch = QuantileSketch::new();
        sketch.add_slice(values());
        black_box(sketch.quantile(0.5));
    });
    measure("QuantileRefiner, four passes", || {
        let mut refiner = QuantileRefiner::new(&[0.25, 0.5, 0.75]).expect("these are quantiles");
        for _ in 0..QuantileRefiner::PASSES {
            refiner.add_slice(values());
            refiner.advance().expect("every pass sees the same values");
        }
        black_box(refiner.results());
    });

    for (name, slices, platform) in [
        (
            "exp",
            math::exp_slice as fn(&[f64], &mut [f64]),
            f64::exp as fn(f64) -> f64,
        ),
        ("ln", math::ln_slice, f64::ln),
        ("log1p", math::log1p_slice, f64::ln_1p),
    ] {
        measure(&format!("{name}, the platform's"), || {
            for (result, value) in results.iter_mut().zip(values()) {
                *result = platform(*value);
            }
        });
        measure(&format!("{name}_slice"), || slices(values(), &mut results));
    }
    let margins: Vec<f32> = (0..VALUES)
        .map(|index| (index % 64) as f32 / 8.0 - 4.0)
        .collect();
    let mut singles = vec![0.0f32; VALUES];
    measure("sigmoid of f32", || {
        for (result, margin) in singles.iter_mut().zip(black_box(&margins)) {
            *result = math::sigmoid(*margin);
        }
    });
    black_box((results, singles));
}
